"""Corpora from files: what is read, what is refused and with which words, what is held out."""

import codecs
import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textzoo.common.errors import UserError
from textzoo.text.corpora.cleaning import split_documents
from textzoo.text.corpora.loading import load_corpus, split_at_end, split_by_document, text_digest
from textzoo.text.corpora.registry import CORPORA, KnownFile
from textzoo.text.settings import DatasetConfig


def text_dataset(path, **settings) -> DatasetConfig:
    given = [str(item) for item in path] if isinstance(path, list) else str(path)
    return DatasetConfig(name="text", training_path=given, **settings)


def whole(corpus) -> str:
    return corpus.training + corpus.validation


BAD_FILES = {
    "empty": (b"", ["is empty", "0 bytes"]),
    "only a mark": (codecs.BOM_UTF8, ["is empty"]),
    "only blanks": (b" \n\n\t ", ["is empty"]),
    "binary": (b"abc\0def", ["binary", "byte offset 3"]),
    "latin-1": ("ab\ncaf\xe9!".encode("latin-1"), ["not UTF-8", "0xE9", "byte offset 6", "line 2"]),
    "latin-1 after a mark": (codecs.BOM_UTF8 + b"a\xff", ["0xFF", "byte offset 4"]),
    "truncated UTF-8": ("caf\xe9".encode()[:-1], ["0xC3", "byte offset 3"]),
    "encoded surrogate": (b"ab\xed\xa0\x80", ["0xED", "byte offset 2"]),
    "UTF-16": ("hello".encode("utf-16"), ["not UTF-8", "UTF-16", "iconv"]),
    "UTF-32": (codecs.BOM_UTF32_LE + "hello".encode("utf-32-le"), ["not UTF-8", "UTF-32"]),
    "one distinct character": (b"aaaaaaaaaaaa", ["one distinct character", "'a', 12 times"]),
    "one character": (b"a", ["one distinct character", "'a', 1 times"]),
}


@pytest.mark.parametrize(("content", "words"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_files_are_named_with_the_reason(write, content, words):
    path = write("bad.txt", content)
    with pytest.raises(UserError) as caught:
        load_corpus(text_dataset(path))
    assert all(word in str(caught.value) for word in [*words, "bad.txt"]), str(caught.value)


def test_missing_file_and_folder_without_text(tmp_path):
    with pytest.raises(UserError, match=r"no file.*nowhere\.txt"):
        load_corpus(text_dataset(tmp_path / "nowhere.txt"))
    with pytest.raises(UserError, match=r"no \.txt file"):
        load_corpus(text_dataset(tmp_path))
    with pytest.raises(UserError, match=r"needs dataset\.training_path"):
        load_corpus(DatasetConfig(name="text"))


def test_too_large_a_file_is_refused_before_it_is_read(write, monkeypatch):
    monkeypatch.setattr("textzoo.text.corpora.reading.MAX_TEXT_BYTES", 10)
    with pytest.raises(UserError, match="at most 10 bytes; received 11"):
        load_corpus(text_dataset(write("large.txt", "x" * 11)))


def test_unknown_corpus_is_suggested():
    with pytest.raises(UserError, match="Did you mean 'tinyshakespeare'"):
        load_corpus(DatasetConfig(name="tinyshakspere"))


def test_bom_is_dropped_and_newlines_become_lf(write):
    path = write("windows.txt", codecs.BOM_UTF8 + b"one\r\ntwo\rthree\n")
    corpus = load_corpus(text_dataset(path))
    assert whole(corpus) == "one\ntwo\nthree\n"
    assert corpus.sources[0].normalised == {"CR LF or CR to LF": 2}
    assert corpus.sources[0].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_folder_is_read_in_the_order_of_paths(write, tmp_path):
    for name in ("b.txt", "a/2.txt", "a/10.txt", ".hidden.txt", "c.md"):
        write(f"folder/{name}", f"{name}\n")
    corpus = load_corpus(text_dataset(tmp_path / "folder"))
    assert whole(corpus) == "a/10.txt\n\na/2.txt\n\nb.txt"
    assert [source.documents for source in corpus.sources] == [1, 1, 1]


def test_list_keeps_its_order(write):
    files = [write("z.txt", "z\n"), write("a.txt", "a\n")]
    assert whole(load_corpus(text_dataset(files))) == "z\n\na"


def test_validation_path_is_taken_whole(write):
    training, validation = write("t.txt", "train text\n"), write("v.txt", "validation\n")
    corpus = load_corpus(text_dataset(training, validation_path=str(validation)))
    assert (corpus.training, corpus.validation) == ("train text\n", "validation\n")
    assert len(corpus.sources) == 2


def test_a_corpus_too_short_to_divide_is_refused(write):
    with pytest.raises(UserError, match="no text for training"):
        load_corpus(text_dataset(write("t.txt", "ab"), validation_split=0.9))


@given(st.text(min_size=2), st.floats(0.01, 0.99))
def test_contiguous_split_loses_nothing(text, share):
    training, validation = split_at_end(text, share)
    assert training + validation == text
    assert abs(len(validation) - share * len(text)) <= 1


def test_contiguous_split_is_that_of_nanogpt():
    training, validation = split_at_end("x" * 1_115_394, 0.1)
    assert (len(training), len(validation)) == (1_003_854, 111_540)


@given(st.lists(st.text("abc ", min_size=1, max_size=30), min_size=2, max_size=30), st.floats(0.01, 0.99))
def test_random_split_holds_out_whole_documents(words, share):
    documents = [f"{number} {word}." for number, word in enumerate(words)]
    training, validation = (split_documents(part) for part in split_by_document(documents, share, seed=3))
    assert sorted(training + validation) == sorted(documents)
    assert training
    assert validation
    assert [documents.index(document) for document in training] == sorted(map(documents.index, training))
    if len(training) > 1:  # not cut short to leave a document for training: at least the share, by one document at most
        held_out = sum(map(len, validation))
        assert held_out >= share * sum(map(len, documents)) - 1e-6


def test_random_split_follows_its_seed(write):
    path = write("t.txt", "\n\n".join(f"document {number}" for number in range(300)))
    corpora = [load_corpus(text_dataset(path, split_mode="random", split_seed=seed)) for seed in (1, 1, 2)]
    assert corpora[0] == corpora[1]
    assert corpora[0].validation != corpora[2].validation
    held_out = [int(document.split()[1]) for document in corpora[0].validation.split("\n\n")]
    assert held_out == sorted(held_out)


def test_random_split_needs_two_documents(write):
    with pytest.raises(UserError, match="only one document"):
        load_corpus(text_dataset(write("t.txt", "one document"), split_mode="random"))


def test_digest_tells_where_the_split_is():
    assert text_digest("ab", "c") == text_digest("ab", "c")
    assert len({text_digest("ab", "c"), text_digest("a", "bc"), text_digest("c", "ab")}) == 3


def test_digest_is_the_documented_one():
    parts = [hashlib.sha256(text.encode()).hexdigest() for text in ("ä", "b")]
    assert text_digest("ä", "b") == hashlib.sha256(f"{parts[0]}\n{parts[1]}\n".encode()).hexdigest()


def let_tinyshakespeare_be(known, monkeypatch):
    monkeypatch.setitem(CORPORA, "tinyshakespeare", replace(CORPORA["tinyshakespeare"], download=known))


def test_tinyshakespeare_given_as_a_file_is_checked(write, monkeypatch):
    content = b"First Citizen:\nBefore we proceed any further, hear me speak.\n"
    known = KnownFile("http://127.0.0.1:1/x", hashlib.sha256(content).hexdigest(), len(content))
    let_tinyshakespeare_be(known, monkeypatch)
    right, wrong = write("right.txt", content), write("wrong.txt", content[:-1])
    dataset = DatasetConfig(name="tinyshakespeare", training_path=str(right))
    assert whole(load_corpus(dataset)) == content.decode()
    with pytest.raises(UserError, match=f"expected sha256 {known.sha256}"):
        load_corpus(DatasetConfig(name="tinyshakespeare", training_path=str(wrong)))


def test_tinyshakespeare_offline_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    known = KnownFile("http://127.0.0.1:1/x", "0" * 64, 10, CORPORA["tinyshakespeare"].download.remedy)
    let_tinyshakespeare_be(known, monkeypatch)
    with pytest.raises(UserError, match=r"give the file itself: dataset\.training_path="):
        load_corpus(DatasetConfig(name="tinyshakespeare", cache_dir=str(tmp_path)))


SEPARATED = {
    "files": (["one\n", "two\n\nparts\n"], "one#two\n\nparts#"),
    "parts of a single file": (["one\n\ntwo\n"], "one#two#"),
    "a file that has the mark already": (["one#two\n\nparts#"], "one#two\n\nparts#"),
}


@pytest.mark.parametrize(("texts", "expected"), SEPARATED.values(), ids=SEPARATED)
def test_the_separator_ends_every_document(write, texts, expected):
    files = [write(f"{index}.txt", text) for index, text in enumerate(texts)]
    assert whole(load_corpus(text_dataset(files, separator="#"))) == expected
    held_out = load_corpus(text_dataset(files, separator="#", split_mode="random", validation_split=0.5))
    assert sorted(whole(held_out).split("#")) == sorted(expected.split("#"))
    assert held_out.training.endswith("#")
    other = load_corpus(text_dataset(files, separator="#", validation_path=str(files[0])))
    assert other.training == expected
    assert other.validation.endswith("#")


# what lies in a folder, why it is not read; "" for what is
IN_A_FOLDER = {
    "a.txt": "",
    "B.TXT": "",
    "deep/er/c.Txt": "",
    "linked.txt": "",
    "notes.md": "not a .txt file",
    "txt": "not a .txt file",
    ".hidden.txt": "hidden",
    ".git": "hidden",
    "empty.txt": "empty",
    "pipe.txt": "not a plain file",
    "nowhere.txt": "a broken link",
    "linked": "a linked folder",
    "caf?.txt": "",
}


@pytest.fixture
def mixed_folder(tmp_path):
    """A folder with one of each."""
    folder, other = tmp_path / "folder", tmp_path / "other"
    for name in ("a.txt", "B.TXT", "deep/er/c.Txt", "notes.md", "txt", ".hidden.txt", ".git/x.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{name} says so\n" * 5)
    Path(os.fsdecode(bytes(folder) + b"/caf\xe9.txt")).write_text("coffee " * 9)
    other.mkdir()
    (other / "d.txt").write_text("from elsewhere")
    (folder / "empty.txt").write_text("")
    os.mkfifo(folder / "pipe.txt")
    (folder / "linked.txt").symlink_to(other / "d.txt")
    (folder / "nowhere.txt").symlink_to(tmp_path / "nothing")
    (folder / "linked").symlink_to(other)
    return folder


def test_what_of_a_folder_is_read_and_what_is_not(mixed_folder):
    corpus = load_corpus(text_dataset(mixed_folder))
    read = {source.location.removeprefix(f"{mixed_folder}/") for source in corpus.sources}
    left = {entry.path: entry.reason for entry in corpus.left_out}
    assert {**dict.fromkeys(read, ""), **left} == IN_A_FOLDER


def test_sources_of_a_mixture_tell_what_they_leave_out(mixed_folder):
    sources = [{"name": "text", "training_path": str(mixed_folder)}, {"name": "python_docs"}]
    corpus = load_corpus(DatasetConfig(name="mixture", sources=sources))
    assert {entry.path for entry in corpus.left_out} == {name for name, reason in IN_A_FOLDER.items() if reason}


def test_a_folder_without_texts_says_what_it_holds(mixed_folder):
    for path in mixed_folder.iterdir():
        if path.suffix.lower() == ".txt" and path.is_file() and path.stat().st_size and path.name[0] != ".":
            path.unlink()
    (mixed_folder / "deep/er/c.Txt").unlink()
    with pytest.raises(UserError, match=r"there is no \.txt file in the folder") as caught:
        load_corpus(text_dataset(mixed_folder))
    assert "2 not a .txt file" in caught.value.received


def test_a_subfolder_that_may_not_be_opened_is_named(mixed_folder, monkeypatch):
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(UserError, match=r"cannot read the folder '.*deep'; received Permission denied"):
        load_corpus(text_dataset(mixed_folder))
