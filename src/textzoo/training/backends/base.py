"""The contract of a training backend."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np


class Backend(Protocol):
    """Everything in training that keras.ops cannot say."""

    lanes: int  # functions that are worth running at the same time
    on_accelerator: bool

    def value_and_gradient(self, function: Callable[..., Any]) -> Callable[..., tuple[Any, Any]]:
        """`function(vector, *rest) -> scalar`, compiled, into (scalar, derivative by the vector)."""
        raise NotImplementedError

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A pure function of tensors, compiled."""
        raise NotImplementedError

    def tensor(self, array: np.ndarray) -> Any:
        """An array on the device."""
        raise NotImplementedError

    def make_deterministic(self) -> None:
        """From now on the same inputs give the same bits."""
        raise NotImplementedError


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Lanes:
    """Runs calls of compiled functions side by side in threads; results come in the order of the calls.

    Compiled functions leave Python's lock while they compute. Several calls on small parts of a batch use the cores
    better than one call on all of it: what a backend runs on one thread (softmax, LayerNorm, transposes) runs in
    parallel too, and each part's activations stay in its core's cache.

    Args:
        count: Threads; with 1, calls run in the caller's.
    """

    def __init__(self, count: int) -> None:
        self.pool = ThreadPoolExecutor(count, thread_name_prefix="lane") if count > 1 else None
        self.compiled: set[Any] = set()

    def run(self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """`function(*call)` for every call."""
        # The first call for a shape compiles: once, not once per thread.
        signature = (id(function), tuple(tuple(np.shape(call[1])) for call in calls))
        if self.pool is None or signature not in self.compiled:
            self.compiled.add(signature)
            return [function(*call) for call in calls]
        return list(self.pool.map(lambda call: function(*call), calls))

    def close(self) -> None:
        if self.pool:
            self.pool.shutdown(wait=True)
