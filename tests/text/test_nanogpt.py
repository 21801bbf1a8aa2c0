"""nanoGPT folders: tokens and characters are read, pickles that are more than data are refused."""

import collections
import io
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textzoo.common.errors import UserError
from textzoo.text.corpora.loading import TokenCorpus, load_corpus
from textzoo.text.corpora.nanogpt import PlainUnpickler, check_opcodes, read_plain_pickle
from textzoo.text.prepare import prepare_dataset
from textzoo.text.settings import DatasetConfig, TokenizerConfig

TRAINING, VALIDATION = "hello world\n" * 20, "old hero\n" * 5
CHARACTERS = sorted(set(TRAINING + VALIDATION))


def meta(characters: list[str]) -> dict:
    return {
        "vocab_size": len(characters),
        "itos": dict(enumerate(characters)),
        "stoi": {character: token for token, character in enumerate(characters)},
    }


def to_tokens(text: str) -> np.ndarray:
    return np.array([CHARACTERS.index(character) for character in text], dtype=np.uint16)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as nanoGPT's character-level prepare.py makes it."""
    folder = tmp_path / "shakespeare_char"
    folder.mkdir()
    to_tokens(TRAINING).tofile(folder / "train.bin")
    to_tokens(VALIDATION).tofile(folder / "val.bin")
    (folder / "meta.pkl").write_bytes(pickle.dumps(meta(CHARACTERS)))
    return folder


def nanogpt(folder: Path) -> DatasetConfig:
    return DatasetConfig(name="nanogpt", training_path=str(folder))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_folder_is_read_with_every_pickle_protocol(folder, protocol):
    (folder / "meta.pkl").write_bytes(pickle.dumps(meta(CHARACTERS), protocol=protocol))
    corpus = load_corpus(nanogpt(folder))
    assert isinstance(corpus, TokenCorpus)
    assert isinstance(corpus.training, np.memmap)
    assert not corpus.training.flags.writeable
    assert corpus.characters == CHARACTERS
    assert "".join(corpus.characters[token] for token in corpus.validation) == VALIDATION


@pytest.mark.parametrize("unknown", ["error", "unk"])
def test_prepared_folder_keeps_tokens_and_vocabulary(folder, tmp_path, unknown):
    prepared = prepare_dataset(nanogpt(folder), TokenizerConfig(unknown=unknown), tmp_path / "prepared")
    assert prepared.tokenizer.decode(prepared.train) == TRAINING
    assert prepared.tokenizer.decode(prepared.validation) == VALIDATION
    assert prepared.tokenizer.unknown_token == (len(CHARACTERS) if unknown == "unk" else None)
    assert prepared.statistics["tokens"] == {"training": len(TRAINING), "validation": len(VALIDATION)}


def test_another_tokenizer_is_refused(folder, tmp_path):
    prepared = prepare_dataset(nanogpt(folder), TokenizerConfig(), tmp_path / "prepared")
    path = tmp_path / "other.json"
    prepared.tokenizer.save(path)
    with pytest.raises(UserError, match="has its own vocabulary"):
        prepare_dataset(nanogpt(folder), TokenizerConfig(path=str(path)), tmp_path / "again")


class Runs:
    """Unpickled in the ordinary way, this makes a file called `trace`."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_that_tries_to_execute_is_refused_and_does_not_run(folder, tmp_path, protocol):
    trace = tmp_path / "trace"
    hostile = pickle.dumps({**meta(CHARACTERS), "run": Runs(trace)}, protocol=protocol)
    (folder / "meta.pkl").write_bytes(hostile)
    with pytest.raises(UserError, match="refused"):
        load_corpus(nanogpt(folder))
    assert not trace.exists()
    pickle.loads(hostile)  # the trap is a real one
    assert trace.exists()


MARKED = b"\x80\x04"
HOSTILE = {
    "a class": pickle.dumps(collections.OrderedDict(a=1)),
    "a global": pickle.dumps(os.getcwd),
    "a global of protocol 0": b"cos\ngetcwd\n.",
    "inst": b"(ios\ngetcwd\n.",
    "an extension": MARKED + b"\x82\x01.",
    "a persistent id": b"Pname\n.",
    "a tuple": pickle.dumps((1, 2)),
    "bytes": pickle.dumps(b"abc"),
    "a float": pickle.dumps(1.0),
    "true": pickle.dumps(True),
    "a set": pickle.dumps({1}),
    "a huge memo": MARKED + b"}r" + struct.pack("<I", 10**6) + b".",
    "a huge string": MARKED + b"\x8d" + struct.pack("<Q", 2**62) + b"x.",
    "a huge int": MARKED + b"\x8b" + struct.pack("<I", 2**31 - 1) + b"x.",
    "a million of dicts": MARKED + b"}" * 1_000_000 + b".",
    "a million of memos": MARKED + b"}" + b"\x94" * 1_000_000 + b".",
    "an unhashable key": MARKED + b"}]]s.",
    "append to a dict": MARKED + b"}K\x01a.",
    "a missing memo": MARKED + b"h\x05.",
    "an empty stack": MARKED + b".",
    "no end": MARKED + b"}",
    "nothing": b"",
    "text": b"hello world",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_pickles_are_refused(tmp_path, content):
    path = tmp_path / "meta.pkl"
    path.write_bytes(content)
    with pytest.raises(UserError, match="was refused"):
        read_plain_pickle(path)


@given(st.binary(max_size=60))
def test_no_bytes_do_harm(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzz.pkl"
    for attempt in (content, MARKED + b"}(" + content):
        path.write_bytes(attempt)
        try:
            value = read_plain_pickle(path)
        except UserError:
            continue
        assert isinstance(value, dict | list | str | int)


def test_large_pickle_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("textzoo.text.corpora.nanogpt.MAX_META_BYTES", 100)
    path = tmp_path / "meta.pkl"
    path.write_bytes(pickle.dumps(list(range(200))))
    with pytest.raises(UserError, match="too large"):
        read_plain_pickle(path)


BAD_META = {
    "not a dict": [1, 2],
    "no itos": {"vocab_size": 5},
    "itos is a list": {"itos": CHARACTERS},
    "text keys": {"itos": {"a": "b"}},
    "a gap": {"itos": {0: "a", 2: "b"}},
    "from one": {"itos": {1: "a", 2: "b"}},
    "another vocab_size": {**meta(CHARACTERS), "vocab_size": 3},
    "words": {"itos": {0: "ab", 1: "c"}},
    "numbers": {"itos": {0: 0, 1: 1}},
    "twice": {"itos": {0: "a", 1: "a"}},
}


@pytest.mark.parametrize("content", BAD_META.values(), ids=BAD_META)
def test_wrong_tables_are_refused(folder, content):
    (folder / "meta.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(UserError, match=r"meta\.pkl' cannot be used"):
        load_corpus(nanogpt(folder))


def test_missing_meta_is_explained(folder):
    (folder / "meta.pkl").unlink()
    with pytest.raises(UserError, match=r"no meta\.pkl.*provide the text instead"):
        load_corpus(nanogpt(folder))


BAD_TOKENS = {
    "missing": (None, "no file"),
    "empty": (b"", "0 bytes"),
    "odd": (b"\0\0\0", "3 bytes"),
    "outside": (struct.pack("<4H", 0, 1, len(CHARACTERS), 2), f"received token {len(CHARACTERS)} at position 2"),
}


@pytest.mark.parametrize("name", ["train.bin", "val.bin"])
@pytest.mark.parametrize(("content", "words"), BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_bad_token_files_are_refused(folder, name, content, words):
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=rf"{name}.*{words}|{words}.*{name}"):
        load_corpus(nanogpt(folder))


def test_a_file_is_no_folder(folder):
    with pytest.raises(UserError, match="not a nanoGPT folder"):
        load_corpus(nanogpt(folder / "train.bin"))


def test_vocabulary_of_one_is_refused(folder, tmp_path):
    (folder / "meta.pkl").write_bytes(pickle.dumps(meta(["a"])))
    for name in ("train.bin", "val.bin"):
        np.zeros(300, np.uint16).tofile(folder / name)
    with pytest.raises(UserError, match="expected 2 to 65535 tokens; received 1"):
        prepare_dataset(nanogpt(folder), TokenizerConfig(), tmp_path / "prepared")


def test_the_second_lock_holds_alone(tmp_path):
    trace = tmp_path / "trace"
    with pytest.raises(pickle.UnpicklingError, match="mkdir"):
        PlainUnpickler(io.BytesIO(pickle.dumps(Runs(trace)))).load()
    assert not trace.exists()


def test_the_first_lock_holds_alone():
    with pytest.raises(ValueError, match=r"opcode (STACK_GLOBAL|SHORT_BINUNICODE|REDUCE)"):
        check_opcodes(pickle.dumps(os.getcwd))
    check_opcodes(pickle.dumps(meta(CHARACTERS)))
