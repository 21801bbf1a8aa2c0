"""LiteRT engines: equal to Keras on a float graph, resettable, doubled by threads; damaged files are refused."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from textzoo.common.errors import UserError
from textzoo.compiler.tflite.file import read_tflite, rewritten
from textzoo.engines.litert_engine import LitertReferenceEngine
from textzoo.engines.metrics import evaluate
from textzoo.engines.opening import open_engine
from textzoo.quantizers.export import export_forward


def random_windows(count=5, time=8, vocabulary=13):
    tokens = np.random.default_rng(1).integers(0, vocabulary, (count, time + 1))
    weights = np.ones((count, time), np.float32)
    weights[-1, 3:] = 0
    return tokens[:, :-1], tokens[:, 1:], weights


@pytest.mark.parametrize("name", ["litert_ref", "litert"])
def test_float_graph_gives_the_logits_of_keras(name, model, decode_path):
    ours, keras_engine = open_engine(name, decode_path), open_engine("keras", model)
    assert (ours.vocabulary_size, ours.context_length) == (13, 8)
    for token in [1, 5, 12, 0, 3, 3, 7, 2]:
        np.testing.assert_allclose(ours.step(token), keras_engine.step(token), atol=2e-5)


def test_reset_forgets_everything(decode_path):
    engine = open_engine("litert_ref", decode_path)
    first = [engine.step(token) for token in (1, 2, 3)]
    engine.reset()
    np.testing.assert_array_equal(first, [engine.step(token) for token in (1, 2, 3)])


def test_steps_that_are_impossible(decode_path):
    engine = open_engine("litert_ref", decode_path)
    with pytest.raises(UserError, match="vocabulary"):
        engine.step(13)
    for _ in range(8):
        engine.step(0)
    with pytest.raises(UserError, match="full"):
        engine.step(0)


def test_metrics_are_the_same_from_keras_and_from_one_or_two_threads(model, decode_path):
    windows = random_windows()
    expected = evaluate(open_engine("keras", model), *windows)
    one, two = (evaluate(open_engine("litert_ref", decode_path), *windows, threads=threads) for threads in (1, 2))
    assert one == two
    assert expected.tokens == 35 == one.tokens
    assert one.loss_nats == pytest.approx(expected.loss_nats, abs=1e-5)
    np.testing.assert_allclose(one.loss_by_position, expected.loss_by_position, atol=1e-4)


def test_an_error_in_a_thread_reaches_the_caller(decode_path):
    inputs, targets, weights = random_windows()
    inputs = inputs.copy()
    inputs[3, 2] = 99
    with pytest.raises(UserError, match="token 99"):
        evaluate(open_engine("litert_ref", decode_path), inputs, targets, weights)


def test_metrics_of_a_known_distribution(model):
    class Known(LitertReferenceEngine):
        """Always the same logits: ln 8, ln 4, ln 2, ln 1, ln 1."""

        def __init__(self):
            self.name, self.vocabulary_size, self.context_length = "known", 5, 4

        def window_logits(self, windows, lengths):
            return iter([np.log([[8.0, 4.0, 2.0, 1.0, 1.0]] * length) for length in lengths])

        def clone(self):
            return None

    targets = np.array([[0, 1, 4, 3]])
    metrics = evaluate(Known(), targets, targets, np.ones((1, 4)), characters_per_token=2.0)
    losses = np.log([2, 4, 16, 16])
    np.testing.assert_allclose(metrics.loss_by_position, losses)
    assert metrics.loss_nats == pytest.approx(losses.mean())
    assert metrics.perplexity == pytest.approx(np.exp(losses.mean()))
    assert metrics.bits_per_character == pytest.approx(np.mean([1, 2, 4, 4]) / 2)
    assert metrics.top1_accuracy == 0.25
    assert metrics.top5_accuracy == 1.0


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\x00" * 100, b"\x1c\x00\x00\x00TFL3" + b"\xff" * 200])
def test_what_is_no_tflite_is_refused(tmp_path, content):
    path = tmp_path / "bad.tflite"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"bad\.tflite"):
        open_engine("litert_ref", path)


def test_missing_file_and_window_graph_are_refused(model, tmp_path):
    with pytest.raises(UserError, match="no model file"):
        open_engine("litert_ref", tmp_path / "none.tflite")
    export_forward(model, tmp_path / "forward.tflite")
    with pytest.raises(UserError, match="no decode step"):
        open_engine("litert_ref", tmp_path / "forward.tflite")


def test_unknown_engine_is_refused():
    with pytest.raises(UserError, match="Did you mean 'litert_ref'"):
        open_engine("litert_reff", "x.tflite")


def test_rewriting_changes_nothing(decode_path):
    content = rewritten(decode_path.read_bytes())
    before, after = LitertReferenceEngine(decode_path), LitertReferenceEngine(content)
    assert before.graph.operators == after.graph.operators
    np.testing.assert_array_equal(before.step(4), after.step(4))


def test_reader_tells_shapes_and_operators(decode_path):
    graph = read_tflite(decode_path)
    assert graph.signature == "decode"
    assert graph.tensors[graph.inputs["key_cache_1"]].shape == (2, 8, 8)
    assert "SOFTMAX" in graph.operator_names()


def test_a_graph_on_which_litert_aborts_is_refused(quantized_path, tmp_path):
    """A well-formed file with an absurd scale before the softmax ends LiteRT's process by an assertion."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(quantized_path.read_bytes()))
    graph = read_tflite(quantized_path)
    scores = next(operator.inputs[0] for operator in graph.operators if operator.name == "SOFTMAX")
    model.subgraphs[0].tensors[scores].quantization.scale = np.array([1e-30], np.float32)
    path = tmp_path / "absurd.tflite"
    path.write_bytes(flatbuffer_utils.convert_object_to_bytearray(model))
    with pytest.raises(UserError, match=r"absurd\.tflite"):
        open_engine("litert_ref", path)


def test_damaged_files_never_crash_the_process(decode_path):
    """Cut and garbled in many ways, in a process of its own: each either loads or is a UserError."""
    script = textwrap.dedent(
        """
        import sys, numpy as np
        from pathlib import Path
        from textzoo.engines.litert_engine import LitertReferenceEngine
        from textzoo.common.errors import UserError
        content = Path(sys.argv[1]).read_bytes()
        random = np.random.default_rng(0)
        refused = 0
        for trial in range(150):
            bad = bytearray(content)
            if trial % 3 == 0:
                bad = bad[: random.integers(0, len(bad))]
            else:
                for place in random.integers(0, len(bad), 40 if trial % 3 == 1 else 2):
                    bad[place] = random.integers(0, 256)
            try:
                LitertReferenceEngine(bytes(bad)).step_raw(1)
            except UserError:
                refused += 1
        print("refused", refused)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(decode_path)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout.split()[-1]) > 75
