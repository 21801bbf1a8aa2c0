"""UNIDIRECTIONAL_SEQUENCE_LSTM of integers: int8 activations, cells of int16; its states are variables of the file."""

from dataclasses import dataclass

import numpy as np

from textzoo.compiler.ir.graph import Node, Tensor
from textzoo.compiler.ir.program import Call, Constant, Scratch, Statement, Struct
from textzoo.compiler.numerics.fixedpoint import Factor, float32, quantize_multiplier
from textzoo.compiler.operators.base import (
    INTEGER_RANGES,
    Operator,
    Target,
    constant,
    factor_problems,
    option,
    quantized,
)
from textzoo.compiler.operators.matrix_parts import MAX_OUTPUT, MAX_SUM
from textzoo.compiler.operators.power_scales import doubtful_problems, power_of_two
from textzoo.compiler.packing.order import round_up
from textzoo.compiler.packing.registry import GENERIC, LSTM_S8, holder, layout_of

INPUTS = 24
HIDDEN, CELL = 18, 19
# What is refused -> the inputs that it needs.
LEFT_OUT = {
    "peephole connections": (9, 10, 11),
    "a projection": (16, 17),
    "layer normalization": (20, 21, 22, 23),
}
# Of gates before their functions, and of the kernel's tanh.
GATE_BITS = 12
CELL_EXPONENTS = (-15, -9)
TANH = 4
HIDDEN_BETWEEN = 4
# Variant -> the bytes to a multiple of which the gates are filled up.
GATES_ALIGNMENT = {"mve": 16}


@dataclass(frozen=True)
class Gate:
    """Where a gate's operands are among the inputs."""

    name: str
    weights: int
    recurrent: int
    bias: int

    @property
    def places(self) -> tuple[int, int, int]:
        return self.weights, self.recurrent, self.bias


# In the order of the kernel; the last one may be missing.
GATES = (Gate("forget", 2, 6, 13), Gate("cell", 3, 7, 14), Gate("output", 4, 8, 15), Gate("input", 1, 5, 12))


class Lstm(Operator):
    """int8 (batch, steps, inputs), or (steps, batch, inputs) where time comes first."""

    name = "UNIDIRECTIONAL_SEQUENCE_LSTM"
    types = (
        "int8 activations and constant weights, one scale per tensor, int16 cells; with or without an input gate; no "
        "peephole connections, projection or layer normalization"
    )
    arity = (INPUTS, INPUTS)
    outputs = 3

    def arity_problems(self, node: Node) -> list[str]:
        """Return the problems of inputs that are missing or of parts that are not supported, by name."""
        if len(node.inputs) != INPUTS:
            return [f"{len(node.inputs)} inputs instead of {INPUTS}"]
        for part, places in LEFT_OUT.items():
            if any(node.inputs[place] is not None for place in places):
                return [part]
        places = [0, HIDDEN, CELL, *(place for gate in GATES[:3] for place in gate.places)]
        if any(node.inputs[place] is None for place in places):
            return [f"{len(node.operands())} inputs"]
        last = [node.inputs[place] is None for place in GATES[3].places]
        if any(last) and not all(last):
            return ["a part of an input gate"]
        return [] if len(node.outputs) == self.outputs else ["states that are no variables"]

    def problems(self, node: Node) -> list[str]:
        return (
            tensor_problems(node)
            or [problem for gate in gates_of(node) for problem in gate_problems(node, gate)]
            or option_problems(node)
            or state_problems(node)
            or [problem for gate in gates_of(node) for problem in sum_problems(node, gate)]
            or factor_problems(hidden_factor(node))
        )

    def macs(self, node: Node) -> int:
        inputs, cells, gates = node.inputs[0].shape[-1], cells_of(node), len(gates_of(node))
        return node.output.size // cells * gates * cells * (inputs + cells)

    def lower(self, node: Node, target: Target) -> list[Statement]:
        source, output = node.inputs[0], node.output
        variant = variant_for(node, target)
        fields = {
            **matrix_fields(node, variant),
            **gate_factors(node),
            **size_fields(node),
            **cell_fields(node),
        }
        struct = Struct("tz_lstm_s8_t", fields)
        operands = [source, node.inputs[HIDDEN], node.inputs[CELL]]
        call = Call(node.operator, node.name, LSTM_S8, struct, operands, [output, *node.outputs[1:]], variant=variant)
        call.scratch = Scratch(scratch_bytes(node, variant))
        return [call]


def gates_of(node: Node) -> tuple[Gate, ...]:
    return GATES if node.inputs[GATES[3].weights] is not None else GATES[:3]


def cells_of(node: Node) -> int:
    return node.inputs[GATES[0].weights].shape[0]


# ---- what is refused ----


def tensor_problems(node: Node) -> list[str]:
    """Return the problems of the input, the output and the states."""
    source, hidden, cell, output = node.inputs[0], node.inputs[HIDDEN], node.inputs[CELL], node.output
    problems = quantized(source, "int8") or quantized(hidden, "int8") or quantized(cell, "int16")
    if problems or quantized(output, "int8"):
        return problems or quantized(output, "int8")
    weights = node.inputs[GATES[0].weights]
    if len(source.shape) != 3 or len(weights.shape) != 2:
        return [f"{source.describe()} and weights {weights.describe()}"]
    cells, (batches, _) = cells_of(node), sequence_of(node)
    if output.shape != (*source.shape[:-1], cells):
        return [f"{output.describe()} instead of {(*source.shape[:-1], cells)}"]
    if hidden.size != batches * cells or cell.size != batches * cells:
        return [f"states {hidden.describe()} and {cell.describe()} instead of {batches}x{cells}"]
    if (hidden.scale, hidden.zero_point) != (output.scale, output.zero_point):
        return ["an output of another scale than its state's"]
    return []


def gate_problems(node: Node, gate: Gate) -> list[str]:
    """Return the problems of a gate's weights and bias."""
    cells, inputs = cells_of(node), node.inputs[0].shape[-1]
    for place, shape in ((gate.weights, (cells, inputs)), (gate.recurrent, (cells, cells))):
        weights = node.inputs[place]
        if problems := constant(weights, f"weights of the {gate.name} gate") or quantized(weights, "int8"):
            return problems
        if weights.shape != shape or weights.zero_point:
            return [f"{weights.describe()} with zero point {weights.zero_point} as weights instead of {shape}"]
    bias = node.inputs[gate.bias]
    if str(bias.dtype) != "int32" or bias.shape != (cells,):
        return [f"bias {bias.describe()} instead of int32 {cells}"]
    return constant(bias, "the bias")


def option_problems(node: Node) -> list[str]:
    """Return the problems of options of other kernels."""
    if option(node, "fusedActivationFunction") != TANH:
        return [f"fused activation {option(node, 'fusedActivationFunction')}"]
    if option(node, "diagonalRecurrentTensors", False):
        return ["diagonal recurrent weights"]
    clip = option(node, "cellClip", 0.0)
    return [] if clip >= 0 else [f"cellClip {clip}"]


def state_problems(node: Node) -> list[str]:
    """Return the problems of the cells' scale and of the hidden state before its zero point is added."""
    scale = node.inputs[CELL].scale
    exponent, (low, high) = power_of_two(scale), CELL_EXPONENTS
    if exponent is None or not low <= exponent <= high:
        return [f"cells on the scale {scale:g}, which is no power of two from 2**{low} to 2**{high}"]
    if len(node.intermediates) != HIDDEN_BETWEEN + 1 or node.intermediates[HIDDEN_BETWEEN] is None:
        return ["no scale of the hidden state among 5 intermediates"]
    zero_point = node.intermediates[HIDDEN_BETWEEN][1]
    if not -128 <= zero_point <= 127:
        return [f"a hidden state with zero point {zero_point}"]
    return doubtful_problems(scale)


def sum_problems(node: Node, gate: Gate) -> list[str]:
    """Return the problems of sums that LiteRT's arithmetic, or ours, does not hold."""
    reals = factors_of(node, gate)
    if problems := factor_problems(*reals):
        return problems[:1]
    biases = folded_biases(node, gate)
    for place, bias, real in zip((gate.weights, gate.recurrent), biases, reals, strict=True):
        products = 128 * np.abs(node.inputs[place].value.astype(np.int64)).sum(axis=1)
        largest = int((np.abs(bias) + products).max())
        if largest > MAX_SUM or largest * real > MAX_OUTPUT - 2**16:
            return [f"sums up to {largest} in the {gate.name} gate"]
    return []


# ---- numbers ----


def factors_of(node: Node, gate: Gate) -> tuple[float, float]:
    """Return the factors of a gate's sums, of the input's and the hidden state's: in float32, as LiteRT's."""
    sources = node.inputs[0], node.inputs[HIDDEN]
    return tuple(
        gate_factor(node.inputs[place].scale, source.scale)
        for place, source in zip((gate.weights, gate.recurrent), sources, strict=True)
    )


def gate_factor(weights: float, source: float) -> float:
    with np.errstate(all="ignore"):
        return float(np.float32(weights) * np.float32(source) / np.float32(2.0**-GATE_BITS))


def hidden_factor(node: Node) -> float:
    """Return the factor of a hidden state's product of two numbers with 15 fraction bits."""
    return float32(2.0**-15 / float32(node.intermediates[HIDDEN_BETWEEN][0]) * 2.0**-15)


def folded_biases(node: Node, gate: Gate) -> tuple[np.ndarray, np.ndarray]:
    """Return the biases with the zero points of the input and of the hidden state folded in, (cells,) int64 each."""
    sums = [node.inputs[place].value.astype(np.int64).sum(axis=1) for place in (gate.weights, gate.recurrent)]
    plain = node.inputs[gate.bias].value.astype(np.int64)
    return plain - node.inputs[0].zero_point * sums[0], -node.inputs[HIDDEN].zero_point * sums[1]


def sequence_of(node: Node) -> tuple[int, int]:
    """Return how many batches and steps there are."""
    shape = node.inputs[0].shape
    return (shape[1], shape[0]) if option(node, "timeMajor", False) else (shape[0], shape[1])


def size_fields(node: Node) -> dict[str, int]:
    batches, steps = sequence_of(node)
    is_time_first = bool(option(node, "timeMajor", False))
    return {
        "gates": len(gates_of(node)),
        "inputs": node.inputs[0].shape[-1],
        "cells": cells_of(node),
        "batches": batches,
        "steps": steps,
        "batch_stride": 1 if is_time_first else steps,
        "step_stride": batches if is_time_first else 1,
    }


def cell_fields(node: Node) -> dict[str, int]:
    """Return how cells are scaled and clipped, and how they become the hidden state."""
    cell = node.inputs[CELL]
    exponent, factor = power_of_two(cell.scale), quantize_multiplier(hidden_factor(node))
    return {
        "cell_shift": 30 + exponent,
        "cell_bits": 15 + exponent,
        "cell_clip": cell_clip(option(node, "cellClip", 0.0), cell),
        "hidden_multiplier": factor.multiplier,
        "hidden_shift": factor.shift,
        "hidden_zero_point": node.intermediates[HIDDEN_BETWEEN][1],
    }


def cell_clip(clip: float, cell: Tensor) -> int:
    """Return the largest cell, as LiteRT cuts it to an integer; 0 where there is no limit."""
    with np.errstate(all="ignore"):
        ratio = float(np.float32(clip) / np.float32(cell.scale))
    return int(min(ratio, float(INTEGER_RANGES["int16"][1])))


def gate_factors(node: Node) -> dict[str, tuple[int, ...]]:
    """Return multipliers and shifts of all gates; those of a missing one are 0."""
    factors = [tuple(map(quantize_multiplier, factors_of(node, gate))) for gate in gates_of(node)]
    factors += [(Factor(0, 0), Factor(0, 0))] * (len(GATES) - len(factors))
    fields = {}
    for side, name in enumerate(("input", "recurrent")):
        fields[f"{name}_multipliers"] = tuple(pair[side].multiplier for pair in factors)
        fields[f"{name}_shifts"] = tuple(pair[side].shift for pair in factors)
    return fields


# ---- matrices ----


def joined_weights(node: Node) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of all gates, one below the other: (gates * cells, inputs) and (gates * cells, cells) int8."""
    gates = gates_of(node)
    of_input = np.concatenate([node.inputs[gate.weights].value for gate in gates])
    return of_input, np.concatenate([node.inputs[gate.recurrent].value for gate in gates])


def variant_for(node: Node, target: Target) -> str:
    """Return the variant whose kernel takes the weights."""
    variant = holder(LSTM_S8, target.variant)
    fits = all(layout_of(LSTM_S8, variant).fits(matrix) for matrix in joined_weights(node))
    return variant if fits else GENERIC


def matrix_fields(node: Node, variant: str) -> dict[str, Constant]:
    """Return weights and biases as constants."""
    layout, symbol, fields = layout_of(LSTM_S8, variant), node.output.symbol, {}
    biases = [folded_biases(node, gate) for gate in gates_of(node)]
    for side, (name, matrix) in enumerate(zip(("input", "recurrent"), joined_weights(node), strict=True)):
        comment = f"int8 {matrix.shape}, packed: {variant} {LSTM_S8}"
        packed = np.ascontiguousarray(layout.pack(matrix))
        bias = np.concatenate([pair[side] for pair in biases]).astype(np.int32)
        fields[f"{name}_weights"] = Constant(f"{symbol}_{name}_weights", packed, comment, "weights")
        fields[f"{name}_bias"] = Constant(f"{symbol}_{name}_bias", bias, f"({len(bias)})")
    return fields


def scratch_bytes(node: Node, variant: str) -> int:
    """Return the bytes of the gates, and of the larger of the two products."""
    layout, rows = layout_of(LSTM_S8, variant), len(gates_of(node)) * cells_of(node)
    sizes = [layout.scratch_bytes(rows, matrix.shape[1]) for matrix in joined_weights(node)]
    return round_up(2 * rows, GATES_ALIGNMENT.get(variant, 4)) + max(sizes)


UNIDIRECTIONAL_SEQUENCE_LSTM = Lstm()
