"""Long texts are tokenized part by part: the same tokens, the same errors, little memory."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textzoo.common.errors import UserError
from textzoo.text.corpora.loading import load_corpus, text_digest
from textzoo.text.prepare import TRAIN_FILE, VALIDATION_FILE, prepare_corpus
from textzoo.text.settings import DatasetConfig, TokenizerConfig
from textzoo.text.tokenizers import pieces
from textzoo.text.tokenizers.base import encoded, make_tokenizer

SAMPLE = "the cat, the cats' cat; é and  more...\n\n  42 of them\n\nthe end of the cat and the cats" * 20
KINDS = {
    "char": TokenizerConfig(unknown="unk"),
    "word": TokenizerConfig(name="word", unknown="unk"),
    "byte": TokenizerConfig(name="byte"),
    "bpe": TokenizerConfig(name="bpe", vocabulary_size=280),
}
MADE = {name: make_tokenizer(config, SAMPLE) for name, config in KINDS.items()}
# Words, runs of blanks and marks, words longer than a piece, letters of several bytes.
TEXTS = st.text(st.sampled_from([*"the cat.,;'\n\t 4é\u4e2d"]), max_size=120)


@pytest.fixture(params=[1, 2, 3, 7, 30])
def part_length(request, monkeypatch):
    monkeypatch.setattr(pieces, "PART", request.param)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("part_length")
def test_parts_have_the_tokens_of_the_text(kind):
    tokenizer, config = MADE[kind], KINDS[kind]

    @given(TEXTS)
    def check(text):
        parts = list(tokenizer.parts(text))
        assert "".join(parts) == text
        assert all(parts)
        whole = tokenizer.encode(text, config.unknown)
        found = [np.zeros(0, np.uint16), *encoded(tokenizer, text, config.unknown)]
        assert np.array_equal(np.concatenate(found), whole)

    check()


@pytest.mark.parametrize(
    ("kind", "text"), [("char", "the cat#the cat##"), ("word", "the dog sat, the dog"), ("byte", "a\ud800b \udfff")]
)
def test_a_mistake_is_that_of_the_whole_text(kind, text, monkeypatch):
    monkeypatch.setattr(pieces, "PART", 4)
    tokenizer = make_tokenizer(TokenizerConfig(name=kind), "the cat, and the cat")
    with pytest.raises(UserError) as whole:
        tokenizer.encode(text)
    with pytest.raises(UserError) as in_parts:
        list(encoded(tokenizer, text, "error"))
    assert str(in_parts.value) == str(whole.value)


@pytest.mark.parametrize("kind", KINDS)
def test_files_do_not_depend_on_the_parts(kind, write, tmp_path, monkeypatch):
    dataset = DatasetConfig(name="text", training_path=str(write("a.txt", SAMPLE)))
    content = []
    for number, length in enumerate((1 << 20, 50)):
        monkeypatch.setattr(pieces, "PART", length)
        prepare_corpus(load_corpus(dataset), KINDS[kind], tmp_path / str(number))
        content.append([(tmp_path / str(number) / name).read_bytes() for name in (TRAIN_FILE, VALIDATION_FILE)])
    assert content[0] == content[1]


def test_the_digest_does_not_depend_on_the_parts(monkeypatch):
    text = "a\u4e2d\ud800" * 50
    parts = [hashlib.sha256(part.encode("utf-8", "surrogatepass")).hexdigest() for part in (text, "x")]
    expected = hashlib.sha256("".join(f"{part}\n" for part in parts).encode()).hexdigest()
    for length in (1, 7, 1000):
        monkeypatch.setattr(pieces, "PART", length)
        assert text_digest(text, "x") == expected


MEASURED = """
import sys, tracemalloc
from pathlib import Path
import tokenizers
from textzoo.text.prepare import prepare_dataset
from textzoo.text.settings import DatasetConfig, TokenizerConfig
from textzoo.text.tokenizers import pieces

kind, size, step, text, folder = sys.argv[1:]
step = int(step)
pieces.PART = step // 8
peaks = []
for number in (1, 3):
    Path(text).write_text(("A line of the text, and more words.\\n" * (step // 30))[:step] * number)
    tracemalloc.start()
    config = TokenizerConfig(name=kind, vocabulary_size=int(size) or None)
    prepare_dataset(DatasetConfig(name="text", training_path=text), config, Path(folder))
    peaks.append(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
print((peaks[1] - peaks[0]) / (2 * step))
"""


@pytest.mark.parametrize(("kind", "size", "step"), [("char", 0, 4 << 20), ("byte", 0, 4 << 20), ("bpe", 258, 1 << 18)])
def test_memory_grows_by_little_more_than_the_text(kind, size, step, tmp_path):
    """Allocated bytes per further byte of an ASCII text: the text and one copy of it, never its tokens."""
    files = [str(tmp_path / name) for name in ("a.txt", "data")]
    command = [sys.executable, "-c", MEASURED, kind, str(size), str(step), *files]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 2.5
