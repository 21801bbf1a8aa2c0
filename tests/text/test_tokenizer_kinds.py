"""Every kind of tokenizer keeps the same promises; words, bytes and BPE keep their own; hostile files are refused."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textzoo.common.errors import UserError
from textzoo.text.settings import TokenizerConfig
from textzoo.text.tokenizers import bpe as bpe_tokenizer
from textzoo.text.tokenizers.base import load_tokenizer, make_tokenizer
from textzoo.text.tokenizers.bpe import BpeTokenizer, printable_bytes
from textzoo.text.tokenizers.byte import BYTE_TOKENS, ByteTokenizer
from textzoo.text.tokenizers.pieces import MAX_PIECE_BYTES, cut
from textzoo.text.tokenizers.registry import TOKENIZERS
from textzoo.text.tokenizers.word import WordTokenizer

TEXT = "The dog isn't amused,  the fox is.\n\n\tNaïve “café” costs 3.50 €; 漢字 \U0001f600! -- ... x86 aaaa aaa\n" * 4
# One row per kind: what it is made with from TEXT, so that it knows all of it.
KINDS = {
    "char": TokenizerConfig(),
    "word": TokenizerConfig(name="word"),
    "byte": TokenizerConfig(name="byte"),
    "bpe": TokenizerConfig(name="bpe", vocabulary_size=320),
}
OPEN_KINDS = ["byte", "bpe"]  # they encode any text
MADE = {kind: make_tokenizer(config, TEXT) for kind, config in KINDS.items()}
text_of_the_kinds = st.lists(st.sampled_from(sorted(set(cut(TEXT, 1)))), max_size=40).map("".join)
unicode_text = st.text(st.characters(exclude_categories=["Cs"]))


def test_every_kind_is_tested():
    assert sorted(KINDS) == TOKENIZERS.names()


@pytest.mark.parametrize("kind", KINDS)
def test_promises_of_all_kinds(kind, tmp_path):
    tokenizer = MADE[kind]
    tokens = tokenizer.encode(TEXT)
    assert tokens.dtype == np.uint16
    assert tokenizer.decode(tokens) == TEXT
    assert "".join(tokenizer.decode_stream(tokens.tolist())) == TEXT
    assert b"".join(tokenizer.token_bytes[token] for token in tokens) == TEXT.encode()
    assert tokenizer.token_characters[tokens].sum() == len(TEXT)
    assert len(tokenizer.tokens) == len(tokenizer.token_bytes) == tokenizer.vocabulary_size
    assert tokenizer.encode("").shape == (0,)
    with pytest.raises(ValueError, match="tokens must be in"):
        tokenizer.decode([tokenizer.vocabulary_size])
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    again = load_tokenizer(path)
    assert type(again) is type(tokenizer)
    assert again.encode(TEXT).tolist() == tokens.tolist()
    again.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()
    assert make_tokenizer(KINDS[kind], TEXT).tokens == tokenizer.tokens


@pytest.mark.parametrize("kind", KINDS)
@given(text=text_of_the_kinds)
def test_round_trip_of_pieces_in_any_order(kind, text):
    """Words side by side are another word: "is" and "n" are "isn". That may be unknown; nothing else goes wrong."""
    tokenizer = MADE[kind]
    if kind == "word" and not set(cut(text, 1)) <= set(tokenizer.tokens):
        with pytest.raises(UserError, match="not in the vocabulary"):
            tokenizer.encode(text)
    else:
        assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("kind", OPEN_KINDS)
@given(text=unicode_text)
def test_bytes_encode_any_text(kind, text):
    tokens = MADE[kind].encode(text)
    assert MADE[kind].decode(tokens) == text
    assert MADE[kind].token_characters[tokens].sum() == len(text)


@pytest.mark.parametrize("kind", OPEN_KINDS)
@given(tokens=st.lists(st.integers(0, 255) | st.integers(0xC0, 0xFF) | st.integers(0x80, 0x9F), max_size=30))
def test_what_is_not_utf8_is_decoded_as_python_does_and_streamed_alike(kind, tokens):
    text = MADE[kind].decode(tokens)
    assert text == bytes(tokens).decode("utf-8", "replace")
    pieces = list(MADE[kind].decode_stream(tokens))
    assert "".join(pieces) == text
    assert all(pieces)


@pytest.mark.parametrize("kind", OPEN_KINDS)
def test_lone_surrogates_are_named(kind):
    with pytest.raises(UserError, match=r"1 character is not .*\(U\+D800\) at 1"):
        MADE[kind].encode("a\ud800")


@pytest.mark.parametrize("kind", KINDS)
def test_unk_is_refused_where_there_is_none(kind):
    with pytest.raises(UserError, match="has no <unk>"):
        MADE[kind].encode("a", unknown="unk")


# pieces.py

PIECES = [
    ("The cat, the dog.", ["The", " cat", ",", " the", " dog", "."]),
    ("  a", [" ", " a"]),
    (" \n a \n", [" ", "\n", " a", " ", "\n"]),
    ("x86 2048", ["x", "8", "6", " 2", "0", "4", "8"]),
    ("isn't “it” –", ["isn", "'", "t", " “", "it", "”", " –"]),
    ("naïve 漢字。\U0001f600 ", ["naïve", " 漢字", "。", "\U0001f600", " "]),
    ("a" * 17 + " " + "b" * 16, ["a" * 16, "a", " " + "b" * 16]),
    ("...\x00\x7f", [".", ".", ".", "\x00", "\x7f"]),
]


@pytest.mark.parametrize(("text", "pieces"), PIECES)
def test_pieces(text, pieces):
    assert list(cut(text, 1)) == pieces


def test_runs_of_marks_and_blanks():
    assert list(cut("a ... --\n\n\n b" + "!" * 9, 8)) == ["a", " ...", " --", "\n\n\n", " b", "!" * 8, "!"]
    assert list(cut(" " * 10 + "a", 8)) == [" " * 8, " ", " a"]
    assert list(cut(" " * 10, 8)) == [" " * 8, "  "]


@given(st.text(), st.integers(1, 16))
def test_pieces_put_together_are_the_text(text, longest_run):
    pieces = list(cut(text, longest_run))
    assert "".join(pieces) == text
    assert all(len(piece.encode("utf-8", "surrogatepass")) <= MAX_PIECE_BYTES for piece in pieces)


# word


def word_tokens(text: str, **settings) -> list[str]:
    return WordTokenizer.from_texts([text], TokenizerConfig(name="word", **settings)).tokens


# text, settings, tokens
VOCABULARIES = [
    ("b b b a d d c", {}, [" a", " b", " c", " d", "b"]),
    ("b b b a d d c", {"unknown": "unk"}, [" a", " b", " c", " d", "b", "<unk>"]),
    ("b b b a d d c", {"unknown": "unk", "min_count": 2}, [" b", " d", "<unk>"]),
    ("b b b a d d c", {"unknown": "unk", "vocabulary_size": 4}, [" a", " b", " d", "<unk>"]),  # of equal ones the first
    ("b b b a d d c", {"unknown": "unk", "vocabulary_size": 2}, [" b", "<unk>"]),
    ("b b b a d d c", {"vocabulary_size": 5}, [" a", " b", " c", " d", "b"]),
    ("a \ud800 b", {}, [" b", "a"]),
]


@pytest.mark.parametrize(("text", "settings", "tokens"), VOCABULARIES)
def test_the_most_frequent_words_are_kept(text, settings, tokens):
    assert WordTokenizer.from_texts([text], TokenizerConfig(name="word", **settings)).tokens == tokens


def test_too_many_words_without_unk_are_refused():
    with pytest.raises(UserError, match=r"expected .*vocabulary_size=4 .*received 5 different words.*unknown=unk"):
        WordTokenizer.from_texts(["b b b a d d c"], TokenizerConfig(name="word", vocabulary_size=4))


def test_unknown_words_are_listed_or_become_unk():
    with pytest.raises(UserError, match=r"2 words are not .*received ' cats' at 3, 12, '!' \(U\+0021\) at 17"):
        WordTokenizer(["The", " dog"]).encode("The cats dog cats!")
    tokenizer = WordTokenizer(["The", " dog"], with_unknown=True)
    assert tokenizer.encode("The cats dog!", unknown="unk").tolist() == [0, 2, 1, 2]
    assert tokenizer.decode([0, 2, 1, 2]) == "The\ufffd dog\ufffd"
    assert tokenizer.token_characters.tolist() == [3, 4, 0]


# bpe


def library_of(tokenizer: BpeTokenizer):
    """Hugging Face's BPE with the same merges; it numbers tokens as we do."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    alphabet = printable_bytes()
    names = ["".join(alphabet[byte] for byte in text) for text in tokenizer.token_bytes]
    merges = [(names[left], names[right]) for left, right in tokenizer.merges]
    library = Tokenizer(models.BPE({name: token for token, name in enumerate(names)}, merges))
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return library


LIBRARY = library_of(MADE["bpe"])


def assert_same_as_library(tokenizer: BpeTokenizer, library, text: str) -> None:
    pieces = list(cut(text, bpe_tokenizer.MAX_RUN))
    assert tokenizer.encode(text).tolist() == library.encode(pieces, is_pretokenized=True).ids


@given(text=unicode_text | text_of_the_kinds | st.text("aehts nT'.-\n", max_size=60))
def test_our_bpe_is_that_of_hugging_face(text):
    assert_same_as_library(MADE["bpe"], LIBRARY, text)


@given(
    pairs=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=12), text=st.text("abcd", max_size=30)
)
def test_any_merges_do_what_hugging_face_does(pairs, text):
    """Merges of a, b, c, d and of what they make."""
    merges: list[tuple[int, int]] = []
    for pair in pairs:
        tokens = [97, 98, 99, 100, *range(256, 256 + len(merges))]
        left, right = (tokens[half % len(tokens)] for half in pair)
        made = BpeTokenizer(merges).token_bytes
        if made[left] + made[right] not in made and len(made[left] + made[right]) <= MAX_PIECE_BYTES:
            merges.append((left, right))
    tokenizer = BpeTokenizer(merges)
    assert_same_as_library(tokenizer, library_of(tokenizer), text)


def test_a_merge_whose_result_is_a_token_already_is_left_out():
    """The library's trainer may find "abc" twice, as a + bc and as ab + c."""
    assert bpe_tokenizer.numbered([["a", "b"], ["b", "c"], ["a", "bc"], ["ab", "c"], ["abc", "a"]]) == [
        (97, 98), (98, 99), (97, 257), (258, 97),
    ]  # fmt: skip


@pytest.mark.parametrize("size", [257, 300, 320])
def test_bpe_has_as_many_tokens_as_asked_for(size):
    made = [make_tokenizer(TokenizerConfig(name="bpe", vocabulary_size=size), TEXT * 9) for _ in range(2)]
    assert made[0].vocabulary_size == size
    assert made[0].merges == made[1].merges


def test_a_corpus_too_small_for_the_vocabulary():
    with pytest.raises(UserError, match=r"too small .*expected .* at most 259; received 512.*smaller vocabulary"):
        make_tokenizer(TokenizerConfig(name="bpe", vocabulary_size=512), "abcd")
    with pytest.raises(UserError, match="at most 257"):
        make_tokenizer(TokenizerConfig(name="bpe", vocabulary_size=512, min_count=2), "ab-ab-cd")


def test_bpe_learns_from_the_training_text_alone():
    config = TokenizerConfig(name="bpe", vocabulary_size=258)
    assert make_tokenizer(config, "abcab", "zzzzzzzzz").merges == make_tokenizer(config, "abcab").merges


def test_pieces_that_are_not_kept_are_encoded_all_the_same(monkeypatch):
    monkeypatch.setattr(bpe_tokenizer, "MAX_CACHED_PIECES", 1)
    tokenizer = BpeTokenizer(MADE["bpe"].merges)
    assert tokenizer.encode(TEXT).tolist() == MADE["bpe"].encode(TEXT).tolist()
    assert len(tokenizer.known) == 1


# tokenizer.json

HEADER = {"format": "textzoo-tokenizer", "version": 1, "unknown_token": None}
WORD = {**HEADER, "kind": "word", "tokens": ["The", " dog", "."]}
BYTE = {**HEADER, "kind": "byte", "tokens": BYTE_TOKENS}
BPE = {**HEADER, "kind": "bpe", "tokens": [*BYTE_TOKENS, "ab", "abc"], "merges": [[97, 98], [256, 99]]}
GOOD_FILES = {
    "word": WORD,
    "byte": BYTE,
    "bpe": BPE,
    "bpe without merges": {**BPE, "tokens": BYTE_TOKENS, "merges": []},
}


def doubled(times: int) -> dict:
    """Merges of merges: tokens of 2, 4, 8, ... bytes."""
    tokens, merges, last = list(BYTE_TOKENS), [], 97
    for _ in range(times):
        merges.append([last, last])
        tokens.append(tokens[last] * 2)
        last = len(tokens) - 1
    return {**BPE, "tokens": tokens, "merges": merges}


BAD_FILES = {
    "word: two words": {**WORD, "tokens": ["The", " dog ."]},
    "word: two blanks": {**WORD, "tokens": ["The", "\n\n"]},
    "word: a long word": {**WORD, "tokens": ["The", "a" * 17]},
    "word: a surrogate": {**WORD, "tokens": ["The", "\ud800"]},
    "word: unk that is not last": {**WORD, "tokens": ["The", "<unk>", "."], "unknown_token": 1},
    "word: unk that is not declared": {**WORD, "tokens": ["The", "<unk>"]},
    "byte: one missing": {**BYTE, "tokens": BYTE_TOKENS[:-1]},
    "byte: another order": {**BYTE, "tokens": BYTE_TOKENS[::-1]},
    "byte: one more": {**BYTE, "tokens": [*BYTE_TOKENS, "<unk>"], "unknown_token": 256},
    "bpe: no merges": {key: value for key, value in BPE.items() if key != "merges"},
    "bpe: merges as dict": {**BPE, "merges": {"97": 98}},
    "bpe: a merge less": {**BPE, "merges": BPE["merges"][:1]},
    "bpe: a merge more": {**BPE, "merges": [*BPE["merges"], [97, 97]]},
    "bpe: a merge of three": {**BPE, "merges": [[97, 98], [97, 98, 99]]},
    "bpe: a merge of texts": {**BPE, "merges": [["a", "b"], [256, 99]]},
    "bpe: a merge of truths": {**BPE, "merges": [[97, 98], [True, 99]]},
    "bpe: a merge of itself": {**BPE, "merges": [[97, 98], [257, 99]]},
    "bpe: a merge of a later token": {**BPE, "merges": [[257, 98], [256, 99]]},
    "bpe: a merge below 0": {**BPE, "merges": [[97, -158], [256, 99]]},
    "bpe: a merge of an unknown token": {**BPE, "merges": [[97, 98], [10**30, 99]]},
    "bpe: another result": {**BPE, "merges": [[97, 99], [256, 99]]},
    "bpe: the same merge twice": {**BPE, "merges": [[97, 98], [97, 98]]},
    "bpe: the same token twice": {**BPE, "tokens": [*BYTE_TOKENS, "ab", "ab"], "merges": [[97, 98], [97, 98]]},
    "bpe: bytes in another order": {**BPE, "tokens": [*BYTE_TOKENS[::-1], "ab", "abc"]},
    "bpe: too few tokens": {**BPE, "tokens": BYTE_TOKENS[:255], "merges": []},
    "bpe: a token longer than a piece": doubled(7),
    "bpe: unk": {**BPE, "tokens": [*BYTE_TOKENS, "ab", "<unk>"], "unknown_token": 257},
}


def write(path, values):
    path.write_text(json.dumps(values))
    return path


@pytest.mark.parametrize("values", GOOD_FILES.values(), ids=GOOD_FILES)
def test_good_files(tmp_path, values):
    assert load_tokenizer(write(tmp_path / "tokenizer.json", values)).tokens == values["tokens"]


@pytest.mark.parametrize("values", BAD_FILES.values(), ids=BAD_FILES)
def test_damaged_files_are_refused(tmp_path, values):
    with pytest.raises(UserError):
        load_tokenizer(write(tmp_path / "tokenizer.json", values))


def test_a_token_as_long_as_a_piece_is_the_longest(tmp_path):
    assert load_tokenizer(write(tmp_path / "tokenizer.json", doubled(6))).vocabulary_size == 256 + 6


def test_too_many_merges_are_refused(tmp_path):
    pairs = itertools.islice(itertools.product(range(128), repeat=2), 8192 - 256 + 1)
    merges = [list(pair) for pair in pairs]
    tokens = [*BYTE_TOKENS, *(chr(left) + chr(right) for left, right in merges)]
    path = tmp_path / "tokenizer.json"
    with pytest.raises(UserError, match="256 to 8192 tokens"):
        load_tokenizer(write(path, {**BPE, "tokens": tokens, "merges": merges}))
    assert load_tokenizer(write(path, {**BPE, "tokens": tokens[:-1], "merges": merges[:-1]})).vocabulary_size == 8192


anything = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists)
merge_lists = st.lists(st.lists(st.integers(-1, 260), min_size=1, max_size=3), max_size=3)


@pytest.mark.parametrize("kind", ["word", "byte", "bpe"])
@given(data=st.data())
def test_any_value_of_any_key_is_used_or_refused(tmp_path_factory, kind, data):
    good = GOOD_FILES[kind]
    key = data.draw(st.sampled_from(sorted(good)))
    value = data.draw(anything | merge_lists | st.lists(st.text(max_size=3)).map(lambda more: [*BYTE_TOKENS, *more]))
    path = write(tmp_path_factory.getbasetemp() / "fuzz.json", {**good, key: value})
    try:
        tokenizer = load_tokenizer(path)
    except UserError:
        return
    assert len(tokenizer.decode(range(tokenizer.vocabulary_size))) > 0
    text = tokenizer.tokens[0] if kind == "word" else "abcé\x00"
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_the_bytes_need_no_text():
    assert ByteTokenizer.from_texts([], TokenizerConfig(name="byte")).vocabulary_size == 256
