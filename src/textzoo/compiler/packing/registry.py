"""The table of layouts, and weights in the first of some layouts that holds them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from textzoo.common.registry import unknown_name
from textzoo.compiler.packing import generic
from textzoo.compiler.packing.base import Layout
from textzoo.compiler.packing.tables import VARIANT_PLACES

GENERIC = "generic"
VARIANTS: dict[str, dict[str, Layout]] = {name: VARIANT_PLACES.get(name) for name in VARIANT_PLACES}
# What computes FULLY_CONNECTED of int8 activations, the fewest bits first; the last one takes all weights of 8 bits.
FULLY_CONNECTED_S8 = ("fully_connected_s8_w2", "fully_connected_s8_w4", "fully_connected_s8")
# The same for 8 bits and inputs that mostly are the smallest number; more columns it does not take.
SPARSE = "fully_connected_s8_sparse"
MAX_SPARSE_COLUMNS = 2**16
# Tables for look-ups, smallest first: packed like weights for generic kernels, so that equal ones are stored once.
TABLES = {
    "gather_w2": generic.LAYOUTS["fully_connected_s8_w2"],
    "gather_w4": generic.LAYOUTS["fully_connected_s8_w4"],
}
# What computes FULLY_CONNECTED of int16 activations, whose sums fit 32 bits or do not.
FULLY_CONNECTED_S16 = ("fully_connected_s16",)
FULLY_CONNECTED_S16_LONG = ("fully_connected_s16_long",)
# What computes CONV_2D of int8 activations.
CONV_2D_S8 = "conv_2d_s8"
# The same of an LSTM's gates.
LSTM_S8 = "lstm_s8"


@dataclass(frozen=True)
class Packed:
    """Weights or a table for a kernel.

    Attributes:
        kernel: Its name.
        variant: Of the kernel.
        values: (n,) int8 or int32, to be stored little-endian as an array of that type.
        scratch_bytes: What the kernel needs.
    """

    kernel: str
    variant: str
    values: np.ndarray
    scratch_bytes: int


def layout_of(kernel: str, variant: str) -> Layout:
    """Return the layout of a kernel; UserError for an unknown variant, or a kernel that it does not have."""
    if variant not in VARIANTS:
        raise unknown_name("kernel variant", variant, VARIANTS)
    if kernel not in VARIANTS[variant]:
        raise unknown_name(f"kernel of {variant}", kernel, VARIANTS[variant])
    return VARIANTS[variant][kernel]


def pack(weights: np.ndarray, kernel: str, variant: str) -> Packed:
    """Bring weights into the layout of a kernel.

    Args:
        weights: (rows, columns) int8.
        kernel: A key of the variant's layouts.
        variant: A key of VARIANTS.

    Raises:
        ValueError: The layout does not hold the weights.
        UserError: Unknown kernel or variant.
    """
    layout = layout_of(kernel, variant)
    if not layout.fits(weights):
        raise ValueError(f"weights from {weights.min()} to {weights.max()} do not fit {variant} {kernel}")
    values = np.ascontiguousarray(layout.pack(weights))
    return Packed(kernel, variant, values, layout.scratch_bytes(*weights.shape))


def holder(kernel: str, variant: str) -> str:
    """Return the variant whose layout a kernel has: its own, or the generic one."""
    return variant if kernel in VARIANTS.get(variant, {}) else GENERIC


def pack_fitting(weights: np.ndarray, variant: str, kernels: Sequence[str]) -> Packed:
    """Pack weights (rows, columns) int8 for the first of some kernels that takes them.

    Beside a variant's kernel, which other layers may need, the generic one for all weights has a name of its own.

    Args:
        weights: (rows, columns) int8.
        variant: Whose kernels are taken; generic ones where it has none.
        kernels: In the order in which they are tried; of the last one the generic kernel takes all weights.
    """
    for kernel in kernels:
        if layout_of(kernel, holder(kernel, variant)).fits(weights):
            return pack(weights, kernel, holder(kernel, variant))
    return pack(weights, f"{kernels[-1]}_any", GENERIC)


def pack_table(entries: np.ndarray) -> Packed | None:
    """Pack a table (entries, elements) int8 for look-ups in 2 or 4 bits, or return None where it takes 8."""
    for kernel, layout in TABLES.items():
        if layout.fits(entries):
            return Packed(kernel, GENERIC, layout.pack(entries), layout.scratch_bytes(*entries.shape))
    return None
