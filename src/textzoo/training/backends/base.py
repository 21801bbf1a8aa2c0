"""The interface of a training backend."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np


class Backend(Protocol):
    """The operations of training that keras.ops does not have."""

    lanes: int  # number of functions to run in parallel
    on_accelerator: bool

    def value_and_gradient(self, function: Callable[..., Any]) -> Callable[..., tuple[Any, Any]]:
        """Compile `function(vector, *rest) -> scalar` to a function that returns (scalar, gradient by the vector)."""
        raise NotImplementedError

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Compile a pure function of tensors."""
        raise NotImplementedError

    def tensor(self, array: np.ndarray) -> Any:
        """Copy an array to the device."""
        raise NotImplementedError

    def make_deterministic(self) -> None:
        """Make results bit-identical for the same inputs, from now on."""
        raise NotImplementedError


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Lanes:
    """Runs calls of compiled functions in parallel threads; results are in the order of the calls.

    Compiled functions release the GIL while they compute. Several calls on small parts of a batch use the cores better
    than one call on the whole batch: operations that a backend runs on one thread (softmax, LayerNorm, transposes) run
    in parallel, too, and each part's activations stay in its core's cache.

    Args:
        count: Number of threads; with 1, calls run in the caller's thread.
    """

    def __init__(self, count: int) -> None:
        self.pool = ThreadPoolExecutor(count, thread_name_prefix="lane") if count > 1 else None
        self.compiled: set[Any] = set()

    def run(self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Return `function(*call)` for every call."""
        # The first call with a shape compiles, which must not happen once per thread.
        signature = (id(function), tuple(tuple(np.shape(call[1])) for call in calls))
        if self.pool is None or signature not in self.compiled:
            self.compiled.add(signature)
            return [function(*call) for call in calls]
        return list(self.pool.map(lambda call: function(*call), calls))

    def close(self) -> None:
        if self.pool:
            self.pool.shutdown(wait=True)
