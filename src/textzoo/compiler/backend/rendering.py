"""Statements, structs and tensors as lines of C."""

import re
from functools import singledispatch
from typing import Any

import numpy as np

from textzoo.compiler.backend.planner import MemoryPlan, scratch_of
from textzoo.compiler.ir.graph import Tensor
from textzoo.compiler.ir.program import (
    Call,
    Compute,
    Constant,
    Loop,
    Operand,
    Parallel,
    Part,
    Program,
    Statement,
    Struct,
    straightened,
)

C_TYPES = {
    "int8": "int8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "int64": "int64_t",
    "uint8": "uint8_t",
    "uint32": "uint32_t",
    "bool": "uint8_t",
    "float32": "float",
}
# What a value of each type is while it is in a variable; all others are int32_t.
VALUE_TYPES = {"int64": "int64_t", "float32": "float"}
INDICES = "ijklmn"
NUMBERS_PER_LINE = 24
MAX_NAME_LENGTH = 200
QUIET_BIT = 1 << 22  # of a NaN that raises no signal
UNSAFE = re.compile(r"[^A-Za-z0-9_/.,:; +-]")
UNSAFE_IN_COMMENTS = re.compile(r"[^A-Za-z0-9_/.,:; +()*=-]|(?<=\*)/|(?<=/)\*")


def plain_text(name: str) -> str:
    """Return a name from outside for a comment or a string of C, which some characters would end."""
    return UNSAFE.sub("_", name)[:MAX_NAME_LENGTH]


def comment_text(text: str) -> str:
    """Return the same for a comment that may hold parentheses and products."""
    return UNSAFE_IN_COMMENTS.sub("_", text)[:MAX_NAME_LENGTH]


def c_type(dtype: np.dtype) -> str:
    return C_TYPES[str(dtype)]


def format_comment(tensor: Tensor) -> str:
    """Describe a tensor with its format: int8 1x128, scale 0.0025, zero point 8."""
    if len(tensor.scales) > 1:
        return f"{tensor.describe()}, {len(tensor.scales)} scales"
    if not tensor.scales:
        return tensor.describe()
    return f"{tensor.describe()}, scale {tensor.scale:.6g}, zero point {tensor.zero_point}"


def address_of(tensor: Tensor, plan: MemoryPlan, states: set[int]) -> str:
    """Return the C expression of a tensor's first element."""
    if tensor.view is None:
        where = "state" if id(tensor) in states else "arena"
        return f"(({c_type(tensor.dtype)} *)({where} + {plan.offsets[id(tensor)]}))"
    parts = [tensor.view.base.symbol]
    if tensor.view.offset:
        parts.append(str(tensor.view.offset))
    for move in tensor.view.moves:
        index = f"{move.index.symbol}[{move.element}]"
        parts.append(f"tz_clamp({index}, 0, {move.limit}) * {move.stride}")
    return f"({' + '.join(parts)})"


def struct_lines(struct: Struct, symbol: str) -> list[str]:
    """Return the lines of a constant struct, one field per line."""
    fields = [f"    .{name} = {field_text(value)}," for name, value in struct.fields.items()]
    return [f"PARAMETERS {struct.type} {symbol} = {{", *fields, "};"]


def loop_struct_lines(struct: Struct, symbol: str) -> list[str]:
    """Return the same for a loop over elements, which must not know to what range its results are clamped."""
    first, *rest = struct_lines(struct, symbol)
    if "range" not in struct.fields:
        return [first, *rest]
    return [first.replace("PARAMETERS", "TZ_CLAMPED", 1), *rest, f"TZ_HIDE_RANGE({symbol}.range);"]


@singledispatch
def field_text(value: Any) -> str:
    """Return the initializer of a struct's field; integers if no other type is registered below."""
    return integer_text(int(value))


@field_text.register
def _(value: float) -> str:
    return float_text(np.float32(value))


@field_text.register
def _(value: tuple) -> str:
    return "{" + ", ".join(map(str, value)) + "}"


@field_text.register
def _(value: Constant | Tensor) -> str:
    return value.symbol


@field_text.register
def _(value: Part) -> str:
    return value.whole.symbol + (f" + {value.start}" if value.start else "")


@field_text.register
def _(value: Struct) -> str:
    return "{" + ", ".join(f".{name} = {field_text(entry)}" for name, entry in value.fields.items()) + "}"


def integer_text(value: int) -> str:
    """Return an integer as a literal that is an int everywhere: -2147483648 is not one in C."""
    return "(-2147483647 - 1)" if value == -(2**31) else str(value)


def long_text(value: int) -> str:
    """Return the same for 64 bits."""
    return "(-INT64_C(9223372036854775807) - 1)" if value == -(2**63) else f"INT64_C({value})"


def float_text(value: np.float32) -> str:
    """Return a float as a literal that is the same to the last bit, infinities and every NaN included."""
    if np.isfinite(value):
        return f"{float(value).hex()}f"
    sign = "-" if np.signbit(value) else ""
    if np.isinf(value):
        return f"{sign}__builtin_inff()"
    bits = int(value.view(np.uint32))
    kind = "nanf" if bits & QUIET_BIT else "nansf"
    return f'{sign}__builtin_{kind}("{bits & (QUIET_BIT - 1):#x}")'


def literals(values: np.ndarray) -> list[str]:
    """Return the elements of a constant as literals of its type, in the order of storage."""
    flat = values.ravel()
    if flat.dtype == np.float32:
        return [float_text(value) for value in flat]
    text = long_text if flat.dtype == np.int64 else integer_text
    return [text(int(value)) for value in flat.tolist()]


def array_lines(symbol: str, values: np.ndarray, comment: str) -> list[str]:
    """Return the lines of a constant array with its comment."""
    texts = literals(values)
    lines = [
        "    " + ", ".join(texts[start : start + NUMBERS_PER_LINE]) + ","
        for start in range(0, len(texts), NUMBERS_PER_LINE)
    ]
    return [f"/* {comment} */", f"const {c_type(values.dtype)} {symbol}[{len(texts)}] = {{", *lines, "};"]


@singledispatch
def statement_lines(statement: Statement, plan: MemoryPlan, structs: dict[int, str]) -> list[str]:
    """Return the lines of a statement, without indentation; one function for each kind is registered below."""
    raise NotImplementedError(type(statement).__name__)


@statement_lines.register
def call_lines(call: Call, plan: MemoryPlan, structs: dict[int, str]) -> list[str]:
    tensors = [*call.inputs, *call.outputs]
    steps = call.steps if call.repeats > 1 else (0,) * len(tensors)
    advanced = [tensor.symbol + (f" + i * {step}" if step else "") for tensor, step in zip(tensors, steps, strict=True)]
    arguments = ([f"&{structs[id(call.struct)]}"] if call.struct else []) + advanced
    if call.scratch is not None:
        arguments.append(scratch_text(call, plan))
    line = f"tz_{call.kernel}({', '.join(arguments)});"
    return for_loop("i", call.repeats, [line]) if call.repeats > 1 else [line]


def scratch_text(call: Call, plan: MemoryPlan) -> str:
    scratch = scratch_of(call)
    return f"arena + {plan.offsets[id(scratch)]}" if scratch else "0"


@statement_lines.register
def parallel_lines(both: Parallel, plan: MemoryPlan, structs: dict[int, str]) -> list[str]:
    """Return the lines of a call of tz_parallel with two shards: the kernel's adapter, and its arguments on each core.

    In a block of its own, so that all such statements use the same stack slot.
    """
    shards = [shard_text(call, plan, structs) for call in both.calls()]
    return ["{", f"    tz_parallel({adapter(both.first)}, {shards[0]},", f"                {shards[1]});", "}"]


def shard_text(call: Call, plan: MemoryPlan, structs: dict[int, str]) -> str:
    inputs = ", ".join(tensor.symbol for tensor in call.inputs)
    rest = f"{call.outputs[0].symbol}, {scratch_text(call, plan)}, {{{inputs}}}"
    return f"&(const tz_shard_t){{&{structs[id(call.struct)]}, {rest}}}"


def adapter(call: Call) -> str:
    return f"tz_shard_{call.kernel}"


def shard_lines(program: Program) -> list[str]:
    """Return a function that tz_parallel can call for every kernel that two cores share."""
    calls = {both.first.kernel: both.first for both in program.statements if isinstance(both, Parallel)}
    lines: list[str] = []
    for _, call in sorted(calls.items()):
        inputs = [f"shard->inputs[{index}]" for index in range(len(call.inputs))]
        scratch = ["shard->scratch"] if call.scratch is not None else []
        body = f"    tz_{call.kernel}({', '.join(['shard->parameters', *inputs, 'shard->output', *scratch])});"
        lines += [f"static void {adapter(call)}(const tz_shard_t *shard)", "{", body, "}", ""]
    return lines[:-1]


def for_loop(index: str, count: int, body: list[str]) -> list[str]:
    return [f"for (int32_t {index} = 0; {index} < {count}; ++{index}) {{", *("    " + line for line in body), "}"]


@statement_lines.register
def loop_lines(loop: Loop, plan: MemoryPlan, structs: dict[int, str]) -> list[str]:
    """Return nested loops, neighbouring dimensions merged where every operand walks straight on."""
    loop = straightened(loop)
    fixed = fixed_operands(loop) if loop.shape else {}
    lines = body_lines(loop, structs, fixed)
    for depth in reversed(range(len(loop.shape))):
        lines = for_loop(INDICES[depth], loop.shape[depth], lines)
    before = [f"const {value_type(operand.tensor)} {name} = {element(operand)};" for operand, name in fixed.values()]
    is_scope = len(before) == 0 and (bool(loop.shape) or len(lines) == 1)
    return lines if is_scope else ["{", *("    " + line for line in before + lines), "}"]


def value_type(tensor: Tensor) -> str:
    return VALUE_TYPES.get(str(tensor.dtype), "int32_t")


def fixed_operands(loop: Loop) -> dict[int, tuple[Operand, str]]:
    """Find the operands that are one element in all iterations and not written by the loop: read once, before it."""
    targets = [compute.target for compute in loop.body]
    fixed: dict[int, tuple[Operand, str]] = {}
    for compute in loop.body:
        for operand in compute.operands:
            is_literal = operand.tensor.is_constant and operand.tensor.size == 1
            written = any(operand.overlaps(target) for target in targets)
            if operand.is_memory and not any(operand.strides) and not is_literal and not written:
                fixed[id(operand)] = (operand, f"fixed_{len(fixed)}")
    return fixed


def body_lines(loop: Loop, structs: dict[int, str], fixed: dict[int, tuple[Operand, str]]) -> list[str]:
    """Return the lines of the values, in order; those that later ones of the same iteration take have a variable."""
    taken = {operand.value_of for compute in loop.body for operand in compute.operands}
    lines: list[str] = []
    for number, compute in enumerate(loop.body):
        arguments = [argument(operand, fixed) for operand in compute.operands]
        value = value_text(compute, arguments, structs)
        target = compute.target
        if number in taken:
            lines.append(f"const {value_type(target.tensor)} value_{number} = {value};")
            value = f"value_{number}"
        if compute.stored:
            lines.append(f"{element(target)} = ({c_type(target.tensor.dtype)}){value};")
    return lines


def argument(operand: Operand, fixed: dict[int, tuple[Operand, str]]) -> str:
    if id(operand) in fixed:
        return fixed[id(operand)][1]
    if not operand.is_memory:
        return f"value_{operand.value_of}"
    tensor = operand.tensor
    if tensor.is_constant and tensor.size == 1:
        return literals(tensor.value)[0]
    return element(operand)


def value_text(compute: Compute, arguments: list[str], structs: dict[int, str]) -> str:
    if not compute.function:
        return arguments[0]
    given = ([f"&{structs[id(compute.struct)]}"] if compute.struct else []) + arguments
    return f"{compute.function}({', '.join(given)})"


def element(operand: Operand) -> str:
    """Return an element as an expression of C: tensor[i * 64 + j + 128]."""
    terms = [
        f"{INDICES[axis]} * {step}" if step != 1 else INDICES[axis] for axis, step in enumerate(operand.strides) if step
    ]
    if operand.offset or not terms:
        terms.append(str(operand.offset))
    return f"{operand.tensor.symbol}[{' + '.join(terms)}]"
