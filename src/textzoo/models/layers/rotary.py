"""Rotary position embedding (RoPE, arXiv 2104.09864)."""

from typing import Any

import numpy as np
from keras import ops


def rotary_tables(context_length: int, d_head: int, base: float = 10_000.0) -> tuple[np.ndarray, np.ndarray]:
    """Return the cosines, and the sines with the sign that `rotated` needs, (context_length, d_head) each.

    d_head is even; channel i is rotated with channel i + d_head / 2.
    """
    frequencies = base ** (-np.arange(d_head // 2) / (d_head // 2))
    angles = np.arange(context_length)[:, None] * frequencies
    cosines, sines = np.cos(angles), np.sin(angles)
    return np.hstack([cosines, cosines]).astype(np.float32), np.hstack([-sines, sines]).astype(np.float32)


def rotated(rows: Any, cosines: Any, sines: Any) -> Any:
    """Rotate pairs of channels: rows (..., time, d_head), tables (time, d_head) -> the same shape as rows."""
    first, second = ops.split(rows, 2, axis=-1)
    return rows * cosines + ops.concatenate([second, first], axis=-1) * sines
