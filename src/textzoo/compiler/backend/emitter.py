"""From a program and its memory plan to C files."""

import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from textzoo.compiler.backend.planner import MemoryPlan
from textzoo.compiler.backend.rendering import (
    address_of,
    array_lines,
    c_type,
    comment_text,
    format_comment,
    loop_struct_lines,
    plain_text,
    shard_lines,
    statement_lines,
    struct_lines,
)
from textzoo.compiler.backend.templates import template
from textzoo.compiler.backend.weights_image import image_bytes, image_offsets
from textzoo.compiler.ir.graph import Graph, Symbols, Tensor
from textzoo.compiler.ir.program import EMBEDDING, Constant, Loop, Program
from textzoo.compiler.operators.registry import operator_of

VERSION = 1


@dataclass(frozen=True)
class SelfCheck:
    """What the device recomputes at its start: the logits of some tokens after a reset.

    Attributes:
        tokens: Teacher-forced tokens.
        crc32: Over the bytes of all their logits, as LiteRT computes them.
    """

    tokens: tuple[int, ...] = ()
    crc32: int = 0


@dataclass
class ModelFacts:
    """What the generated header says about a model.

    Attributes:
        name: Of the architecture or the file.
        sha256: Of the .tflite.
        context_length: Steps possible after a reset; 0 where the model is no decode step.
        check: For the self-check.
        logit_unit: docs/explanations/sampling.md.
    """

    name: str
    sha256: str
    context_length: int = 0
    check: SelfCheck = field(default_factory=SelfCheck)
    logit_unit: int = 0


@dataclass
class Flash:
    """Bytes of the constants by kind, and one by one."""

    by_kind: dict[str, int]
    by_symbol: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.by_kind.values())


def all_constants(graph: Graph, program: Program) -> list[Constant]:
    """Return the parameters of kernels, and constant tensors that statements read."""
    found = program.constants()
    seen: set[int] = set()
    for statement in program.statements:
        for tensor in statement.reads():
            storage = tensor.storage
            # Loops have constants of one element as literals.
            is_literal = storage.size == 1 and storage is tensor and isinstance(statement, Loop)
            if storage.is_constant and id(storage) not in seen and not is_literal:
                seen.add(id(storage))
                kind = EMBEDDING if len(storage.shape) == 2 else "parameters"
                comment = format_comment(storage)
                found.append(Constant(storage.symbol, stored_values(storage), comment, kind, storage))
    return found


def stored_values(tensor: Tensor) -> np.ndarray:
    return tensor.value.astype(np.uint8) if tensor.dtype == np.bool_ else tensor.value


def share_equal(constants: list[Constant]) -> list[Constant]:
    """Give constants of equal content the same symbol; return each content once."""
    first: dict[tuple[str, bytes], Constant] = {}
    for constant in constants:
        key = (str(constant.values.dtype), constant.values.tobytes())
        constant.symbol = first.setdefault(key, constant).symbol
        if constant.tensor is not None:
            constant.tensor.symbol = constant.symbol
    return list(first.values())


def distinct_bytes(constants: list[Constant]) -> int:
    """Return the bytes of all constants, those of equal content counted once."""
    contents = {(str(constant.values.dtype), constant.values.tobytes()) for constant in constants}
    return sum(len(content) for _, content in contents)


def keep_symbols_apart(graph: Graph, program: Program, constants: list[Constant]) -> None:
    """Rename every symbol that is already one of a tensor, a constant or a struct's field: add a number.

    Tensors are macros, so they must not be called like fields.
    """
    symbols = Symbols()
    for statement in program.statements:
        symbols.taken.update(*(struct.names() for struct in statement.structs()))
    for tensor in used_tensors(graph, program):
        tensor.symbol = symbols.take(tensor.symbol)
    for constant in constants:
        constant.symbol = symbols.take(constant.symbol)


def flash_of(constants: list[Constant]) -> Flash:
    by_kind: dict[str, int] = {}
    for constant in constants:
        by_kind[constant.kind] = by_kind.get(constant.kind, 0) + constant.values.nbytes
    return Flash(by_kind, {constant.symbol: constant.values.nbytes for constant in constants})


def weights_crc32(constants: list[Constant]) -> int:
    """Return the CRC-32 (IEEE) of all constants, little endian, in the order of weights.c."""
    checksum = 0
    for constant in constants:
        values = constant.values
        checksum = zlib.crc32(values.astype(values.dtype.newbyteorder("<")).tobytes(), checksum)
    return checksum


def emit(graph: Graph, program: Program, plan: MemoryPlan, facts: ModelFacts) -> tuple[dict[str, str], dict[str, Any]]:
    """Render the files, name -> content; also return the context of their templates, for platforms with others."""
    constants = all_constants(graph, program)
    keep_symbols_apart(graph, program, constants)
    constants = share_equal(constants)
    for constant in constants:
        constant.comment = comment_text(constant.comment)
    context = {
        "facts": facts,
        "version": VERSION,
        "plan": plan,
        "constants": constants,
        "crc32": weights_crc32(constants),
        "flash": flash_of(constants),
        "offsets": image_offsets(constants),
        "image_bytes": image_bytes(constants),
        "logits": graph.outputs.get("logits"),
        "is_decode": facts.context_length > 0,
        "c_type": c_type,
        "format_comment": format_comment,
        "array_lines": array_lines,
        "plain_text": plain_text,
        **program_context(graph, program, plan),
    }
    names = ("model.h", "model.c", "weights.h", "weights.c", "embedding.h")
    files = {name: template(f"common/{name}.j2").render(context) for name in names}
    return files, context


def program_context(graph: Graph, program: Program, plan: MemoryPlan) -> dict[str, Any]:
    """Return everything about statements and tensors that the template prints."""
    structs = name_structs(program)
    states = {id(state.before) for state in graph.states}
    return {
        "headers": sorted({header for statement in program.statements for header in statement.headers()}),
        "structs": [line for lines in structs.values() for line in lines[1]],
        "tensors": [
            (tensor.symbol, address_of(tensor, plan, states), format_comment(tensor))
            for tensor in used_tensors(graph, program)
        ],
        "steps": [
            (statement, statement_lines(statement, plan, {key: value[0] for key, value in structs.items()}))
            for statement in program.statements
        ],
        "states": [(state.before, plan.offsets[id(state.before)]) for state in graph.states],
        "inputs": graph.inputs,
        "outputs": graph.outputs,
        "tables": {
            "model_inputs": [(name, tensor.symbol, tensor.bytes) for name, tensor in graph.inputs.items()],
            "model_outputs": [(name, tensor.symbol, tensor.bytes) for name, tensor in graph.outputs.items()],
            "model_states": [(state.name, state.before.symbol, state.before.bytes) for state in graph.states],
        },
        "macs": sum(operator_of(node).macs(node) for node in graph.nodes),
        "shards": shard_lines(program),
    }


def name_structs(program: Program) -> dict[int, tuple[str, list[str]]]:
    """Map the id of each struct to its symbol and lines; equal structs share one."""
    named: dict[int, tuple[str, list[str]]] = {}
    known: dict[tuple[str, ...], str] = {}
    for number, statement in enumerate(program.statements):
        lines_of = loop_struct_lines if isinstance(statement, Loop) else struct_lines
        for index, struct in enumerate(statement.structs()):
            symbol = f"step_{number}" + (f"_{index}" if index else "")
            key = tuple(lines_of(struct, ""))
            if key in known:
                named[id(struct)] = (known[key], [])
            else:
                known[key] = symbol
                named[id(struct)] = (symbol, lines_of(struct, symbol))
    return named


def used_tensors(graph: Graph, program: Program) -> list[Tensor]:
    """Return the tensors that statements name, without constants that have memory of their own, bases before views."""
    found: dict[int, Tensor] = {}

    def use(tensor: Tensor) -> None:
        if tensor.view is not None:
            use(tensor.view.base)
            for move in tensor.view.moves:
                use(move.index)
        if not (tensor.is_constant and tensor.view is None):
            found.setdefault(id(tensor), tensor)

    for tensor in (*graph.inputs.values(), *(state.before for state in graph.states)):
        use(tensor)
    for statement in program.statements:
        for tensor in (*statement.reads(), *statement.writes()):
            use(tensor)
    for tensor in graph.kept():
        use(tensor)
    return list(found.values())
