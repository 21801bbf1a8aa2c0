"""The smallest graphs that were once computed wrongly, and others for what lies between operators: the table KNOWN.

A new fault is a new row.
"""

from collections.abc import Callable

import numpy as np
from graph_cases import GraphCase, graph_case
from operator_cases import plain
from operator_chains import attention

from textzoo.compiler.tflite.single_operator import Operation, Tensor, constant


def quantized(*shape: int, dtype: str = "int8", scale: float = 0.5, zero_point: int = 0, data=None) -> Tensor:
    """All of one format, so that they can be moved and be states."""
    return Tensor(shape, dtype, scale, zero_point, data=data)


def several(count: int, *shape: int, **format_: object) -> list[Tensor]:
    return [quantized(*shape, **format_) for _ in range(count)]


def index(*shape: int) -> Tensor:
    return Tensor(shape or (1,), "int32")


def numbers(*shape: int) -> np.ndarray:
    """int8 of many values."""
    return (np.arange(np.prod(shape)) * 7 % 251 - 125).astype(np.int8).reshape(shape)


# ---- old states that are seen after they have been overwritten ----


def move_of(name: str, source: Tensor) -> tuple[Operation, Tensor]:
    """A part of a tensor (4, 3) that lies in it as it is: a view."""
    row, whole, half = quantized(1, 3), quantized(4, 3), quantized(2, 3)
    flat = quantized(12)
    moves = {
        "RESHAPE": Operation("RESHAPE", [source, plain([12])], [flat]),
        "EXPAND_DIMS": Operation("EXPAND_DIMS", [source, plain(0)], [quantized(1, 4, 3)]),
        "SLICE": Operation("SLICE", [source, plain([1, 0]), plain([1, 3])], [row]),
        "STRIDED_SLICE": Operation("STRIDED_SLICE", [source, plain([2, 0]), plain([3, 3]), plain([1, 1])], [row]),
        "SPLIT": Operation("SPLIT", [plain(0), source], [half, quantized(2, 3)], {"numSplits": 2}),
        "TRANSPOSE": Operation("TRANSPOSE", [source, plain([0, 1])], [whole]),
        "GATHER": Operation("GATHER", [source, index()], [row], {"axis": 0}),
        "GATHER of a constant row": Operation("GATHER", [source, plain([2])], [row], {"axis": 0}),
    }
    return moves[name], moves[name].outputs[0]


MOVES = (
    "RESHAPE", "EXPAND_DIMS", "SLICE", "STRIDED_SLICE", "SPLIT", "TRANSPOSE", "GATHER", "GATHER of a constant row"
)  # fmt: skip


def old_state_as_output(name: str) -> Callable[[], GraphCase]:
    """old = <move>(s) is an output beside new_s = ADD(s, u)."""

    def make() -> GraphCase:
        before, update, after = several(3, 4, 3)
        move, old = move_of(name, before)
        operations = [move, Operation("ADD", [before, update], [after])]
        return graph_case(operations, {before: after}, [old], limits=rows_of(move))

    return make


def old_state_read_later(name: str) -> Callable[[], GraphCase]:
    """r = <move>(s); new_s = DYNAMIC_UPDATE_SLICE(s, u, i); o = ADD(r, c)."""

    def make() -> GraphCase:
        (before, after), update = several(2, 4, 3), quantized(2, 3)
        move, old = move_of(name, before)
        other, output = quantized(*old.shape), quantized(*old.shape)
        operations = [
            move,
            Operation("DYNAMIC_UPDATE_SLICE", [before, update, index(2)], [after]),
            Operation("ADD", [old, other], [output]),
        ]
        return graph_case(operations, {before: after}, [output], limits=rows_of(move))

    return make


def rows_of(move: Operation) -> dict[Tensor, tuple[int, int]]:
    """The limits of the index of a look-up, if it is one."""
    return {move.inputs[1]: (0, 3)} if move.name == "GATHER" else {}


def old_state_itself(name: str) -> Callable[[], GraphCase]:
    """The state itself is an output beside the new one."""

    def make() -> GraphCase:
        (before, after), update = several(2, 4, 3), quantized(1, 3)
        write = (
            Operation("DYNAMIC_UPDATE_SLICE", [before, update, index(2)], [after])
            if name == "DYNAMIC_UPDATE_SLICE"
            else Operation("ADD", [before, update], [after])
        )
        return graph_case([write], {before: after}, [before])

    return make


def new_state_is_a_view_of_another() -> GraphCase:
    """new_a = ADD(a, u); new_b = RESHAPE(a)."""
    a, new_a, update = several(3, 4, 3)
    b, new_b = several(2, 12)
    operations = [Operation("ADD", [a, update], [new_a]), Operation("RESHAPE", [a, plain([12])], [new_b])]
    return graph_case(operations, {a: new_a, b: new_b}, [])


def new_state_is_another_old_one() -> GraphCase:
    """new_a = ADD(a, u); new_b = a."""
    a, new_a, update, b = several(4, 4, 3)
    return graph_case([Operation("ADD", [a, update], [new_a])], {a: new_a, b: a}, [])


def older_state_first() -> GraphCase:
    """The same, the states in the other order."""
    a, new_a, update, b = several(4, 4, 3)
    return graph_case([Operation("ADD", [a, update], [new_a])], {b: a, a: new_a}, [])


def swapped_states() -> GraphCase:
    """new_a = b; new_b = a, beside something that reads both."""
    a, b, update, output, total = several(5, 4, 3)
    operations = [Operation("ADD", [a, update], [total]), Operation("SUB", [total, b], [output])]
    return graph_case(operations, {a: b, b: a}, [output])


def states_in_a_ring() -> GraphCase:
    """new_a = b; new_b = c; new_c = a + x."""
    a, b, c, entry, after = several(5, 5)
    return graph_case([Operation("ADD", [a, entry], [after])], {a: b, b: c, c: after}, [a])


def state_that_stays() -> GraphCase:
    """new_a = a."""
    a, update, output = several(3, 5)
    return graph_case([Operation("ADD", [a, update], [output])], {a: a}, [output])


def one_value_for_two_states() -> GraphCase:
    a, b, update, after = several(4, 5)
    return graph_case([Operation("ADD", [a, update], [after]), *minus(b, after)], {a: after, b: after})


def minus(a: Tensor, b: Tensor) -> list[Operation]:
    return [Operation("SUB", [a, b], [quantized(*a.shape)])]


def new_state_read_later() -> GraphCase:
    """The old state is read after the new one has been computed, and the new one as well."""
    before, after, update, difference, output = several(5, 2, 3)
    operations = [
        Operation("ADD", [before, update], [after]),
        Operation("SUB", [after, before], [difference]),
        Operation("MUL", [difference, before], [output]),
    ]
    return graph_case(operations, {before: after}, [output])


def state_from_constant() -> GraphCase:
    """A state that is always the same after the first step."""
    before, output, update = several(3, 2, 3)
    after = quantized(2, 3, data=numbers(2, 3))
    return graph_case([Operation("ADD", [before, update], [output])], {before: after}, [output])


# ---- delay lines ----


def token_shift() -> GraphCase:
    """RWKV: the last input is the state; both are mixed."""
    before, entry, total = several(3, 1, 6)
    return graph_case([Operation("ADD", [before, entry], [total])], {before: entry}, [total])


def short_convolution() -> GraphCase:
    """Mamba: the window moves on by a row, and is weighted."""
    before, after = several(2, 4, 6)
    tail, entry = quantized(3, 6), quantized(1, 6)
    taps, product, output = quantized(4, 6, data=numbers(4, 6)), quantized(4, 6, scale=20.0), quantized(6, scale=30.0)
    operations = [
        Operation("SLICE", [before, plain([1, 0]), plain([3, 6])], [tail]),
        Operation("CONCATENATION", [tail, entry], [after], {"axis": 0}),
        Operation("MUL", [after, taps], [product]),
        Operation("SUM", [product, plain([0])], [output]),
    ]
    return graph_case(operations, {before: after}, [output])


def window_of_whole_rows() -> GraphCase:
    """The same by STRIDED_SLICE, the window read before and after."""
    before, after, difference = several(3, 4, 6)
    tail, entry = quantized(3, 6), quantized(1, 6)
    operations = [
        Operation("STRIDED_SLICE", [before, plain([1, 0]), plain([4, 6]), plain([1, 1])], [tail]),
        Operation("CONCATENATION", [tail, entry], [after], {"axis": 0}),
        Operation("SUB", [after, before], [difference]),
    ]
    return graph_case(operations, {before: after}, [difference])


def window_of_states() -> GraphCase:
    """A delay line of states, of which each takes the one before it: computed from what they were."""
    a, b, c, entry, total, output = several(6, 6)
    operations = [Operation("ADD", [a, b], [total]), Operation("ADD", [total, c], [output])]
    return graph_case(operations, {a: entry, b: a, c: b}, [output])


# ---- DYNAMIC_UPDATE_SLICE ----


def whole_update(is_state: bool) -> Callable[[], GraphCase]:
    """An update as large as the operand, then something element by element."""

    def make() -> GraphCase:
        source, update, written, output, factor = several(5, 4, 3)
        operations = [
            Operation("DYNAMIC_UPDATE_SLICE", [source, update, index(2)], [written]),
            Operation("MUL", [written, factor], [output]),
        ]
        return graph_case(operations, {source: written} if is_state else {}, [output])

    return make


def whole_computed_update() -> GraphCase:
    """The update is computed, and all is of one loop's shape."""
    source, a, update, written, output = several(5, 12)
    operations = [
        Operation("ADD", [a, a], [update]),
        Operation("DYNAMIC_UPDATE_SLICE", [source, update, index(1)], [written]),
        Operation("SUB", [written, source], [output]),
    ]
    return graph_case(operations, {source: written}, [output])


def constant_start(is_state: bool) -> Callable[[], GraphCase]:
    """The place is known when compiling."""

    def make() -> GraphCase:
        (source, written, other, output), update = several(4, 4, 3), quantized(1, 3)
        operations = [
            Operation("DYNAMIC_UPDATE_SLICE", [source, update, plain([2, 0])], [written]),
            Operation("ADD", [written, other], [output]),
        ]
        return graph_case(operations, {source: written} if is_state else {}, [output])

    return make


def update_of_itself() -> GraphCase:
    """A row of a state is written to another place of it."""
    (before, after), row = several(2, 4, 3), quantized(1, 3)
    operations = [
        Operation("SLICE", [before, plain([1, 0]), plain([1, 3])], [row]),
        Operation("DYNAMIC_UPDATE_SLICE", [before, row, index(2)], [after]),
    ]
    return graph_case(operations, {before: after}, [])


def many_rows_of_itself() -> GraphCase:
    """What is read and what is written may overlap."""
    (before, after), rows = several(2, 4, 3), quantized(3, 3)
    operations = [
        Operation("SLICE", [before, plain([0, 0]), plain([3, 3])], [rows]),
        Operation("DYNAMIC_UPDATE_SLICE", [before, rows, index(2)], [after]),
    ]
    return graph_case(operations, {before: after}, [])


def updated_twice() -> GraphCase:
    (before, middle, after), rows = several(3, 4, 3), several(2, 1, 3)
    operations = [
        Operation("DYNAMIC_UPDATE_SLICE", [before, rows[0], index(2)], [middle]),
        Operation("DYNAMIC_UPDATE_SLICE", [middle, rows[1], index(2)], [after]),
    ]
    return graph_case(operations, {before: after}, [middle])


def two_updates_of_one_state() -> GraphCase:
    """Only one of them is the new state."""
    (before, other, after), rows = several(3, 4, 3), several(2, 1, 3)
    operations = [
        Operation("DYNAMIC_UPDATE_SLICE", [before, rows[0], index(2)], [after]),
        Operation("DYNAMIC_UPDATE_SLICE", [before, rows[1], index(2)], [other]),
    ]
    return graph_case(operations, {before: after}, [other])


# ---- tensors that are joined with what they were made of ----


def joined(name: str) -> Callable[[], GraphCase]:
    """An update and its own operand in one tensor."""

    def make() -> GraphCase:
        (a, b, source, written), update = several(4, 4, 3), quantized(1, 3)
        operations = [
            Operation("ADD", [a, b], [source]),
            Operation("DYNAMIC_UPDATE_SLICE", [source, update, index(2)], [written]),
        ]
        if name == "PACK":
            last = Operation("PACK", [source, written], [quantized(2, 4, 3)], {"valuesCount": 2, "axis": 0})
        else:
            last = Operation("CONCATENATION", [source, written], [quantized(8, 3)], {"axis": 0})
        return graph_case([*operations, last])

    return make


def joined_with_its_view() -> GraphCase:
    """A tensor and a part of it."""
    a, b, source = several(3, 4, 3)
    part, whole = quantized(2, 3), quantized(6, 3)
    operations = [
        Operation("ADD", [a, b], [source]),
        Operation("SLICE", [source, plain([1, 0]), plain([2, 3])], [part]),
        Operation("CONCATENATION", [part, source], [whole], {"axis": 0}),
    ]
    return graph_case(operations)


def state_joined_with_its_update() -> GraphCase:
    (before, after), update, whole = several(2, 4, 3), quantized(1, 3), quantized(8, 3)
    operations = [
        Operation("DYNAMIC_UPDATE_SLICE", [before, update, index(2)], [after]),
        Operation("CONCATENATION", [after, before], [whole], {"axis": 0}),
    ]
    return graph_case(operations, {before: after})


# ---- indices ----


def constant_row(dtype: str) -> Callable[[], GraphCase]:
    """A look-up at a constant index, in what is computed at run time."""

    def make() -> GraphCase:
        a, b, table = several(3, 4, 3, dtype=dtype)
        row, output, other = several(3, 1, 3, dtype=dtype)
        operations = [
            Operation("ADD", [a, b], [table]),
            Operation("GATHER", [table, plain([2])], [row], {"axis": 0}),
            Operation("MUL", [row, other], [output]),
        ]
        return graph_case(operations)

    return make


def constant_row_as_output() -> GraphCase:
    a, b, table = several(3, 4, 3)
    operations = [
        Operation("ADD", [a, b], [table]),
        Operation("GATHER", [table, plain([2])], [quantized(1, 3)], {"axis": 0}),
    ]
    return graph_case(operations)


def looked_up_row_as_output() -> GraphCase:
    """An output that is a view of a row looked up in a computed tensor."""
    a, b, table = several(3, 4, 3)
    row, place = quantized(1, 3), index()
    operations = [
        Operation("ADD", [a, b], [table]),
        Operation("GATHER", [table, place], [row], {"axis": 0}),
        Operation("RESHAPE", [row, plain([3])], [quantized(3)]),
    ]
    return graph_case(operations, limits={place: (0, 3)})


def index_in_a_state() -> GraphCase:
    """An int32 state is the index of a look-up, and moves on to the next input."""
    before, after = index(), index()
    table, row = quantized(4, 3), quantized(1, 3)
    operations = [Operation("GATHER", [table, before], [row], {"axis": 0})]
    return graph_case(operations, {before: after}, [row], limits={after: (0, 3)})


def row_at_a_state_that_moves_on() -> GraphCase:
    """The row is read after the index has been counted up."""
    before, after, table = index(), index(), quantized(99, 3)
    row, other, output = several(3, 1, 3)
    operations = [
        Operation("GATHER", [table, before], [row], {"axis": 0}),
        Operation("ADD", [before, plain([1])], [after]),
        Operation("ADD", [row, other], [output]),
    ]
    return graph_case(operations, {before: after}, [output])


def place_in_a_state() -> GraphCase:
    """A cache is written at the place that a state counts."""
    (cache, written), row, (before, after) = several(2, 4, 3), quantized(1, 3), (index(2), index(2))
    operations = [
        Operation("DYNAMIC_UPDATE_SLICE", [cache, row, before], [written]),
        Operation("ADD", [before, plain([1, 0])], [after]),
    ]
    return graph_case(operations, {cache: written, before: after}, [])


def computed_index() -> GraphCase:
    """The largest of what was computed is the row that is looked up."""
    a, b, scores = several(3, 1, 4)
    place, table = Tensor((1,), "int32"), quantized(4, 3)
    row, output, other = several(3, 1, 3)
    operations = [
        Operation("ADD", [a, b], [scores]),
        Operation("ARG_MAX", [scores, plain([1])], [place], {"outputType": 2}),
        Operation("GATHER", [table, place], [row], {"axis": 0}),
        Operation("ADD", [row, other], [output]),
    ]
    return graph_case(operations)


def index_of_an_update_in_a_chain() -> GraphCase:
    """An index computed where it is joined with a zero: the same loop and the place of an update read it."""
    (cache, written), row = several(2, 4, 3), quantized(1, 3)
    token, place, output, starts = index(), index(), index(), index(2)
    operations = [
        Operation("SUB", [token, plain([1])], [place]),
        Operation("MUL", [place, plain([3])], [output]),
        Operation("CONCATENATION", [place, plain([0])], [starts], {"axis": 0}),
        Operation("DYNAMIC_UPDATE_SLICE", [cache, row, starts], [written]),
    ]
    return graph_case(operations, {cache: written}, [output], limits={token: (0, 4)})


def truth_of_a_constant(name: str) -> Callable[[], GraphCase]:
    """A constant of bool that a kernel reads."""

    def make() -> GraphCase:
        values = Tensor((2, 3), "bool", data=np.array([[1, 0, 1], [1, 0, 0]], bool))
        found, seen, output = (Tensor((3,), "bool") for _ in range(3))
        operations = [
            Operation(name, [values, plain([0])], [found]),
            Operation("NOT_EQUAL", [found, seen], [output]),
        ]
        return graph_case(operations, {}, [found, output])

    return make


def place_of_a_truth() -> GraphCase:
    values = Tensor((2, 3), "bool", data=np.array([[0, 0, 1], [1, 0, 0]], bool))
    return graph_case([Operation("ARG_MAX", [values, plain([1])], [index(2)], {"outputType": 2})])


def parts_of_a_constant() -> GraphCase:
    """One part is seen, the others are not read; none is computed."""
    whole = Tensor((1, 5), "int64", data=np.arange(5)[None, :])
    parts = [Tensor((1, 1), "int64") for _ in range(5)]
    return graph_case([Operation("SPLIT", [plain(1), whole], parts, {"numSplits": 5})], {}, [parts[2]])


# ---- names ----


def named(*names: str) -> Callable[[], GraphCase]:
    """a * b + c, the tensors called by these names."""

    def make() -> GraphCase:
        a, b, c, product, total, looked_up = several(6, 2, 3)
        operations = [
            Operation("MUL", [a, b], [product]),
            Operation("ADD", [product, c], [total]),
            Operation("LOGISTIC", [total], [Tensor((2, 3), "int8", 1 / 256, -128)]),
            Operation("TANH", [total], [looked_up]),
        ]
        tensors = [a, b, product, total, looked_up, c]
        return graph_case(operations, names=dict(zip(tensors, names, strict=False)))

    return make


# ---- outputs ----


def inputs_and_constants_as_outputs() -> GraphCase:
    a, b, total = several(3, 2, 3)
    known = quantized(2, 3, data=numbers(2, 3))
    return graph_case([Operation("ADD", [a, b], [total])], {}, [total, a, known, total, a, b, known])


def views_as_outputs() -> GraphCase:
    """Parts of parts, and what they are parts of."""
    a, b, total = several(3, 2, 6)
    halves, flat, cell = several(2, 2, 3), quantized(12), quantized(1, 1)
    operations = [
        Operation("ADD", [a, b], [total]),
        Operation("RESHAPE", [total, plain([12])], [flat]),
        Operation("SPLIT", [plain(1), total], halves, {"numSplits": 2}),
        Operation("SLICE", [halves[1], plain([0, 1]), plain([1, 1])], [cell]),
    ]
    return graph_case(operations, {}, [flat, total, *halves, cell, flat])


def view_of_an_input_as_output() -> GraphCase:
    a, flat, known = quantized(2, 3), quantized(6), quantized(2, 3, data=numbers(2, 3))
    seen = quantized(6)
    operations = [
        Operation("RESHAPE", [a, plain([6])], [flat]),
        Operation("RESHAPE", [known, plain([6])], [seen]),
    ]
    return graph_case(operations)


def taken_and_read_later() -> GraphCase:
    """A sum that the same turn takes, and that is turned afterwards."""
    a, b, total, product = several(4, 4, 3)
    turned = quantized(3, 4)
    operations = [
        Operation("ADD", [a, b], [total]),
        Operation("MUL", [total, a], [product]),
        Operation("TRANSPOSE", [total, plain([1, 0])], [turned]),
    ]
    return graph_case(operations)


# ---- attention ----


def attention_at(is_counted: bool, dtype: str, softmax: str, sees: str = "") -> Callable[[], GraphCase]:
    """One query per step over a cache; only what is called `position` must count. `sees`: what else is an output."""

    def make() -> GraphCase:
        random = np.random.default_rng(5)
        cases = attention(dtype, softmax)(random)
        operations = [case.operation for case in cases]
        states = {before: after for case in cases for before, after in case.states.items()}
        position = next(case.counter for case in cases if case.counter is not None)
        position.name = "position" if is_counted else ""
        context = next(iter(states)).shape[1]
        seen = {
            "scores": [next(it for it in operations if it.name == "BATCH_MATMUL").outputs[0]],
            "caches": list(states),
        }.get(sees, [])
        case = graph_case(operations, states, [operations[-1].outputs[0], *seen], limits={position: (0, context - 1)})
        case.counters = {name for name, tensor in case.inputs.items() if tensor is position and is_counted}
        return case

    return make


def constant_over_floats(data: np.ndarray) -> Callable[[], GraphCase]:
    """A constant, of floats or dequantized to floats, written over a part of a tensor."""

    def make() -> GraphCase:
        given, table, result = quantized(2 * data.size), *(Tensor((2 * data.size,), "float32") for _ in range(2))
        operations = [Operation("DEQUANTIZE", [given], [table])]
        value = constant(data, () if data.dtype == np.float32 else 0.004)
        if data.dtype != np.float32:
            source, value = value, Tensor(data.shape, "float32")
            operations.append(Operation("DEQUANTIZE", [source], [value]))
        operations.append(Operation("DYNAMIC_UPDATE_SLICE", [table, value, index()], [result]))
        return graph_case(operations)

    return make


def converted_floats(name: str, data: np.ndarray, output: Tensor) -> Callable[[], GraphCase]:
    """Constant floats of which an operator makes something else."""
    return lambda: graph_case([Operation(name, [constant(data)], [output])])


ODD_FLOATS = np.array([np.inf, -np.inf, np.nan, -0.0, 1e-45, 3e38, 0.1], np.float32)


KNOWN: dict[str, Callable[[], GraphCase]] = {
    **{f"{name} of an old state as output": old_state_as_output(name) for name in MOVES},
    **{f"{name} of an old state read later": old_state_read_later(name) for name in MOVES},
    "an old state as output": old_state_itself("ADD"),
    "an old cache as output": old_state_itself("DYNAMIC_UPDATE_SLICE"),
    "a new state is a view of another one": new_state_is_a_view_of_another,
    "a new state is another old one": new_state_is_another_old_one,
    "the same in another order": older_state_first,
    "swapped states": swapped_states,
    "states in a ring": states_in_a_ring,
    "a state that stays": state_that_stays,
    "one value for two states": one_value_for_two_states,
    "a new state read later": new_state_read_later,
    "a state from a constant": state_from_constant,
    "token shift": token_shift,
    "short convolution": short_convolution,
    "a window of whole rows": window_of_whole_rows,
    "a delay line of states": window_of_states,
    "an update of everything": whole_update(False),
    "an update of a whole state": whole_update(True),
    "a computed update of everything": whole_computed_update,
    "an update at a constant place": constant_start(False),
    "an update of a state at a constant place": constant_start(True),
    "a row of a state written to it": update_of_itself,
    "overlapping rows of a state written to it": many_rows_of_itself,
    "a state updated twice": updated_twice,
    "two updates of one state": two_updates_of_one_state,
    "CONCATENATION of an update and its operand": joined("CONCATENATION"),
    "PACK of an update and its operand": joined("PACK"),
    "a tensor joined with its view": joined_with_its_view,
    "a state joined with its update": state_joined_with_its_update,
    "a constant row of int8": constant_row("int8"),
    "a constant row of int16": constant_row("int16"),
    "a constant row as output": constant_row_as_output,
    "a looked-up row as output": looked_up_row_as_output,
    "an index in a state": index_in_a_state,
    "a row at a state that moves on": row_at_a_state_that_moves_on,
    "a place in a state": place_in_a_state,
    "a computed index": computed_index,
    "an index of an update in a chain": index_of_an_update_in_a_chain,
    "ARG_MAX of truths": place_of_a_truth,
    "REDUCE_ANY of a constant": truth_of_a_constant("REDUCE_ANY"),
    "REDUCE_ALL of a constant": truth_of_a_constant("REDUCE_ALL"),
    "parts of a constant": parts_of_a_constant,
    "a dequantized constant": constant_over_floats(np.array([101], np.int8)),
    "dequantized constants": constant_over_floats(numbers(5)),
    "a constant float": constant_over_floats(np.array([0.1], np.float32)),
    "an infinite constant": constant_over_floats(np.array([-np.inf], np.float32)),
    "odd floats": constant_over_floats(ODD_FLOATS),
    "quantized constants": converted_floats(
        "QUANTIZE", np.array([-0.0, 1e-45, 0.1, -200], np.float32), quantized(4, scale=0.25, zero_point=3)
    ),
    "floats cast to int32": converted_floats("CAST", ODD_FLOATS, Tensor((7,), "int32")),
    "floats cast to bool": converted_floats("CAST", ODD_FLOATS, Tensor((7,), "bool")),
    "a tensor called defined": named("defined"),
    "tensors called by words of C": named("int", "restrict", "_Bool", "bool", "true", "inline"),
    "tensors called by macros": named("NULL", "errno", "assert", "INT8_MAX", "offsetof", "stdin"),
    "tensors called by functions": named("memset", "main", "crc32_update", "model_run", "abs", "exp"),
    "tensors of one name": named("x", "x", "x", "x", "x", "x"),
    "tensors called like tables": named("x", "x_2", "y", "x_table", "y_table", "y_2"),
    "tensors of odd names": named("", "0", "é", "a;b", "a\\", 'x"y'),
    "a name that ends a comment": named("t0", "t1", "t2", "t3", "*/"),
    "inputs and constants as outputs": inputs_and_constants_as_outputs,
    "views as outputs": views_as_outputs,
    "a view of an input as output": view_of_an_input_as_output,
    "a value taken and read later": taken_and_read_later,
    "attention as it grows": attention_at(True, "int8", "int8"),
    "attention at any place": attention_at(False, "int8", "int8"),
    "attention of int16 at any place": attention_at(False, "int16", "int16"),
    "attention whose scores are seen": attention_at(True, "int8", "int8", "scores"),
    "attention whose old caches are seen": attention_at(True, "int8", "int8", "caches"),
}
