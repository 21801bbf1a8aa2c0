"""The table of layouts, and the choice of the smallest one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from textzoo.compiler.packing import dsp, generic, host, mul32, mve, neon
from textzoo.compiler.packing.base import Layout
from textzoo.registry import unknown_name

GENERIC = "generic"
VARIANTS: dict[str, dict[str, Layout]] = {
    GENERIC: generic.LAYOUTS,
    "dsp": dsp.LAYOUTS,
    "mve": mve.LAYOUTS,
    "host": host.LAYOUTS,
    "mul32": mul32.LAYOUTS,
    "neon": neon.LAYOUTS,
}
# What computes FULLY_CONNECTED of int8 activations, the smallest weights first.
FULLY_CONNECTED_S8 = ("fully_connected_s8_w2", "fully_connected_s8_w4", "fully_connected_s8")
# Tables for look-ups, smallest first: packed like weights for generic kernels, so that equal ones are stored once.
TABLES = {
    "gather_w2": generic.LAYOUTS["fully_connected_s8_w2"],
    "gather_w4": generic.LAYOUTS["fully_connected_s8_w4"],
}
# What computes FULLY_CONNECTED of int16 activations, whose sums fit 32 bits or do not.
FULLY_CONNECTED_S16 = ("fully_connected_s16",)
FULLY_CONNECTED_S16_LONG = ("fully_connected_s16_long",)


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
    """UserError for an unknown variant, or a kernel that it does not have."""
    if variant not in VARIANTS:
        raise unknown_name("kernel variant", variant, VARIANTS)
    if kernel not in VARIANTS[variant]:
        raise unknown_name(f"kernel of {variant}", kernel, VARIANTS[variant])
    return VARIANTS[variant][kernel]


def pack(weights: np.ndarray, kernel: str, variant: str) -> Packed:
    """Bring weights into the layout of a kernel.

    Args:
        weights: (rows, columns) int8.
        kernel: One of FULLY_CONNECTED_S8, FULLY_CONNECTED_S16 or FULLY_CONNECTED_S16_LONG.
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


def pack_smallest(weights: np.ndarray, variant: str, kernels: Sequence[str] = FULLY_CONNECTED_S8) -> Packed:
    """The smallest layout of the variant that holds weights (rows, columns) int8; where none does, the generic one.

    Beside a variant's kernel, which other layers may need, the generic one has a name of its own.
    """
    own = VARIANTS.get(variant, {})
    for kernel in kernels:
        if kernel in own and own[kernel].fits(weights):
            return pack(weights, kernel, variant)
    return pack(weights, kernels[-1] + ("_any" if kernels[-1] in own else ""), GENERIC)


def pack_table(entries: np.ndarray) -> Packed | None:
    """The smallest layout that holds a table (entries, elements) int8 for look-ups, or None where it takes 8 bits."""
    for kernel, layout in TABLES.items():
        if layout.fits(entries):
            return Packed(kernel, GENERIC, layout.pack(entries), layout.scratch_bytes(*entries.shape))
    return None
