"""The sampler: chooses the next token from logits with integers only, so that C reproduces it bit for bit.

docs/explanations/sampling.md describes the algorithm and its number formats; this is its reference implementation.
Everything in a step is uint32 or uint64; nothing overflows for vocabularies up to 65,536 tokens.
"""

from fractions import Fraction
from math import isqrt
from typing import Protocol

import numpy as np

from textzoo.common.errors import UserError
from textzoo.compiler.numerics.fixedpoint import half_up, unit_multiplier
from textzoo.engines.base import LogitsFormat
from textzoo.grammars.token_automaton import Guide

MASK32 = 2**32 - 1
EXPONENT_BITS = 24  # fraction bits of exponents
TEMPERATURE_BITS = 16
TABLE_BITS = 6
WEIGHT_BITS = 31


def power_table() -> list[int]:
    """Return 2**(31 - i/64) for i = 0..64, rounded to the nearest integer (uint32), by integer square roots only."""
    guard = 96
    root = 1 << (guard + 1)  # 2 with `guard` fraction bits; its 64th root follows from six square roots
    for _ in range(TABLE_BITS):
        root = isqrt(root << guard)
    power, powers = 1 << guard, []
    for _ in range(2**TABLE_BITS + 1):
        powers.append(power)
        power = (power * root) >> guard
    # powers[i] = 2**(i/64); 2**(31 - i/64) = 2**30 * 2**((64 - i)/64)
    shift = guard - (WEIGHT_BITS - 1)
    return [(powers[2**TABLE_BITS - index] + (1 << (shift - 1))) >> shift for index in range(2**TABLE_BITS + 1)]


POWERS = np.array(power_table(), dtype=np.uint64)


class Random32:
    """The random generator PCG-RXS-M-XS-32 (O'Neill 2014): 32 bits of state, period 2**32.

    Args:
        seed: Any number in [0, 2**32).
    """

    def __init__(self, seed: int) -> None:
        if not 0 <= seed <= MASK32:
            raise UserError("the seed is out of range", expected=f"0 to {MASK32}", received=str(seed))
        self.state = 0
        self.next()
        self.state = (self.state + seed) & MASK32
        self.next()

    def next(self) -> int:
        """Return the next number, in [0, 2**32)."""
        old = self.state
        self.state = (old * 747796405 + 2891336453) & MASK32
        word = (((old >> ((old >> 28) + 4)) ^ old) * 277803737) & MASK32
        return (word >> 22) ^ word


def temperature_q16(temperature: float) -> int:
    """Return the temperature's decimal notation with 16 fraction bits, rounded half up; 0 means greedy."""
    if not 0 <= temperature <= 2**15:
        raise UserError("the temperature is out of range", expected="0 to 32768", received=str(temperature))
    return half_up(Fraction(str(temperature)) * 2**TEMPERATURE_BITS)


def step_multiplier(unit: int, temperature: int) -> int:
    """Return the change of the exponent of 2 per step of a logit, with 24 fraction bits; at most 2**32 - 1.

    Args:
        unit: From `unit_multiplier`.
        temperature: From `temperature_q16`, not 0.
    """
    return min((unit + temperature // 2) // temperature, MASK32)


def integer_weights(logits: np.ndarray, multiplier: int) -> np.ndarray:
    """Return 2**31 * 2**(-(max - logit) * multiplier / 2**24), (n,) uint64, at most 2**31.

    Args:
        logits: (n,) int8 or int16.
        multiplier: From `step_multiplier`.
    """
    steps = (int(logits.max()) - logits.astype(np.int32)).astype(np.uint64)
    exponent = steps * np.uint64(multiplier)  # below 2**48
    whole, fraction = exponent >> np.uint64(EXPONENT_BITS), exponent & np.uint64(2**EXPONENT_BITS - 1)
    rest_bits = np.uint64(EXPONENT_BITS - TABLE_BITS)
    index, rest = (fraction >> rest_bits).astype(np.intp), fraction & ((np.uint64(1) << rest_bits) - np.uint64(1))
    upper, lower = POWERS[index], POWERS[index + 1]
    mantissa = upper - (((upper - lower) * rest) >> rest_bits)
    return np.where(whole > WEIGHT_BITS, np.uint64(0), mantissa >> np.minimum(whole, np.uint64(WEIGHT_BITS)))


def top_k_mask(logits: np.ndarray, top_k: int) -> np.ndarray:
    """Return which tokens are the first k by descending logit, lower tokens first among equals, (n,) bool."""
    if top_k <= 0 or top_k >= len(logits):
        return np.ones(len(logits), bool)
    order = np.argsort(-logits.astype(np.int64), kind="stable") if logits.dtype.kind == "i" else _float_order(logits)
    mask = np.zeros(len(logits), bool)
    mask[order[:top_k]] = True
    return mask


def _float_order(logits: np.ndarray) -> np.ndarray:
    return np.argsort(-logits, kind="stable")


class Sampler(Protocol):
    """Chooses tokens; its only state is that of the random generator."""

    def choose(self, logits: np.ndarray) -> int:
        """Return the next token, given the raw logits (vocabulary_size,) of an engine."""


class IntegerSampler:
    """The sampler for quantized logits.

    Args:
        scale: Scale of the logits.
        temperature: 0 is greedy: the largest logit, the lowest token among equals, without a random number.
        top_k: Sample from the k most probable tokens; 0 for all.
        seed: In [0, 2**32).
    """

    def __init__(self, scale: float, *, temperature: float, top_k: int = 0, seed: int = 0) -> None:
        self.temperature = temperature_q16(temperature)
        self.multiplier = step_multiplier(unit_multiplier(scale), self.temperature) if self.temperature else 0
        self.top_k = top_k
        self.random = Random32(seed)

    def choose(self, logits: np.ndarray) -> int:
        if self.temperature == 0:
            return int(np.argmax(logits))
        weights = np.where(top_k_mask(logits, self.top_k), integer_weights(logits, self.multiplier), np.uint64(0))
        running = np.cumsum(weights, dtype=np.uint64)
        return int(np.searchsorted(running, np.uint64(self._threshold(int(running[-1]))), side="right"))

    def _threshold(self, total: int) -> int:
        """Return floor(random * total / 2**32), which is below `total`, by two products that fit 64 bits."""
        number = self.random.next()
        return number * (total >> 32) + ((number * (total & MASK32)) >> 32)


class FloatSampler:
    """The sampler for float logits: the same random numbers, exponentials in float64."""

    def __init__(self, *, temperature: float, top_k: int = 0, seed: int = 0) -> None:
        self.temperature = temperature_q16(temperature) / 2**TEMPERATURE_BITS
        self.top_k = top_k
        self.random = Random32(seed)

    def choose(self, logits: np.ndarray) -> int:
        if self.temperature == 0:
            return int(np.argmax(logits))
        shifted = (logits.astype(np.float64) - logits.max()) / self.temperature
        running = np.cumsum(np.where(top_k_mask(logits, self.top_k), np.exp(shifted), 0.0))
        threshold = self.random.next() / 2**32 * running[-1]
        return min(int(np.searchsorted(running, threshold, side="right")), len(logits) - 1)


def choose_token(sampler: Sampler, logits: np.ndarray, guide: Guide | None, left: int) -> int | None:
    """Return the next token, or None where a grammar ends the text.

    The tokens that may not come are left out before top_k and temperature count the others. A token that is the only
    one needs no random number.

    Args:
        sampler: What chooses.
        logits: (vocabulary_size,) raw logits.
        guide: The place in a grammar, which goes on behind the token; None without a grammar.
        left: Tokens that may still come, this one included.
    """
    if guide is None:
        return sampler.choose(logits)
    allowed = np.flatnonzero(guide.allowed(left))
    if len(allowed) == 0:
        return None
    token = int(allowed[0] if len(allowed) == 1 else allowed[sampler.choose(logits[allowed])])
    guide.advance(token)
    return token


def make_sampler(logits_format: LogitsFormat, *, temperature: float, top_k: int = 0, seed: int = 0) -> Sampler:
    """Return the sampler for an engine's logits: with integers if the logits are integers."""
    if top_k < 0:
        raise UserError("top_k is out of range", expected="0 for all, or the number of tokens", received=str(top_k))
    if logits_format.is_integer:
        return IntegerSampler(logits_format.scale, temperature=temperature, top_k=top_k, seed=seed)
    return FloatSampler(temperature=temperature, top_k=top_k, seed=seed)
