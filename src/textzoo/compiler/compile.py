"""The compiler as a whole: from a .tflite to C files that compute the same integers."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError
from textzoo.compiler.backend.emitter import Flash, ModelFacts, SelfCheck, all_constants, distinct_bytes, emit
from textzoo.compiler.backend.kernel_selection import use_fast_forms
from textzoo.compiler.backend.kernels import sources_of
from textzoo.compiler.backend.lowering import lower
from textzoo.compiler.backend.planner import MemoryPlan, plan_memory
from textzoo.compiler.backend.verifier import verify
from textzoo.compiler.backend.weights_image import weights_image
from textzoo.compiler.frontend.importer import checked_graph
from textzoo.compiler.ir.graph import Graph, Tensor
from textzoo.compiler.ir.program import EMBEDDING, Program
from textzoo.compiler.numerics.fixedpoint import unit_multiplier
from textzoo.compiler.operators import second_core
from textzoo.compiler.operators.base import Target
from textzoo.compiler.operators.fully_connected import narrow_matrices
from textzoo.compiler.packing.choice import choose_kernels
from textzoo.compiler.passes.registry import chosen_passes
from textzoo.compiler.tflite.file import TfliteFile, context_length_of, parse_tflite, read_checked_bytes
from textzoo.compiler.tflite.signatures import LOGITS, STEP_INPUTS

MAX_RAM_BYTES = 2**26


@dataclass
class CompiledModel:
    """What came out.

    Attributes:
        files: File name -> content.
        sources: Of the runtime, relative to it.
        plan: The location of every byte of RAM.
        flash: Bytes of constants.
        weights_image: All constants as weights.bin.
        program: The statements, for reports.
        facts: What the header says.
        logits: The output of a decode step; None for other models.
        savings: What each pass saved; empty where that was not asked for.
        context: What the templates of `files` printed.
    """

    files: dict[str, str]
    sources: list[Path]
    plan: MemoryPlan
    flash: Flash
    weights_image: bytes
    program: Program
    facts: ModelFacts
    logits: Tensor | None
    savings: list["Saving"]
    context: dict[str, Any]

    def read_constants(self) -> list[tuple[str, int]]:
        """Return (symbol, bytes) of the constants that a step reads as a whole, in order of use."""
        constants = self.context["constants"]
        return [(each.symbol, each.values.nbytes) for each in constants if each.kind != EMBEDDING]

    def saving_lines(self) -> list[str]:
        """Return one line per pass, for the log."""
        return [saving.line() for saving in self.savings]


@dataclass(frozen=True)
class Saving:
    """Sizes before and after a pass."""

    text: str
    before: "Sizes"
    after: "Sizes"

    def line(self) -> str:
        """Return `LayerNorm as one kernel: 92 -> 71 statements, arena 66,208 -> 33,696 bytes`, and the constants."""
        statements = f"{self.before.statements} -> {self.after.statements} statements"
        arena = f"arena {self.before.arena_bytes:,} -> {self.after.arena_bytes:,} bytes"
        flash = f"constants {self.before.constant_bytes:,} -> {self.after.constant_bytes:,} bytes"
        return f"{self.text}: {statements}, {arena}, {flash}"


@dataclass(frozen=True)
class Sizes:
    """What a program costs in memory."""

    statements: int
    arena_bytes: int
    constant_bytes: int


def compile_file(
    path: Path,
    target: Target,
    *,
    name: str = "model",
    check: SelfCheck | None = None,
    without: frozenset[str] = frozenset(),
    with_savings: bool = False,
) -> CompiledModel:
    """Compile a .tflite.

    Args:
        path: The model; treated as hostile.
        target: What the code is made for.
        name: What the header calls the model.
        check: For the self-check on the device.
        without: Passes to leave out.
        with_savings: Whether to measure what each pass saves: lowers and plans once more after each of them.

    Raises:
        UserError: The file is damaged, or has operators that are not in the table: all of them are listed.
    """
    content = read_checked_bytes(Path(path))
    options = {"name": name, "check": check, "without": without, "with_savings": with_savings}
    return compile_bytes(content, target, label=str(path), **options)


def compile_bytes(
    content: bytes,
    target: Target,
    *,
    label: str = "model",
    name: str = "model",
    check: SelfCheck | None = None,
    without: frozenset[str] = frozenset(),
    with_savings: bool = False,
) -> CompiledModel:
    """Compile the bytes of a .tflite as `compile_file` does; `label` names it in error messages."""
    file = parse_tflite(content, label)
    graph = checked_graph(file, label)
    facts = facts_of(file, graph, content, label, name)
    facts.check = check or SelfCheck()
    kernels = choose_kernels(narrow_matrices(graph.nodes), target.variant, target.weights)
    target = replace(target, kernels=kernels)
    savings = SavingsLog(target) if with_savings else None
    program = optimized(graph, target, without, savings)
    plan = plan_memory(graph, program)
    check_memory(plan, label)
    use_fast_forms(program, target.variant)
    verify(graph, program, plan)
    files, context = emit(graph, program, plan, facts)
    return CompiledModel(
        files=files,
        sources=sources_of(program, target.variant),
        plan=plan,
        flash=context["flash"],
        weights_image=weights_image(context["constants"], facts.sha256),
        program=program,
        facts=facts,
        logits=graph.outputs.get("logits"),
        savings=savings.entries if savings else [],
        context=context,
    )


def optimized(graph: Graph, target: Target, without: frozenset[str], savings: "SavingsLog | None" = None) -> Program:
    """Run the passes on the graph, lower it, then run those on the program; note in `savings` what each one saves.

    Sharing calls between two cores comes last: no pass has to know of it.
    """
    passes = chosen_passes(without)
    note = savings.note if savings else lambda *_: None
    note("", graph)
    for entry in passes:
        if not entry.on_program:
            entry.function()(graph)
            note(entry.text, graph)
    program = lower(graph, target)
    for entry in passes:
        if entry.on_program:
            entry.function()(graph, program)
            note(entry.text, graph, program)
    if target.cores > 1:
        second_core.run(program)
        note("matrix products and heads on two cores", graph, program)
    return program


class SavingsLog:
    """Sizes of a program after each pass, for reports.

    Attributes:
        entries: What each pass saved, in order.
    """

    def __init__(self, target: Target) -> None:
        self.entries: list[Saving] = []
        self._target = target
        self._last = Sizes(0, 0, 0)

    def note(self, text: str, graph: Graph, program: Program | None = None) -> None:
        """Measure the sizes after a pass; an empty text is for those before the first one."""
        sizes = sizes_of(graph, program or lower(graph, self._target))
        if text:
            self.entries.append(Saving(text, self._last, sizes))
        self._last = sizes


def check_memory(plan: MemoryPlan, label: str) -> None:
    """Raise UserError where a model needs more RAM than any board has, before more is done about it."""
    if plan.arena_bytes + plan.state_bytes > MAX_RAM_BYTES:
        raise UserError(
            f"{label} needs {plan.arena_bytes + plan.state_bytes:,} bytes of RAM",
            expected=f"a model for a microcontroller: at most {MAX_RAM_BYTES:,}",
            remedy="Give the states a shorter context, or fewer channels.",
        )


def sizes_of(graph: Graph, program: Program) -> Sizes:
    arena_bytes = plan_memory(graph, program).arena_bytes
    return Sizes(len(program.statements), arena_bytes, distinct_bytes(all_constants(graph, program)))


def facts_of(file: TfliteFile, graph: Graph, content: bytes, label: str, name: str) -> ModelFacts:
    """Return the facts of the header; those of a decode step include a context length and a unit of its logits."""
    facts = ModelFacts(name, hashlib.sha256(content).hexdigest())
    if is_decode_step(graph):
        facts.context_length = context_length_of(file, content, label)
        facts.logit_unit = unit_multiplier(graph.outputs["logits"].scale)
    return facts


def is_decode_step(graph: Graph) -> bool:
    """Return whether a token and a position go in and quantized logits come out; everything else is state."""
    if set(graph.inputs) != STEP_INPUTS or set(graph.outputs) != {LOGITS}:
        return False
    logits = graph.outputs["logits"]
    single = all(str(tensor.dtype) == "int32" and tensor.shape == (1,) for tensor in graph.inputs.values())
    return single and str(logits.dtype) in ("int8", "int16") and 0 < logits.scale <= 2**16
