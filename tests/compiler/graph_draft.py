"""A random graph as it grows: which tensors there are, which of them fit a node, which become states and outputs.

Shapes and scales are few in one graph, so that tensors fit each other: that is where states, views and updates meet.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
from graph_cases import Limits
from operator_cases import RANGES, Random, draw_scale, draw_values

from textzoo.compiler.operators.base import INTEGER_RANGES
from textzoo.compiler.tflite.single_operator import Operation, Tensor

MAX_ELEMENTS = 600
MAX_AXES = 5
Format = tuple[float, int]
# What LOGISTIC and SOFTMAX write.
PROBABILITIES: dict[str, Format] = {"int8": (1 / 256, -128), "int16": (1 / 32768, 0)}
# Exponents of the scales that are drawn; below 1, where comparisons are defined.
EXPONENTS = {"int8": (-8, -3), "int16": (-13, -7)}
INDEX_TYPE = "int32"
QUANTIZED = ("int8", "int16")
WIDE = ("int32", "int64")
ARITHMETIC = (*QUANTIZED, "int32")
INTEGERS = (*ARITHMETIC, "int64", "bool")
NO_BOOL = (*ARITHMETIC, "int64", "float32")
ANY_TYPE = (*NO_BOOL, "bool")


class NothingFitsError(Exception):
    """No tensor of the draft fits, and none was made: another node is drawn instead."""


def anything(tensor: Tensor) -> bool:
    return True


@dataclass
class Draft:
    """A graph that grows.

    Attributes:
        random: Draws everything.
        has_inputs: Whether new inputs may appear; otherwise states and constants take their place.
        has_states: Whether new states may appear.
        formats: Type -> the few scales and zero points of this graph.
        sizes: The few sizes of axes of this graph.
        pool: All tensors.
        operations: In the order of their computation.
        limits: Smallest and largest value of tensors that do not take every value of their type.
        states: Before a step -> after it; None where that is still open.
        counters: Inputs that count the steps.
    """

    random: Random
    has_inputs: bool = True
    has_states: bool = True
    formats: dict[str, list[Format]] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    pool: list[Tensor] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    limits: dict[Tensor, Limits] = field(default_factory=dict)
    states: dict[Tensor, Tensor | None] = field(default_factory=dict)
    counters: set[Tensor] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.formats = {dtype: self.draw_formats(dtype) for dtype in INTEGER_RANGES}
        wide = 90 if self.chance(0.15) else 7
        self.sizes = [1, *self.random.integers(2, wide, 2).tolist(), int(self.random.integers(2, 5))]

    def draw_formats(self, dtype: str) -> list[Format]:
        zero_points = [int(self.random.integers(-128, 128)), -128] if dtype == "int8" else [0, 0]
        drawn = [(draw_scale(self.random, *EXPONENTS[dtype]), zero_point) for zero_point in zero_points]
        return [*drawn, PROBABILITIES[dtype]]

    # ---- drawing ----

    def chance(self, probability: float) -> bool:
        return bool(self.random.random() < probability)

    def one_of(self, choices: Sequence):
        return choices[int(self.random.integers(0, len(choices)))]

    def count(self, low: int, high: int) -> int:
        """Between both, which are included."""
        return int(self.random.integers(low, high + 1))

    def shape(self, low: int = 0, high: int = 3) -> tuple[int, ...]:
        """A shape of so many axes; the last one is seldom 1."""
        sizes = [self.one_of(self.sizes) for _ in range(self.count(low, high))]
        if sizes and self.chance(0.8):
            sizes[-1] = self.one_of(self.sizes[1:])
        return tuple(sizes) if np.prod(sizes, dtype=int) <= MAX_ELEMENTS else tuple(sizes[-1:])

    def format(self, dtype: str) -> Format:
        """Mostly one of the graph's, the first one most often."""
        if self.chance(0.1):
            return draw_scale(self.random, *EXPONENTS[dtype]), self.formats[dtype][0][1]
        return self.formats[dtype][int(self.random.choice([0, 0, 0, 1, 2]))]

    # ---- tensors ----

    def result(self, shape: Sequence[int], dtype: str, format_: Format | None = None) -> Tensor:
        """A tensor for what is computed."""
        if dtype not in INTEGER_RANGES:
            return Tensor(tuple(shape), dtype)
        return Tensor(tuple(shape), dtype, *(format_ or self.format(dtype)))

    def like(self, source: Tensor, shape: Sequence[int]) -> Tensor:
        """The same for what is moved."""
        moved = Tensor(tuple(shape), source.dtype, source.scale, source.zero_point)
        self.limits |= {moved: self.limits[source]} if source in self.limits else {}
        return moved

    def fresh(self, dtype: str, shape: Sequence[int], format_: Format | None = None) -> Tensor:
        """An input, a state or a constant."""
        made = self.result(shape, dtype, format_)
        if dtype == INDEX_TYPE:
            self.limits[made] = (0, self.one_of(self.sizes) - 1)
        return self.entered(made)

    def entered(self, made: Tensor) -> Tensor:
        """Decide what a tensor is that no node computes."""
        low, high = self.range_of(made)
        can_be_state = self.has_states and low <= zero_of(made) <= high
        can_be_constant = made.dtype != "float32"
        kinds = ["input"] * 5 * self.has_inputs + ["state"] * 3 * can_be_state + ["constant"] * 2 * can_be_constant
        if not kinds:
            raise NothingFitsError
        kind = self.one_of(kinds)
        if kind == "constant":
            made.data = self.values(made, low, high)
        elif kind == "state":
            self.states[made] = None
        self.pool.append(made)
        return made

    def values(self, made: Tensor, low: int, high: int) -> np.ndarray:
        """New values, or those of another constant: they lie in flash once then."""
        alike = [it.data for it in self.pool if it.data is not None and same_form(it, made)]
        if alike and self.chance(0.4) and low <= alike[0].min() <= alike[0].max() <= high:
            return alike[0].copy()
        return draw_values(self.random, made.shape, made.dtype, (low, high))

    def constant(self, values: np.ndarray, scale: float | Sequence[float] = ()) -> Tensor:
        made = Tensor(values.shape, values.dtype.name, scale, data=values)
        self.pool.append(made)
        return made

    def range_of(self, tensor: Tensor) -> Limits:
        """Smallest and largest value that a tensor can have."""
        if tensor.data is not None:
            return int(tensor.data.min()), int(tensor.data.max())
        return self.limits.get(tensor, RANGES.get(tensor.dtype, (0, 0)))

    def limit(self, tensor: Tensor, low: int, high: int) -> None:
        """Note the range of a result; one that overflows can be anything."""
        smallest, largest = RANGES.get(tensor.dtype, (0, -1))
        if smallest <= low and high <= largest:
            self.limits[tensor] = (low, high)

    # ---- what fits ----

    def find(self, accept: Callable[[Tensor], bool]) -> Tensor:
        """One of the tensors that fit: states and what has just been computed more often.

        Raises:
            NothingFitsError: There is none.
        """
        found = [tensor for tensor in self.pool if is_usual(tensor) and accept(tensor)]
        if not found:
            raise NothingFitsError
        recent = set(self.pool[-4:])
        weights = np.array([1.0 + 2.0 * (tensor in self.states) + (tensor in recent) for tensor in found])
        return found[int(self.random.choice(len(found), p=weights / weights.sum()))]

    def found(self, probability: float, accept: Callable[[Tensor], bool]) -> Tensor | None:
        """Often one of the tensors that fit; None otherwise, and where there is none."""
        if self.chance(probability):
            with suppress(NothingFitsError):
                return self.find(accept)
        return None

    def pick(
        self, dtypes: Sequence[str], low: int = 0, high: int = 4, accept: Callable[[Tensor], bool] = anything
    ) -> Tensor:
        """A tensor of one of the types and so many axes, now and then a new one.

        Raises:
            NothingFitsError: The new one does not fit either.
        """

        def fits(tensor: Tensor) -> bool:
            return tensor.dtype in dtypes and low <= len(tensor.shape) <= high and accept(tensor)

        known = self.found(0.85, fits)
        if known is not None:
            return known
        made = self.result(self.shape(low, max(low, min(high, 3))), self.one_of(dtypes))
        if not fits(made):
            raise NothingFitsError
        return self.fresh(made.dtype, made.shape, format_of(made))

    def partner(self, tensor: Tensor) -> Tensor:
        """Another tensor of the same type that is broadcast with it; now and then the tensor itself."""

        def fits(other: Tensor) -> bool:
            return other.dtype == tensor.dtype and goes_with(tensor.shape, other.shape)

        if self.chance(0.8):
            return self.find(fits)
        shape = [1 if self.chance(0.2) else size for size in tensor.shape]
        return self.fresh(tensor.dtype, shape[self.count(0, len(shape)) :] if self.chance(0.2) else shape)

    def same_format(self, tensor: Tensor, shape: Sequence[int]) -> Tensor:
        """A tensor of the same type, scale and zero point and of a shape; a new one where there is none."""
        wanted = (tensor.dtype, format_of(tensor), tuple(shape))
        known = self.found(0.8, lambda other: (other.dtype, format_of(other), tuple(other.shape)) == wanted)
        if known is not None:
            return known
        made = Tensor(tuple(shape), tensor.dtype, tensor.scale, tensor.zero_point)
        self.limits |= {made: self.limits[tensor]} if tensor in self.limits else {}
        return self.entered(made)

    def indices(self, shape: Sequence[int], places: int, dtypes: Sequence[str] = ("int32", "int64")) -> Tensor:
        """Values in [0, places): of a tensor that has them, or of a new one."""

        def fits(tensor: Tensor) -> bool:
            low, high = self.range_of(tensor)
            return tensor.dtype in dtypes and tuple(tensor.shape) == tuple(shape) and 0 <= low <= high < places

        known = self.found(0.6, fits)
        if known is not None:
            return known
        made = Tensor(tuple(shape), self.one_of((*[INDEX_TYPE] * 4, *dtypes)))
        self.limits[made] = (0, places - 1)
        return self.entered(made)

    def apart_from_zero(self, dtype: str, shape: Sequence[int]) -> Tensor:
        """Values on one side of zero: of a tensor that has them, or of a new input or constant."""

        def fits(tensor: Tensor) -> bool:
            low, high = self.range_of(tensor)
            is_apart = high < zero_of(tensor) or zero_of(tensor) < low
            return tensor.dtype == dtype and tuple(tensor.shape) == tuple(shape) and is_apart

        known = self.found(0.5, fits)
        if known is not None:
            return known
        made = self.result(shape, dtype)
        low, high = (-99, 99) if dtype == "int32" else RANGES[dtype]
        is_above = zero_of(made) == low or (zero_of(made) < high and self.chance(0.5))
        self.limits[made] = (zero_of(made) + 1, high) if is_above else (low, zero_of(made) - 1)
        return self.entered(made)

    def add(self, operations: Sequence[Operation], is_closed: bool = False) -> None:
        """Let operations be computed; what they compute, or the last one only, can be read from then on."""
        self.operations += operations
        known = set(self.pool)
        shown = operations[-1:] if is_closed else operations
        self.pool += [output for operation in shown for output in operation.outputs if output not in known]


def zero_of(tensor: Tensor) -> int:
    """The integer of the real 0."""
    return tensor.zero_point if isinstance(tensor.scale, float) else 0


def format_of(tensor: Tensor) -> Format | None:
    return (tensor.scale, tensor.zero_point) if isinstance(tensor.scale, float) else None


def same_form(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors have the same type, shape, scale and zero point."""
    return (a.dtype, tuple(a.shape), format_of(a)) == (b.dtype, tuple(b.shape), format_of(b))


def is_usual(tensor: Tensor) -> bool:
    """Whether it has one scale, or none where its type has none; no zero point where its type has none.

    Others are for some operators only: weights of one scale per row, the int16 that SOFTMAX makes of int8.
    """
    is_shifted = tensor.dtype == "int16" and tensor.zero_point != 0
    return isinstance(tensor.scale, float) == (tensor.dtype in INTEGER_RANGES) and not is_shifted


def goes_with(a: Sequence[int], b: Sequence[int]) -> bool:
    """Whether two shapes can be broadcast, and the result is not too large."""
    try:
        shape = np.broadcast_shapes(tuple(a), tuple(b))
    except ValueError:
        return False
    return len(shape) <= 4 and np.prod(shape, dtype=int) <= MAX_ELEMENTS


# What makes nodes of what a draft has, and of what else they need; NothingFitsError where it cannot.
Make = Callable[[Draft], list[Operation]]
