"""deployment.weights: which forms of packed weights a model uses, and so which kernels.

All of them compute the same integers. What each costs is in the tables of layouts, packing/<variant>.py.
"""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np

from textzoo.common.registry import unknown_name
from textzoo.compiler.packing.registry import FULLY_CONNECTED_S8, GENERIC, SPARSE, VARIANTS, holder, layout_of, pack
from textzoo.compiler.packing.tables import CHOICES

BALANCED = "balanced"
SMALLEST = "smallest"
WIDEST = FULLY_CONNECTED_S8[-1]
BASE_3 = "fully_connected_s8_b3"
# Every form of FULLY_CONNECTED int8, the fewest bits first.
FORMS = (BASE_3, *FULLY_CONNECTED_S8)

# (matrices (rows, columns) int8, variant) -> kernels in the order in which they are tried for every matrix.
Choice = Callable[[Sequence[np.ndarray], str], tuple[str, ...]]


def balanced(matrices: Sequence[np.ndarray], variant: str) -> tuple[str, ...]:
    """Choose the fewest bits for which the variant has a kernel; base 3 where it is no slower than whole bits.

    Generic kernels keep to whole bits, in which tied weights and tables of look-ups are in flash once.
    """
    whole_bits = with_own_kernel(FULLY_CONNECTED_S8, variant)
    if variant == GENERIC or BASE_3 not in VARIANTS[variant]:
        return whole_bits
    is_slower = layout_of(BASE_3, variant).instructions > layout_of(whole_bits[0], variant).instructions
    return whole_bits if is_slower else (BASE_3, *whole_bits)


def fastest(matrices: Sequence[np.ndarray], variant: str) -> tuple[str, ...]:
    """Choose the variant's kernels by instructions, without those slower than the one for all weights."""
    ranked = sorted(with_own_kernel(FORMS, variant), key=lambda kernel: layout_of(kernel, variant).instructions)
    return tuple(ranked[: ranked.index(WIDEST) + 1])


def smallest(matrices: Sequence[np.ndarray], variant: str) -> tuple[str, ...]:
    """Choose the set of kernels that needs the fewest bytes of flash, weights and code together."""
    sizes = [packed_bytes(matrix, variant) for matrix in matrices]
    narrow = FORMS[:-1]
    sets = [(*some, WIDEST) for count in range(len(narrow) + 1) for some in combinations(narrow, count)]
    return min(sets, key=lambda kernels: flash_bytes(sizes, variant, kernels))


def with_sparse(kernels: Sequence[str], variant: str, weights: str = BALANCED) -> tuple[str, ...]:
    """Add the kernel that leaves out inputs before the one for all weights, where it is worth its code.

    The DSP extension and vectors multiply so fast that half of the inputs would have to be left out to gain anything.
    """
    is_there = SPARSE in VARIANTS[variant] and weights != SMALLEST
    return (*kernels[:-1], SPARSE, kernels[-1]) if is_there else tuple(kernels)


def with_own_kernel(kernels: Sequence[str], variant: str) -> tuple[str, ...]:
    """Return the kernels for which the variant has a layout, and the one for all weights."""
    return tuple(kernel for kernel in kernels if kernel in VARIANTS[variant] or kernel == WIDEST)


def packed_bytes(matrix: np.ndarray, variant: str) -> dict[str, int]:
    """Map kernels that take the matrix's values to its packed size in bytes; the last one always does."""
    fitting = [kernel for kernel in FORMS if layout_of(kernel, holder(kernel, variant)).fits(matrix)]
    sizes = {kernel: pack(matrix, kernel, holder(kernel, variant)).values.nbytes for kernel in fitting}
    return {WIDEST: matrix.size} | sizes


def flash_bytes(sizes: Sequence[dict[str, int]], variant: str, kernels: Sequence[str]) -> int:
    """Return the bytes of all matrices, each for the first of the kernels that takes it, and of these kernels' code."""
    chosen = [next(kernel for kernel in kernels if kernel in size) for size in sizes]
    code = sum(layout_of(kernel, holder(kernel, variant)).code_bytes for kernel in set(chosen))
    return code + sum(size[kernel] for size, kernel in zip(sizes, chosen, strict=True))


def choose_kernels(matrices: Sequence[np.ndarray], variant: str, weights: str = BALANCED) -> tuple[str, ...]:
    """Choose kernels of FULLY_CONNECTED int8, in the order in which they are tried for every matrix of a model.

    Args:
        matrices: (rows, columns) int8 each.
        variant: A key of VARIANTS; UserError for another.
        weights: deployment.weights, a key of CHOICES; UserError for another.
    """
    if variant not in VARIANTS:
        raise unknown_name("kernel variant", variant, VARIANTS)
    choose: Choice = CHOICES.get(weights)
    return choose(matrices, variant)
