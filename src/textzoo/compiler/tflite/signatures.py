"""What goes into a .tflite and comes out, by name: of its decode step's signature, or of a file without signatures.

A file with one signature has its names. Of several, the one with the inputs of a decode step (token, position, state)
is taken; where several have them, the one called `decode`. A file without signatures has the names of its first
subgraph's tensors, without what the converter puts around them (`serving_default_token:0` is `token`).

In a decode step, outputs that are not called by the contract (`logits`, `new_<state>`) are recognized where only one
answer is possible: see `named_by_contract`.
"""

import itertools
import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from textzoo.common.errors import UserError

DECODE = "decode"
NEW_STATE = "new_"
LOGITS = "logits"
TOKEN, POSITION = "token", "position"
STEP_INPUTS = {TOKEN, POSITION}
OUTPUT_NUMBER = re.compile(r":\d+$")
SEPARATORS = "_/.:"


@dataclass(frozen=True)
class Interface:
    """One way to use a .tflite.

    Attributes:
        signature: Its key; empty where the file has none.
        subgraph: Place of the subgraph that computes it.
        inputs: Name -> tensor index.
        outputs: Name -> tensor index.
    """

    signature: str
    subgraph: int
    inputs: dict[str, int]
    outputs: dict[str, int]

    @property
    def is_step(self) -> bool:
        """Return whether a token and a position go in."""
        return set(self.inputs) >= STEP_INPUTS

    def describe(self) -> str:
        """Return a signature for error messages: signature 'decode' (token, position -> logits)."""
        title = f"signature '{self.signature}'" if self.signature else "no signature"
        return f"{title} ({', '.join(self.inputs)} -> {', '.join(self.outputs)})"


def chosen_interface(interfaces: Sequence[Interface], label: str) -> Interface:
    """Return the only interface, or the only decode step among several; UserError where that is not decided."""
    if len(interfaces) == 1:
        return interfaces[0]
    steps = [interface for interface in interfaces if interface.is_step]
    named = [interface for interface in steps if interface.signature == DECODE]
    found = named if len(named) == 1 else steps
    if len(found) == 1:
        return found[0]
    count = len(found) or "none"
    raise UserError(
        f"{label} has {len(interfaces)} signatures, and {count} of them may be the decode step",
        expected=f"one with the inputs token, position and the state, or one of these called '{DECODE}'",
        received="\n  ".join(["", *(interface.describe() for interface in interfaces)]),
        remedy="Convert the model with the signature of its decode step only.",
    )


def interfaces_of(model: Any) -> list[Interface]:
    """Return all signatures of a schema.ModelT; where there are none, the first subgraph as it is."""
    if not model.signatureDefs:
        return [interface_of_tensors(model.subgraphs[0])]
    return [
        Interface(
            text(signature.signatureKey),
            int(signature.subgraphIndex),
            entries(signature.inputs),
            entries(signature.outputs),
        )
        for signature in model.signatureDefs
    ]


def entries(values: Any) -> dict[str, int]:
    return {text(entry.name): int(entry.tensorIndex) for entry in values or []}


def text(value: bytes | str | None) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else (value or "")


def interface_of_tensors(graph: Any) -> Interface:
    """Return the first subgraph as it is: inputs and outputs have the names of their tensors, shortened."""
    inputs = tensor_names(graph, graph.inputs, STEP_INPUTS)
    states = {name: text(graph.tensors[index].name) for name, index in inputs.items() if name not in STEP_INPUTS}
    # A new state may be called after the whole name of its state's tensor.
    new_states = {NEW_STATE + without_number(whole): NEW_STATE + name for name, whole in states.items()}
    outputs = tensor_names(graph, graph.outputs, {LOGITS, *new_states, *new_states.values()})
    return Interface("", 0, inputs, {new_states.get(name, name): index for name, index in outputs.items()})


def tensor_names(graph: Any, indices: Any, known: Set[str]) -> dict[str, int]:
    """Name tensors by their own names, shortened if that keeps them apart; several of one name are numbered."""
    distinct = list(dict.fromkeys(int(index) for index in ([] if indices is None else indices)))
    if not all(0 <= index < len(graph.tensors or []) for index in distinct):
        raise UserError("inputs or outputs that are not there")
    names = [text(graph.tensors[index].name) for index in distinct]
    short = shortened(names, known)
    return dict(zip(short if len(set(short)) == len(short) else numbered(names), distinct, strict=True))


def numbered(names: Sequence[str]) -> list[str]:
    """Rename names that occur again: x, x, y -> x, x_2, y."""
    found: list[str] = []
    for name in names:
        same = (f"{name}_{number}" for number in itertools.count(2))
        found.append(name if name not in found else next(other for other in same if other not in (*names, *found)))
    return found


def shortened(names: Sequence[str], known: Set[str] = frozenset()) -> list[str]:
    """Shorten names: `serving_default_token:0`, `serving_default_position:0` -> `token`, `position`.

    Args:
        names: Of tensors.
        known: Names that are expected. Of all beginnings that the names have in common, up to a separator, the one is
            taken away that leaves most of these, and of several such beginnings the longest.
    """
    plain = [without_number(name) for name in names]
    lengths = [length for length in common_beginnings(plain) if all(len(name) > length for name in plain)]
    longest = max(lengths, key=lambda length: (sum(name[length:] in known for name in plain), length), default=0)
    return [name[longest:] for name in plain]


def without_number(name: str) -> str:
    """Remove the number: `StatefulPartitionedCall:1` -> `StatefulPartitionedCall`."""
    return OUTPUT_NUMBER.sub("", name)


def common_beginnings(names: Sequence[str]) -> list[int]:
    """Return the lengths of prefixes that all names share and that end in a separator; 0 is always one."""
    common = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False)) if len(names) > 1 else ()
    return [0, *(index + 1 for index, letters in enumerate(common) if letters[0] in SEPARATORS)]


def named_by_contract(interface: Interface, tensors: Sequence[Any], operators: Sequence[Any]) -> Interface:
    """Name the outputs of a decode step `logits` and `new_<state>`, as far as only one answer is possible.

    A state becomes the output called new_<state>; or else what DYNAMIC_UPDATE_SLICE makes of it; or else the only
    output of its format, if no other state has that format. The logits are the output that is left then. What cannot be
    decided keeps its name.

    Args:
        interface: Of the file.
        tensors: TensorInfo of the subgraph.
        operators: OperatorInfo of the subgraph.
    """
    if not interface.is_step:
        return interface
    states = {name: index for name, index in interface.inputs.items() if name not in STEP_INPUTS}
    known = {LOGITS, *(NEW_STATE + name for name in states)}
    free = {name: index for name, index in interface.outputs.items() if name not in known}
    states = {name: index for name, index in states.items() if NEW_STATE + name not in interface.outputs}
    renamed: dict[str, str] = {}
    for pairs in (updates_of(states, free, operators), outputs_of_their_format(states, free, tensors)):
        for state, output in pairs:
            if state in states and output in free:
                renamed[output] = NEW_STATE + state
                del states[state], free[output]
    if not states and len(free) == 1 and LOGITS not in interface.outputs:
        renamed[next(iter(free))] = LOGITS
    return replace(interface, outputs={renamed.get(name, name): index for name, index in interface.outputs.items()})


def updates_of(states: dict[str, int], outputs: dict[str, int], operators: Sequence[Any]) -> list[tuple[str, str]]:
    """Return pairs (state, output) where the output is the state with a part replaced."""
    updates = {
        (operator.inputs[0], operator.outputs[0])
        for operator in operators
        if operator.name == "DYNAMIC_UPDATE_SLICE" and operator.inputs and operator.outputs
    }
    return [
        (state, output)
        for state, before in states.items()
        for output, after in outputs.items()
        if (before, after) in updates
    ]


def outputs_of_their_format(
    states: dict[str, int], outputs: dict[str, int], tensors: Sequence[Any]
) -> list[tuple[str, str]]:
    """Return pairs (state, output) where there is one state and one output of a format."""
    pairs = []
    for state, index in states.items():
        form = tensors[index].form
        alike = [output for output, other in outputs.items() if tensors[other].form == form]
        rivals = [other for other in states.values() if tensors[other].form == form]
        if len(alike) == len(rivals) == 1:
            pairs.append((state, alike[0]))
    return pairs
