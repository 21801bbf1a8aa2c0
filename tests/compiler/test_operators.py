"""Every operator of the table: random nodes equal LiteRT's reference kernels in every element; the others are refused.

The compiled C runs with address and undefined-behaviour sanitizers, without any pass and with all of them.
"""

import operator_chains
import operator_cases as cases
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from operator_cases import ROWS
from refused_operators import REFUSED
from running import Model, differences, model_of

from textzoo.compiler.compile import compile_bytes, compile_file
from textzoo.compiler.operators.base import Target
from textzoo.compiler.opset import FUSED, OPERATORS
from textzoo.compiler.passes.registry import TABLE
from textzoo.compiler.single_op import Operation, Tensor, build_all
from textzoo.errors import UserError

EVERY_PASS = tuple(entry.name for entry in TABLE)
# Few, because each is compiled: `fuzz_operators.py` takes as many as one likes.
few_examples = settings(max_examples=2, derandomize=True, database=None, phases=[Phase.generate])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("programs")


@pytest.mark.parametrize("row", ROWS, ids=str)
@few_examples
@given(seed=st.integers(0, 2**32 - 1), passes=st.booleans())
def test_random_nodes_equal_litert(row, folder, seed, passes):
    model = model_of(row, seed, per_type=4)
    assert not differences(model, folder, without=() if passes else EVERY_PASS)


def test_every_operator_of_the_table_has_a_row():
    assert {row.operator for row in ROWS} == set(OPERATORS.names()) - FUSED
