"""The values of a report, with their units; every format of the report shows the same values."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, get_args

from textzoo.common.files import in_json

SCHEMA_VERSION = 2
# What the figures of a benchmark count by: the token of a language model, the inference of a plain graph.
TOKEN, INFERENCE = "token", "inference"


def quantity(unit: str, digits: int = 0, default: Any = dataclasses.MISSING) -> Any:
    """Return a field of a report with its unit and the number of decimals to show."""
    return field(default=default, metadata={"unit": unit, "digits": digits})


class Range(NamedTuple):
    """A figure with its error bars: the lower and the upper end."""

    low: float
    high: float


def worded(text: str, per: str | None) -> str:
    """Return a text about tokens and logits in the words of a plain graph, where figures are those of one."""
    return text.replace("token", INFERENCE).replace("logits", "outputs") if per == INFERENCE else text


@dataclass
class ModelReport:
    name: str = quantity("")
    parameters: int = quantity("weights")
    vocabulary_size: int = quantity("tokens")
    context_length: int = quantity("tokens")


@dataclass
class TrainingReport:
    steps: int = quantity("steps")
    tokens: int = quantity("tokens")
    seconds: float = quantity("s", 1)
    tokens_per_second: float = quantity("tokens/s")
    best_validation_loss_nats: float = quantity("nats/token", 4)
    best_step: int = quantity("steps")
    stopped_early: bool = quantity("")
    data_sha256: str = quantity("")


@dataclass
class QuantizationReport:
    recipe: str = quantity("")
    file_bytes: int = quantity("bytes")
    float_file_bytes: int = quantity("bytes")
    seconds: float = quantity("s", 1)
    forward_file_bytes: int | None = quantity("bytes", default=None)


@dataclass
class EvaluationReport:
    """One model on one engine; delta_loss_nats is the difference to the float model, if there is one.

    For a mixture, `corpus` is "all" or one of its sources; otherwise it is absent.
    """

    model: str = quantity("")
    engine: str = quantity("")
    tokens: int = quantity("tokens")
    loss_nats: float = quantity("nats/token", 4)
    bits_per_character: float = quantity("bits/character", 4)
    perplexity: float = quantity("", 3)
    top1_accuracy: float = quantity("", 3)
    top5_accuracy: float = quantity("", 3)
    seconds: float = quantity("s", 1)
    delta_loss_nats: float | None = quantity("nats/token", 4, None)
    corpus: str | None = quantity("", 0, None)


@dataclass
class CommandReport:
    """How well a model on an engine understands commands, with so many typing mistakes in each sentence.

    Attributes:
        valid_json: Share of the answers that are the JSON of an intent and slots.
        exact_match: Share of the sentences whose intent and slots are all right.
        slot_f1: Of (name, value), over all sentences.
        false_accepts: Share of the sentences that are no command, and were taken for one.
    """

    model: str = quantity("")
    engine: str = quantity("")
    typos: int = quantity("")
    sentences: int = quantity("")
    intent_accuracy: float = quantity("", 4)
    exact_match: float = quantity("", 4)
    slot_f1: float = quantity("", 4)
    valid_json: float = quantity("", 4)
    seconds: float = quantity("s", 1)
    false_accepts: float | None = quantity("", 4, None)


@dataclass
class BaselineReport:
    """What a user would take instead of a model, on the same held-out text (textzoo.baselines.comparison).

    `against` is the model whose size an n-gram model has. What it needs no figure for, and what was not measured, is
    absent; `how` says why. `without_windows`: of an n-gram model that looks back beyond the model's window.
    """

    baseline: str = quantity("")
    bits_per_character: float | None = quantity("bits/character", 4, None)
    how: str = quantity("", default="")
    against: str | None = quantity("", 0, None)
    file_bytes: int | None = quantity("bytes", 0, None)
    without_windows: float | None = quantity("bits/character", 4, None)


@dataclass
class SampleReport:
    model: str = quantity("")
    engine: str = quantity("")
    prompt: str = quantity("")
    text: str = quantity("")
    tokens: int = quantity("tokens")
    temperature: float = quantity("", 2)
    top_k: int = quantity("tokens")
    seed: int = quantity("")
    seconds: float = quantity("s", 2)


@dataclass
class FlashBytes:
    """Flash of an image, from the ELF; `available` is the size of the board's flash."""

    weights: int = quantity("bytes")
    code: int = quantity("bytes")
    constants: int = quantity("bytes")
    total: int = quantity("bytes")
    available: int | None = quantity("bytes", 0, None)


@dataclass
class RamBytes:
    """RAM of an image; the stack is measured by its high-water mark; `available` is the size of the board's RAM."""

    state: int = quantity("bytes")
    arena: int = quantity("bytes")
    application: int = quantity("bytes")
    stack: int = quantity("bytes")
    total: int = quantity("bytes")
    available: int | None = quantity("bytes", 0, None)


@dataclass(kw_only=True)
class Projection:
    """What a token takes on the board, not measured: by the cycle model, or by an assumed constant.

    Attributes:
        core_cycles: Of the core, without waiting for memories; absent where cycles are assumed, as all below.
        core_error_percent: How far they may be off.
        cycles: With memories.
        stall_cycles: Those of them in which the core waits for memories.
        error_percent: How far `cycles` may be off.
        basis: What was modelled or assumed.
        by_kind, stalls_by_kind: Of `cycles` and `stall_cycles`, those of each operator.
        by_position: `cycles` at each position.
    """

    clock_hz: int = quantity("Hz")
    core_cycles: int | None = quantity("cycles", 0, None)
    core_error_percent: float | None = quantity("percent", 0, None)
    cycles: int = quantity("cycles")
    stall_cycles: int | None = quantity("cycles", 0, None)
    error_percent: float = quantity("percent")
    tokens_per_second: Range = quantity("tokens/s", 1)
    basis: str = quantity("")
    by_kind: dict[str, int] | None = quantity("cycles", 0, None)
    stalls_by_kind: dict[str, int] | None = quantity("stall cycles", 0, None)
    by_position: list[int] | None = quantity("cycles", 0, None)


@dataclass
class BenchmarkReport:
    """The cost of a token; instructions are exact counts of the emulator and absent on a real board.

    `cycles_per_token` and `tokens_per_second` are measured; `projected` are those of the emulated board.
    `per` is "inference" where the figures are those of a plain graph: in every format of the report they have names
    with that word then, and what is compared are outputs (see `worded`).
    `instructions_overlapping` is the part that two cores execute in parallel; the rest is the critical path.
    `copied_bytes` are weights that each memory holds copies of, in addition to `ram_bytes`.
    `grammar_bytes` is the table of the grammar, a part of the constants in flash; `grammar_ram_bytes` is the place in
    one of its texts, with the input of a grammar that copies from it, a part of `ram_bytes`.
    """

    board: str = quantity("")
    measured_by: str = quantity("")
    machine: str = quantity("")
    tokens_checked: int = quantity("tokens")
    mismatching_logits: int = quantity("logits")
    macs_per_token: int = quantity("multiplications")
    instructions_per_token: int | None = quantity("instructions", 0, None)
    instructions_smallest: int | None = quantity("instructions", 0, None)
    instructions_largest: int | None = quantity("instructions", 0, None)
    instructions_overlapping: int | None = quantity("instructions", 0, None)
    instructions_per_mac: float | None = quantity("instructions", 3, None)
    cycles_per_token: int | None = quantity("cycles", 0, None)
    tokens_per_second: float | None = quantity("tokens/s", 1, None)
    same_text: bool | None = quantity("", 0, None)
    flash_bytes: FlashBytes | None = quantity("", 0, None)
    ram_bytes: RamBytes | None = quantity("", 0, None)
    copied_bytes: dict[str, int] | None = quantity("bytes", 0, None)
    grammar_bytes: int | None = quantity("bytes", 0, None)
    grammar_ram_bytes: int | None = quantity("bytes", 0, None)
    projected: Projection | None = quantity("", 0, None)
    by_kind: dict[str, int] | None = quantity("instructions", 0, None)
    by_position: list[int] | None = quantity("instructions", 0, None)
    per: str | None = quantity("", 0, None)

    def worded(self, text: str) -> str:
        return worded(text, self.per)


# How a figure of a runtime came about: by running or linking it; by a model of hardware or by a vendor's tool that ran
# nothing; from an assumed constant; by counting in the file.
MEASURED, MODELLED, ASSUMED, COUNTED = BASES = "measured", "modelled", "assumed", "counted"


@dataclass
class RuntimeReport:
    """What a runtime needs for one token, or for one inference of a plain graph: ST's beside TextZoo's.

    `macs` are the multiplications that TextZoo's compiler counts in the file, `vendor_macs` those that ST counts, among
    them what multiplies nothing. `validation` is ST's own comparison of its C code with the model.
    `checked` tokens or inferences were compared with LiteRT's reference kernels, and `mismatching` numbers differ.
    `basis` says of each figure how it came about, by a word of BASES.
    """

    runtime: str = quantity("")
    machine: str = quantity("")
    total_flash_bytes: int | None = quantity("bytes", 0, None)
    total_ram_bytes: int | None = quantity("bytes", 0, None)
    macs: int | None = quantity("multiplications", 0, None)
    vendor_macs: int | None = quantity("multiplications", 0, None)
    cycles: int | None = quantity("cycles", 0, None)
    latency_ms: float | None = quantity("ms", 3, None)
    instructions: int | None = quantity("instructions", 0, None)
    checked: int | None = quantity("", 0, None)
    mismatching: int | None = quantity("", 0, None)
    validation: str | None = quantity("", default=None)
    basis: dict[str, str] | None = quantity("", default=None)


@dataclass
class PassReport:
    """Sizes before and after a pass of the compiler."""

    text: str = quantity("")
    statements_before: int = quantity("statements")
    statements_after: int = quantity("statements")
    arena_bytes_before: int = quantity("bytes")
    arena_bytes_after: int = quantity("bytes")
    constant_bytes_before: int = quantity("bytes")
    constant_bytes_after: int = quantity("bytes")


@dataclass
class DeploymentReport:
    c_project: str = quantity("")
    target: str = quantity("")
    model_sha256: str = quantity("")
    state_bytes: int = quantity("bytes")
    arena_bytes: int = quantity("bytes")
    constant_bytes: int = quantity("bytes")
    passes: list[PassReport] | None = quantity("", 0, None)
    copied_bytes: dict[str, int] | None = quantity("bytes", 0, None)
    grammar_bytes: int | None = quantity("bytes", 0, None)
    grammar_ram_bytes: int | None = quantity("bytes", 0, None)


@dataclass
class FlashReport:
    """A board that was written by the command line `command` of `tool`.

    `greeting` is the first line that it said at its start, if it was heard, and `text` what it answered to the prompt.
    """

    tool: str = quantity("")
    command: str = quantity("")
    port: str = quantity("")
    model_sha256: str = quantity("")
    text: str = quantity("")
    greeting: str | None = quantity("", 0, None)


@dataclass
class PublicationReport:
    """The folder publish/ of a run, and where it was uploaded to, if it was."""

    folder: str = quantity("")
    files: int = quantity("files")
    file_bytes: int = quantity("bytes")
    uploaded: bool = quantity("")
    repository: str | None = quantity("", 0, None)
    commit: str | None = quantity("", 0, None)


@dataclass
class Skipped:
    what: str = quantity("")
    why: str = quantity("")


@dataclass
class Report:
    """The results of a run or of one of its services. Sections of services that did not run stay empty."""

    model: ModelReport | None = None
    training: TrainingReport | None = None
    quantization: QuantizationReport | None = None
    evaluation: list[EvaluationReport] = field(default_factory=list)
    baselines: list[BaselineReport] = field(default_factory=list)
    commands: list[CommandReport] = field(default_factory=list)
    benchmark: BenchmarkReport | None = None
    runtimes: list[RuntimeReport] = field(default_factory=list)
    deployment: DeploymentReport | None = None
    flashed: FlashReport | None = None
    publication: PublicationReport | None = None
    samples: list[SampleReport] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def merge(self, other: "Report") -> None:
        """Merge another report's sections into this one; in lists, later rows replace those with the same SAME_ROW."""
        for entry in dataclasses.fields(self):
            value = getattr(other, entry.name)
            if entry.name in SAME_ROW:
                setattr(self, entry.name, merged_rows(getattr(self, entry.name), value, SAME_ROW[entry.name]))
            elif value is not None:
                setattr(self, entry.name, value)

    def to_dict(self) -> dict[str, Any]:
        """Return the present sections as JSON values; NaN and infinity become "nan", "inf" and "-inf"."""
        values = prune(dataclasses.asdict(self))
        if self.benchmark:
            values["benchmark"] = renamed(values["benchmark"], self.benchmark.worded)
        return in_json(values)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Report":
        """Return the report of values from `to_dict`."""
        report = cls()
        for name, kind in SECTIONS.items():
            if name in values:
                setattr(report, name, rebuilt(kind, with_names_of_fields(values[name])))
        return report


def renamed(values: Any, words: Callable[[str], str]) -> Any:
    """Return nested values with other keys; those of operators have capitals, which no word has."""
    return {words(key): renamed(value, words) for key, value in values.items()} if isinstance(values, dict) else values


def with_names_of_fields(values: Any) -> Any:
    """Return a benchmark's values with the keys that tell of tokens; others as they are."""
    if not isinstance(values, dict) or values.get("per") != INFERENCE:
        return values
    return renamed(values, lambda key: key.replace(INFERENCE, TOKEN).replace("outputs", "logits"))


SECTIONS = {
    "model": ModelReport,
    "training": TrainingReport,
    "quantization": QuantizationReport,
    "evaluation": EvaluationReport,
    "commands": CommandReport,
    "baselines": BaselineReport,
    "benchmark": BenchmarkReport,
    "runtimes": RuntimeReport,
    "deployment": DeploymentReport,
    "flashed": FlashReport,
    "publication": PublicationReport,
    "samples": SampleReport,
    "skipped": Skipped,
}


# Fields that identify a row of a list: the same model, measured in the same way.
SAME_ROW = {
    "evaluation": ("model", "engine", "corpus"),
    "commands": ("model", "engine", "typos"),
    "baselines": ("baseline", "against"),
    "runtimes": ("runtime", "machine"),
    "samples": ("model", "engine", "prompt", "temperature", "top_k", "seed"),
    "skipped": ("what", "why"),
}


def merged_rows(earlier: list[Any], later: list[Any], names: tuple[str, ...]) -> list[Any]:
    """Return the earlier rows, replaced by later ones with the same values of `names`, then the new rows."""
    rows = {tuple(getattr(row, name) for name in names): row for row in (*earlier, *later)}
    return list(rows.values())


# Nested sections, or lists of them, by the name of their field.
NESTED = {"flash_bytes": FlashBytes, "ram_bytes": RamBytes, "projected": Projection, "passes": PassReport}


def rebuilt(kind: type, row: Any) -> Any:
    """Return a section, or a list of sections, of these values, including nested sections."""
    if isinstance(row, list):
        return [rebuilt(kind, part) for part in row]
    types = {entry.name: entry.type for entry in dataclasses.fields(kind)}
    return kind(**{name: rebuilt_value(name, value, types.get(name)) for name, value in row.items()})


def rebuilt_value(name: str, value: Any, kind: Any) -> Any:
    """Return a field's value: a nested section, a range, or a float that is a string in JSON (NaN, infinity)."""
    if name in NESTED:
        return rebuilt(NESTED[name], value)
    if kind is Range:
        return Range(*map(float, value))
    return float(value) if isinstance(value, str) and float in (kind, *get_args(kind)) else value


def prune(value: Any) -> Any:
    """Drop None and empty lists from nested dicts."""
    if isinstance(value, dict):
        return {key: prune(item) for key, item in value.items() if item is not None and item != []}
    return [prune(item) for item in value] if isinstance(value, list) else value


@dataclass
class RunSummary:
    """The head of report.json: what ran, where, and how it ended (FINISHED, FAILED or KILLED)."""

    operation_mode: str
    status: str
    run_dir: str
    mlflow_run_id: str
