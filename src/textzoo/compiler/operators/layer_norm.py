"""LAYER_NORM: made by the pass layer_norm_fusion, computed by textzoo/layer_norm_s8.h."""

from dataclasses import dataclass

import numpy as np

from textzoo.common.paths import RUNTIME
from textzoo.compiler.ir.graph import Node, Tensor
from textzoo.compiler.ir.program import Call, Constant, Statement, Struct
from textzoo.compiler.numerics.fixedpoint import Factor, quantize_multiplier
from textzoo.compiler.numerics.linear_sums import is_narrow
from textzoo.compiler.operators.base import Operator, Target, can_hoist, hoisted_struct, no_products, scale_struct
from textzoo.compiler.operators.batch_matmul import product_factor
from textzoo.compiler.operators.elementwise import LEFT_SHIFTS, multiply_factor, sum_factors, sum_struct
from textzoo.compiler.operators.linear_forms import ALL_VALUES, linear_form, product_form
from textzoo.compiler.operators.reductions import divided, scale_ratio

LINEAR_KERNEL = "layer_norm_linear_s8"


@dataclass(frozen=True, eq=False)
class LayerNormParts:
    """What one LAYER_NORM is made of.

    Attributes:
        row: (..., width) int8, all of it one row.
        mean: MEAN of the row.
        difference: SUB of the row and its mean.
        square: BATCH_MATMUL of the differences with themselves.
        table: LOOK_UP of the reciprocal deviation.
        factor: MUL of that and the gain.
        gain: (width,) constant.
        product: MUL of the differences and the factor.
    """

    row: Tensor
    mean: Node
    difference: Node
    square: Node
    table: Node
    factor: Node
    gain: Tensor
    product: Node


class LayerNorm(Operator):
    """A node's `attributes` are LayerNormParts."""

    name = "LAYER_NORM"
    types = "made of MEAN, SUB, BATCH_MATMUL, ADD, RSQRT and MUL of one row of int8"
    macs = no_products  # the squares of a row are not counted

    def problems(self, node: Node) -> list[str]:
        return []

    def lower(self, node: Node, target: Target) -> list[Statement]:
        parts: LayerNormParts = node.attributes
        linear = linear_fields(parts) if has_linear_kernel(target.variant) else None
        kernel = "layer_norm_s8" if linear is None else LINEAR_KERNEL
        fields = plain_fields(node) if linear is None else {**shared_fields(node), **zero_points(parts), **linear}
        struct = Struct(f"tz_{kernel}_t", fields)
        return [Call(self.name, node.name, kernel, struct, [parts.row], [node.output])]


def has_linear_kernel(variant: str) -> bool:
    return (RUNTIME / variant / f"{LINEAR_KERNEL}.c").is_file()


def shared_fields(node: Node) -> dict[str, object]:
    """Return what the structs of both kernels begin with."""
    parts: LayerNormParts = node.attributes
    width, symbol = node.output.size, node.output.symbol
    mean = divided(quantize_multiplier(scale_ratio(parts.mean)), width)
    square = quantize_multiplier(product_factor(parts.square))
    return {
        "table": Constant(f"{symbol}_table", parts.table.attributes.values, "(256) 1 / deviation", "table"),
        "gain": Constant(f"{symbol}_gain", parts.gain.value.ravel(), f"({width}) gain", "weights"),
        "width": width,
        "mean_offset": width * parts.row.zero_point,
        "mean": scale_struct(mean, parts.mean.output.zero_point),
        "square": scale_struct(square, parts.square.output.zero_point),
    }


def zero_points(parts: LayerNormParts) -> dict[str, int]:
    return {
        "difference_zero_point": parts.difference.output.zero_point,
        "factor_zero_point": parts.factor.output.zero_point,
        "table_zero_point": parts.table.output.zero_point,
        "gain_zero_point": parts.gain.zero_point,
    }


def plain_fields(node: Node) -> dict[str, object]:
    """Return tz_layer_norm_s8_t, in the order of its fields: CIMv3's data names none."""
    parts: LayerNormParts = node.attributes
    of_sums = {"input_zero_point": parts.row.zero_point, "mean_zero_point": parts.mean.output.zero_point}
    return {**shared_fields(node), **of_sums, **zero_points(parts), **hoisted_fields(parts)}


def linear_fields(parts: LayerNormParts) -> dict[str, object] | None:
    """Return the rest of tz_layer_norm_linear_s8_t; None where one of its steps would give other integers."""
    difference = sum_struct(parts.difference, sum_factors(parts.difference), LEFT_SHIFTS["int8"])
    found = linear_form(difference, -1, ALL_VALUES, ALL_VALUES)
    factor = product_form(*factors_of(parts)["factor"], products_of_factor(parts))
    if found is None or factor is None or not is_narrow(found):
        return None
    return {
        "input_factor": found.a_factor,
        "mean_factor": found.b_factor,
        "difference_offset": found.offset,
        "factor": Struct(
            "tz_scaled_product_t", {"multiplier": factor.factor, "offset": factor.offset, "shift": factor.shift}
        ),
        "product": hoisted_fields(parts)["product"],
    }


def products_of_factor(parts: LayerNormParts) -> np.ndarray:
    """Return all products of a reciprocal deviation and a gain, less their zero points: (n,) int64."""
    deviations = np.unique(parts.table.attributes.values).astype(np.int64) - parts.table.output.zero_point
    gains = np.unique(parts.gain.value).astype(np.int64) - parts.gain.zero_point
    return np.unique(deviations[:, None] * gains[None, :])


def factors_of(parts: LayerNormParts) -> dict[str, tuple[Factor, int]]:
    """Map each field of the struct to a factor, and the zero point that is added after it."""
    to_input, to_mean, to_difference = (quantize_multiplier(real) for real in sum_factors(parts.difference))
    return {
        "input": (to_input, 0),
        "raised_mean": (to_mean, 0),
        "difference": (to_difference, parts.difference.output.zero_point),
        "factor": (quantize_multiplier(multiply_factor(parts.factor)), parts.factor.output.zero_point),
        "product": (quantize_multiplier(multiply_factor(parts.product)), parts.product.output.zero_point),
    }


def hoisted_fields(parts: LayerNormParts) -> dict[str, Struct]:
    """Return the same as structs; the left shift of SUB's common scale is added to that of its inputs."""
    fields = {name: hoisted_struct(factor, zero_point) for name, (factor, zero_point) in factors_of(parts).items()}
    for name in ("input", "raised_mean"):
        fields[name].fields["left"] += LEFT_SHIFTS["int8"]
    return fields


def can_fuse(parts: LayerNormParts) -> bool:
    """Return whether all factors can be hoisted for differences of bytes, their sums and products."""
    raised = 255 << LEFT_SHIFTS["int8"]
    largest = {"input": raised, "raised_mean": raised, "difference": raised, "factor": 255 * 255, "product": 255 * 255}
    even = ("input", "raised_mean")
    return all(can_hoist(factor, largest[name], name in even) for name, (factor, _) in factors_of(parts).items())


LAYER_NORM = LayerNorm()
