"""Mixtures: sources side by side in one token array, drawn from by their weights, measured one by one and in all."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textzoo.common.errors import UserError
from textzoo.text.corpora.loading import load_corpus
from textzoo.text.prepare import RECORD_FILE, open_prepared, prepare_dataset
from textzoo.text.settings import DatasetConfig, TokenizerConfig
from textzoo.text.windows import (
    TokenPart,
    check_lengths,
    evaluation_windows,
    mixed_crops,
    proportional_spans,
    validation_windows,
)


@pytest.fixture
def sources(write):
    first, second = write("a.txt", "ab" * 300), write("b.txt", "xyz" * 400)
    return [
        {"name": "text", "training_path": str(first), "weight": 3},
        {"name": "text", "training_path": str(second), "validation_split": 0.25},
    ]


def mixture(sources, **settings) -> DatasetConfig:
    return DatasetConfig(name="mixture", sources=sources, **settings)


def test_sources_stand_one_after_the_other(sources, tmp_path):
    data = prepare_dataset(mixture(sources), TokenizerConfig(), tmp_path / "data")
    assert [(part.label, part.probability) for part in data.parts] == [("text", 0.75), ("text_2", 0.25)]
    assert [part.training for part in data.parts] == [(0, 540), (540, 1440)]
    assert [part.validation for part in data.parts] == [(0, 60), (60, 360)]
    assert set(data.tokenizer.decode(data.train[:540])) == {"a", "b"}
    assert set(data.tokenizer.decode(data.train[540:])) == {"x", "y", "z"}
    assert open_prepared(tmp_path / "data").parts == data.parts
    sample = data.sample("training", 400)
    assert sorted(np.unique(sample, return_counts=True)[1].tolist()) == [33, 33, 34, 150, 150]


def test_the_digest_follows_texts_and_weights(sources):
    first = load_corpus(mixture(sources)).sha256
    assert load_corpus(mixture(sources)).sha256 == first
    changed = [{**sources[0], "weight": 4}, sources[1]]
    assert load_corpus(mixture(changed)).sha256 != first
    assert load_corpus(mixture(sources[::-1])).sha256 != first


def test_keys_left_out_are_those_of_the_dataset(sources):
    one = load_corpus(mixture(sources, validation_split=0.5))
    assert [part.validation for part in one.parts] == [300, 300]


def test_a_single_corpus_has_no_parts(sources, tmp_path):
    dataset = DatasetConfig(name="text", training_path=sources[0]["training_path"])
    assert prepare_dataset(dataset, TokenizerConfig(), tmp_path).parts == ()
    assert "parts" not in json.loads((tmp_path / RECORD_FILE).read_text())


@pytest.mark.parametrize("name", ["nanogpt", "mixture"])
def test_what_cannot_be_mixed_is_refused(name):
    with pytest.raises(UserError, match="cannot be a source"):
        load_corpus(mixture([{"name": name}]))
    with pytest.raises(UserError, match=r"needs dataset\.sources"):
        load_corpus(mixture([]))


BAD_PARTS = {
    "a gap": lambda parts: parts[0].update(training=[0, 539]),
    "an overlap": lambda parts: parts[1].update(validation=[59, 360]),
    "too short": lambda parts: parts.pop(),
    "no numbers": lambda parts: parts[0].update(training="ab"),
    "no label": lambda parts: parts[0].pop("label"),
    "probability": lambda parts: parts[0].update(probability=-1),
}


@pytest.mark.parametrize("spoil", BAD_PARTS.values(), ids=BAD_PARTS)
def test_a_damaged_record_is_refused(sources, tmp_path, spoil):
    prepare_dataset(mixture(sources), TokenizerConfig(), tmp_path)
    record = json.loads((tmp_path / RECORD_FILE).read_text())
    spoil(record["parts"])
    (tmp_path / RECORD_FILE).write_text(json.dumps(record))
    with pytest.raises(UserError, match="not the record"):
        open_prepared(tmp_path)


@st.composite
def parts_of_tokens(draw):
    """Sources with tokens of their own: source i has the tokens 1000 i, 1000 i + 1, ..."""
    lengths = draw(st.lists(st.integers(12, 60), min_size=1, max_size=4))
    weights = [draw(st.floats(0.01, 10)) for _ in lengths]
    ends = np.cumsum(lengths).tolist()
    spans = list(zip([0, *ends], ends, strict=False))
    parts = [
        TokenPart(f"source {index}", weight / sum(weights), span, span)
        for index, (weight, span) in enumerate(zip(weights, spans, strict=True))
    ]
    return np.concatenate([1000 * index + np.arange(length) for index, length in enumerate(lengths)]), parts


@given(parts_of_tokens(), st.integers(0, 2**32), st.integers(1, 11))
def test_no_window_reaches_from_one_source_into_the_next(corpus, seed, context_length):
    tokens, parts = corpus
    inputs, targets = mixed_crops(tokens, parts, np.random.default_rng(seed), 40, context_length)
    assert inputs.shape == targets.shape == (40, context_length)
    assert (targets == inputs + 1).all()
    assert (inputs // 1000 == inputs[:, :1] // 1000).all()
    again = mixed_crops(tokens, parts, np.random.default_rng(seed), 40, context_length)
    assert np.array_equal(again, (inputs, targets))


def test_windows_are_drawn_by_the_weights_from_everywhere():
    spans = [(0, 14), (14, 34), (34, 1000)]
    parts = [TokenPart(str(span), share, span, span) for span, share in zip(spans, (0.2, 0.7, 0.1), strict=True)]
    inputs, _ = mixed_crops(np.arange(1000), parts, np.random.default_rng(0), 20_000, 4)
    counts = np.histogram(inputs[:, 0], [0, 14, 34, 1000])[0] / 20_000
    np.testing.assert_allclose(counts, (0.2, 0.7, 0.1), atol=0.01)
    assert set(inputs[:, 0]) >= {*range(10), *range(14, 30)}
    assert max(inputs[inputs[:, 0] < 14, 0]) == 9


@given(parts_of_tokens(), st.integers(1, 300), st.integers(1, 11))
def test_validation_is_cut_in_proportion(corpus, max_tokens, context_length):
    tokens, parts = corpus
    windows = validation_windows(tokens, parts, context_length, max_tokens)
    assert list(windows) == [part.label for part in parts]
    counts = np.array([weights.sum() for _, _, weights in windows.values()])
    for index, (inputs, targets, weights) in enumerate(windows.values()):
        expected = tokens[slice(*parts[index].validation)][1 : int(counts[index]) + 1]
        assert targets[weights > 0].tolist() == expected.tolist()
        assert (inputs[weights > 0] // 1000 == index).all()
    shares = [part.probability for part in parts]
    spans = proportional_spans([part.validation for part in parts], shares, max_tokens, 0)
    lengths = np.array([end - start for start, end in spans])
    assert lengths.sum() <= max_tokens
    assert (np.abs(lengths - lengths.sum() * np.array(shares)) <= len(parts)).all()


def test_without_parts_validation_is_as_it_was():
    tokens = np.arange(100)
    [(label, windows)] = validation_windows(tokens, (), 8, 50).items()
    assert label == ""
    assert all(map(np.array_equal, windows, evaluation_windows(tokens, 8, 50)))


def test_a_source_shorter_than_a_window_is_named():
    parts = [TokenPart("long", 0.5, (0, 50), (0, 50)), TokenPart("short", 0.5, (50, 55), (50, 100))]
    with pytest.raises(UserError, match="the short training text is shorter than a window"):
        check_lengths(np.arange(55), np.arange(100), 8, parts)
