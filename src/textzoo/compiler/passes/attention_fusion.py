"""Attention over the valid positions only: scores, mask, softmax and weighted values as one kernel.

The graph computes all positions of the cache and replaces the scores of those after `position` by a constant. Their
values are exactly zero since the last reset (the cache holds its zero point there, and `position` of a decode step only
counts up), so they add nothing to the result; what they add to the softmax's sum, and that they may be the largest
score, is a constant that the kernel takes into account. A mask by anything else but `position` is left as it is.
"""

from dataclasses import dataclass

import numpy as np

from textzoo.compiler.ir.graph import Graph, Node, Tensor
from textzoo.compiler.ir.match import AnyTensor, Captures, Computed, Either, Pattern, Reshaped, fuse
from textzoo.compiler.numerics.fixedpoint import quantize_multiplier
from textzoo.compiler.operators.attention import AttentionParts
from textzoo.compiler.operators.base import can_hoist, option
from textzoo.compiler.operators.batch_matmul import product_factor
from textzoo.compiler.operators.elementwise import requantize_factor
from textzoo.compiler.operators.softmax import is_held_s16


@dataclass(frozen=True)
class Form:
    """One kernel.

    Attributes:
        dtype: Of the query, the keys, the values and the scores.
        softmax: Of the softmax.
        longest: Most positions of the cache that its sums hold.
    """

    dtype: str
    softmax: str
    longest: int


FORMS = {
    "attention_s8": Form("int8", "int8", 4095),
    "attention_s8_p16": Form("int8", "int16", 4095),
    "attention_s16": Form("int16", "int16", 32768),
}


def is_plain(product: Node) -> bool:
    """Return whether a BATCH_MATMUL transposes neither operand."""
    return not option(product, "adjX", False) and not option(product, "adjY", False)


def is_transposed(product: Node) -> bool:
    """Return whether a BATCH_MATMUL transposes its second operand only."""
    return not option(product, "adjX", False) and bool(option(product, "adjY", False))


def has_unit_beta(softmax: Node) -> bool:
    return option(softmax, "beta", 1.0) == 1.0


def is_widening(quantize: Node) -> bool:
    """Return whether a QUANTIZE goes from int8 to int16 of the same scale, and so rounds nothing."""
    dtypes = [str(tensor.dtype) for tensor in (quantize.inputs[0], quantize.output)]
    return dtypes == ["int8", "int16"] and requantize_factor(quantize) == 1.0


def is_constant_number(tensor: Tensor) -> bool:
    return tensor.is_constant and tensor.size == 1


def is_zero(tensor: Tensor) -> bool:
    return is_constant_number(tensor) and int(tensor.value.ravel()[0]) == 0


def counts_up(tensor: Tensor) -> bool:
    """Return whether a tensor is the constant 0, 1, 2, ..."""
    return tensor.is_constant and np.array_equal(tensor.value.ravel(), np.arange(tensor.size))


def widened(pattern: Pattern) -> Pattern:
    return Either(Computed("QUANTIZE", pattern, check=is_widening), pattern)


MASK = Reshaped(Computed("LESS_EQUAL", AnyTensor(check=counts_up), AnyTensor("position")))
SCORES = Reshaped(Computed("BATCH_MATMUL", AnyTensor("query"), AnyTensor("keys"), name="scores", check=is_transposed))
MASKED_SCORE = AnyTensor("masked_score", check=is_constant_number)
MASKED = Reshaped(Computed("SELECT_V2", MASK, SCORES, MASKED_SCORE, name="masked"))
SOFTMAX = Reshaped(Computed("SOFTMAX", widened(MASKED), name="softmax", check=has_unit_beta))
ATTENTION = Computed("BATCH_MATMUL", SOFTMAX, widened(AnyTensor("values")), name="product", check=is_plain)

ZERO = AnyTensor(check=is_zero)
CACHE = Computed(
    "DYNAMIC_UPDATE_SLICE",
    AnyTensor("before"),
    AnyTensor("new"),
    Computed("CONCATENATION", ZERO, AnyTensor("position"), ZERO),
)


def run(graph: Graph) -> None:
    fuse(graph, ATTENTION, fused)


def fused(graph: Graph, captures: Captures) -> Node | None:
    """Return ATTENTION, if what was found has the form that one of the kernels computes."""
    masked: Node = captures.pop("masked")
    kept = masked.inputs[1]
    kernel = kernel_of((captures["query"], captures["keys"], kept, captures["values"]), captures["softmax"].output)
    if kernel is None:
        return None
    parts = AttentionParts(**captures, kernel=kernel)
    if not fits_kernel(graph, parts, kept):
        return None
    inputs = [parts.query, parts.keys, parts.values, parts.position]
    return Node("ATTENTION", inputs, [parts.product.output], attributes=parts)


def kernel_of(tensors: tuple[Tensor, ...], softmax: Tensor) -> str | None:
    """Return the kernel for these types, if there is one."""
    types = {str(tensor.dtype) for tensor in tensors}, str(softmax.dtype)
    return next((name for name, form in FORMS.items() if types == ({form.dtype}, form.softmax)), None)


def fits_kernel(graph: Graph, parts: AttentionParts, kept: Tensor) -> bool:
    """Return whether shapes, scales, the mask and the caches are as the kernel takes them."""
    if len(parts.keys.shape) != 3 or parts.keys.shape != parts.values.shape:
        return False
    heads, context, width = parts.keys.shape
    shapes_fit = (
        parts.query.shape == parts.product.output.shape == (heads, 1, width)
        and kept.shape[-1] == context <= FORMS[parts.kernel].longest
    )
    caches = all(is_cache(graph, tensor, parts.position) for tensor in (parts.keys, parts.values))
    return bool(parts.position is graph.counter and shapes_fit and caches) and scales_stay_small(parts, width, context)


def scales_stay_small(parts: AttentionParts, width: int, context: int) -> bool:
    """Return whether `tz_scale_hoisted` scales the products of int8, and distances of scores of int16 can be raised.

    The products of int16 are scaled otherwise.
    """
    scores, weights = (quantize_multiplier(product_factor(node)) for node in (parts.scores, parts.product))
    form = FORMS[parts.kernel]
    narrow_scores, narrow_weights = form.dtype == "int8", form.softmax == "int8"
    holds_scores = can_hoist(scores, width * 255 * 255) if narrow_scores else is_held_s16(parts.softmax)
    return holds_scores and (not narrow_weights or can_hoist(weights, context * 255 * 255))


def is_cache(graph: Graph, tensor: Tensor, position: Tensor) -> bool:
    """Return whether a tensor is a new state that differs from the old one only at `position` of its second axis."""
    state = next((state for state in graph.states if state.after is tensor), None)
    heads, _, width = tensor.shape
    return state is not None and any(
        captures["before"] is state.before and captures["new"].shape == (heads, 1, width)
        for captures in CACHE.matches(graph, tensor, {"position": position})
    )
