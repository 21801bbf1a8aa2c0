"""Graphs with states, views and shared operands, compiled as a whole, equal LiteRT's reference kernels."""

import pytest
from graph_benches import BENCHES
from graph_judge import Trial, Verdict, judge
from known_graphs import KNOWN

from textzoo.compiler.passes.registry import TABLE

PASSES = {"no_passes": frozenset(entry.name for entry in TABLE), "all_passes": frozenset()}


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    return tmp_path_factory.mktemp("objects")


@pytest.mark.parametrize("without", PASSES.values(), ids=PASSES.keys())
@pytest.mark.parametrize("name", KNOWN)
def test_known_graphs_equal_litert(name, without, tmp_path, objects):
    (outcome,) = judge([Trial(KNOWN[name](), 1, without)], BENCHES["generic"], tmp_path, objects)
    assert outcome.verdict is Verdict.EQUAL, outcome.detail
    assert outcome.compared
