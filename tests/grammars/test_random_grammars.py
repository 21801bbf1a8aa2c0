"""Some random grammars, as fuzz_grammars.py judges thousands."""

import pytest
from fuzz_grammars import FINE, RIGHT, Trial, judged

from compilers import need

GRAMMARS, TEXTS = 30, 10


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    need("host")
    return Trial(tmp_path_factory.mktemp("guided"))


def test_texts_of_random_grammars_are_right_and_the_same_in_c(trial):
    outcomes = [outcome for seed in range(10**6, 10**6 + GRAMMARS) for outcome in judged(trial, seed, TEXTS)]
    assert {*outcomes} <= FINE
    assert outcomes.count(RIGHT) > 0.6 * len(outcomes)
