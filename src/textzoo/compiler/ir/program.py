"""What the emitter writes: statements in order, either a call of a kernel or a loop over elements.

Both name the tensors that they read and write; the planner derives lifetimes from that.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from textzoo.compiler.ir.graph import Tensor

FROM_MEMORY = -1
# Kind of a constant of which a step reads only some rows.
EMBEDDING = "embedding"


@dataclass(eq=False)
class Constant:
    """An array in flash.

    Attributes:
        symbol: Its name in C.
        values: (n,) int8, int16, int32, int64, uint8 or uint32, in the order of the kernel.
        comment: Shape and meaning, for the reader of the generated file.
        kind: "weights", "embedding", "table" or "parameters", for the report of flash.
        tensor: The tensor of the graph that it holds, if it is one: statements name it by its own symbol.
    """

    symbol: str
    values: np.ndarray
    comment: str
    kind: str = "parameters"
    tensor: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Part:
    """An array from one of its elements on."""

    whole: Constant | Tensor
    start: int


@dataclass(eq=False)
class Struct:
    """The parameters of a kernel: a constant struct in flash.

    Values are integers, constants, nested structs, or tensors that the kernel reads where they are in RAM; parts of
    constants and of tensors as well.
    """

    type: str
    fields: dict[str, Any]

    def constants(self) -> list[Constant]:
        """Return the arrays that it points at."""
        return [value for value in self.leaves() if isinstance(value, Constant)]

    def tensors(self) -> list[Tensor]:
        """Return the tensors that it points at."""
        return [value for value in self.leaves() if isinstance(value, Tensor)]

    def names(self) -> set[str]:
        """Return the names of all its fields, nested ones as well."""
        nested = [value.names() for value in self.fields.values() if isinstance(value, Struct)]
        return set(self.fields).union(*nested)

    def leaves(self) -> Iterator[Any]:
        """Yield the values of this and of nested structs, and instead of parts the arrays that they belong to."""
        for value in self.fields.values():
            if isinstance(value, Struct):
                yield from value.leaves()
            else:
                yield value.whole if isinstance(value, Part) else value


@dataclass(eq=False)
class Scratch:
    """Memory that a kernel needs only while it runs."""

    bytes: int


@dataclass(frozen=True, eq=False)
class Operand:
    """How a loop walks over a tensor.

    Attributes:
        tensor: What is read or written.
        strides: Elements per step of each loop dimension; 0 where it is broadcast.
        offset: First element.
        value_of: The computation of the loop's body whose value of the same iteration is taken instead of memory;
            -1 for memory.
    """

    tensor: Tensor
    strides: tuple[int, ...]
    offset: int = 0
    value_of: int = FROM_MEMORY

    @property
    def is_memory(self) -> bool:
        """Return whether it is read from, or written to, memory."""
        return self.value_of == FROM_MEMORY

    def same_walk(self, other: "Operand") -> bool:
        """Return whether both touch the same elements in the same order."""
        storage, offset, moves = self.tensor.location()
        other_storage, other_offset, other_moves = other.tensor.location()
        return (
            storage is other_storage
            and offset + self.offset == other_offset + other.offset
            and self.strides == other.strides
            and moves == other_moves
        )

    def overlaps(self, other: "Operand") -> bool:
        """Return whether both may touch the same memory."""
        return self.tensor.storage is other.tensor.storage


@dataclass(eq=False)
class Compute:
    """One value per iteration of a loop.

    Attributes:
        target: Where it goes; its dtype is the value's.
        function: An inline function of C, called with the struct's address (if any) and the operands as int32;
            empty to copy the only operand.
        operands: What it reads.
        struct: Its parameters.
        header: textzoo/<header>.h declares the function.
        stored: Whether the value is written to memory, or only used by what follows in the same loop.
    """

    target: Operand
    function: str
    operands: list[Operand]
    struct: Struct | None = None
    stored: bool = True
    header: str = "elementwise"


@dataclass(eq=False)
class Statement:
    """Common to both kinds.

    Attributes:
        kind: The operator that it came from, for the profile.
        name: What it computes.
    """

    kind: str
    name: str

    def reads(self) -> list[Tensor]:
        raise NotImplementedError

    def writes(self) -> list[Tensor]:
        raise NotImplementedError

    def structs(self) -> list[Struct]:
        raise NotImplementedError

    def headers(self) -> set[str]:
        raise NotImplementedError

    def calls(self) -> list["Call"]:
        """Return the kernels that it runs."""
        return []


@dataclass(eq=False)
class Loop(Statement):
    """Elements one by one: for every index of `shape`, each Compute in order."""

    shape: tuple[int, ...]
    body: list[Compute]

    def reads(self) -> list[Tensor]:
        return [operand.tensor for compute in self.body for operand in compute.operands if operand.is_memory]

    def writes(self) -> list[Tensor]:
        return [compute.target.tensor for compute in self.body if compute.stored]

    def structs(self) -> list[Struct]:
        return [compute.struct for compute in self.body if compute.struct]

    def headers(self) -> set[str]:
        return {f"textzoo/{compute.header}.h" for compute in self.body if compute.function}


@dataclass(frozen=True)
class Shard:
    """What one of two cores does of a call: some of its rows, or of its heads.

    Attributes:
        fields: Of the struct: values instead of those of the whole call's.
        starts: Of the struct: field -> where this shard's part of an array begins.
        inputs: Where its part of each input begins.
        output: Where its part of the output begins.
        scratch_bytes: What the kernel needs for it.
    """

    fields: dict[str, Any]
    starts: dict[str, int]
    inputs: tuple[int, ...]
    output: int
    scratch_bytes: int


@dataclass(eq=False)
class Call(Statement):
    """One kernel: `tz_<kernel>(&struct, inputs..., outputs..., scratch)`.

    Attributes:
        kernel: Names the function tz_<kernel> and its source <variant>/<kernel>.c.
        variant: The variant that the struct's constants are packed for; empty where any variant of the kernel will do.
        struct: Its parameters, or None.
        inputs: Tensors that it reads.
        outputs: Tensors that it writes.
        scratch: None where the kernel takes none.
        repeats: How often it is called, with inputs and outputs advancing by `steps` elements per call.
        steps: For each input, then each output.
        header: textzoo/<header>.h declares it; empty where that is called like the kernel.
        shards: How two cores can share it; empty where one does it alone.
    """

    kernel: str
    struct: Struct | None
    inputs: list[Tensor]
    outputs: list[Tensor]
    scratch: Scratch | None = None
    variant: str = ""
    repeats: int = 1
    steps: tuple[int, ...] = ()
    header: str = ""
    shards: tuple[Shard, ...] = ()

    def reads(self) -> list[Tensor]:
        return self.inputs + (self.struct.tensors() if self.struct else [])

    def writes(self) -> list[Tensor]:
        return self.outputs

    def structs(self) -> list[Struct]:
        return [self.struct] if self.struct else []

    def headers(self) -> set[str]:
        return {f"textzoo/{self.header or self.kernel}.h"}

    def calls(self) -> list["Call"]:
        return [self]


@dataclass(eq=False)
class Parallel(Statement):
    """Two calls of one kernel at the same time, each on a core of its own: `tz_parallel` of textzoo/parallel.h.

    Neither reads or writes what the other one writes. Each takes a struct and has one output.

    Attributes:
        first: What the core does that runs the model; it has no less to do.
        second: What the other one does.
    """

    first: Call
    second: Call

    def reads(self) -> list[Tensor]:
        return self.first.reads() + self.second.reads()

    def writes(self) -> list[Tensor]:
        return self.first.writes() + self.second.writes()

    def structs(self) -> list[Struct]:
        return self.first.structs() + self.second.structs()

    def headers(self) -> set[str]:
        return {"textzoo/parallel.h"} | self.first.headers()

    def calls(self) -> list[Call]:
        return [self.first, self.second]


def straightened(loop: Loop) -> Loop:
    """Return the same loop with as few dimensions as its operands allow."""
    operands = [operand for compute in loop.body for operand in (*compute.operands, compute.target)]
    shape, walks = collapsed(loop.shape, [operand.strides for operand in operands])
    new = iter([replace(operand, strides=walk) for operand, walk in zip(operands, walks, strict=True)])
    body = [replace(compute, operands=[next(new) for _ in compute.operands], target=next(new)) for compute in loop.body]
    return replace(loop, shape=shape, body=body)


def collapsed(shape: tuple[int, ...], walks: list[tuple[int, ...]]) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """Drop dimensions of size 1, then merge each dimension into the next where all strides allow it."""
    kept = [axis for axis, size in enumerate(shape) if size > 1]
    sizes = [shape[axis] for axis in kept]
    strides = [[walk[axis] for axis in kept] for walk in walks]
    for axis in reversed(range(len(sizes) - 1)):
        if all(walk[axis] == walk[axis + 1] * sizes[axis + 1] for walk in strides):
            sizes[axis : axis + 2] = [sizes[axis] * sizes[axis + 1]]
            for walk in strides:
                del walk[axis]
    return tuple(sizes), [tuple(walk) for walk in strides]


@dataclass
class Program:
    """Everything that the emitter needs besides the graph's interface."""

    statements: list[Statement] = field(default_factory=list)

    def loops(self) -> list[Loop]:
        """Return the statements that are loops over elements."""
        return [statement for statement in self.statements if isinstance(statement, Loop)]

    @property
    def uses_second_core(self) -> bool:
        """Return whether two cores share any of its kernels."""
        return any(isinstance(statement, Parallel) for statement in self.statements)

    def constants(self) -> list[Constant]:
        """Return every array in flash once, in the order of use."""
        found: dict[int, Constant] = {}
        for statement in self.statements:
            for struct in statement.structs():
                for constant in struct.constants():
                    found.setdefault(id(constant), constant)
        return list(found.values())
