"""Each documented rule of a core: instructions that show it cost exactly what the source says."""

import pytest
from cycle_loops import board_of, measure_rows, timing_of
from cycle_rules import RULES

from compilers import need


@pytest.fixture(scope="module")
def costs_of(tmp_path_factory):
    """A function: core -> what its rows cost, measured once."""
    found = {}

    def measured(core):
        need(board_of(core).compiler, board_of(core).emulator, "host")
        if core not in found:
            found[core] = measure_rows(RULES[core], core, timing_of(core), tmp_path_factory.mktemp(core))
        return found[core]

    return measured


ROWS = [(core, number) for core, rows in RULES.items() for number in range(len(rows))]


@pytest.mark.parametrize(("core", "number"), ROWS, ids=[f"{core} {RULES[core][number].rule}" for core, number in ROWS])
def test_instructions_cost_what_the_source_says(costs_of, core, number):
    assert costs_of(core).of_one(number) == RULES[core][number].cycles, RULES[core][number].body


@pytest.mark.parametrize("core", RULES)
def test_memories_without_waits_add_nothing(costs_of, core):
    costs = costs_of(core)
    assert costs.cycles == costs.core
