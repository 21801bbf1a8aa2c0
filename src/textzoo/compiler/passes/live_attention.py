"""Attention over the live places only: scores, mask, softmax and weighted values as one kernel.

The graph computes all places of the cache and replaces the scores of those after `position` by a constant. Their values
are exactly zero since the last reset (the cache holds its zero point there, and `position` of a decode step only counts
up), so they add nothing to the result; what they add to the softmax's sum, and that they may be the largest score, is a
constant that the kernel takes into account. A mask by anything else but `position` is left as it is.
"""

from dataclasses import dataclass

import numpy as np

from textzoo.compiler.ir.graph import Graph, Node, Tensor
from textzoo.compiler.numerics.fixedpoint import quantize_multiplier
from textzoo.compiler.operators.base import can_hoist, option
from textzoo.compiler.operators.batch_matmul import product_factor
from textzoo.compiler.operators.elementwise import requantize_factor
from textzoo.compiler.operators.softmax import is_held_s16

SAME_ORDER = {"RESHAPE", "EXPAND_DIMS", "SQUEEZE"}


@dataclass(frozen=True)
class Form:
    """One kernel.

    Attributes:
        dtype: Of the query, the keys, the values and the scores.
        softmax: Of the softmax.
        longest: Most places of the cache that its sums hold.
    """

    dtype: str
    softmax: str
    longest: int


FORMS = {
    "attention_s8": Form("int8", "int8", 4095),
    "attention_s8_p16": Form("int8", "int16", 4095),
    "attention_s16": Form("int16", "int16", 32768),
}


@dataclass
class Found:
    """The parts of one attention, and the kernel that computes it."""

    scores: Node
    softmax: Node
    product: Node
    query: Tensor
    keys: Tensor
    values: Tensor
    dead: Tensor
    last: Tensor
    kernel: str


def run(graph: Graph) -> None:
    for node in list(graph.nodes):
        found = find(graph, node)
        if found is not None:
            replacement = Node("ATTENTION", [found.query, found.keys, found.values, found.last], [node.output])
            replacement.options = {"found": found}
            graph.nodes[graph.nodes.index(node)] = replacement


def find(graph: Graph, product: Node) -> Found | None:
    """The attention whose last product a node is, if it has the form that the kernel computes."""
    if product.operator != "BATCH_MATMUL" or option(product, "adjX", False) or option(product, "adjY", False):
        return None
    softmax = source_node(graph, product.inputs[0], "SOFTMAX")
    if softmax is None or option(softmax, "beta", 1.0) != 1.0:
        return None
    values = unwidened(graph, product.inputs[1])
    select = source_node(graph, unwidened(graph, softmax.inputs[0]), "SELECT_V2")
    if select is None:
        return None
    condition, kept, dead = select.inputs
    scores = source_node(graph, kept, "BATCH_MATMUL")
    last = last_live_place(graph, condition)
    if scores is None or last is None or not dead.is_constant or dead.size != 1:
        return None
    kernel = kernel_of((*scores.inputs, kept, values), softmax.output)
    if kernel is None:
        return None
    found = Found(scores, softmax, product, scores.inputs[0], scores.inputs[1], values, dead, last, kernel)
    return found if fits_kernel(graph, found, kept) else None


def kernel_of(tensors: tuple[Tensor, ...], softmax: Tensor) -> str | None:
    """The kernel for these types, if there is one."""
    types = {str(tensor.dtype) for tensor in tensors}, str(softmax.dtype)
    return next((name for name, form in FORMS.items() if types == ({form.dtype}, form.softmax)), None)


def source_node(graph: Graph, tensor: Tensor, operator: str) -> Node | None:
    """The node of a kind that computes a tensor, reshapes in between not counted."""
    node = graph.producer(tensor)
    while node is not None and node.operator in SAME_ORDER:
        node = graph.producer(node.inputs[0])
    return node if node is not None and node.operator == operator else None


def unwidened(graph: Graph, tensor: Tensor) -> Tensor:
    """What a QUANTIZE from int8 to int16 of the same scale has read, for it rounds nothing; else the tensor itself."""
    node = graph.producer(tensor)
    if node is None or node.operator != "QUANTIZE" or requantize_factor(node) != 1.0:
        return tensor
    return node.inputs[0] if str(node.inputs[0].dtype) == "int8" and str(tensor.dtype) == "int16" else tensor


def last_live_place(graph: Graph, condition: Tensor) -> Tensor | None:
    """The position that a mask `0, 1, 2, ... <= position` compares with."""
    node = source_node(graph, condition, "LESS_EQUAL")
    if node is None or node.inputs[1] is not graph.counter or not node.inputs[0].is_constant:
        return None
    places = node.inputs[0].value.ravel()
    return node.inputs[1] if np.array_equal(places, np.arange(len(places))) else None


def fits_kernel(graph: Graph, found: Found, kept: Tensor) -> bool:
    """Whether shapes, scales and the caches are as the kernel takes them."""
    if len(found.keys.shape) != 3 or found.keys.shape != found.values.shape:
        return False
    heads, context, width = found.keys.shape
    shapes_fit = (
        found.query.shape == (heads, 1, width)
        and kept.shape[-1] == context <= FORMS[found.kernel].longest
        and found.product.output.shape == (heads, 1, width)
        and option(found.scores, "adjY", False)
        and not option(found.scores, "adjX", False)
    )
    caches = all(is_cache(graph, tensor, found.last) for tensor in (found.keys, found.values))
    return bool(shapes_fit and caches) and scales_stay_small(found, width, context)


def scales_stay_small(found: Found, width: int, context: int) -> bool:
    """Whether the products of int8 can be scaled by `tz_scale_hoisted`, and the distances of scores of int16 be raised.

    The products of int16 are scaled otherwise.
    """
    scores, weights = (quantize_multiplier(product_factor(node)) for node in (found.scores, found.product))
    form = FORMS[found.kernel]
    narrow_scores, narrow_weights = form.dtype == "int8", form.softmax == "int8"
    holds_scores = can_hoist(scores, width * 255 * 255) if narrow_scores else is_held_s16(found.softmax)
    return holds_scores and (not narrow_weights or can_hoist(weights, context * 255 * 255))


def is_cache(graph: Graph, tensor: Tensor, last: Tensor) -> bool:
    """Whether a tensor is a new state that differs from the old one only at place `last` of its second axis."""
    state = next((state for state in graph.states if state.after is tensor), None)
    update = graph.producer(tensor)
    if state is None or update is None or update.operator != "DYNAMIC_UPDATE_SLICE":
        return False
    _, part, indices = update.inputs
    heads, _, width = tensor.shape
    return update.inputs[0] is state.before and part.shape == (heads, 1, width) and starts_at(graph, indices, last)


def starts_at(graph: Graph, indices: Tensor, last: Tensor) -> bool:
    """Whether indices are (0, last, 0)."""
    node = graph.producer(indices)
    if node is None or node.operator != "CONCATENATION" or len(node.inputs) != 3:
        return False
    first, middle, end = node.inputs
    zeros = all(part.is_constant and part.size == 1 and int(part.value.ravel()[0]) == 0 for part in (first, end))
    return zeros and middle is last
