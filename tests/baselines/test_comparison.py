"""Baselines of a corpus: on the text of the evaluation, in its windows; beside slow models and compressors' files."""

import lzma
import math
import shutil
import subprocess

import numpy as np
import pytest
from slow_ngrams import probability_in_tree, tree_of

from textzoo.baselines import comparison, compressors
from textzoo.baselines.comparison import NGRAM, XZ, ZSTD, alphabet_of, baselines_of, ngram_content, symbols_of
from textzoo.baselines.ngram_counts import count_levels
from textzoo.text.prepare import prepare_dataset
from textzoo.text.settings import DatasetConfig, TokenizerConfig
from textzoo.text.windows import validation_windows

WORDS = ["the", "cat", "sat", "on", "a", "mat", "and", "saw", "café", "näher", "dog"]
CONTEXT, TOKENS, SIZE = 16, 90, 1500


@pytest.fixture(scope="module")
def text():
    rng = np.random.default_rng(0)
    return ". ".join(" ".join(rng.choice(WORDS, 6)) for _ in range(120)) + "\n"


def prepared(text, folder, **tokenizer):
    (folder / "text.txt").write_text(text)
    dataset = DatasetConfig(name="text", training_path=str(folder / "text.txt"), validation_split=0.1)
    return prepare_dataset(dataset, TokenizerConfig(**tokenizer), folder / "data")


KINDS = {
    "char": {"name": "char"},
    "byte": {"name": "byte"},
    "bpe": {"name": "bpe", "vocabulary_size": 270},
    "word": {"name": "word"},
}


def slow_bits(data, tree, size, *, is_windowed):
    """Bits of the windows' targets by a tree, character by character, and their number."""
    bits, number, before = 0.0, 0, ""
    ((inputs, targets, weights),) = validation_windows(data.validation, (), CONTEXT, TOKENS).values()
    for row in range(len(inputs)):
        first = data.tokenizer.token_bytes[inputs[row, 0]]
        wanted = b"".join(data.tokenizer.token_bytes[token] for token in targets[row][weights[row] > 0])
        context = first.decode("utf-8", "ignore") if is_windowed or not row else before
        for symbol in wanted.decode("utf-8", "ignore"):
            bits -= math.log2(probability_in_tree(tree, size, context[-9:], symbol))
            number += 1
            context += symbol
        before = context
    return bits, number


@pytest.mark.parametrize("tokenizer", KINDS.values(), ids=KINDS)
def test_an_ngram_model_sees_what_the_model_sees(text, tmp_path, tokenizer):
    """At most the window before a character; or all of the text before it."""
    if tokenizer["name"] in ("byte", "bpe"):  # windows may begin within a character, which the slow way cannot tell
        text = text.replace("é", "e").replace("ä", "a")
    data = prepared(text, tmp_path, **tokenizer)
    row = baselines_of(data, CONTEXT, TOKENS, {"int8": SIZE})[0]
    training = data.tokenizer.decode(data.train)
    held_out = data.tokenizer.decode(data.validation[: TOKENS + 1])
    alphabet = alphabet_of(training, [held_out])
    levels = count_levels(symbols_of(training, alphabet), len(alphabet))
    tree = tree_of(ngram_content(levels, len(alphabet), alphabet, SIZE))
    for value, is_windowed in ((row.bits_per_character, True), (row.without_windows, False)):
        bits, number = slow_bits(data, tree, len(alphabet), is_windowed=is_windowed)
        assert value == pytest.approx(bits / number)
    assert (row.name, row.against) == (NGRAM, "int8")
    assert SIZE - 10 < row.file_bytes <= SIZE


def test_a_mixture_is_compared_on_all_of_its_sources(tmp_path):
    texts = {"a.txt": "ab" * 500 + "ba" * 100, "b.txt": "xyz" * 400}
    for name, content in texts.items():
        (tmp_path / name).write_text(content)
    sources = [{"name": "text", "training_path": str(tmp_path / name)} for name in texts]
    data = prepare_dataset(DatasetConfig(name="mixture", sources=sources), TokenizerConfig(), tmp_path / "data")
    ngram, xz, *_ = baselines_of(data, 8, 100, {"int8": 2000})
    assert 0 < ngram.without_windows <= ngram.bits_per_character < 1
    assert 0 < xz.bits_per_character < 4


def test_every_size_has_an_ngram_model_and_compressors_come_once(text, tmp_path):
    rows = baselines_of(prepared(text, tmp_path), CONTEXT, TOKENS, {"int8": 3000, "int4": 1200})
    assert [(row.name, row.against) for row in rows] == [(NGRAM, "int8"), (NGRAM, "int4"), (XZ, ""), (ZSTD, "")]
    assert rows[0].file_bytes > rows[1].file_bytes
    assert [row.name for row in baselines_of(prepared(text, tmp_path), CONTEXT, TOKENS, {})] == [XZ, ZSTD]


def test_compressors_know_the_training_text(text):
    """What it has costs next to nothing, what it lacks costs what it is worth."""
    training, noise = text.encode(), bytes(np.random.default_rng(1).integers(0, 256, 2000, np.uint8))
    for bits in (compressors.xz_bits, compressors.zstd_bits):
        assert bits(training, training[1000:3000]) < 600
        assert 8 * 2000 <= bits(training, noise) < 8 * 2000 + 600


def test_xz_is_that_of_the_command(text):
    if shutil.which("xz") is None:
        pytest.fail("xz is needed: make tools-test")
    training, held_out = text.encode()[:4000], text.encode()[4000:]
    sizes = [
        len(subprocess.run(["xz", "-9", "-c"], input=part, capture_output=True, check=True).stdout)
        for part in (training + held_out, training)
    ]
    # The command and the library may choose another check sum, of at most 64 bytes.
    assert abs(compressors.xz_bits(training, held_out) - 8 * (sizes[0] - sizes[1])) <= 64
    assert lzma.decompress(lzma.compress(training, preset=9)) == training


def test_without_zstd_the_line_says_so(text, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    row = baselines_of(prepared(text, tmp_path), CONTEXT, TOKENS, {})[1]
    assert (row.bits_per_character, row.how) == (None, "not measured: install zstd")


def test_an_old_zstd_is_told_of(text, tmp_path, monkeypatch):
    (tmp_path / "zstd").write_text("#!/bin/sh\necho unknown option >&2\nexit 1\n")
    (tmp_path / "zstd").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert "does not know --patch-from" in compressors.zstd_bits(b"a", b"b")


def test_a_long_text_is_learned_in_pieces_from_everywhere(text, tmp_path, monkeypatch):
    data = prepared(text, tmp_path)
    monkeypatch.setattr(comparison, "MAX_TRAINING_TOKENS", 640)
    pieces = comparison.training_text(data)
    assert len(pieces) == 640
    whole = data.tokenizer.decode(data.train)
    assert pieces[:10] == whole[:10]
    assert pieces[-10:] == whole[-10:]
