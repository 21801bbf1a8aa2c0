"""Judges graphs: each is compiled, built as C and run beside LiteRT; outputs and states are compared at every step."""

import re
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

import numpy as np
from graph_benches import Bench, RefusedByCompilerError, StoppedError, compile_model, link, run_program
from graph_cases import GraphCase, Named, Step, draw_steps, run_litert
from running import bits

from textzoo.common.errors import UserError
from textzoo.compiler.compile import CompiledModel, compile_bytes
from textzoo.compiler.packing.choice import BALANCED


class Verdict(StrEnum):
    """What came of a graph."""

    EQUAL = "equal"
    MISMATCH = "mismatch"
    STOPPED = "the program stops"
    UNCOMPILABLE = "the C does not compile"
    REFUSED = "refused"
    CRASH = "the compiler fails"
    NOT_IN_LITERT = "LiteRT refuses"
    NOT_HERE = "not on this bench"


RUNS_LITERT, COMPILES = "LiteRT", "the compiler"
# Faults, unless they are explained.
FAULTS = {Verdict.MISMATCH, Verdict.STOPPED, Verdict.UNCOMPILABLE, Verdict.CRASH, Verdict.REFUSED}

# What an error says -> why the compiler cannot do what LiteRT does there.
EXPLAINED = {
    "an output scale too small or too large": "LiteRT ends the process; SUB of int16 divides by 2 to a negative power",
    "optimized kernel multiplies": "REDUCE_PROD of what is constant: the reference kernel does not compute it",
    "between two tensors is too large": "LiteRT shifts 32 bits by 31 or more, which no processor does alike",
    "between the scales of int16": "beyond LiteRT's own debug check: what leaves 32 bits loses its upper ones",
    "almost a power of two": "which of two kernels LiteRT takes hangs on the last bits of a logarithm",
}


@dataclass
class Trial:
    """A graph and how it is compiled.

    Attributes:
        case: The graph.
        seed: Of the values that it is given.
        without: Passes to leave out.
        weights: Form of the weights.
    """

    case: GraphCase
    seed: int = 0
    without: frozenset[str] = frozenset()
    weights: str = BALANCED


@dataclass
class Outcome:
    """What came of a trial.

    Attributes:
        verdict: In one word.
        detail: What was different, or what was said.
        compared: Integers compared.
    """

    verdict: Verdict
    detail: str = ""
    compared: int = 0

    @property
    def reason(self) -> str:
        """The detail without what differs from graph to graph."""
        return reason_of(self.detail)

    @property
    def is_fault(self) -> bool:
        return self.verdict in FAULTS and not any(text in self.detail for text in EXPLAINED)


def reason_of(detail: str) -> str:
    lines = [line.split(": ", 1)[-1] for line in detail.splitlines() if line.strip()]
    lines = [re.sub(r"[‘'\"][^’'\"]*[’'\"]", "...", line) for line in lines]
    return re.sub(r"-?\d+(\.\d+)?(e-?\d+)?(x\d+)*", "#", lines[0])[:200] if lines else ""


@dataclass
class Prepared:
    """A trial that has been compiled to C, and what is to come out of it."""

    steps: Sequence[Step]
    expected: list[Named]
    compiled: CompiledModel
    object: Path | None = None

    def names(self, table: str) -> list[str]:
        """The names in a table of the program, in its order."""
        return [name for name, *_ in self.compiled.context["tables"][table]]

    def bytes_of(self, number: int) -> bytes:
        """The case as run_graphs.c reads it."""
        parts = [np.array([number, len(self.steps)], "<i4").tobytes()]
        for step in self.steps:
            parts.append(np.array([step.forgets], "<i4").tobytes())
            parts += [step.values[name].tobytes() for name in self.names("model_inputs")]
        return b"".join(parts)

    def written(self) -> list[tuple[int, str]]:
        """(step, name in LiteRT) of everything that the program writes, in its order."""
        names = [*self.names("model_outputs"), *(f"new_{name}" for name in self.names("model_states"))]
        return [(step, name) for step in range(len(self.steps)) for name in names]

    def size(self) -> int:
        """Bytes that the program writes."""
        return sum(self.expected[step][name].nbytes for step, name in self.written()) + 4


def ignore(number: int, stage: str) -> None:
    """Nobody wants to know how far judging has come."""


def judge(
    trials: Sequence[Trial],
    bench: Bench,
    folder: Path,
    objects: Path,
    begins: Callable[[int, str], None] = ignore,
) -> list[Outcome]:
    """What comes of each trial; those that can be compiled become one program.

    Args:
        trials: What is judged.
        bench: Where the C runs.
        folder: For the C and the program.
        objects: For what is the same in every program of a bench.
        begins: Is told the number of a trial and what is done with it: LiteRT may end the process.
    """
    outcomes: dict[int, Outcome] = {}
    ready: dict[int, Prepared] = {}
    for number, trial in enumerate(trials):
        try:
            ready[number] = prepare(trial, bench, partial(begins, number))
            ready[number].object = compile_model(bench, ready[number].compiled, number, folder / f"graph_{number}")
        except Decided as decided:
            outcomes[number] = decided.outcome
        except RefusedByCompilerError as error:
            del ready[number]
            outcomes[number] = Outcome(Verdict.UNCOMPILABLE, first_error(str(error)))
    outcomes |= run_all(ready, bench, folder, objects)
    return [outcomes[number] for number in range(len(trials))]


class Decided(Exception):  # noqa: N818 - no error
    """What came of a trial is known before anything runs."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.detail)
        self.outcome = outcome


def first_error(text: str) -> str:
    """Of what a C compiler says; the place in the file left out."""
    lines = [line for line in text.splitlines() if "error:" in line] or text.splitlines()
    return lines[0].split("error:")[-1].strip() if lines else "no message"


def prepare(trial: Trial, bench: Bench, begins: Callable[[str], None]) -> Prepared:
    """LiteRT's results and the C; Decided where there is none of both."""
    case, content = trial.case, trial.case.content()
    if not bench.has_floats and any(tensor.dtype == "float32" for tensor in case.tensors()):
        raise Decided(Outcome(Verdict.NOT_HERE, "floats"))
    steps = draw_steps(case, np.random.default_rng(trial.seed))
    begins(RUNS_LITERT)
    try:
        expected = run_litert(case, content, steps)
    except (RuntimeError, ValueError) as error:
        raise Decided(Outcome(Verdict.NOT_IN_LITERT, str(error))) from error
    begins(COMPILES)
    prepared = Prepared(steps, expected, compiled_model(trial, bench, content))
    states = len(case.states) + len(case.variables())
    if set(prepared.names("model_inputs")) != set(case.inputs) or len(prepared.names("model_states")) != states:
        raise Decided(Outcome(Verdict.MISMATCH, "other inputs, states or outputs than the graph's"))
    return prepared


def compiled_model(trial: Trial, bench: Bench, content: bytes) -> CompiledModel:
    try:
        return compile_bytes(content, bench.target(trial.weights), without=trial.without)
    except UserError as error:
        raise Decided(Outcome(Verdict.REFUSED, error.received.strip() or error.what)) from error
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        detail = f"{type(error).__name__}: {error} in {Path(place.filename).name}, {place.name}"
        raise Decided(Outcome(Verdict.CRASH, detail)) from error


def run_all(ready: dict[int, Prepared], bench: Bench, folder: Path, objects: Path) -> dict[int, Outcome]:
    """Run all graphs as one program, or each as a program of its own where that one does not come to its end."""
    if not ready:
        return {}
    try:
        return run_together(ready, bench, folder, objects)
    except (StoppedError, RefusedByCompilerError) as error:
        if len(ready) == 1:
            return dict.fromkeys(ready, failed(error))
    alone = [run_all({number: prepared}, bench, folder, objects) for number, prepared in ready.items()]
    return {number: outcome for outcomes in alone for number, outcome in outcomes.items()}


def run_together(ready: dict[int, Prepared], bench: Bench, folder: Path, objects: Path) -> dict[int, Outcome]:
    sources = sorted({source for prepared in ready.values() for source in prepared.compiled.sources})
    models = {number: prepared.object for number, prepared in ready.items() if prepared.object}
    program = link(bench, models, sources, folder, objects)
    written = run_program(bench, program, b"".join(it.bytes_of(number) for number, it in ready.items()), folder)
    outcomes, place = {}, 0
    for number, prepared in ready.items():
        outcomes[number] = compare(prepared, written[place : place + prepared.size()])
        place += prepared.size()
    if place != len(written):
        raise StoppedError(f"results.bin has {len(written)} bytes instead of {place}")
    return outcomes


def failed(error: Exception) -> Outcome:
    """Of a program that cannot be linked, or stops."""
    if isinstance(error, StoppedError):
        return Outcome(Verdict.STOPPED, stopped_text(str(error)))
    missing = re.search(r"undefined reference to \S+", str(error))
    return Outcome(Verdict.UNCOMPILABLE, missing[0] if missing else first_error(str(error)))


def stopped_text(text: str) -> str:
    """What a sanitizer has found, its first line."""
    found = re.search(r"runtime error: .*|ERROR: AddressSanitizer: .*", text)
    return found[0] if found else text[-200:]


def compare(prepared: Prepared, written: bytes) -> Outcome:
    """Everything that the program wrote beside what LiteRT computed, bit by bit."""
    wrong: dict[str, str] = {}
    place = compared = 0
    for step, name in prepared.written():
        wanted = prepared.expected[step][name]
        got = np.frombuffer(written, wanted.dtype, wanted.size, place).reshape(wanted.shape)
        place, compared = place + wanted.nbytes, compared + wanted.size
        count = int((bits(wanted) != bits(got)).sum())
        if count:
            wrong.setdefault(name, f"{name}: {count} of {wanted.size} in step {step}")
    if not np.frombuffer(written, "<i4", 1, place)[0]:
        wrong["constants"] = "constants: another checksum"
    return Outcome(Verdict.MISMATCH if wrong else Verdict.EQUAL, "\n".join(wrong.values()), compared)
