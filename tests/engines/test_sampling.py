"""The integer sampler: its distribution, its support, its repeatability, and a transcription to C."""

import ctypes
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from compilers import need
from textzoo.common.errors import UserError
from textzoo.engines import sampling
from textzoo.engines.base import LogitsFormat
from textzoo.engines.sampling import POWERS, FloatSampler, IntegerSampler, Random32, make_sampler
from textzoo.testing import STRICT

INT8 = arrays.arrays(np.int8, st.integers(2, 200))
INT16 = arrays.arrays(np.int16, st.integers(2, 200))
LOGITS = st.one_of(INT8, INT16)
SEEDS = st.integers(0, 2**32 - 1)
TEMPERATURES = st.floats(0.05, 10.0).map(lambda value: round(value, 3))
SCALES = st.floats(1e-4, 1.0)


def softmax(logits, scale, temperature):
    exponent = (logits.astype(np.float64) - logits.max()) * float(np.float32(scale)) / temperature
    weights = np.exp(exponent)
    return weights / weights.sum()


def probabilities(sampler, logits):
    weights = sampling.integer_weights(logits, sampler.multiplier).astype(np.float64)
    return weights / weights.sum()


def test_random_numbers_are_those_of_the_published_generator():
    # pcg_oneseq_32_rxs_m_xs_32 seeded with 42, written out step by step here as a second opinion.
    state = (2891336453 + 42) % 2**32
    state = (state * 747796405 + 2891336453) % 2**32
    expected = []
    for _ in range(5):
        word = ((state >> ((state >> 28) + 4)) ^ state) * 277803737 % 2**32
        expected.append((word >> 22) ^ word)
        state = (state * 747796405 + 2891336453) % 2**32
    random = Random32(42)
    assert [random.next() for _ in range(5)] == expected


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_random_numbers_fill_their_range_evenly(seed):
    random = Random32(seed)
    counts = np.bincount([random.next() >> 28 for _ in range(16_000)], minlength=16)
    chi_square = ((counts - 1000.0) ** 2 / 1000.0).sum()
    assert chi_square < 40  # 15 degrees of freedom: exceeded once in 2,000 seeds, and these seeds are fixed


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seed_out_of_range_is_refused(seed):
    with pytest.raises(UserError, match="seed"):
        Random32(seed)


def test_table_holds_rounded_powers_of_two():
    exact = 2.0 ** (31 - np.arange(65) / 64)
    assert np.abs(POWERS.astype(np.float64) - exact).max() <= 0.5000001
    assert POWERS[0] == 2**31
    assert POWERS[64] == 2**30


@given(logits=LOGITS, scale=SCALES, temperature=TEMPERATURES)
def test_probabilities_are_those_of_the_softmax(logits, scale, temperature):
    sampler = IntegerSampler(scale, temperature=temperature)
    temperature = sampler.temperature / 2**16
    # Interpolation errs by 1.5e-5; the exponent by half a unit of its multiplier per step of the logits.
    steps = float(logits.max()) - float(logits.min())
    bound = 2e-5 + steps * 0.5 / 2**24
    assert np.abs(probabilities(sampler, logits) - softmax(logits, scale, temperature)).max() <= bound


def test_frequencies_are_those_of_the_softmax():
    logits = np.array([40, 30, 20, 38, -100, 39], np.int8)
    sampler = IntegerSampler(0.1, temperature=0.9, seed=5)
    counts = np.bincount([sampler.choose(logits) for _ in range(20_000)], minlength=6)
    expected = softmax(logits, 0.1, 0.9) * 20_000
    assert ((counts - expected) ** 2 / expected).sum() < 25  # 5 degrees of freedom


@given(logits=LOGITS, scale=SCALES, seed=SEEDS)
def test_same_seed_same_tokens(logits, scale, seed):
    first, second = (IntegerSampler(scale, temperature=0.8, seed=seed) for _ in range(2))
    assert [first.choose(logits) for _ in range(5)] == [second.choose(logits) for _ in range(5)]


@given(logits=LOGITS, seed=SEEDS, top_k=st.integers(1, 250))
def test_top_k_keeps_the_largest_and_the_lowest_among_equals(logits, seed, top_k):
    ranking = sorted(range(len(logits)), key=lambda token: (-int(logits[token]), token))
    sampler = IntegerSampler(0.01, temperature=10.0, top_k=top_k, seed=seed)
    assert {sampler.choose(logits) for _ in range(20)} <= set(ranking[:top_k])
    assert set(np.flatnonzero(sampling.top_k_mask(logits, top_k))) == set(ranking[:top_k])


@given(logits=LOGITS, seed=SEEDS)
def test_greedy_takes_the_lowest_of_the_largest_and_no_random_number(logits, seed):
    sampler = IntegerSampler(0.1, temperature=0.0, seed=seed)
    before = sampler.random.state
    assert sampler.choose(logits) == min(np.flatnonzero(logits == logits.max()))
    assert sampler.random.state == before


@given(logits=LOGITS, scale=SCALES, temperature=TEMPERATURES)
def test_a_step_is_made_of_integers(logits, scale, temperature):
    sampler = IntegerSampler(scale, temperature=temperature)
    weights = sampling.integer_weights(logits, sampler.multiplier)
    assert weights.dtype == np.uint64
    assert weights.max() == 2**31
    assert isinstance(sampler.multiplier, int)
    assert sampler.multiplier < 2**32


def test_the_whole_range_of_int16_at_the_lowest_temperature_does_not_overflow():
    logits = np.array([-32768, 32767, 32766], np.int16)
    sampler = IntegerSampler(1.0, temperature=0.00002)
    assert sampler.multiplier == 2**32 - 1
    assert [sampler.choose(logits) for _ in range(5)] == [1] * 5


def test_largest_vocabulary_does_not_overflow():
    logits = np.zeros(65_536, np.int8)
    sampler = IntegerSampler(0.1, temperature=1.0, seed=3)
    tokens = [sampler.choose(logits) for _ in range(200)]
    assert min(tokens) < 8_000
    assert max(tokens) > 57_000


def test_kind_of_sampler_follows_the_logits():
    assert isinstance(make_sampler(LogitsFormat(np.dtype("int8"), 0.1, 3), temperature=1.0), IntegerSampler)
    assert isinstance(make_sampler(LogitsFormat(np.dtype("float32"), 1.0, 0), temperature=1.0), FloatSampler)
    with pytest.raises(UserError, match="top_k"):
        make_sampler(LogitsFormat(np.dtype("int8"), 0.1, 3), temperature=1.0, top_k=-1)


def test_float_sampler_agrees_with_the_integer_one_on_the_same_numbers():
    logits = np.random.default_rng(0).integers(-128, 128, (300, 65)).astype(np.int8)
    integer, floating = IntegerSampler(0.1, temperature=0.8, seed=9), FloatSampler(temperature=0.8, seed=9)
    same = [integer.choose(row) == floating.choose(row * np.float32(0.1)) for row in logits]
    assert np.mean(same) > 0.98  # they may differ only where the random number falls on a boundary


C_SAMPLER = """
#include <stdint.h>
static uint32_t state;
static uint32_t next_random(void) {
    uint32_t old = state, word;
    state = old * 747796405u + 2891336453u;
    word = ((old >> ((old >> 28) + 4u)) ^ old) * 277803737u;
    return (word >> 22) ^ word;
}
void seed(uint32_t value) { state = 0; next_random(); state += value; next_random(); }
uint32_t multiplier(uint64_t unit, uint32_t temperature) {
    uint64_t value = (unit + temperature / 2u) / temperature;
    return value > 0xffffffffu ? 0xffffffffu : (uint32_t)value;
}
static uint32_t weight(int32_t steps, uint32_t m, const uint32_t *powers) {
    uint64_t exponent = (uint64_t)(uint32_t)steps * m;
    uint32_t whole = (uint32_t)(exponent >> 24), index = (uint32_t)(exponent >> 18) & 63u;
    uint32_t rest = (uint32_t)exponent & 0x3ffffu;
    if (whole > 31u) return 0;
    return (powers[index] - (uint32_t)(((uint64_t)(powers[index] - powers[index + 1]) * rest) >> 18)) >> whole;
}
static int kept(const int16_t *logits, int32_t count, int32_t token, int32_t top_k) {
    int32_t before = 0, other;
    if (top_k <= 0 || top_k >= count) return 1;
    for (other = 0; other < count; other++)
        before += logits[other] > logits[token] || (logits[other] == logits[token] && other < token);
    return before < top_k;
}
int32_t choose(const int16_t *logits, int32_t count, uint32_t m, int32_t top_k, const uint32_t *powers) {
    int32_t largest = logits[0], token;
    uint64_t total = 0, threshold, running = 0;
    uint32_t number;
    for (token = 1; token < count; token++) if (logits[token] > largest) largest = logits[token];
    for (token = 0; token < count; token++)
        if (kept(logits, count, token, top_k)) total += weight(largest - logits[token], m, powers);
    number = next_random();
    threshold = number * (total >> 32) + ((number * (total & 0xffffffffu)) >> 32);
    for (token = 0; token < count; token++) {
        if (kept(logits, count, token, top_k)) running += weight(largest - logits[token], m, powers);
        if (running > threshold) return token;
    }
    return -1;
}
"""


@pytest.fixture(scope="module")
def c_sampler(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sampler")
    (folder / "sampler.c").write_text(C_SAMPLER)
    flags = [*STRICT, "-O1", "-shared", "-fPIC"]
    subprocess.run([need("host"), *flags, "-o", str(folder / "sampler.so"), str(folder / "sampler.c")], check=True)
    library = ctypes.CDLL(str(folder / "sampler.so"))
    library.multiplier.restype = ctypes.c_uint32
    library.multiplier.argtypes = [ctypes.c_uint64, ctypes.c_uint32]
    library.seed.argtypes = [ctypes.c_uint32]
    return library


@settings(max_examples=200)
@given(logits=LOGITS, scale=SCALES, temperature=TEMPERATURES, top_k=st.integers(0, 210), seed=SEEDS)
def test_transcription_to_c_chooses_the_same_tokens(c_sampler, logits, scale, temperature, top_k, seed):
    sampler = IntegerSampler(scale, temperature=temperature, top_k=top_k, seed=seed)
    unit = sampling.unit_multiplier(scale)
    assert c_sampler.multiplier(unit, sampler.temperature) == sampler.multiplier
    wide = np.ascontiguousarray(logits.astype(np.int16))
    powers = np.ascontiguousarray(POWERS.astype(np.uint32))
    c_sampler.seed(seed)
    for _ in range(4):
        token = c_sampler.choose(
            wide.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_int32(len(wide)),
            ctypes.c_uint32(sampler.multiplier),
            ctypes.c_int32(top_k),
            powers.ctypes.data_as(ctypes.c_void_p),
        )
        assert token == sampler.choose(logits)
