"""A pattern matcher: what a pass looks for in a graph, from the last operator back to the first ones.

A pattern says how a tensor is computed:

    row = AnyTensor("row")
    mean = Reshaped(Computed("MEAN", row, AnyTensor(), name="mean"))
    difference = Computed("SUB", row, mean, name="difference")

matches every SUB of a tensor and the mean of the same tensor, with any number of reshapes behind the MEAN. What has a
name is captured; a name that occurs twice stands for one and the same tensor or node.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from textzoo.compiler.ir.graph import Graph, Node, Tensor

# Operators whose output has the elements of the first input in the same order.
SAME_ORDER = ("RESHAPE", "EXPAND_DIMS", "SQUEEZE")

# Name -> the Node or Tensor that it stands for.
Captures = dict[str, Any]


def always(_: Any) -> bool:
    return True


class Pattern(ABC):
    """How a tensor is computed."""

    @abstractmethod
    def matches(self, graph: Graph, tensor: Tensor, captures: Captures) -> Iterator[Captures]:
        """Yield every way in which a tensor matches, besides what has been captured already."""


@dataclass(frozen=True)
class AnyTensor(Pattern):
    """A tensor, however it is computed.

    Attributes:
        name: That it is captured by, if any.
        check: What must hold for it.
    """

    name: str = ""
    check: Callable[[Tensor], bool] = always

    def matches(self, graph: Graph, tensor: Tensor, captures: Captures) -> Iterator[Captures]:
        if self.check(tensor):
            yield from captured(captures, self.name, tensor)


class Computed(Pattern):
    """The output of an operator with as many inputs as there are patterns for them.

    Args:
        operator: Its name.
        inputs: One pattern per input.
        name: That the node is captured by, if any.
        check: What must hold for the node.
        commutative: Whether the inputs may come in any order.
    """

    def __init__(
        self,
        operator: str,
        *inputs: Pattern,
        name: str = "",
        check: Callable[[Node], bool] = always,
        commutative: bool = False,
    ) -> None:
        self.operator, self.inputs, self.name, self.check = operator, inputs, name, check
        self.commutative = commutative

    def matches(self, graph: Graph, tensor: Tensor, captures: Captures) -> Iterator[Captures]:
        node = graph.producer(tensor)
        if node is not None:
            yield from self.matches_of_node(graph, node, captures)

    def matches_of_node(self, graph: Graph, node: Node, captures: Captures) -> Iterator[Captures]:
        """Yield the same for the node that computes the tensor."""
        operands = node.operands()
        if node.operator == self.operator and len(operands) == len(self.inputs) and self.check(node):
            for order in permutations(self.inputs) if self.commutative else (self.inputs,):
                for more in captured(captures, self.name, node):
                    yield from matches_of_all(graph, list(zip(order, operands, strict=True)), more)


@dataclass(frozen=True)
class Reshaped(Pattern):
    """A pattern with any number of reshapes behind it, or none."""

    pattern: Pattern

    def matches(self, graph: Graph, tensor: Tensor, captures: Captures) -> Iterator[Captures]:
        yield from self.pattern.matches(graph, before_reshapes(graph, tensor), captures)


@dataclass(frozen=True)
class Either(Pattern):
    """The first of two patterns, or else the second one."""

    first: Pattern
    second: Pattern

    def matches(self, graph: Graph, tensor: Tensor, captures: Captures) -> Iterator[Captures]:
        yield from self.first.matches(graph, tensor, captures)
        yield from self.second.matches(graph, tensor, captures)


def captured(captures: Captures, name: str, value: Node | Tensor) -> Iterator[Captures]:
    """Yield the captured tensors with this one added; nothing where the name stands for another tensor."""
    if not name or captures.get(name, value) is value:
        yield {**captures, name: value} if name else captures


def matches_of_all(graph: Graph, pairs: list[tuple[Pattern, Tensor]], captures: Captures) -> Iterator[Captures]:
    """Yield every way in which each pattern matches its tensor."""
    if not pairs:
        yield captures
        return
    (pattern, tensor), *others = pairs
    for more in pattern.matches(graph, tensor, captures):
        yield from matches_of_all(graph, others, more)


def fuse(graph: Graph, pattern: Computed, make: Callable[[Graph, Captures], Node | None]) -> None:
    """Replace every node in which a pattern ends.

    The other nodes of the pattern stay: the pass `dead_code` drops those whose results are no longer read.

    Args:
        graph: Is changed.
        pattern: What is looked for.
        make: (graph, captures) -> the node that computes the same output; None where the match does not fit.
    """
    for index, node in enumerate(graph.nodes):
        made = (make(graph, captures) for captures in pattern.matches_of_node(graph, node, {}))
        graph.nodes[index] = next((new for new in made if new is not None), node)


def before_reshapes(graph: Graph, tensor: Tensor) -> Tensor:
    """Return the tensor whose elements a tensor has in the same order: what was there before any number of reshapes."""
    node = graph.producer(tensor)
    while node is not None and node.operator in SAME_ORDER:
        tensor = node.inputs[0]
        node = graph.producer(tensor)
    return tensor


def readers_behind_reshapes(graph: Graph, tensor: Tensor) -> list[Node]:
    """Return the nodes that read a tensor or a reshape of it; the reshapes themselves do not count."""
    readers = []
    for node in graph.consumers(tensor):
        is_reshape = node.operator in SAME_ORDER
        readers += readers_behind_reshapes(graph, node.output) if is_reshape else [node]
    return readers
