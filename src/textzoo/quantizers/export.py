"""Export of a Keras LanguageModel to a float .tflite. Only this module uses the TensorFlow converter.

Two graphs, one file each, both without a variable batch axis:

* signature `decode`: token (1,) int32, position (1,) int32 and the state tensors -> logits (1, vocabulary_size) and
  the new state, named `new_<state>`.
* signature `forward`: tokens (1, context_length) int32 -> logits (1, context_length, vocabulary_size).
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from textzoo.common.errors import UserError
from textzoo.common.files import write_bytes
from textzoo.common.standard_streams import quiet_stderr
from textzoo.compiler.tflite.file import TfliteFile, parse_tflite, read_tflite
from textzoo.compiler.tflite.signatures import NEW_STATE
from textzoo.models.base import LanguageModel

DECODE = "decode"
FORWARD = "forward"


def export_decode(model: LanguageModel, path: Path) -> TfliteFile:
    """Write the decode step of one token; return the written file with checked operators."""
    specs = model.state_specs()
    signature = [tf.TensorSpec((1,), tf.int32, "token"), tf.TensorSpec((1,), tf.int32, "position")]
    signature += [tf.TensorSpec(spec.shape, tf.float32, spec.name) for spec in specs]

    def decode(token: Any, position: Any, *state: Any) -> dict[str, Any]:
        before = {spec.name: value for spec, value in zip(specs, state, strict=True)}
        logits, after = model.decode_step(token, position, before)
        return {"logits": logits, **{NEW_STATE + spec.name: after[spec.name] for spec in specs}}

    return _export(model, decode, signature, DECODE, path)


def export_forward(model: LanguageModel, path: Path) -> TfliteFile:
    """Write the window graph; return the written file with checked operators."""
    context_length = model.context_length

    def forward(tokens: Any) -> dict[str, Any]:
        logits = model.window(tf.reshape(tokens, (context_length,)))
        return {"logits": tf.reshape(logits, (1, context_length, model.vocabulary_size))}

    return _export(model, forward, [tf.TensorSpec((1, context_length), tf.int32, "tokens")], FORWARD, path)


def _export(model: LanguageModel, function: Callable, signature: list, key: str, path: Path) -> TfliteFile:
    content = _described(_convert(function, signature, key), key, model.context_length)
    refuse_stray_operators(parse_tflite(content), model.export_operators(key), key)
    write_bytes(path, content)
    return read_tflite(path)


def _convert(function: Callable, signature: list, key: str) -> bytes:
    # As in training, without AutoGraph: it would rewrite all code of Keras on the way, and models need none of it.
    graph = tf.function(function, input_signature=signature, autograph=False)
    named = _frozen(graph.get_concrete_function(), signature)
    with quiet_stderr(), tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(tf.Module(), folder, signatures={key: named})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[key])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        return converter.convert()


def _frozen(concrete: Any, signature: list) -> Any:
    """Return the function with its weights as constants; variables would become resource operators in the .tflite."""
    names = sorted(concrete.structured_outputs)
    constant = convert_variables_to_constants_v2(concrete)

    @tf.function(input_signature=signature, autograph=False)
    def named(*arguments: Any) -> dict[str, Any]:
        return dict(zip(names, constant(*arguments), strict=True))

    return named.get_concrete_function()


def _described(content: bytes, key: str, context_length: int) -> bytes:
    """Name inputs and outputs as in the signature instead of `PartitionedCall:3`, and add a description."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    for entry in [*model.signatureDefs[0].inputs, *model.signatureDefs[0].outputs]:
        model.subgraphs[0].tensors[entry.tensorIndex].name = entry.name
    model.description = f"textzoo {key} context_length={context_length}"
    model.metadata = []  # the converter's version and time stamps
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def refuse_stray_operators(graph: TfliteFile, allowed: frozenset[str], key: str) -> None:
    """Raise UserError if the graph has operators that the architecture does not declare.

    The declared operators need not all occur: for a single head, the converter writes a TRANSPOSE as a RESHAPE.
    """
    stray = set(graph.operator_names()) - allowed
    if stray:
        raise UserError(
            f"the exported {key} graph has other operators than the architecture's",
            expected=", ".join(sorted(allowed)),
            received=f"also {', '.join(sorted(stray))}",
            remedy="Other TensorFlow versions may convert differently: use the locked one.",
        )
