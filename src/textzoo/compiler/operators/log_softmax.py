"""LOG_SOFTMAX over the last axis: int8."""

import numpy as np

from textzoo.compiler.ir.graph import Node
from textzoo.compiler.ir.program import Call, Constant, Statement, Struct
from textzoo.compiler.numerics.fixedpoint import float32, quantize_multiplier
from textzoo.compiler.numerics.tables import divide_by_power
from textzoo.compiler.operators.base import Operator, Target, format_problems, no_products
from textzoo.compiler.operators.elementwise import same_type_problems
from textzoo.compiler.operators.softmax import FRACTION_BITS, exponentials_s8

# The output format that LiteRT demands.
SCALE, ZERO_POINT = 1 / 16, 127
# The sum of the exponentials, the largest of which is 1, has 12 integer bits.
MAX_ROW_LENGTH = 4095
# Fraction bits of exponentials that their sum does not have.
DROPPED_BITS = 12
MAX_STEP = 2.0**30 - 1


class LogSoftmax(Operator):
    name = "LOG_SOFTMAX"
    types = f"int8 (rows of at most {MAX_ROW_LENGTH}), over the last axis"
    macs = no_products

    def problems(self, node: Node) -> list[str]:
        source, output = node.operands()[0], node.output
        if problems := same_type_problems(node, "int8") or format_problems(output, SCALE, ZERO_POINT):
            return problems
        if source.shape != output.shape or not source.shape or source.shape[-1] > MAX_ROW_LENGTH:
            return [f"{source.describe()} to {output.describe()}, rows of at most {MAX_ROW_LENGTH}"]
        return reverse_problems(node)

    def lower(self, node: Node, target: Target) -> list[Statement]:
        columns = node.output.shape[-1]
        factor, reverse = quantize_multiplier(raised_step(node)), quantize_multiplier(reverse_factor(node))
        step = float32(node.operands()[0].scale)
        table = divide_by_power(exponentials_s8(step).astype(np.int64), DROPPED_BITS).astype(np.int32)
        comment = f"({len(table)}) exp(-distance * {step:.6g})"
        fields = {
            "exponentials": Constant(f"{node.output.symbol}_exponentials", table, comment, "table"),
            "distances": len(table),
            "multiplier": factor.multiplier,
            "shift": factor.shift,
            "reverse_multiplier": reverse.multiplier,
            "reverse_shift": reverse.shift,
            "rows": node.output.size // columns,
            "columns": columns,
        }
        struct = Struct("tz_log_softmax_s8_t", fields)
        return [
            Call(self.name, node.name, "log_softmax_s8", struct, node.operands(), [node.output], header="log_softmax")
        ]


def raised_step(node: Node) -> float:
    """Return what one step of the input means in the exponent, with 26 fraction bits.

    From a scale of 16 on the largest value alone counts, whose distance is 0, whatever that is multiplied by.
    """
    return min(float32(node.operands()[0].scale) * 2.0**FRACTION_BITS, MAX_STEP)


def reverse_factor(node: Node) -> float:
    """Return the factor from 26 fraction bits back to steps of the input."""
    factor = quantize_multiplier(raised_step(node))
    return 2.0 ** (31 - factor.shift) / factor.multiplier


def reverse_problems(node: Node) -> list[str]:
    """Return the problems of steps that LiteRT's arithmetic does not hold: it ends the process there."""
    held = raised_step(node) > 1 and reverse_factor(node) < 1
    return [] if held else [f"an input scale of {node.operands()[0].scale:g}"]


LOG_SOFTMAX = LogSoftmax()
