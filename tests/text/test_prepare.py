"""Prepared datasets: written once, reused by content, opened only when intact."""

import json

import numpy as np
import pytest

from textzoo.common.errors import UserError
from textzoo.text.prepare import DATA_FILES, RECORD_FILE, open_prepared, prepare_dataset
from textzoo.text.settings import DatasetConfig, TokenizerConfig

TEXT = "the quick brown fox jumps over the lazy dog\n\n" * 20


@pytest.fixture
def dataset(write):
    path = write("corpus.txt", TEXT)
    return DatasetConfig(name="text", training_path=str(path))


def times(folder) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_tokens_are_the_text(dataset, tmp_path):
    prepared = prepare_dataset(dataset, TokenizerConfig(), tmp_path / "data")
    assert isinstance(prepared.train, np.memmap)
    assert prepared.train.dtype == np.dtype("<u2")
    decode = prepared.tokenizer.decode
    assert decode(prepared.train) + decode(prepared.validation) == TEXT
    assert len(prepared.validation) == len(TEXT) // 10
    assert times(tmp_path / "data").keys() == {*DATA_FILES, RECORD_FILE}
    assert prepared.statistics == {
        "characters": {"training": 810, "validation": 90},
        "tokens": {"training": 810, "validation": 90},
        "unknown": {"training": 0, "validation": 0},
        "vocabulary_size": 28,
        "documents": 1,
    }


def test_the_same_content_is_reused_and_other_content_is_not(dataset, tmp_path, write):
    folder = tmp_path / "data"
    first = prepare_dataset(dataset, TokenizerConfig(), folder)
    before = times(folder)
    copy = DatasetConfig(name="text", training_path=str(write("renamed.txt", "\ufeff" + TEXT)))
    assert prepare_dataset(copy, TokenizerConfig(), folder).sha256 == first.sha256
    assert times(folder) == before

    assert prepare_dataset(dataset, TokenizerConfig(unknown="unk"), folder).sha256 == first.sha256
    assert times(folder) != before

    write("corpus.txt", TEXT + "x")
    changed = prepare_dataset(dataset, TokenizerConfig(unknown="unk"), folder)
    assert changed.sha256 != first.sha256
    assert len(changed.train) + len(changed.validation) == len(TEXT) + 1


def test_another_tokenizer_file_is_not_the_same_content(dataset, tmp_path):
    tokenizer = prepare_dataset(dataset, TokenizerConfig(), tmp_path / "data").tokenizer
    path = tmp_path / "tokenizer.json"
    for tokens in (tokenizer.tokens, tokenizer.tokens[::-1]):
        type(tokenizer)(tokens).save(path)
        prepared = prepare_dataset(dataset, TokenizerConfig(path=str(path)), tmp_path / "data")
        assert prepared.tokenizer.tokens == tokens
        assert prepared.tokenizer.decode(prepared.train) == TEXT[:810]


def test_characters_of_the_validation_text(write, tmp_path):
    paths = {"training_path": str(write("t.txt", "abab" * 9)), "validation_path": str(write("v.txt", "abc\ud7ff" * 9))}
    dataset = DatasetConfig(name="text", **paths)
    plain = prepare_dataset(dataset, TokenizerConfig(), tmp_path / "plain")
    assert plain.tokenizer.tokens == ["a", "b", "c", "\ud7ff"]
    with_unknown = prepare_dataset(dataset, TokenizerConfig(unknown="unk"), tmp_path / "unk")
    assert with_unknown.tokenizer.tokens == ["a", "b", "<unk>"]
    assert with_unknown.statistics["unknown"] == {"training": 0, "validation": 18}
    assert with_unknown.tokenizer.decode(with_unknown.validation) == "ab\ufffd\ufffd" * 9


# settings, characters of the held-out text " dog dog cat." that all its tokens and the first two stand for
CHARACTERS = [
    ({"name": "char"}, 13, 2),
    ({"name": "byte"}, 13, 2),
    ({"name": "word"}, 13, 8),
    ({"name": "word", "unknown": "unk", "vocabulary_size": 3}, 13, 8),  # " cat" and "." are <unk>: 2.5 characters each
    ({"name": "bpe", "vocabulary_size": 259}, 13, 8),
]


@pytest.mark.parametrize(("settings", "all_of_them", "first_two"), CHARACTERS)
def test_characters_of_tokens(write, tmp_path, settings, all_of_them, first_two):
    paths = {"training_path": str(write("t.txt", " dog" * 50)), "validation_path": str(write("v.txt", " dog dog cat."))}
    dataset = DatasetConfig(name="text", **paths)
    prepared = prepare_dataset(dataset, TokenizerConfig(**settings), tmp_path / "data")
    assert prepared.validation_characters(prepared.validation) == all_of_them
    assert prepared.validation_characters(prepared.validation[:2]) == first_two
    assert type(prepared.validation_characters(prepared.validation[-1:])) is float


def test_unknown_words_count_as_their_mean(write, tmp_path):
    paths = {"training_path": str(write("t.txt", " dog" * 50)), "validation_path": str(write("v.txt", " dog dog cat."))}
    config = TokenizerConfig(name="word", unknown="unk")
    prepared = prepare_dataset(DatasetConfig(name="text", **paths), config, tmp_path / "data")
    assert prepared.statistics["unknown"]["validation"] == 2
    assert prepared.validation_characters(prepared.validation[-1:]) == 2.5


def test_other_settings_are_not_the_same_content(dataset, tmp_path):
    sizes = []
    for settings in ({"vocabulary_size": 5}, {"vocabulary_size": 6}, {"min_count": 20}):
        config = TokenizerConfig(name="word", unknown="unk", **settings)
        sizes.append(prepare_dataset(dataset, config, tmp_path / "data").tokenizer.vocabulary_size)
    assert sizes == [5, 6, 2]  # newlines, 36 of them, and <unk>


def test_a_tokenizer_that_lacks_characters_is_refused(dataset, tmp_path, write):
    tokenizer = prepare_dataset(dataset, TokenizerConfig(), tmp_path / "data").tokenizer
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    other = DatasetConfig(name="text", training_path=str(write("other.txt", "the lazy dog, 7 times" * 5)))
    with pytest.raises(UserError, match=r"2 characters are not .*',' \(U\+002C\) at 12"):
        prepare_dataset(other, TokenizerConfig(path=str(path)), tmp_path / "other")
    with pytest.raises(UserError, match="has no <unk>"):
        prepare_dataset(other, TokenizerConfig(path=str(path), unknown="unk"), tmp_path / "other")


@pytest.mark.parametrize("name", DATA_FILES)
@pytest.mark.parametrize("damage", ["missing", "changed", "cut"])
def test_damage_is_noticed_and_mended_by_preparing_again(dataset, tmp_path, name, damage):
    folder = tmp_path / "data"
    whole = prepare_dataset(dataset, TokenizerConfig(), folder)
    path = folder / name
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(content[:-1] + (b"?" if damage == "changed" else b""))
    with pytest.raises(UserError, match=rf"{name}.*prepared again"):
        open_prepared(folder)
    mended = prepare_dataset(dataset, TokenizerConfig(), folder)
    assert path.read_bytes() == content
    assert np.array_equal(mended.train, whole.train)


def change(**values):
    return lambda record: {**record, **values}


BAD_RECORDS = {
    "not an object": lambda record: [],
    "another version": change(version=2),
    "another format": change(format="x"),
    "files of another type": change(files=[1]),
    "no statistics": change(statistics=None),
    "key of another type": change(key=7),
    "no files": change(files={}),
}


@pytest.mark.parametrize("spoil", BAD_RECORDS.values(), ids=BAD_RECORDS)
def test_bad_records_are_refused(dataset, tmp_path, spoil):
    folder = tmp_path / "data"
    prepare_dataset(dataset, TokenizerConfig(), folder)
    path = folder / RECORD_FILE
    path.write_text(json.dumps(spoil(json.loads(path.read_text()))))
    with pytest.raises(UserError):
        open_prepared(folder)
    prepare_dataset(dataset, TokenizerConfig(), folder)
    open_prepared(folder)


def test_open_without_a_dataset(tmp_path):
    with pytest.raises(UserError, match=r"no file.*dataset\.json"):
        open_prepared(tmp_path)


def test_failed_preparation_leaves_the_old_dataset(dataset, tmp_path, write):
    folder = tmp_path / "data"
    prepare_dataset(dataset, TokenizerConfig(), folder)
    before = times(folder)
    write("corpus.txt", "aaaa")
    with pytest.raises(UserError, match="one distinct character"):
        prepare_dataset(dataset, TokenizerConfig(), folder)
    assert times(folder) == before
    open_prepared(folder)
