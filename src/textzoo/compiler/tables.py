"""Tables that LiteRT's kernels look up, or that replace what they compute, made when compiling."""

from collections.abc import Callable

import numpy as np

INTERVALS = 512


def round_away(values: np.ndarray) -> np.ndarray:
    """std::round: halves away from zero, in the type of `values`."""
    return np.copysign(np.floor(np.abs(values) + values.dtype.type(0.5)), values)


def interpolation_table(
    function: Callable[[np.ndarray], np.ndarray],
    inputs: tuple[float, int],
    outputs: tuple[float, int],
    precision: type = np.float32,
) -> np.ndarray:
    """(513,) int16: LiteRT's table of a function over all int16 inputs, to be interpolated linearly.

    Each entry is moved by half of the interpolation's error in the middle of its interval. Every operation is rounded
    to `precision`, in LiteRT's order.

    Args:
        function: Takes and gives arrays of `precision`.
        inputs: Scale and zero point of the inputs.
        outputs: Scale and zero point of the outputs.
        precision: float32, or float64 for the tables of SOFTMAX.
    """
    low, high = _ends(inputs, precision)
    output_low, output_high = _ends(outputs, precision)
    step = precision((high - low) / precision(INTERVALS))
    inverse = precision(65536) / precision(output_high - output_low)
    index = np.arange(INTERVALS).astype(precision)
    start = low + index * step
    value = round_away(function(start) * inverse)
    middle = round_away(function(start + step / precision(2)) * inverse)
    following = function(low + (index + precision(1)) * step) * inverse
    straight = round_away((following + value) / precision(2))
    entries = value - round_away((straight - middle) / precision(2))
    last = round_away(function(np.array([high], precision)) * inverse)
    return np.clip(np.concatenate([entries, last]), -32768, 32767).astype(np.int16)


def _ends(format_: tuple[float, int], precision: type) -> tuple[np.floating, np.floating]:
    """The real values of -32768 and 32767."""
    scale, zero_point = precision(format_[0]), format_[1]
    return scale * precision(-32768 - zero_point), scale * precision(32767 - zero_point)


def softmax_exponentials_s16() -> np.ndarray:
    """(513,) int16: exp over [-10, 0], the same for every model."""
    return interpolation_table(np.exp, (10.0 / 65535, 32767), (2.0 / 65535, 0), np.float64)


def softmax_reciprocals_s16() -> np.ndarray:
    """(513,) int16: 1 / (1 + x) over [0, 1], the same for every model."""
    return interpolation_table(lambda x: 1.0 / (1.0 + x), (1.0 / 65535, -32768), (2.0 / 65535, 0), np.float64)


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
    """As tz_high_multiply."""
    return (np.asarray(a, np.int64) * np.asarray(b, np.int64) + (1 << 30)) >> 31


def divide_by_power(values: np.ndarray, exponent: int) -> np.ndarray:
    """As tz_divide_by_power."""
    return (values + (1 << (exponent - 1)) - (values < 0)) >> exponent


def negative_exponential(values: np.ndarray) -> np.ndarray:
    """exp of values <= 0 with 26 fraction bits (int64) -> 31 fraction bits."""
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
    """As tz_scale_double."""
    raised = (values << max(shift, 0)).astype(np.int32).astype(np.int64)
    scaled = high_multiply(raised, multiplier)
    return divide_by_power(scaled, -shift) if shift < 0 else scaled


def interpolate(table: np.ndarray, values: np.ndarray) -> np.ndarray:
    """As tz_interpolate: (n,) values of int16 looked up in a table (513,)."""
    values = values.astype(np.int64)
    place = 256 + (values >> 7)
    base = table[place].astype(np.int64)
    slope = (table[place + 1] - base).astype(np.int16).astype(np.int64)
    return (base + ((slope * (values & 127) + 64) >> 7)).astype(np.int16)
