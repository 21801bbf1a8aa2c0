"""The planner: whatever lives at the same time lies apart, and nothing is wasted that a lower place could hold."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from textzoo.compiler.backend.planner import ALIGNMENT, Block, aligned, place


@st.composite
def blocks(draw):
    first = draw(st.integers(0, 20))
    return Block("block", draw(st.integers(1, 500)), first, first + draw(st.integers(0, 10)))


@given(st.lists(blocks(), min_size=1, max_size=25))
def test_blocks_that_meet_lie_apart(planned):
    place(planned)
    for a, b in combinations(planned, 2):
        assert not a.meets(b) or a.offset + a.bytes <= b.offset or b.offset + b.bytes <= a.offset
    assert all(block.offset % ALIGNMENT == 0 for block in planned)


@given(st.lists(blocks(), min_size=1, max_size=25))
def test_the_arena_is_between_the_largest_moment_and_everything(planned):
    place(planned)
    arena = max(block.offset + aligned(block.bytes) for block in planned)
    moments = range(31)
    at_once = max(sum(aligned(b.bytes) for b in planned if b.first <= moment <= b.last) for moment in moments)
    assert at_once <= arena <= sum(aligned(block.bytes) for block in planned)
