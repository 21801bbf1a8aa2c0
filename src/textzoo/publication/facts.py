"""What is known of a model: from the run that made it, or from the card of a pretrained model; and what is not.

Figures are taken only where they are of the very files that are published, which their hashes tell. Nothing is assumed:
what is missing becomes a sentence of the card.
"""

import contextlib
import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.files import file_digest
from textzoo.common.untrusted_json import read_json_object
from textzoo.config import pretrained
from textzoo.config.chains import MODEL_FILES
from textzoo.publication.files import FLOAT, PRETRAINED, RUN, ModelFiles
from textzoo.quantizers.recipes import RECIPES
from textzoo.records.ledger import FinishedStep, ingredient, number_of
from textzoo.records.report import BaselineReport, Report
from textzoo.records.report.rows import end_text
from textzoo.records.workspace import Workspace

KERAS, REFERENCE = "keras", "litert_ref"
MAX_BENCHMARK_BYTES = 1 << 20
SHORT_NAMES = {recipe.short_name: name for name, recipe in RECIPES.items()}
NO_LOSS = "operation_mode=evaluation general.resume=<the run's folder> measures it"


@dataclass(frozen=True)
class Loss:
    """The loss of one of the files over held-out text.

    Attributes:
        recipe: FLOAT, or the recipe of a decode step.
        engine: What computed it.
        bits_per_character: And in nats per token.
        tokens: Number of tokens that it is the mean of.
    """

    recipe: str
    engine: str
    bits_per_character: float
    loss_nats: float
    tokens: int


@dataclass(frozen=True)
class BoardCost:
    """What a decode step costs on a board.

    Attributes:
        cost: Of a token, with its unit: "490,053 instructions".
        projected: Cycles of a token and tokens per second, which were not measured; "" where there are none.
        flash_bytes: Of the whole image; None where it was not measured. The same of RAM.
        mismatching_logits: Of all logits of `tokens_checked` tokens, those that differ from LiteRT's.
        machine: What measured it; "" for a pretrained model's emulators.
    """

    recipe: str
    board: str
    cost: str
    flash_bytes: int | None
    ram_bytes: int | None
    mismatching_logits: int
    tokens_checked: int
    machine: str = ""
    projected: str = ""


@dataclass
class Facts:
    """What is known of a model.

    Attributes:
        model: Of name, parameters, vocabulary_size and context_length those that are known.
        training: Of steps, tokens and data_sha256 those that are known.
        experiment: The option of the group `experiment` that trained it; "" where it was none, or it is unknown.
        baselines: What would do without the model, on the same text.
        earlier: The report of the run's earlier steps, which describe these files.
        steps: The run's steps that describe these files, e.g. "1_training", "2_quantization".
        refused: Sentences about boards that do not take a decode step.
        unknown: Sentences about what is not known.
    """

    model: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)
    boards: list[BoardCost] = field(default_factory=list)
    baselines: list[BaselineReport] = field(default_factory=list)
    experiment: str = ""
    earlier: Report = field(default_factory=Report)
    steps: tuple[str, ...] = ()
    refused: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def facts_of(files: ModelFiles, workspace: Workspace) -> Facts:
    """Return what is known of a model's files."""
    facts = Facts()
    if files.origin == PRETRAINED:
        add_card(facts, pretrained.card(files.pretrained_name))
    if files.origin == RUN:
        add_run(facts, files, workspace)
    boards = {(row.recipe, row.board): row for row in (*facts.boards, *measured_boards(files, workspace))}
    facts.boards = list(boards.values())
    facts.unknown += what_is_unknown(facts, files)
    return facts


def add_card(facts: Facts, card: dict[str, Any]) -> None:
    """Add what the card of a pretrained model says."""
    facts.model = dict(card["model"])
    facts.training = {"steps": card["steps"], "seed": card["seed"]}
    facts.experiment = card["experiment"]
    facts.losses = [loss_of(recipe, values, "") for recipe, values in card["losses"].items()]
    facts.baselines = [BaselineReport(**row) for row in card.get("baselines", {}).get("rows", [])]
    for recipe, boards in card["boards"].items():
        for board, values in boards.items():
            refused = values.get("refused")
            facts.refused += [f"{board} does not take {recipe}: {refused}"] if refused else []
            facts.boards += [] if refused else [pretrained_cost(recipe, board, values)]


def loss_of(recipe: str, values: dict[str, Any], engine: str) -> Loss:
    engine = engine or (KERAS if recipe == FLOAT else REFERENCE)
    return Loss(recipe, engine, values["bits_per_character"], values["loss_nats"], values["tokens"])


def pretrained_cost(recipe: str, board: str, values: dict[str, Any]) -> BoardCost:
    sizes = values["flash_bytes"], values["ram_bytes"]
    cost = f"{values['instructions_per_token']:,} instructions"
    exact = values["mismatching_logits"], values["tokens_checked"]
    return BoardCost(recipe, board, cost, *sizes, *exact, projected=projected_text(values.get("projected")))


def projected_text(section: Any) -> str:
    """Return cycles and tokens per second of a report's projection, which may be of any form; "" if it lacks one."""
    numbers = known(section, "cycles", "error_percent", "core_cycles")
    speeds = section.get("tokens_per_second") if numbers else None
    ends = known(dict(zip(("low", "high"), speeds, strict=False)), "low", "high") if isinstance(speeds, list) else {}
    if not {"cycles", "error_percent"} <= {*numbers} or len(ends) < 2:
        return ""
    assumed = "" if "core_cycles" in numbers else ", assumed"
    cycles = f"{numbers['cycles']:,} cycles (±{numbers['error_percent']:g} %{assumed})"
    return f"{cycles}, {end_text(ends['low'])} to {end_text(ends['high'])} tokens/s"


def add_run(facts: Facts, files: ModelFiles, workspace: Workspace) -> None:
    """Add what the ledger of a run says of steps whose files are still there, unchanged."""
    rows = sorted(workspace.ledger().rows.items(), key=lambda item: number_of(item[0]))
    kinds = {name: name.partition("_")[2] for name, _ in rows}
    believed = [(name, row) for name, row in rows if kinds[name] != "publish" and describes_the_files(row, workspace)]
    facts.steps = tuple(name for name, _ in believed)
    losses: dict[tuple[str, str], Loss] = {}
    for name, row in believed:
        with contextlib.suppress(TypeError, KeyError, AttributeError, ValueError):  # of another version
            report = Report.from_dict(row.report)
            report.publication = None
            facts.earlier.merge(report)
        if kinds[name] == "evaluation" and not {*row.made_from.get("contents", {})} & {*MODEL_FILES}:
            losses |= {(loss.recipe, loss.engine): loss for loss in evaluated(row.report.get("evaluation"), files)}
        facts.model |= known(row.report.get("model"), "parameters", "vocabulary_size", "context_length")
        facts.training |= known(row.report.get("training"), "steps", "tokens")
        facts.training |= {"data_sha256": digest} if (digest := data_hash(row.report)) else {}
    facts.losses = list(losses.values())


def describes_the_files(row: FinishedStep, workspace: Workspace) -> bool:
    """Return whether the files that a step wrote, and those of the run that it read, are there and unchanged."""
    if workspace.missing(row):
        return False
    return all(
        workspace.path(name).is_file() and ingredient(file_digest(workspace.path(name)))[0] == digest
        for name, (digest, _) in row.made_from.get("files", {}).items()
        if name.startswith("models/")
    )


def data_hash(report: dict[str, Any]) -> str:
    training = report.get("training")
    digest = training.get("data_sha256") if isinstance(training, dict) else ""
    return digest if isinstance(digest, str) and pretrained.DIGEST.fullmatch(digest) else ""


def evaluated(rows: Any, files: ModelFiles) -> Iterator[Loss]:
    """Yield the losses of an evaluation over the whole corpus, of the files that are published."""
    for row in rows if isinstance(rows, list) else []:
        if not isinstance(row, dict) or row.get("corpus") not in (None, "all"):
            continue
        label = row.get("model")
        recipe = SHORT_NAMES.get(label, label) if isinstance(label, str) else ""
        values = known(row, "bits_per_character", "loss_nats", "tokens")
        if len(values) == 3 and (recipe in files.decode_steps or (recipe == FLOAT and files.float_model)):
            yield loss_of(recipe, values, str(row.get("engine", ""))[:40])


def known(section: Any, *names: str) -> dict[str, Any]:
    """Return the finite numbers of these names in a section of a report, which may be of any form."""
    values = section if isinstance(section, dict) else {}
    numbers = {name: values[name] for name in names if type(values.get(name)) in (int, float)}
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def measured_boards(files: ModelFiles, workspace: Workspace) -> Iterator[BoardCost]:
    """Yield the costs on the boards that the run's folder has figures of, if they are of these files."""
    recipes = files.recipes_by_hash()
    for path in workspace.files("benchmark"):
        with contextlib.suppress(UserError):  # damaged
            values = read_json_object(path, MAX_BENCHMARK_BYTES)
            recipe = recipes.get(str(values.get("model_sha256")))
            if recipe and (row := board_cost(recipe, path, values)):
                yield row


def board_cost(recipe: str, path: Path, values: dict[str, Any]) -> BoardCost | None:
    """Return the figures of a benchmark; None where the ones that count are missing."""
    numbers = known(values, "mismatching_logits", "tokens_checked", "instructions_per_token", "cycles_per_token")
    unit = next((unit for unit in ("instructions", "cycles") if f"{unit}_per_token" in numbers), None)
    if unit is None or not {"mismatching_logits", "tokens_checked"} <= {*numbers}:
        return None
    flash, ram = (known(values.get(f"{memory}_bytes"), "total").get("total") for memory in ("flash", "ram"))
    cost = f"{numbers[f'{unit}_per_token']:,} {unit}"
    differ, checked = numbers["mismatching_logits"], numbers["tokens_checked"]
    machine, projected = str(values.get("machine", ""))[:80], projected_text(values.get("projected"))
    return BoardCost(recipe, path.stem, cost, flash, ram, differ, checked, machine, projected)


def what_is_unknown(facts: Facts, files: ModelFiles) -> Iterator[str]:
    """Yield a sentence on everything that a reader would look for and that is not known."""
    measured = {loss.recipe for loss in facts.losses}
    names = [*([FLOAT] if files.float_model else []), *files.decode_steps]
    if missing := [name for name in names if name not in measured]:
        yield f"The loss of {', '.join(missing)} is not given: it was not measured ({NO_LOSS})."
    if files.float_model is None:
        yield "The float model is not published: it was not given."
    if not facts.boards:
        yield "Costs on boards are not given: none was measured (operation_mode=benchmarking board=... does)."
    if "parameters" not in facts.model:
        yield "The number of parameters is not given: no report says it."
    if not facts.training:
        yield "How long it was trained is not given: no report says it."


def with_sizes(facts: Facts, vocabulary_size: int, context_length: int) -> Facts:
    """Return the facts with the sizes that the decode step itself has."""
    sizes = {"vocabulary_size": vocabulary_size, "context_length": context_length}
    return dataclasses.replace(facts, model={**facts.model, **sizes})
