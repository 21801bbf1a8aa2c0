"""What layers need to rescale their channels, so that these quantize better."""

from typing import Any

import keras
import numpy as np
from keras import ops


def as_float64(weight: Any) -> np.ndarray:
    """Return a weight as an array of float64, which can be rescaled without a second rounding."""
    return ops.convert_to_numpy(weight).astype(np.float64)


def bias_of(projection: keras.layers.Dense) -> np.ndarray:
    """Return the bias of a projection, or zeros where it has none: (units,)."""
    return np.zeros(projection.units) if projection.bias is None else as_float64(projection.bias)


def channel_range(values: np.ndarray) -> np.ndarray:
    """Return the largest size per channel, at least 1/1000 of the largest of all: (rows, channels) -> (channels,)."""
    ranges = np.abs(values).max(axis=0)
    return np.maximum(ranges, max(ranges.max(), 1e-6) * 1e-3)
