"""Models brought along that cannot be used: what their files lack is said at once, and beside what else is missing."""

import numpy as np
import pytest

from textzoo.compiler.tflite.single_operator import Operation, Tensor, build_all, build_step, constant
from textzoo.engines.model_check import model_mistakes


def int8(*shape, scale=0.5):
    return Tensor(shape, "int8", scale, -3)


def step(further=(), state_scale=0.5, logits_shape=(1, 5), context_length=8):
    """A decode step that adds a row of a table to its state, and other operators whose results nobody reads."""
    token, position, memory = Tensor((1,), "int32"), Tensor((1,), "int32"), int8(1, 5)
    table = constant(np.arange(25, dtype=np.int8).reshape(5, 5), 0.5, zero_point=-3)
    row, total, updated, logits = int8(1, 5), int8(1, 5), int8(1, 5, scale=state_scale), int8(*logits_shape)
    operations = [
        Operation("GATHER", [table, token], [row]),
        Operation("ADD", [row, memory], [total]),
        Operation("ADD", [row, memory], [updated]),
        Operation("RESHAPE", [total, constant(np.array(logits_shape, np.int32))], [logits]),
    ]
    inputs = {"token": token, "position": position, "memory": memory}
    outputs = {"logits": logits, "new_memory": updated}
    return build_step([*operations, *further], inputs, outputs, context_length)


UNKNOWN = [
    Operation("CUSTOM", [constant(np.zeros((1, 5), np.int8))], [Tensor((1, 5), "uint8")]),
    Operation("SPACE_TO_DEPTH", [constant(np.zeros((1, 2, 2, 5), np.int8))], [Tensor((1, 1, 1, 20))]),
]
NOT_SUPPORTED = [
    "is a .tflite with parts that are not supported",
    "operators: CUSTOM\n",
    "tensors of type uint8: tensor_",
]
NOT_COMPILED = ["1 operator of", "SPACE_TO_DEPTH (int8 1x2x2x5 -> int8 1x1x1x20)", "not in the table"]
NO_STEP = ["has no decode step", "signature 'main', inputs input_0; outputs output_0"]
CHANGED = ["the state memory changes its format", "expected int8 1x5, scale 0.5, zero point -3", "scale 0.25"]
STRANGE = ["has unsupported logits", "received int8 5x1", "does not say its context length"]
NO_TOKENIZER = ["there is no tokenizer for the model"]
# File -> what is said about it, one list for each mistake.
FILES = {
    "damaged": (step()[:-40], [["is truncated, damaged"]]),
    "empty": (b"", [["is not a .tflite"]]),
    "not_supported": (step(UNKNOWN), [NOT_SUPPORTED, NOT_COMPILED]),
    "no_step": (build_all([Operation("RELU", [int8(1, 5)], [int8(1, 5)])]), [NO_STEP]),
    "no_step_and_more": (
        build_all([*UNKNOWN, Operation("RELU", [int8(1, 5)], [int8(1, 5)])]),
        [["not supported"], ["no decode step"], NOT_COMPILED],
    ),
    "changed": (step(state_scale=0.25), [CHANGED]),
    "strange": (step(logits_shape=(5, 1), context_length=0), [STRANGE[:2], STRANGE[2:]]),
    "compiled": (step(UNKNOWN[1:]), [NOT_COMPILED]),
    "sound": (step(), []),
}


@pytest.mark.parametrize("name", FILES)
def test_all_mistakes_of_a_file_are_found_at_once(name, tmp_path):
    content, expected = FILES[name]
    path = tmp_path / f"{name}.tflite"
    path.write_bytes(content)
    errors = [str(error) for error in model_mistakes(path, compiled=True)]
    assert len(errors) == len(expected)
    for error, parts in zip(errors, expected, strict=True):
        assert all(part in error for part in [*parts, f"{name}.tflite"])


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    ("arguments", "name", "expected"),
    [
        (["benchmarking"], "not_supported", [*NOT_SUPPORTED, *NOT_COMPILED, *NO_TOKENIZER]),
        (["deployment"], "no_step", [*NO_STEP, *NO_TOKENIZER]),
        (["prediction"], "not_supported", [*NOT_SUPPORTED, *NO_TOKENIZER]),
        (["prediction", "prediction.engine=native"], "compiled", [*NOT_COMPILED, *NO_TOKENIZER]),
        (["evaluation", "dataset=conversations"], "strange", STRANGE),
        (["evaluation", "dataset=conversations", "evaluation.engine=native"], "compiled", NOT_COMPILED),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else value,
)
def test_every_mode_says_them_before_anything_else(arguments, name, expected, warm_program, store, tmp_path):
    path = tmp_path / f"{name}.tflite"
    path.write_bytes(FILES[name][0])
    mode, *others = arguments
    answer = warm_program(
        f"operation_mode={mode}", f"model.quantized_model_path={path}", f"mlflow.uri={store}", *others
    )
    assert answer.returncode == 2, answer.stderr
    assert [part for part in expected if part not in answer.stderr] == []
