"""Every architecture: parameter count, decode step against forward, saving and loading. A new model is a new row."""

import dataclasses
import json
import zipfile
import zlib
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
import yaml
from keras.ops import convert_to_numpy as to_numpy

from textzoo.common.errors import UserError
from textzoo.models.files import build_model, load_float_model, save_float_model
from textzoo.models.registry import CONFIGS, MODELS
from textzoo.models.rules import architecture_config, keys_not_taken
from textzoo.models.settings import ModelConfig

CONF = Path(__file__).parents[2] / "conf" / "model"
SMALL = {"d_model": 24, "n_heads": 2, "n_layers": 2, "context_length": 11}
# name, vocabulary, changes to the default configuration, parameters
ARCHITECTURES = [
    ("pico_gpt", 65, {}, 418_432),
    ("pico_gpt", 103, {"d_model": 96, "n_heads": 3, "context_length": 24, "n_layers": 2}, 159_936),
    ("pico_gpt", 17, {"d_model": 32, "n_heads": 2, "context_length": 16, "n_layers": 1, "use_bias": True}, None),
    ("pico_gpt", 11, {"d_model": 16, "n_heads": 1, "context_length": 9, "n_layers": 2, "activation": "gelu"}, None),
    ("tiny_lm", 256, {"d_model": 64, "n_layers": 1}, 41_344),
    ("tiny_lm", 13, {"d_model": 24, "n_layers": 2, "context_length": 11}, None),
    ("lstm", 256, {"d_model": 64, "n_layers": 1}, 49_408),
    ("lstm", 13, {"d_model": 24, "n_layers": 2, "context_length": 11}, None),
    ("gpt", 13, {**SMALL, "weight_tying": "tied", "activation": "gelu"}, None),
    ("gpt", 13, {**SMALL, "weight_tying": "untied", "activation": "gelu", "use_bias": True}, None),
    ("gpt", 13, {**SMALL, "weight_tying": "tied", "activation": "relu_squared", "positions": "rotary"}, None),
    ("gpt", 13, {**SMALL, "weight_tying": "untied", "positions": "rotary", "qk_norm": True, "use_bias": True}, None),
    ("tiny_bert_generator", 13, {**SMALL, "use_bias": True, "activation": "gelu"}, None),
]
# One small shape of each architecture, for what does not depend on the details.
ONE_OF_EACH = [ARCHITECTURES[index] for index in (1, 5, 7, 11, 12)]


def make(name, vocabulary, changes):
    keras.utils.set_random_seed(7)
    model = build_model(ModelConfig(name=name, **changes), vocabulary)
    spread_weights(model)
    return model


def spread_weights(model):
    """Weights of deviation 0.1: fresh ones give nearly equal logits, which would hide mistakes."""
    random = np.random.default_rng(3)
    for weight in model.weights:
        weight.assign(to_numpy(weight) + 0.1 * random.standard_normal(weight.shape).astype("float32"))


def random_tokens(model, batch=1, seed=5):
    shape = (batch, model.context_length)
    return np.random.default_rng(seed).integers(0, model.vocabulary_size, shape).astype("int32")


@pytest.mark.quick(5)
@pytest.mark.parametrize(("name", "vocabulary", "changes", "parameters"), ARCHITECTURES)
def test_weights_are_known_from_the_configuration(name, vocabulary, changes, parameters):
    model = make(name, vocabulary, changes)
    assert model.config.weight_shapes() == {weight.path: tuple(weight.shape) for weight in model.trainable_weights}
    assert model.config.parameters == model.count_params()
    if parameters:
        assert model.count_params() == parameters


@pytest.mark.quick("tiny_lm-13", "lstm-13", "tiny_bert")
@pytest.mark.parametrize(("name", "vocabulary", "changes", "parameters"), ARCHITECTURES)
def test_decode_step_equals_forward(name, vocabulary, changes, parameters):
    model = make(name, vocabulary, changes)
    tokens = random_tokens(model)
    forward = to_numpy(model(tokens))[0]
    state = model.initial_state()
    for position in range(model.context_length):
        logits, state = model.decode_step(tokens[0, position : position + 1], np.array([position], "int32"), state)
        np.testing.assert_allclose(to_numpy(logits)[0], forward[position], atol=1e-5, rtol=0)


@pytest.mark.parametrize(("name", "vocabulary", "changes", "parameters"), ONE_OF_EACH)
def test_a_later_token_changes_nothing_before_it(name, vocabulary, changes, parameters):
    model = make(name, vocabulary, changes)
    tokens = random_tokens(model)
    changed = tokens.copy()
    changed[0, -1] = (changed[0, -1] + 1) % vocabulary
    before, after = to_numpy(model(tokens)), to_numpy(model(changed))
    np.testing.assert_array_equal(before[0, :-1], after[0, :-1])
    assert np.abs(before[0, -1] - after[0, -1]).max() > 1e-3


# YAML, vocabulary, weights in millions (from the configuration alone: the large ones are not built here).
SIZES = [
    ("gpt", 65, 0.11),
    ("gpt_small", 65, 0.81),
    ("gpt_baby", 65, 10.7),
    ("gpt_conversation", 1024, 25.7),
    ("gpt_large", 4096, 88.1),
    ("tiny_bert_generator", 2048, 0.43),
    ("tiny_lm", 256, 0.041),
    ("lstm", 256, 0.049),
]


@pytest.mark.parametrize(("file", "vocabulary", "millions"), SIZES)
def test_sizes_are_what_they_are_called(file, vocabulary, millions):
    section = yaml.safe_load((CONF / f"{file}.yaml").read_text())
    config = ModelConfig(**section, weight_tying="tied" if section["name"] == "gpt" else "auto")
    assert architecture_config(config, vocabulary).parameters / 1e6 == pytest.approx(millions, rel=0.01)


# Architecture, Keras' layer, how it gets our weights.
KERAS_LAYERS = [
    ("tiny_lm", keras.layers.GRU, lambda ours: [ours[0], ours[1], np.stack(ours[2:])]),
    ("lstm", keras.layers.LSTM, lambda ours: ours),
]


def layers_of_the_same_weights(name, keras_layer, converted):
    ours = make(name, 13, {"d_model": 24, "n_layers": 1}).recurrent_layers[0]
    theirs = keras_layer(24, return_sequences=True)
    theirs.build((None, None, 24))
    theirs.set_weights(converted([to_numpy(weight) for weight in ours.weights]))
    return ours, theirs


@pytest.mark.parametrize(("name", "keras_layer", "converted"), KERAS_LAYERS)
def test_recurrent_layers_compute_what_those_of_keras_compute(name, keras_layer, converted):
    ours, theirs = layers_of_the_same_weights(name, keras_layer, converted)
    inputs = np.random.default_rng(1).standard_normal((3, 17, 24)).astype("float32")
    np.testing.assert_allclose(to_numpy(ours(inputs)), to_numpy(theirs(inputs)), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("name", "keras_layer", "converted"), KERAS_LAYERS)
def test_derivatives_of_recurrent_layers_are_those_of_keras(name, keras_layer, converted):
    random = np.random.default_rng(2)
    inputs, by_output = (tf.constant(random.standard_normal((3, 17, 24)), tf.float32) for _ in range(2))

    def derivatives(layer):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            total = tf.reduce_sum(layer(inputs) * by_output)
        by_inputs, *by_weights = tape.gradient(total, [inputs, *(weight.value for weight in layer.weights)])
        return to_numpy(by_inputs), [to_numpy(array) for array in by_weights]

    ours, theirs = map(derivatives, layers_of_the_same_weights(name, keras_layer, converted))
    for our, their in zip([ours[0], *converted(ours[1])], [theirs[0], *theirs[1]], strict=True):
        np.testing.assert_allclose(our, their, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", MODELS.names())
def test_an_architecture_is_built_from_the_configuration_of_its_name(name):
    assert MODELS.get(name).CONFIG is CONFIGS.get(name)
    assert name == MODELS.get(name).NAME


@pytest.mark.parametrize("name", MODELS.names())
def test_every_field_but_the_vocabulary_is_a_key_of_the_model_section(name):
    assert CONFIGS.get(name).keys() <= {entry.name for entry in dataclasses.fields(ModelConfig)}


def test_the_keys_of_an_unknown_architecture_are_left_to_the_mistake_about_its_name():
    assert keys_not_taken("unknown", {"n_heads", "positions"}) == []


def test_a_key_that_an_architecture_lacks_is_refused():
    with pytest.raises(UserError, match=r"tiny_lm has no n_heads; expected of the model section: context_length"):
        build_model(ModelConfig(name="tiny_lm", n_heads=4), 13)


@pytest.mark.quick(3)
@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize(("name", "vocabulary", "changes", "parameters"), [*ONE_OF_EACH, ARCHITECTURES[2]])
def test_saved_and_loaded_is_the_same_model(tmp_path, name, vocabulary, changes, parameters, ending):
    model = make(name, vocabulary, changes)
    path = tmp_path / f"model.{ending}"
    save_float_model(model, path)
    loaded = load_float_model(path)
    assert loaded.get_config() == model.get_config()
    for ours, theirs in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(to_numpy(ours), to_numpy(theirs))
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_files_of_earlier_versions_stay_readable():
    """pico_gpt_0_1.keras was written by the first version, seed 7; its logits are those that it had there."""
    model = load_float_model(Path(__file__).with_name("pico_gpt_0_1.keras"))
    logits = to_numpy(model(np.arange(5, dtype=np.int32)[None]))[0, -1]
    expected = [-0.02363, 0.04302, -0.02357, -0.02258, 0.08036, -0.02268, -0.03686]
    assert np.abs(logits - expected).max() < 1e-5


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path, ending, kept):
    path = tmp_path / f"model.{ending}"
    save_float_model(make(*ARCHITECTURES[1][:3]), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if isinstance(kept, float) else kept])
    with pytest.raises(UserError, match="cannot be read as a model"):
        load_float_model(path)


def test_a_lambda_is_refused_and_not_executed(tmp_path):
    marker = tmp_path / "executed"
    source = f"(lambda: __import__('pathlib').Path({str(marker)!r}).touch())()"
    model = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: eval(source) or x, output_shape=(2,))])
    marker.unlink(missing_ok=True)
    path = tmp_path / "lambda.keras"
    model.save(path)
    with pytest.raises(UserError, match="holds a Sequential, which is no architecture of TextZoo"):
        load_float_model(path)
    assert not marker.exists()


def huge(file, place):
    """A data set of 3.6 GB in no bytes."""
    del file[place]
    file.create_dataset(place, (30_000, 30_000), "float32", chunks=(1000, 1000), compression="gzip")


def elsewhere(file, place):
    del file[place]
    file[place] = h5py.ExternalLink("/etc/other.h5", "/weights")


def outside(file, place):
    shape = file[place].shape
    del file[place]
    file.create_dataset(place, shape, "float32", external="/etc/passwd")


def virtual(file, place):
    shape = file[place].shape
    del file[place]
    layout = h5py.VirtualLayout(shape, "float32")
    layout[...] = h5py.VirtualSource("/etc/other.h5", "weights", shape)
    file.create_virtual_dataset(place, layout)


def ring(file, place):
    file["ring"] = file["/"]


def soft(file, place):
    del file[place]
    file[place] = h5py.SoftLink("/nowhere")


def texts(file, place):
    file["texts"] = [b"a" * 1000]


def beyond_its_edges(file, place):
    """A chunk of 400 MB for a few weights."""
    shape = file[place].shape
    del file[place]
    chunks = (10 ** (8 // len(shape)),) * len(shape)
    file.create_dataset(place, shape, "float32", maxshape=(None,) * len(shape), chunks=chunks)


def packed(file, place):
    """A chunk that declares few bytes and unpacks to any number of them."""
    shape = file[place].shape
    del file[place]
    entry = file.create_dataset(place, shape, "float32", chunks=shape, compression="gzip")
    entry.id.write_direct_chunk((0,) * len(shape), zlib.compress(bytes(1 << 20)))


def many_attributes(file, place):
    for number in range(65):
        file[place].attrs[str(number)] = 1


def long_attributes(file, place):
    """Texts of a megabyte: in the file, all of them may be the same one."""
    kind = h5py.string_dtype()
    file.attrs.create("names", ["a" * (1 << 20), *map(str, range(100))], dtype=kind)


def odd_attribute(file, place):
    file.attrs["link"] = file["/"].ref


HOSTILE_WEIGHTS = {
    huge: "declares more than",
    beyond_its_edges: "declares more than",
    packed: "is packed",
    many_attributes: "has 6[5-9] attributes",
    long_attributes: "attributes of '/' are too large",
    odd_attribute: "neither text nor numbers",
    elsewhere: "leads elsewhere",
    outside: "names other files",
    virtual: "names other files",
    ring: "more groups than a model has",
    soft: "leads elsewhere",
    texts: "no array of numbers",
}


@pytest.mark.quick(4)
@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("edit", HOSTILE_WEIGHTS, ids=lambda edit: edit.__name__)
def test_weights_that_would_fill_the_memory_or_come_from_elsewhere_are_refused(tmp_path, ending, edit):
    path = tmp_path / f"model.{ending}"
    save_float_model(make(*ARCHITECTURES[1][:3]), path)
    weights = path
    if ending == "keras":
        weights = tmp_path / "weights.h5"
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        weights.write_bytes(members["model.weights.h5"])
    with h5py.File(weights, "r+") as file:
        places = []
        file.visititems(lambda name, entry: places.append(name) if isinstance(entry, h5py.Dataset) else None)
        edit(file, places[0])
    if ending == "keras":
        members["model.weights.h5"] = weights.read_bytes()
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
    with pytest.raises(UserError, match=HOSTILE_WEIGHTS[edit]):
        load_float_model(path)


@pytest.mark.parametrize("name", ["model.weights.npz", "../x", "model.weights.json"])
def test_an_archive_with_other_files_is_refused(tmp_path, name):
    path = tmp_path / "model.keras"
    save_float_model(make(*ARCHITECTURES[1][:3]), path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, b"")
    with pytest.raises(UserError, match="holds other files than"):
        load_float_model(path)


def archive_with(path, comment=b"", packing=zipfile.ZIP_STORED):
    """A model's file whose members have comments, or are packed in another way."""
    save_float_model(make(*ARCHITECTURES[1][:3]), path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name)
            member.comment = comment
            archive.writestr(member, content, packing)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"comment": b"x" * 20_000}, "holds too many files"), ({"packing": zipfile.ZIP_LZMA}, "packed in an unusual way")],
)
def test_an_archive_whose_directory_alone_takes_much_is_refused(tmp_path, options, message):
    path = tmp_path / "model.keras"
    archive_with(path)
    load_float_model(path)
    archive_with(path, **options)
    with pytest.raises(UserError, match=message):
        load_float_model(path)


@pytest.mark.parametrize("text", [["a", "b"], [], 7, "x" * (1 << 21)], ids=["texts", "none", "a number", "too long"])
def test_a_configuration_that_is_no_text_is_refused(tmp_path, text):
    path = tmp_path / "model.h5"
    with h5py.File(path, "w") as file:
        file.attrs.create("model_config", text, dtype=h5py.string_dtype() if text != 7 else None)
    with pytest.raises(UserError, match="model_config is"):
        load_float_model(path)


def changed(**numbers):
    """What a configuration becomes with other numbers."""

    def change(text):
        document = json.loads(text)
        document["config"].update(numbers)
        return json.dumps(document)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (changed(d_model=4096, n_layers=64, n_heads=64), "too short for its own configuration"),
        (changed(n_heads=5), "5 heads do not divide 96 channels"),
        (lambda text: "[" * 100_000 + text, "cannot be read as a model"),
    ],
)
def test_a_configuration_that_cannot_be_built_is_refused(tmp_path, change, message):
    honest, hostile = tmp_path / "honest.keras", tmp_path / "hostile.keras"
    save_float_model(make(*ARCHITECTURES[1][:3]), honest)
    with zipfile.ZipFile(honest) as source, zipfile.ZipFile(hostile, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, change(content.decode()) if name == "config.json" else content)
    with pytest.raises(UserError, match=message):
        load_float_model(hostile)
