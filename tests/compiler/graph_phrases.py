"""Several random nodes at once, as models have them - caches, delay lines, norms, gates: the table PHRASES."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from graph_draft import PROBABILITIES, QUANTIZED, Draft, Make
from graph_nodes import IS_GENERAL, Node
from operator_cases import draw_values, plain
from operator_chains import CHAINS, attention

from textzoo.compiler.tflite.single_operator import Operation, Tensor


def delay_line(draft: Draft) -> list[Operation]:
    """A window that moves on by a row: of the last inputs, as a short convolution has it."""
    entry = draft.pick(QUANTIZED, 2, 3, lambda tensor: tensor.shape[0] == 1)
    places, rest = draft.count(1, 4), tuple(entry.shape[1:])
    before, tail, after = (draft.like(entry, (size, *rest)) for size in (places + 1, places, places + 1))
    begin = plain([1] + [0] * len(rest))
    if draft.chance(0.5):
        cut = Operation("SLICE", [before, begin, plain([places, *rest])], [tail])
    else:
        bounds = [begin, plain([places + 1, *rest]), plain([1] * (len(rest) + 1))]
        cut = Operation("STRIDED_SLICE", [before, *bounds], [tail])
    draft.states[before] = after
    draft.pool.append(before)
    return [cut, Operation("CONCATENATION", [tail, entry], [after], {"axis": 0})]


def last_input(draft: Draft) -> list[Operation]:
    """What an input was in the step before, mixed with what it is now: RWKV's token shift."""
    entry = draft.pick(QUANTIZED, 1, 3)
    before = draft.like(entry, entry.shape)
    draft.states[before] = entry
    draft.pool.append(before)
    share = draft.fresh(entry.dtype, entry.shape[-1:])
    difference, part, mixed = (draft.result(entry.shape, entry.dtype) for _ in range(3))
    return [
        Operation("SUB", [entry, before], [difference], IS_GENERAL),
        Operation("MUL", [difference, share], [part]),
        Operation("ADD", [part, before], [mixed], IS_GENERAL),
    ]


def gated_state(draft: Draft) -> list[Operation]:
    """A recurrent unit: new_h = h + z * (c - h), z = sigmoid(x + h), c = tanh(x * h)."""
    entry = draft.pick(("int8",), 1, 3)
    before = draft.result(entry.shape, "int8")
    after = draft.like(before, before.shape)
    draft.states[before] = after
    draft.pool.append(before)
    total, product, change, share = (draft.result(entry.shape, "int8") for _ in range(4))
    gate, candidate = draft.result(entry.shape, "int8", PROBABILITIES["int8"]), draft.result(entry.shape, "int8")
    return [
        Operation("ADD", [entry, before], [total]),
        Operation("LOGISTIC", [total], [gate]),
        Operation("MUL", [entry, before], [product]),
        Operation("TANH", [product], [candidate]),
        Operation("SUB", [candidate, before], [change]),
        Operation("MUL", [gate, change], [share]),
        Operation("ADD", [before, share], [after]),
    ]


def layer_norm(draft: Draft) -> list[Operation]:
    """One row: its mean, the differences, their squares, the reciprocal of the deviation, a gain."""
    row = draft.pick(("int8",), 2, 3, lambda it: np.prod(it.shape) == it.shape[-1] > 1)
    width, ones = row.shape[-1], (1,) * len(row.shape)
    mean, difference = draft.result(ones, "int8"), draft.result(row.shape, "int8")
    square_scale = float(np.float32(difference.scale**2 * width * 8))
    square, raised = (draft.result(ones, "int8", (square_scale, -128)) for _ in range(2))
    root, factor = draft.result(ones, "int8", (0.05, -128)), draft.result((*ones[:-1], width), "int8")
    output, epsilon = draft.result(row.shape, "int8"), Tensor((1,), "int8", square_scale, -128)
    epsilon.data = np.array([-127], np.int8)
    gain = draft.constant(draw_values(draft.random, (width,), "int8"), 0.01)
    draft.limit(raised, -128, 127)
    return [
        Operation("MEAN", [row, plain([len(ones) - 1])], [mean], {"keepDims": True}),
        Operation("SUB", [row, mean], [difference]),
        Operation("BATCH_MATMUL", [difference, difference], [square], {"adjY": True}),
        Operation("ADD", [square, epsilon], [raised]),
        Operation("RSQRT", [raised], [root]),
        Operation("MUL", [root, gain], [factor]),
        Operation("MUL", [difference, factor], [output]),
    ]


def attention_over_cache(dtype: str, softmax_type: str) -> Make:
    """Keys and values in caches, of places up to a position that counts the steps, or of any."""

    def make(draft: Draft) -> list[Operation]:
        cases = attention(dtype, softmax_type)(draft.random)
        position = next(case.counter for case in cases if case.counter is not None)
        caches = {before: after for case in cases for before, after in case.states.items()}
        draft.states |= caches
        draft.limits[position] = (0, next(iter(caches)).shape[1] - 1)
        operations = [case.operation for case in cases]
        if draft.counters and (not draft.has_inputs or draft.chance(0.5)):
            counter = draft.one_of(sorted(draft.counters, key=draft.pool.index))
            operations = [reading(operation, position, counter) for operation in operations]
        elif draft.chance(0.7):
            draft.counters.add(position)
        return entered(draft, operations)

    return make


def reading(operation: Operation, old: Tensor, new: Tensor) -> Operation:
    """The same operation, reading another tensor in the place of an old one."""
    return replace(operation, inputs=[new if tensor is old else tensor for tensor in operation.inputs])


def entered(draft: Draft, operations: Sequence[Operation]) -> list[Operation]:
    """The same operations; what none of them computes are inputs, states or constants that others may read."""
    known = {*draft.pool, *(output for operation in operations for output in operation.outputs)}
    read = dict.fromkeys(tensor for operation in operations for tensor in operation.inputs if tensor is not None)
    for tensor in read:
        if tensor in known or tensor.data is not None or tensor in draft.states or tensor in draft.counters:
            draft.pool += [tensor] if tensor not in known else []
        else:
            draft.entered(tensor)
    return list(operations)


def chain(name: str) -> Make:
    """One of the table CHAINS."""

    def make(draft: Draft) -> list[Operation]:
        cases = CHAINS[name](draft.random)
        for case in cases:
            draft.limits |= case.ranges
        return entered(draft, [case.operation for case in cases])

    return make


PHRASES = {
    "delay line": Node("", delay_line, "phrases", 3),
    "last input": Node("", last_input, "phrases", 3),
    "gated state": Node("", gated_state, "phrases", 2),
    "layer norm": Node("", layer_norm, "norms"),
    "attention": Node("", attention_over_cache("int8", "int8"), "attention", 2),
    "attention of 15 bits": Node("", attention_over_cache("int8", "int16"), "attention"),
    "attention int16": Node("", attention_over_cache("int16", "int16"), "attention"),
    "masked": Node("", chain("masked"), "phrases"),
    "feed forward": Node("", chain("feed_forward"), "phrases"),
    "split and joined": Node("", chain("split_and_joined"), "phrases", 0.5),
    "computed in place": Node("", chain("computed_in_place"), "phrases", 0.5),
}
