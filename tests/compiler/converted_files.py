"""Decode steps as TensorFlow's converter writes them, of what the reader must take or name."""

import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

VOCABULARY, WIDTH, CONTEXT = 5, 8, 16
random = np.random.default_rng(0)
TABLE = tf.constant(random.normal(size=(VOCABULARY, WIDTH)).astype("float32"))
MATRIX = tf.constant(random.normal(size=(WIDTH, WIDTH)).astype("float32") / 4)
WIDE_MATRIX = tf.constant(random.normal(size=(WIDTH, 2048)).astype("float32"))
SUM = tf.Variable(tf.zeros((1, WIDTH)))
BUILTINS, SELECTED = tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS

Step = Callable[..., dict[str, Any]]


@dataclass
class Converted:
    """A function of token, position and states, and how it becomes a file.

    Attributes:
        step: (token, position, *states) -> the outputs by name.
        states: Name -> shape, None for sizes that are not known.
        windows: First size of all inputs; None where it is not known.
        options: Of the converter, by its attributes' names.
        operators: What the target knows.
        types: To which constants may be narrowed.
        variable: What the function keeps between its runs.
    """

    step: Step
    states: Mapping[str, tuple[int | None, ...]] = field(default_factory=lambda: {"memory": (WIDTH,)})
    windows: int | None = 1
    options: Mapping[str, Any] = field(default_factory=dict)
    operators: tuple[Any, ...] = (BUILTINS,)
    types: tuple[Any, ...] = ()
    variable: tf.Variable | None = None

    def content(self) -> bytes:
        """The file, which says its context length as ours do."""
        specs = [tf.TensorSpec((self.windows,), tf.int32, name) for name in ("token", "position")]
        specs += [tf.TensorSpec((self.windows, *shape), tf.float32, name) for name, shape in self.states.items()]
        module = tf.Module()
        module.step, module.variable = tf.function(self.step, input_signature=specs), self.variable
        with tempfile.TemporaryDirectory() as folder:
            tf.saved_model.save(module, folder, signatures={"decode": module.step})
            converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["decode"])
            converter.target_spec.supported_ops, converter.target_spec.supported_types = self.operators, self.types
            for name, value in self.options.items():
                setattr(converter, name, value)
            return with_context_length(converter.convert())


def with_context_length(content: bytes) -> bytes:
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    model.description = f"textzoo decode context_length={CONTEXT}"
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def row(token: Any) -> Any:
    return tf.gather(TABLE, token)


def product(token: Any, position: Any, memory: Any) -> dict[str, Any]:
    return {"logits": tf.matmul(memory, MATRIX) + row(token), "new_memory": memory * 0.5 + row(token)}


def scalar(token: Any, position: Any, memory: Any) -> dict[str, Any]:
    """Number of RESHAPE: the constant list of no sizes."""
    factor = tf.reshape(tf.cast(token + 1, tf.float32) * memory[0, :1], [])
    return {"logits": row(token) + memory * factor, "new_memory": memory * 0.5 + row(token)}


def batched_reshape(token: Any, position: Any, memory: Any) -> dict[str, Any]:
    parts = tf.reshape(tf.matmul(memory, MATRIX), [tf.shape(memory)[0], 2, WIDTH // 2])
    return {"logits": tf.reshape(parts, [-1, WIDTH]) + row(token), "new_memory": memory * 0.5 + row(token)}


def delay_line(token: Any, position: Any, a: Any, b: Any) -> dict[str, Any]:
    return {"logits": tf.matmul(b, MATRIX) + row(token), "new_a": row(token) * 2.0, "new_b": a}


def exchange(token: Any, position: Any, a: Any, b: Any) -> dict[str, Any]:
    """Two states change places; what is fed in stays in a third one."""
    return {"logits": tf.matmul(b, MATRIX) + row(token) + a, "new_a": b + row(token), "new_b": a}


def twins(token: Any, position: Any, a: Any, b: Any) -> dict[str, Any]:
    """Two states that are one tensor."""
    total = a * 0.5 + row(token)
    return {"logits": tf.matmul(b, MATRIX) + row(token), "new_a": total, "new_b": total}


def empty_part(token: Any, position: Any, memory: Any) -> dict[str, Any]:
    """The converter drops the part without elements."""
    return {"logits": tf.concat([row(token), tf.zeros((1, 0))], 1) + memory, "new_memory": row(token)}


def variable(token: Any, position: Any, memory: Any) -> dict[str, Any]:
    SUM.assign_add(row(token))
    return {"logits": SUM + memory, "new_memory": memory * 2.0}


def loop(token: Any, position: Any, memory: Any) -> dict[str, Any]:
    turns = (lambda turn, x: turn < position[0], lambda turn, x: (turn + 1, tf.matmul(x, MATRIX)))
    return {"logits": tf.while_loop(*turns, [0, memory])[1] + row(token), "new_memory": memory}


def branch(token: Any, position: Any, memory: Any) -> dict[str, Any]:
    chosen = tf.cond(position[0] > 2, lambda: tf.matmul(memory, MATRIX), lambda: memory * 2.0)
    return {"logits": chosen + row(token), "new_memory": memory}


def custom(token: Any, position: Any, memory: Any) -> dict[str, Any]:
    counts = tf.raw_ops.Bincount(arr=token, size=WIDTH, weights=tf.constant([], tf.float32))[None]
    return {"logits": counts + memory, "new_memory": memory * 0.5 + row(token)}


def selected(token: Any, position: Any, memory: Any) -> dict[str, Any]:
    """Two operators of TensorFlow, one of them twice, and a loop."""
    logits = tf.math.erf(tf.math.erf(memory)) + tf.linalg.det(tf.reshape(memory[:, :4], [1, 2, 2])) + row(token)
    return {**loop(token, position, memory), "logits": logits + loop(token, position, memory)["logits"]}


def wide(token: Any, position: Any, memory: Any) -> dict[str, Any]:
    return {"logits": tf.matmul(memory + row(token), WIDE_MATRIX), "new_memory": memory + row(token)}


def doubles(token: Any, position: Any, memory: Any) -> dict[str, Any]:
    bytes_too = tf.cast(tf.cast(memory, tf.uint8), tf.float32)
    logits = tf.cast(tf.cast(memory, tf.float64), tf.float32) + row(token)
    return {"logits": logits + bytes_too, "new_memory": memory}


def growing(token: Any, position: Any, memory: Any) -> dict[str, Any]:
    logits = tf.reduce_sum(memory, axis=1) + row(token)
    return {"logits": logits, "new_memory": tf.concat([memory, row(token)[None]], 1)}


def different_values(token: Any, position: Any, memory: Any) -> dict[str, Any]:
    """How many come out depends on what goes in."""
    values = tf.unique(tf.cast(memory[0], tf.int32))[0]
    return {"logits": memory + row(token), "new_memory": tf.cast(values, tf.float32)[None]}


def texts(token: Any, position: Any, memory: Any) -> dict[str, Any]:
    return {"logits": memory + row(token), "new_memory": memory * 2.0, "name": tf.constant(["a text"])}


def without_state(token: Any, position: Any, memory: Any) -> dict[str, Any]:
    return {"logits": row(token), "new_memory": memory}


TWO_STATES = {"a": (WIDTH,), "b": (WIDTH,)}
# Files that are read, and whose decode steps compute what their functions compute.
READ = {
    "product": Converted(product),
    "a scalar": Converted(scalar),
    "any number of windows": Converted(product, windows=None),
    "shapes after the number of windows": Converted(batched_reshape, windows=None),
    "a delay line": Converted(delay_line, TWO_STATES),
    "an exchange": Converted(exchange, TWO_STATES),
    "two states in one tensor": Converted(twins, TWO_STATES),
    "a part without elements": Converted(empty_part),
}
# Files that are not, and all that is missing.
NOT_SUPPORTED = {
    "variables": (
        Converted(variable, options={"experimental_enable_resource_variables": True}, variable=SUM),
        [
            "operators: CALL_ONCE, VAR_HANDLE, READ_VARIABLE (2 times), ASSIGN_VARIABLE",
            "tensors of type resource: Variable (resource scalar)",
        ],
    ),
    "a loop": (Converted(loop), ["operators: WHILE"]),
    "a branch": (Converted(branch), ["operators: IF"]),
    "a custom operator": (
        Converted(custom, options={"allow_custom_ops": True}),
        ["operators: CUSTOM Bincount", "tensors without elements: Const1 (float32 0)"],
    ),
    "operators of TensorFlow": (
        Converted(selected, operators=(BUILTINS, SELECTED)),
        ["operators: CUSTOM FlexErf (2 times), CUSTOM FlexMatrixDeterminant, WHILE"],
    ),
    "half floats": (
        Converted(wide, options={"optimizations": [tf.lite.Optimize.DEFAULT]}, types=(tf.float16,)),
        ["tensors of type float16: Const_1 (float16 5x8), MatMul1 (float16 2048x8)"],
    ),
    "doubles and bytes": (
        Converted(doubles),
        ["tensors of type uint8: Cast (uint8 1x8)", "tensors of type float64: Cast_2 (float64 1x8)"],
    ),
    "texts": (Converted(texts), ["tensors of type string: PartitionedCall:1 (string 1)"]),
    "a state that grows": (
        Converted(growing, {"memory": (None, WIDTH)}),
        ["tensors whose shapes are known only at run time: decode_memory:0 (float32 1x?x8)"],
    ),
    "shapes after values": (
        Converted(different_values),
        [
            "tensors whose shapes are known only at run time: Unique (int32 ?), Cast_1 (float32 ?), "
            "strided_slice_1 (float32 1x?), PartitionedCall:1 (float32 1x?)"
        ],
    ),
    "a state without elements": (
        Converted(without_state, {"memory": (0,)}),
        ["tensors without elements: decode_memory:0 (float32 1x0)"],
    ),
}


@cache
def pictures(options: tuple[tuple[str, Any], ...] = ()) -> bytes:
    """A quantized network of Keras, with the converter's scales per channel, also those of its biases."""
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            keras.layers.Conv2D(3, 3, activation="relu", bias_initializer="ones"),
            keras.layers.DepthwiseConv2D(2, bias_initializer="ones"),
            keras.layers.Flatten(),
            keras.layers.Dense(4, bias_initializer="ones"),
        ]
    )
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([random.random((1, 6, 6, 1), np.float32)] for _ in range(5))
    for name, value in options:
        setattr(converter, name, value)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Statistics for quantized inputs were expected", UserWarning)
        return converter.convert()
