"""Tables that LiteRT's kernels look up, or that replace what they compute, made when compiling."""

from collections.abc import Callable

import numpy as np

INTERVALS = 512
LOWEST, HIGHEST = -32768, 32767


def round_away(values: np.ndarray) -> np.ndarray:
    """Round as std::round: halves away from zero."""
    return np.copysign(np.floor(np.abs(values) + 0.5), values)


def softmax_exponentials_s16() -> np.ndarray:
    """Return (513,) int16: exp over [-10, 0], the same for every model."""
    return function_table(np.exp, -10.0, 0.0)


def softmax_reciprocals_s16() -> np.ndarray:
    """Return (513,) int16: 1 / (1 + x) over [0, 1], the same for every model."""
    return function_table(lambda x: 1.0 / (1.0 + x), 0.0, 1.0)


def function_table(function: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> np.ndarray:
    """Return (513,) int16: LiteRT's table of a function from [low, high] to [-1, 1], to be interpolated linearly.

    Each entry is moved by half of the interpolation's error in the middle of its interval. All in double precision and
    in LiteRT's order, from the ends that it derives from the scales and zero points of 65535 steps.
    """
    scale = (high - low) / 65535
    zero_point = round(LOWEST - low / scale)
    low, high = scale * (LOWEST - zero_point), scale * (HIGHEST - zero_point)
    step = (high - low) / INTERVALS
    inverse = 65536 / (2.0 / 65535 * HIGHEST - 2.0 / 65535 * LOWEST)
    start = low + np.arange(INTERVALS) * step
    value = round_away(function(start) * inverse)
    middle = round_away(function(start + step / 2) * inverse)
    following = function(low + (np.arange(INTERVALS) + 1.0) * step) * inverse
    straight = round_away((following + value) / 2)
    entries = value - round_away((straight - middle) / 2)
    last = round_away(function(np.array([high])) * inverse)
    return np.clip(np.concatenate([entries, last]), LOWEST, HIGHEST).astype(np.int16)


def interpolation_table(outputs: np.ndarray, first: int = 0) -> np.ndarray:
    """Return (513,) int16: the table with which `interpolate` gives the outputs (65536,) of the inputs -32768 to 32767.

    Args:
        outputs: Of a LiteRT kernel that looks up and interpolates.
        first: The first entry that must be right; those before it are the outputs that belong to them.

    Raises:
        ArithmeticError: There is no such table.
    """
    table = np.append(outputs[::128], np.int16(0))
    inputs = np.arange(-32768 + 128 * first, 32768)
    # Only the slope of the last interval is not known yet; its last output says what it is, but for the rounding.
    rise = (int(outputs[-1]) - int(outputs[-128])) * 128 // 127
    for slope in range(rise - 2, rise + 3):
        table[-1] = np.int64(int(outputs[-128]) + slope).astype(np.int16)
        if np.array_equal(interpolate(table, inputs), outputs[128 * first :]):
            return table
    raise ArithmeticError("no table of 513 entries gives these outputs")


def sigmoid_curve() -> np.ndarray:
    """Return (256,) int16: 2**16 / (1 + exp(-i / 24)) - 2**15 less half of a chord's error; LOGISTIC and TANH.

    The nearest tie of these roundings is 0.004 away: no library's exp can change an entry.
    """
    steps = np.arange(-1, 257)
    curve = 65536 / (1 + np.exp(-steps / 24))
    bend = curve[2:] - 2 * curve[1:-1] + curve[:-2]
    table = np.floor(curve[1:-1] - bend / 16 + 0.5) - 32768
    table[-1] = 32767
    return table.astype(np.int16)


# ---- gemmlowp's fixed-point exponential (fixedpoint.h), on int64 arrays of int32 values ----

EXP_FACTORS = {
    24: 1672461947,
    25: 1302514674,
    26: 790015084,
    27: 290630308,
    28: 39332535,
    29: 720401,
    30: 242,
}  # exp(-2**(bit - 26)) with 31 fraction bits
EXP_OF_MINUS_EIGHTH = 1895147668
ONE_THIRD = 715827883
QUARTER = 1 << 24


def high_multiply(a: np.ndarray | int, b: np.ndarray | int) -> np.ndarray:
    """Multiply as tz_high_multiply."""
    return (np.asarray(a, np.int64) * np.asarray(b, np.int64) + (1 << 30)) >> 31


def divide_by_power(values: np.ndarray, exponent: int) -> np.ndarray:
    """Divide as tz_divide_by_power."""
    return (values + (1 << (exponent - 1)) - (values < 0)) >> exponent


def negative_exponential(values: np.ndarray) -> np.ndarray:
    """Return exp of values <= 0 with 26 fraction bits (int64), with 31 fraction bits."""
    modulo = (values & (QUARTER - 1)) - QUARTER
    x = (modulo << 5) + (1 << 28)  # the distance from -1/8
    x2 = high_multiply(x, x)
    x3, x4 = high_multiply(x2, x), high_multiply(x2, x2)
    series = divide_by_power(high_multiply(divide_by_power(x4, 2) + x3, ONE_THIRD) + x2, 1)
    result = EXP_OF_MINUS_EIGHTH + high_multiply(EXP_OF_MINUS_EIGHTH, x + series)
    remainder = modulo - values
    for bit, factor in EXP_FACTORS.items():
        result = np.where((remainder >> bit) & 1, high_multiply(result, factor), result)
    return np.where(values == 0, 2**31 - 1, result)


def scale_double(values: np.ndarray, multiplier: int, shift: int) -> np.ndarray:
    """Scale as tz_scale_double."""
    raised = (values << max(shift, 0)).astype(np.int32).astype(np.int64)
    scaled = high_multiply(raised, multiplier)
    return divide_by_power(scaled, -shift) if shift < 0 else scaled


def interpolate(table: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Look up values of int16 in a table (513,) as tz_interpolate: (n,)."""
    values = values.astype(np.int64)
    index = 256 + (values >> 7)
    base = table[index].astype(np.int64)
    slope = (table[index + 1] - base).astype(np.int16).astype(np.int64)
    return (base + ((slope * (values & 127) + 64) >> 7)).astype(np.int16)
