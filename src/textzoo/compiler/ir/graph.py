"""The graph that the passes transform: tensors and nodes as objects, states paired, names fit for C."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from textzoo.compiler.tflite.file import TensorInfo, TfliteFile
from textzoo.compiler.tflite.quantization import Quantized
from textzoo.compiler.tflite.signatures import LOGITS, NEW_STATE, POSITION, STEP_INPUTS

MAX_SYMBOL_LENGTH = 60
# Several words that a tensor's symbol must not be: of C, of C++ (CIMv3) and of the generated file.
RESERVED_SYMBOLS = (
    "and_eq co_await co_return co_yield const_cast crc32_update dynamic_cast model_check_tokens model_inputs "
    "model_outputs model_reset model_run model_states model_step model_step_kinds model_step_names "
    "model_weights_crc32 not_eq or_eq pico_gpt position_index reinterpret_cast static_assert static_cast "
    "thread_local token_id va_arg va_copy va_end va_start xor_eq"
)
# The same for whole families: one word (keywords, macros and functions of libraries, variables of the generated file),
# types, functions of the runtime, numbered variables and structs.
RESERVED_FORMS = re.compile(r"[^_]*|\w+_t|(tz|textzoo)_\w*|(step|value|fixed)_\d+(_\d+)?")


@dataclass(frozen=True, eq=False)
class Move:
    """What an index known only at run time adds to a tensor's position in memory.

    Attributes:
        index: int32 tensor that holds it.
        element: Which element of it.
        stride: Elements per step.
        limit: Largest value that stays inside; values outside [0, limit] are clamped.
    """

    index: "Tensor"
    element: int
    stride: int
    limit: int


@dataclass(frozen=True, eq=False)
class View:
    """A tensor that has no memory of its own: it is inside another one.

    Attributes:
        base: The tensor that it is in; may be a view itself.
        offset: First element, counted in elements of the base.
        moves: What run-time indices add to the offset.
    """

    base: "Tensor"
    offset: int = 0
    moves: tuple[Move, ...] = ()


@dataclass(eq=False)
class Tensor(Quantized):
    """One tensor.

    Attributes:
        name: As in the file.
        symbol: A C identifier, unique in the graph.
        shape: Its sizes, () for a scalar.
        dtype: int8, int16, int32, int64, bool or float32.
        scales: One, or one per channel; empty where it is not quantized.
        zero_points: As many as scales, or one.
        value: The constant, of `shape`; None for what is computed.
        view: Its location, if it has no memory of its own.
    """

    name: str
    symbol: str
    shape: tuple[int, ...]
    dtype: np.dtype
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    value: np.ndarray | None = None
    view: View | None = None

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=np.int64)) if self.shape else 1

    @property
    def bytes(self) -> int:
        return self.size * self.dtype.itemsize

    @property
    def format(self) -> tuple[Any, ...]:
        """What a state keeps from step to step: shape, type, scales and zero points."""
        return self.shape, self.dtype, self.scales, self.zero_points

    @property
    def is_constant(self) -> bool:
        return self.value is not None

    @property
    def storage(self) -> "Tensor":
        """The tensor whose memory holds this one; itself where it has its own."""
        return self.view.base.storage if self.view else self

    def location(self) -> tuple["Tensor", int, tuple[Move, ...]]:
        """Return the tensor's storage, its first element there, and what run-time indices add."""
        if self.view is None:
            return self, 0, ()
        storage, offset, moves = self.view.base.location()
        return storage, offset + self.view.offset, moves + self.view.moves

    def touched(self) -> list["Tensor"]:
        """Return the memory that is used to reach the tensor: its storage, and the indices of its views."""
        if self.view is None:
            return [self]
        indices = [tensor for move in self.view.moves for tensor in move.index.touched()]
        return self.view.base.touched() + indices

    def describe(self) -> str:
        """Return the tensor's type and shape for error messages: int8 1x128."""
        return f"{self.dtype} {'x'.join(map(str, self.shape)) or 'scalar'}"


@dataclass(eq=False)
class Node:
    """One operator of the file, or one that a pass made out of several.

    Attributes:
        operator: Its row in the table of operators.
        inputs: None where an optional input is left out.
        options: The builtin options by the schema's names.
        attributes: What a pass has found out: a frozen dataclass of the operator's file, if anything.
        is_known: Whether all that it depends on is constant, so that LiteRT computes it once, before the first run.
        intermediates: Scale and zero point of what it computes on the way, None where there are none.
    """

    operator: str
    inputs: list[Tensor | None]
    outputs: list[Tensor]
    options: dict[str, Any] = field(default_factory=dict)
    attributes: Any = None
    is_known: bool = False
    intermediates: tuple[tuple[float, int] | None, ...] = ()

    @property
    def name(self) -> str:
        """The name of what it computes."""
        return self.outputs[0].name

    @property
    def output(self) -> Tensor:
        return self.outputs[0]

    def operands(self) -> list[Tensor]:
        """Return the inputs that are not left out."""
        return [tensor for tensor in self.inputs if tensor is not None]


@dataclass(eq=False)
class State:
    """What is carried from step to step: input `before` and output `after` of the same format."""

    name: str
    before: Tensor
    after: Tensor


@dataclass
class Graph:
    """One signature of a .tflite.

    Attributes:
        inputs: Signature name -> tensor, states left out.
        outputs: Signature name -> tensor, states left out.
    """

    nodes: list[Node]
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    states: list[State]
    signature: str = ""

    @property
    def counter(self) -> Tensor | None:
        """`position` of a decode step, which counts 0, 1, 2, ... from every reset on; None for other graphs."""
        is_step = set(self.inputs) >= STEP_INPUTS and LOGITS in self.outputs
        return self.inputs[POSITION] if is_step else None

    def consumers(self, tensor: Tensor) -> list[Node]:
        """Return the nodes that read a tensor, in order."""
        return [node for node in self.nodes if any(tensor is operand for operand in node.inputs)]

    def producer(self, tensor: Tensor) -> Node | None:
        """Return the node that computes a tensor; None for inputs, states and constants."""
        return next((node for node in self.nodes if any(tensor is output for output in node.outputs)), None)

    def leaves(self, tensor: Tensor) -> bool:
        """Return whether a tensor is visible from outside: an output or a new state."""
        return any(tensor is kept for kept in self.kept())

    def kept(self) -> list[Tensor]:
        """Return the tensors that must hold their values at the end."""
        return [*self.outputs.values(), *(state.after for state in self.states)]

    def replace(self, old: Tensor, new: Tensor) -> None:
        """Let every reader of `old` read `new`."""
        for node in self.nodes:
            node.inputs = [new if operand is old else operand for operand in node.inputs]
        self.outputs = {name: new if tensor is old else tensor for name, tensor in self.outputs.items()}
        for state in self.states:
            state.after = new if state.after is old else state.after

    def tensors(self) -> Iterator[Tensor]:
        """Yield every tensor once: inputs, states, and what nodes read and write."""
        seen: set[int] = set()
        everything = [*self.inputs.values(), *(state.before for state in self.states), *self.kept()]
        for node in self.nodes:
            everything += [*node.operands(), *node.outputs]
        for tensor in everything:
            if id(tensor) not in seen:
                seen.add(id(tensor))
                yield tensor


def build_graph(file: TfliteFile) -> Graph:
    """Return the graph of a checked file. An input x and an output new_x of the same format are a state."""
    symbols = Symbols()
    tensors = [_tensor(info, symbols) for info in file.tensors]
    nodes = [
        Node(
            operator.name,
            [tensors[index] if index >= 0 else None for index in operator.inputs],
            [tensors[index] for index in operator.outputs],
            dict(operator.options),
            intermediates=operator.intermediates,
        )
        for operator in file.operators
    ]
    inputs = {name: tensors[index] for name, index in sorted(file.inputs.items())}
    outputs = {name: tensors[index] for name, index in sorted(file.outputs.items())}
    states = [
        State(name, tensor, outputs[NEW_STATE + name])
        for name, tensor in inputs.items()
        if NEW_STATE + name in outputs and tensor.format == outputs[NEW_STATE + name].format
    ]
    nodes += _copies_of_what_nothing_computes(nodes, outputs, symbols)
    for state in states:
        state.after = outputs[NEW_STATE + state.name]
        del inputs[state.name], outputs[NEW_STATE + state.name]
        if state.before.symbol != state.name:
            state.before.symbol = symbols.unique(state.name)
    variables = {id(tensors[info.index]) for info in file.tensors if info.is_variable}
    states += [state for node in nodes for state in _states_of_variables(node, variables, symbols)]
    return Graph(nodes, inputs, outputs, states, file.signature)


def _states_of_variables(node: Node, variables: set[int], symbols: "Symbols") -> list[State]:
    """Give a node an output for each variable that it reads: what the variable holds afterwards."""
    states = []
    for before in [tensor for tensor in node.operands() if id(tensor) in variables]:
        after = replace(before, name=f"{before.name} after", symbol=symbols.unique(f"{before.symbol}_after"))
        node.outputs.append(after)
        states.append(State(before.symbol, before, after))
    return states


def _copies_of_what_nothing_computes(nodes: list[Node], outputs: dict[str, Tensor], symbols: "Symbols") -> list[Node]:
    """Return nodes that copy outputs which are an input, a constant, or another output as well."""
    computed = {id(output) for node in nodes for output in node.outputs}
    copies = []
    for name, tensor in outputs.items():
        if id(tensor) in computed:
            computed.discard(id(tensor))
            continue
        own = replace(tensor, symbol=symbols.unique(name), value=None)
        copies.append(Node("RESHAPE", [tensor], [own], {"newShape": np.array(tensor.shape, np.int32)}))
        outputs[name] = own
    return copies


class Symbols:
    """C identifiers made from names, each given once."""

    def __init__(self) -> None:
        self.taken: set[str] = set(RESERVED_SYMBOLS.split())
        self.numbers: dict[str, int] = {}  # the last number behind each name, so that many equal names take no time

    def unique(self, name: str) -> str:
        """Turn `block_0/attention/Softmax` into `block_0_attention_softmax`, numbered where that is taken."""
        base = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[-MAX_SYMBOL_LENGTH:].strip("_") or "tensor"
        return self.take(f"t_{base}" if base[0].isdigit() or RESERVED_FORMS.fullmatch(base) else base)

    def take(self, base: str) -> str:
        """Return a symbol as it is, numbered where it is taken."""
        symbol = base
        while symbol in self.taken:
            self.numbers[base] = self.numbers.get(base, 1) + 1
            symbol = f"{base}_{self.numbers[base]}"
        self.taken.add(symbol)
        return symbol


def _tensor(info: TensorInfo, symbols: Symbols) -> Tensor:
    value = info.values() if info.is_constant else None
    # The converter joins the names of what it merged: "…;block_0/norm/add;…"; the last one says what it is.
    parts = [part for part in info.name.split(";") if part and not part.isdigit()]
    symbol = symbols.unique(parts[-1] if parts else info.name)
    return Tensor(info.name, symbol, info.shape, info.dtype, info.scales, info.zero_points, value)
