"""Loops over time, for recurrent layers.

`scan_cell` is for cells whose only matrix product is that of the last output with one matrix, which GRU and LSTM are.
Under TensorFlow its derivative is written here: the derivative that TensorFlow finds by itself adds an outer product to
the whole matrix after every token. Here the loop only keeps what each token gives, and one product over all tokens
makes the derivative of the matrix; three to four times as many tokens per second.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

States = tuple[Any, ...]
# (states (batch, units) each, from_input (batch, width), from_hidden (batch, width)) -> the new states.
Cell = Callable[[States, Any, Any], States]


def scan_over_time(step: Callable[[States, Any], States], initial: States, inputs: Any) -> Any:
    """Apply `step` to each row of inputs (time, ...), one after the other.

    Args:
        step: (states, inputs at one time) -> new states, of the same shapes.
        initial: The states before the first row; the first of them is the output.
        inputs: (time, ...) with a time that is known when tracing.

    Returns:
        (time, *shape of the first state): the output after each row.
    """
    if keras.backend.backend() == "tensorflow":
        return _tensorflow_loop(step, initial, inputs)[0]

    def both(states: States, row: Any) -> tuple[States, Any]:
        states = step(states, row)
        return states, states[0]

    return ops.scan(both, initial, inputs)[1]


def scan_cell(cell: Cell, initial: States, from_input: Any, kernel: Any, bias: Any = None) -> Any:
    """Apply `cell` to each row, with `from_hidden` = last output times `kernel` plus `bias`.

    Args:
        cell: Without products of matrices and without weights of its own.
        initial: The states before the first row, (batch, units) each, constants; the first of them is the output.
        from_input: (time, batch, width).
        kernel: (units, width).
        bias: (width,), or None for zeros.

    Returns:
        (time, batch, units): the output after each row.
    """
    bias = ops.zeros_like(from_input[0, 0]) if bias is None else bias
    if keras.backend.backend() == "tensorflow":
        return _tensorflow_scan_cell(cell, initial, from_input, kernel, bias)

    def step(states: States, row: Any) -> States:
        return cell(states, row, ops.matmul(states[0], kernel) + bias)

    return scan_over_time(step, initial, from_input)


def _tensorflow_scan_cell(cell: Cell, initial: States, from_input: Any, kernel: Any, bias: Any) -> Any:
    import tensorflow as tf

    @tf.custom_gradient
    def scan(from_input: Any, kernel: Any, bias: Any) -> tuple[Any, Callable[[Any], tuple[Any, Any, Any]]]:
        def step(states: States, row: Any) -> States:
            return cell(states, row, tf.matmul(states[0], kernel) + bias)

        after = _tensorflow_loop(step, initial, from_input)

        def derivative(by_output: Any) -> tuple[Any, Any, Any]:
            before = [tf.concat([first[None], states[:-1]], 0) for first, states in zip(initial, after, strict=True)]
            from_hidden = tf.tensordot(before[0], kernel, 1) + bias
            by_input, by_hidden = _tensorflow_back(cell, before, from_input, from_hidden, kernel, by_output)
            by_kernel = tf.tensordot(before[0], by_hidden, axes=((0, 1), (0, 1)))
            return by_input, by_kernel, tf.reduce_sum(by_hidden, (0, 1))

        return after[0], derivative

    return scan(from_input, tf.convert_to_tensor(kernel), tf.convert_to_tensor(bias))


def _tensorflow_back(
    cell: Cell, before: list[Any], from_input: Any, from_hidden: Any, kernel: Any, by_output: Any
) -> list[Any]:
    """Return the derivatives by from_input and from_hidden, (time, batch, width) each, from the last row to the first.

    Args:
        cell: As in `scan_cell`.
        before: The states before each row, (time, batch, units) each.
        from_input: As in `scan_cell`, rows first: (time, batch, width).
        from_hidden: (time, batch, width), what the first state contributed to each row.
        kernel: As in `scan_cell`.
        by_output: (time, batch, units): the derivative by each output.
    """
    import tensorflow as tf

    rows = [by_output, from_input, from_hidden, *before]
    widths = [array.shape[-1] for array in rows]

    def step(later: States, row: Any) -> States:
        by_this_output, *arguments = tf.split(row, widths, axis=-1)
        by_output_too, *by_other_states = later[: len(before)]
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            states = cell(tuple(arguments[2:]), *arguments[:2])
        by_states = (by_output_too + by_this_output, *by_other_states)
        unused = tf.UnconnectedGradients.ZERO  # LSTM's last output enters its cell only through from_hidden
        by_row, by_hidden_row, by_hidden, *by_others = tape.gradient(states, arguments, by_states, unused)
        by_hidden += tf.matmul(by_hidden_row, kernel, transpose_b=True)
        return (by_hidden, *by_others, by_row, by_hidden_row)

    nothing = tuple(tf.zeros_like(array[0]) for array in (*before, from_input, from_hidden))
    backwards = _tensorflow_loop(step, nothing, tf.reverse(tf.concat(rows, -1), [0]))
    return [tf.reverse(array, [0]) for array in backwards[-2:]]


def _tensorflow_loop(step: Callable[[States, Any], States], initial: States, inputs: Any) -> list[Any]:
    """Return all states after each row, (time, *shape) each, by a loop whose length XLA knows.

    Without that length it has no derivative (ops.scan does not tell it).
    """
    import tensorflow as tf

    time = inputs.shape[0]
    if time is None:  # a symbolic call, which asks for shapes only
        time = tf.shape(inputs)[0]
    rows = tf.TensorArray(inputs.dtype, size=time, element_shape=inputs.shape[1:]).unstack(inputs)
    outputs = [tf.TensorArray(state.dtype, size=time, element_shape=state.shape) for state in initial]

    def body(index: Any, states: States, outputs: list[Any]) -> tuple[Any, States, list[Any]]:
        states = step(states, rows.read(index))
        return index + 1, states, [array.write(index, state) for array, state in zip(outputs, states, strict=True)]

    loop = (tf.constant(0), initial, outputs)
    outputs = tf.while_loop(lambda index, *_: index < time, body, loop, maximum_iterations=time)[2]
    return [array.stack() for array in outputs]
