"""The learning rate over a run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textzoo.common.errors import UserError
from textzoo.training.schedules import learning_rate_fraction, short_run_warning, total_steps
from textzoo.training.settings import TrainingConfig

CASES = [
    # step, steps, settings, fraction of the peak
    (0, 100, {"schedule": "constant", "warmup_steps": 0}, 1.0),
    (99, 100, {"schedule": "constant", "warmup_steps": 0}, 1.0),
    (0, 100, {"schedule": "constant", "warmup_steps": 4}, 0.2),
    (3, 100, {"schedule": "constant", "warmup_steps": 4}, 0.8),
    (50, 100, {"schedule": "linear", "warmup_steps": 0, "warmdown_fraction": 1.0}, 0.5),
    (50, 100, {"schedule": "cosine", "warmup_steps": 0, "warmdown_fraction": 1.0}, 0.5),
    (25, 100, {"schedule": "cosine", "warmup_steps": 0, "warmdown_fraction": 1.0}, 0.853553),
    (60, 100, {"schedule": "linear", "warmup_steps": 0, "warmdown_fraction": 0.4}, 1.0),
    (80, 100, {"schedule": "linear", "warmup_steps": 0, "warmdown_fraction": 0.4}, 0.5),
    (100, 100, {"schedule": "linear", "final_learning_rate_fraction": 0.1}, 0.1),
]


@pytest.mark.parametrize(("step", "steps", "settings", "fraction"), CASES)
def test_values(step, steps, settings, fraction):
    assert learning_rate_fraction(step, steps, TrainingConfig(**settings)) == pytest.approx(fraction, abs=1e-6)


@given(
    st.integers(1, 500),
    st.sampled_from(["linear", "cosine", "constant"]),
    st.integers(0, 600),
    st.floats(0.01, 1.0),
    st.floats(0.0, 1.0),
)
def test_the_rate_rises_and_then_falls(steps, schedule, warmup_steps, warmdown_fraction, final):
    config = TrainingConfig(
        schedule=schedule,
        warmup_steps=warmup_steps,
        warmdown_fraction=warmdown_fraction,
        final_learning_rate_fraction=final,
    )
    rates = [learning_rate_fraction(step, steps, config) for step in range(steps)]
    assert all(0 <= rate <= 1 for rate in rates)
    peak = rates.index(max(rates))
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)


# steps, settings, what is said of the peak
WARM_UPS = [
    (1000, {"warmup_steps": 999}, ""),
    (20, {"warmup_steps": 0}, ""),
    (20, {"warmup_steps": 1000, "schedule": "constant"}, "reaches 2.0% of its peak"),
    (20, {}, "training.warmup_steps=100 is not shorter than the run of 20 steps: the learning rate reaches 16.8%"),
    (100, {}, "reaches 50.0% of its peak, and little is learnt. For such a short run set training.warmup_steps=10."),
]


@pytest.mark.parametrize(("steps", "settings", "said"), WARM_UPS)
def test_a_run_that_ends_within_its_warm_up_is_warned_of(steps, settings, said):
    warning = short_run_warning(steps, TrainingConfig(steps=steps, **settings))
    assert said in warning
    assert bool(said) == bool(warning)


def test_epochs_and_steps():
    assert total_steps(TrainingConfig(steps=7), 1000, 10) == 7
    assert total_steps(TrainingConfig(steps=None, epochs=2, batch_size=5), 1001, 10) == 41
    with pytest.raises(UserError, match="neither"):
        total_steps(TrainingConfig(steps=None), 1000, 10)


def test_epochs_without_end_are_refused():
    with pytest.raises(UserError, match=r"training\.epochs=1e\+06 is out of range; expected at most 100,000,000 steps"):
        total_steps(TrainingConfig(steps=None, epochs=1e6, batch_size=1), 10**6, 10)
