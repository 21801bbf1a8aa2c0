"""ATTENTION: made by the pass attention_fusion, computed by textzoo/attention_s8.h or attention_s16.h."""

from dataclasses import dataclass

import numpy as np

from textzoo.compiler.ir.graph import Node, Tensor
from textzoo.compiler.ir.program import Call, Constant, Scratch, Shard, Statement, Struct
from textzoo.compiler.numerics.fixedpoint import Factor, any_multiplier, float32, quantize_multiplier
from textzoo.compiler.numerics.tables import (
    interpolate,
    scale_double,
    softmax_exponentials_s16,
    softmax_reciprocals_s16,
)
from textzoo.compiler.operators.base import Operator, Target, hoisted_struct
from textzoo.compiler.operators.batch_matmul import product_factor
from textzoo.compiler.operators.second_core import is_worth_sharing
from textzoo.compiler.operators.softmax import STEPS_S16, exponentials_s8, fields_s16, real_step


@dataclass(frozen=True, eq=False)
class AttentionParts:
    """What one ATTENTION is made of.

    Attributes:
        query: (heads, 1, width).
        keys: Cache of (heads, context, width).
        values: The same.
        scores: The product of query and keys.
        masked_score: The constant instead of a score after `position`.
        position: The last valid position.
        softmax: Of the masked scores.
        product: The product of the softmax and the values.
        kernel: What computes it.
    """

    query: Tensor
    keys: Tensor
    values: Tensor
    scores: Node
    masked_score: Tensor
    position: Tensor
    softmax: Node
    product: Node
    kernel: str


class Attention(Operator):
    """A node's `attributes` are AttentionParts."""

    name = "ATTENTION"
    types = "made of BATCH_MATMUL, SELECT_V2, SOFTMAX and BATCH_MATMUL over caches of int8 or int16"

    def problems(self, node: Node) -> list[str]:
        return []

    def macs(self, node: Node) -> int:
        """Count those of the scores and of the weighted values."""
        return 2 * node.inputs[1].size

    def lower(self, node: Node, target: Target) -> list[Statement]:
        parts: AttentionParts = node.attributes
        made = (call_s16 if parts.kernel == "attention_s16" else call_s8)(node)
        made.shards = shards_of_heads(made, parts.keys.shape) if target.cores > 1 else ()
        return [made]


def scratch_s8(context: int, width: int) -> int:
    """Return tz_attention_s8_scratch_bytes."""
    return 4 * context + 4 * width + 2 * (width + 3 & ~3)


def scratch_s16(context: int, width: int) -> int:
    """Return tz_attention_s16_scratch_bytes."""
    return 4 * width + 2 * context


def call_s8(node: Node) -> Call:
    """Return the call for caches of int8."""
    parts: AttentionParts = node.attributes
    heads, context, width = parts.keys.shape
    struct = Struct(
        "tz_attention_s8_t", {**tables(node), "heads": heads, "context": context, "width": width, **numbers(node)}
    )
    return call(node, struct, Scratch(scratch_s8(context, width)), "attention_s8")


def call_s16(node: Node) -> Call:
    """Return the call for caches of int16."""
    parts: AttentionParts = node.attributes
    heads, context, width = parts.keys.shape
    fields = {
        "softmax": Struct("tz_softmax_s16_t", {**fields_s16(parts.softmax), "rows": heads, "columns": context}),
        "width": width,
        "score": wide_scale(parts.scores),
        "masked_score": int(parts.masked_score.value.ravel()[0]),
        "output": wide_scale(parts.product),
    }
    return call(node, Struct("tz_attention_s16_t", fields), Scratch(scratch_s16(context, width)), "attention_s16")


def call(node: Node, struct: Struct, scratch: Scratch, header: str) -> Call:
    kernel = node.attributes.kernel
    return Call(node.operator, node.name, kernel, struct, node.operands(), [node.output], scratch, header=header)


def shards_of_heads(made: Call, shape: tuple[int, int, int]) -> tuple[Shard, ...]:
    """Share the heads of caches (heads, context, width) between two shards; none where there is too little to do."""
    heads, context, width = shape
    border = heads - heads // 2
    # Both products, over half of the positions: the mean.
    if border == heads or not is_worth_sharing(heads * context * width):
        return ()
    return tuple(
        Shard(
            fields=heads_field(made, count),
            starts={},
            inputs=(first * width, first * context * width, first * context * width, 0),
            output=first * width,
            scratch_bytes=made.scratch.bytes,
        )
        for first, count in ((0, border), (border, heads - border))
    )


def heads_field(made: Call, count: int) -> dict[str, object]:
    """Return the field with the number of heads: `heads`, or the rows of int16's softmax."""
    if "heads" in made.struct.fields:
        return {"heads": count}
    softmax = made.struct.fields["softmax"]
    return {"softmax": Struct(softmax.type, softmax.fields | {"rows": count})}


def wide_scale(product: Node) -> Struct:
    """Return the factor of a product of int16."""
    factor = quantize_multiplier(product_factor(product))
    return Struct("tz_wide_scale_t", {"multiplier": factor.reduced, "shift": factor.shift})


def tables(node: Node) -> dict[str, object]:
    """Return the exponentials by distance; for 15 bits also the reciprocals."""
    parts: AttentionParts = node.attributes
    symbol = node.output.symbol
    if parts.kernel == "attention_s8":
        values = exponentials_s8(real_step(parts.softmax))
        comment = f"({len(values)}) exp(-distance * {real_step(parts.softmax):.6g})"
        return {
            "exponentials": Constant(f"{symbol}_exponentials", values, comment, "table"),
            "reciprocals": 0,
            "distances": len(values),
        }
    values = exponentials_p16(float32(parts.softmax.inputs[0].scale))
    reciprocals = Constant(f"{symbol}_reciprocals", softmax_reciprocals_s16(), "(513) 1 / (1 + x)", "table")
    return {
        "exponentials": Constant(f"{symbol}_exponentials", values, "(256) exp, 15 fraction bits", "table"),
        "reciprocals": reciprocals,
        "distances": len(values),
    }


def exponentials_p16(scale: float) -> np.ndarray:
    """Return (256,) int16: what SOFTMAX of int16 takes for the distances 0 to 255 from the largest score."""
    factor = any_multiplier(scale / STEPS_S16)
    scaled = scale_double(-np.arange(256, dtype=np.int64), factor.multiplier, factor.shift) + 32767
    return interpolate(softmax_exponentials_s16(), np.clip(scaled, -32768, 32767)).astype(np.int16)


def numbers(node: Node) -> dict[str, int]:
    """Return the zero points and factors of both products."""
    parts: AttentionParts = node.attributes
    output = quantize_multiplier(product_factor(parts.product))
    wide = parts.kernel == "attention_s8_p16"
    no_scale = hoisted_struct(Factor(0, -1), 0)
    return {
        "query_zero_point": parts.query.zero_point,
        "key_zero_point": parts.keys.zero_point,
        "value_zero_point": parts.values.zero_point,
        "score": hoisted_struct(quantize_multiplier(product_factor(parts.scores)), parts.scores.output.zero_point),
        "masked_score": int(parts.masked_score.value.ravel()[0]),
        "output": no_scale if wide else hoisted_struct(output, parts.product.output.zero_point),
        "wide_multiplier": output.reduced if wide else 0,
        "wide_shift": output.shift if wide else 0,
    }


ATTENTION = Attention()
