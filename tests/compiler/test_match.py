"""The pattern matcher: what it finds, what it captures, and what it leaves alone."""

import numpy as np
import pytest

from textzoo.compiler.ir.graph import Graph, Node, Tensor
from textzoo.compiler.ir.match import (
    AnyTensor,
    Computed,
    Either,
    Reshaped,
    before_reshapes,
    fuse,
    readers_behind_reshapes,
)


def tensor(name, size=4, value=None):
    return Tensor(name, name, (size,), np.dtype("int8"), value=value)


A, B, SUM, FLAT, PRODUCT, OUTPUT = (tensor(name) for name in ("a", "b", "sum", "flat", "product", "output"))
GAIN = tensor("gain", value=np.ones(4, np.int8))
ADD = Node("ADD", [A, B], [SUM], {"fusedActivationFunction": 1})
RESHAPE = Node("RESHAPE", [SUM], [FLAT])
MUL = Node("MUL", [GAIN, FLAT], [PRODUCT])
SUB = Node("SUB", [PRODUCT, A], [OUTPUT])


def graph():
    """(a + b) reshaped, times a constant, minus a."""
    return Graph([ADD, RESHAPE, MUL, SUB], {"a": A, "b": B}, {"output": OUTPUT}, [])


def is_constant(candidate):
    return candidate.is_constant


ADDED = Computed("ADD", AnyTensor("x"), AnyTensor("y"), name="add")
GAINED = (Reshaped(ADDED), AnyTensor("gain", check=is_constant))
# Pattern of the MUL -> what it captures; None where it does not match.
PATTERNS = {
    "any tensors": (Computed("MUL", AnyTensor(), AnyTensor("right")), {"right": FLAT}),
    "another operator": (Computed("DIV", AnyTensor(), AnyTensor()), None),
    "another number of inputs": (Computed("MUL", AnyTensor()), None),
    "inputs in their order": (Computed("MUL", *GAINED), None),
    "inputs in any order": (
        Computed("MUL", *GAINED, commutative=True),
        {"add": ADD, "x": A, "y": B, "gain": GAIN},
    ),
    "no reshapes skipped": (Computed("MUL", AnyTensor(), ADDED), None),
    "a check of a tensor": (Computed("MUL", AnyTensor(), AnyTensor(check=is_constant)), None),
    "a check of a node": (
        Computed("MUL", AnyTensor(), Reshaped(Computed("ADD", AnyTensor(), AnyTensor(), check=lambda node: False))),
        None,
    ),
    "one name for two tensors": (Computed("MUL", AnyTensor("same"), AnyTensor("same")), None),
    "the first of two patterns": (
        Computed("MUL", AnyTensor(), Either(Reshaped(ADDED), AnyTensor("else"))),
        {"add": ADD, "x": A, "y": B},
    ),
    "the second of two patterns": (Computed("MUL", AnyTensor(), Either(ADDED, AnyTensor("else"))), {"else": FLAT}),
}


@pytest.mark.parametrize(("pattern", "expected"), PATTERNS.values(), ids=PATTERNS.keys())
def test_a_pattern_captures_what_it_names(pattern, expected):
    found = next(pattern.matches(graph(), PRODUCT, {}), None)
    assert found == expected


def test_a_name_that_occurs_twice_is_one_tensor():
    pattern = Computed("SUB", Computed("MUL", AnyTensor(), Reshaped(ADDED)), AnyTensor("x"))
    assert next(pattern.matches(graph(), OUTPUT, {}))["x"] is A
    other = Computed("SUB", Computed("MUL", AnyTensor(), Reshaped(ADDED)), AnyTensor("y"))
    assert not list(other.matches(graph(), OUTPUT, {}))


def test_what_is_captured_already_must_fit():
    assert not list(ADDED.matches(graph(), SUM, {"x": B}))
    assert list(ADDED.matches(graph(), SUM, {"x": A}))


def test_an_order_that_does_not_fit_later_is_given_up_for_another_one():
    pattern = Computed("SUB", AnyTensor(), AnyTensor("y"), name="sub")
    both = Computed("ADD", AnyTensor("x"), AnyTensor("y"), commutative=True)
    chain = Computed("SUB", Computed("MUL", AnyTensor(), Reshaped(both)), AnyTensor("y"))
    assert next(chain.matches(graph(), OUTPUT, {})) == {"x": B, "y": A}
    assert next(pattern.matches(graph(), OUTPUT, {})) == {"sub": SUB, "y": A}


def test_fuse_replaces_the_last_node_and_leaves_the_others():
    changed = graph()
    pattern = Computed("MUL", AnyTensor("gain"), Reshaped(ADDED))
    fuse(changed, pattern, lambda _, found: Node("FUSED", [found["x"], found["y"]], [PRODUCT]))
    assert [node.operator for node in changed.nodes] == ["ADD", "RESHAPE", "FUSED", "SUB"]
    assert changed.nodes[2].inputs == [A, B]


def test_fuse_takes_the_first_match_that_fits():
    changed = graph()
    pattern = Computed("ADD", AnyTensor("x"), AnyTensor("y"), commutative=True)
    fuse(changed, pattern, lambda _, found: Node("FUSED", [found["x"]], [SUM]) if found["x"] is B else None)
    assert changed.nodes[0].inputs == [B]
    fuse(changed, Computed("MUL", AnyTensor(), AnyTensor()), lambda *_: None)
    assert changed.nodes[2] is MUL


def test_reshapes_are_skipped_both_ways():
    assert before_reshapes(graph(), FLAT) is SUM
    assert before_reshapes(graph(), PRODUCT) is PRODUCT
    assert readers_behind_reshapes(graph(), SUM) == [MUL]
    assert readers_behind_reshapes(graph(), A) == [ADD, SUB]
