"""The verifier refuses what a faulty pass, plan or order would compute wrongly: such faults are put in, one by one."""

import pytest
from graph_benches import BENCHES
from graph_judge import Trial, Verdict, judge
from known_graphs import KNOWN

from textzoo.compiler import compile
from textzoo.compiler.backend import lowering, planner
from textzoo.compiler.operators import aliases, gather, movement
from textzoo.compiler.passes import elementwise_fusion

ALWAYS, NEVER = (lambda *_: True), (lambda *_: False)


def first_value(operand, earlier):
    """The first of several values that a turn has written to one place, instead of the last."""
    return TAKEN(operand, earlier[:1])


def one_after_the_other(graph):
    """Every new state over its old one, without asking who reads that."""
    return [lowering.carry(state) for state in graph.states if not aliases.same_location(state.after, state.before)]


def has_own_memory(lifetimes, state):
    return state.after.view is None


def lies_in_its_memory(loop):
    """Places compared by their memory only."""
    (compute,) = loop.body
    return compute.operands[0].overlaps(compute.target)


def all_at_the_start(blocks):
    for block in blocks:
        block.offset = 0


def short_lives(self, other):
    """A block may be given away in the moment in which it is read for the last time."""
    return self.first < other.last and other.first < self.last


TAKEN = elementwise_fusion.taken
# What is wrong: where, and what is there instead.
FAULTS = {
    "views last for ever": (aliases.Lifetimes, "lasts", ALWAYS),
    "every state is updated in place": (aliases.Lifetimes, "may_be_updated", has_own_memory),
    "states carried one after the other": (lowering, "carried_states", one_after_the_other),
    "places compared by memory only": (movement, "lies_there", lies_in_its_memory),
    "the first value instead of the last": (elementwise_fusion, "taken", first_value),
    "stores dropped that others read": (elementwise_fusion, "read_by", lambda statement: set()),
    "loops of one shape joined": (elementwise_fusion, "turns_are_independent", lambda a, b: a.shape == b.shape),
    "nothing kept": (elementwise_fusion, "kept_memory", lambda graph: set()),
    "look-ups left out": (gather, "is_aliased", lambda node, alias: alias is not None),
    "everything at one place": (planner, "place", all_at_the_start),
    "blocks given away too early": (planner.Block, "meets", short_lives),
}


def outcomes(folder):
    (folder / "objects").mkdir()
    trials = [Trial(make(), 1) for make in KNOWN.values()]
    return judge(trials, BENCHES["generic"], folder, folder / "objects")


@pytest.mark.slow
@pytest.mark.parametrize(("where", "name", "fault"), FAULTS.values(), ids=FAULTS.keys())
def test_what_a_fault_would_compute_wrongly_is_refused(where, name, fault, tmp_path, monkeypatch):
    monkeypatch.setattr(where, name, fault)
    found = outcomes(tmp_path)
    refused = [outcome for outcome in found if outcome.verdict is Verdict.CRASH]
    assert {outcome.verdict for outcome in found} == {Verdict.EQUAL, Verdict.CRASH}
    assert all(outcome.detail.startswith("MiscompiledError") for outcome in refused)


@pytest.mark.slow
def test_without_the_verifier_the_same_fault_gives_wrong_integers(tmp_path, monkeypatch):
    """The graphs do tell: the tests above do not pass because nothing could go wrong."""
    monkeypatch.setattr(aliases.Lifetimes, "lasts", ALWAYS)
    monkeypatch.setattr(compile, "verify", NEVER)
    assert Verdict.MISMATCH in {outcome.verdict for outcome in outcomes(tmp_path)}
