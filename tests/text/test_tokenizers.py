"""The character tokenizer: round trip, unknown characters, and tokenizer.json against damage."""

import json
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textzoo.common.errors import UserError
from textzoo.text.settings import TokenizerConfig
from textzoo.text.tokenizers import pieces
from textzoo.text.tokenizers.base import load_tokenizer, make_tokenizer
from textzoo.text.tokenizers.character import CharacterTokenizer
from textzoo.text.tokenizers.registry import TOKENIZERS

# All of Unicode, lone surrogates included.
characters = (st.integers(0, sys.maxunicode) | st.integers(0xD7FF, 0xE000)).map(chr)
texts = st.text(characters, min_size=2).filter(lambda text: len(set(text)) >= 2)
GOOD = {"format": "textzoo-tokenizer", "version": 1, "kind": "char", "unknown_token": None, "tokens": ["a", "b"]}


@given(texts, st.sampled_from(["error", "unk"]))
def test_round_trip(text, unknown):
    tokenizer = make_tokenizer(TokenizerConfig(unknown=unknown), text)
    tokens = tokenizer.encode(text)
    assert tokens.dtype == np.uint16
    assert tokens.shape == (len(text),)
    assert tokenizer.decode(tokens) == text
    assert "".join(tokenizer.decode([token]) for token in tokens) == text


@given(texts, st.sampled_from(["error", "unk"]))
def test_round_trip_of_the_file(tmp_path_factory, text, unknown):
    tokenizer = make_tokenizer(TokenizerConfig(unknown=unknown), text)
    path = tmp_path_factory.getbasetemp() / "tokenizer.json"
    tokenizer.save(path)
    content = path.read_bytes()
    loaded = load_tokenizer(path)
    assert loaded.tokens == tokenizer.tokens
    assert loaded.unknown_token == tokenizer.unknown_token
    assert loaded.encode(text).tolist() == tokenizer.encode(text).tolist()
    loaded.save(path)
    assert path.read_bytes() == content


@given(texts, st.text(characters))
def test_unknown_characters_become_unk_and_nothing_else_does(text, other):
    tokenizer = make_tokenizer(TokenizerConfig(unknown="unk"), text)
    tokens = tokenizer.encode(other, unknown="unk")
    assert [token == tokenizer.unknown_token for token in tokens] == [character not in text for character in other]
    assert tokenizer.decode(tokens) == "".join(c if c in text else "\ufffd" for c in other)


def test_text_longer_than_a_piece(monkeypatch):
    monkeypatch.setattr(pieces, "PART", 3)
    tokenizer = make_tokenizer(TokenizerConfig(), "abcd")
    assert tokenizer.decode(tokenizer.encode("abcdabcd")) == "abcdabcd"
    assert tokenizer.encode("").shape == (0,)


def test_vocabulary_is_sorted_and_unk_comes_last():
    plain, with_unknown = (make_tokenizer(TokenizerConfig(unknown=policy), "b\na") for policy in ("error", "unk"))
    assert plain.tokens == ["\n", "a", "b"]
    assert (plain.vocabulary_size, plain.unknown_token) == (3, None)
    assert with_unknown.tokens == ["\n", "a", "b", "<unk>"]
    assert (with_unknown.vocabulary_size, with_unknown.unknown_token) == (4, 3)


def test_validation_text_belongs_to_the_vocabulary_unless_there_is_unk():
    assert make_tokenizer(TokenizerConfig(), "ab", "bc").tokens == ["a", "b", "c"]
    assert make_tokenizer(TokenizerConfig(unknown="unk"), "ab", "bc").tokens == ["a", "b", "<unk>"]


def test_unknown_characters_are_listed_with_code_points_and_positions():
    tokenizer = make_tokenizer(TokenizerConfig(), "abc")
    with pytest.raises(UserError) as caught:
        tokenizer.encode("a\u00e9b\u00e9\u00e9\u00e9\u00e9c\ud800")
    message = str(caught.value)
    assert "2 characters are not in the vocabulary" in message
    assert "'é' (U+00E9) at 1, 3, 4 and 2 more, '\\ud800' (U+D800) at 8" in message
    message.encode("utf-8")  # can be printed
    with pytest.raises(UserError, match=r"30 characters.* and 20 more"):
        tokenizer.encode("".join(map(chr, range(0x400, 0x41E))))


def test_unk_is_refused_where_there_is_none():
    tokenizer = make_tokenizer(TokenizerConfig(), "abc")
    with pytest.raises(UserError, match="has no <unk>"):
        tokenizer.encode("abx", unknown="unk")


@pytest.mark.parametrize("tokens", [[3], [-1], [0, 99, 1]])
def test_tokens_outside_the_vocabulary_cannot_be_decoded(tokens):
    with pytest.raises(ValueError, match=r"tokens must be in \[0, 3\)"):
        make_tokenizer(TokenizerConfig(), "abc").decode(tokens)


def test_vocabulary_sizes():
    with pytest.raises(UserError, match="expected 2 to 65535 tokens; received 1"):
        make_tokenizer(TokenizerConfig(), "aaaa")
    everything = [chr(code) for code in range(65536)]
    with pytest.raises(UserError, match="received 65536"):
        CharacterTokenizer(everything)
    largest = CharacterTokenizer(everything[:65535])
    assert largest.encode(everything[65534]).tolist() == [65534]
    with pytest.raises(UserError, match="1 character is not"):
        largest.encode(everything[65535])
    with pytest.raises(UserError, match="received 65536"):
        CharacterTokenizer(everything[:65535], with_unknown=True)


def test_existing_file_is_used(tmp_path):
    path = tmp_path / "tokenizer.json"
    CharacterTokenizer(["z", "a"]).save(path)  # any order is kept
    tokenizer = make_tokenizer(TokenizerConfig(path=str(path)), "other text")
    assert tokenizer.encode("az").tolist() == [1, 0]


def test_unknown_kind_is_suggested():
    with pytest.raises(UserError, match="Did you mean 'char'"):
        TOKENIZERS.get("chars")


BAD_FILES = {
    "empty": "",
    "text": "hello",
    "a list": "[]",
    "cut off": json.dumps(GOOD)[:-3],
    "a key twice": json.dumps(GOOD)[:-1] + ', "tokens": ["a", "c"]}',
    "NaN": json.dumps({**GOOD, "note": float("nan")}),
    "nested too deeply": '{"format":' + "[" * 200_000,
    "a number too long": '{"version": ' + "9" * 10_000 + "}",
    "another format": {**GOOD, "format": "other"},
    "another version": {**GOOD, "version": 2},
    "version true": {**GOOD, "version": True},
    "another kind": {**GOOD, "kind": "bpe"},
    "kind of another type": {**GOOD, "kind": ["char"]},
    "no tokens": {key: value for key, value in GOOD.items() if key != "tokens"},
    "tokens as dict": {**GOOD, "tokens": {"a": 0, "b": 1}},
    "tokens as text": {**GOOD, "tokens": "ab"},
    "a token that is a number": {**GOOD, "tokens": ["a", 1]},
    "an empty token": {**GOOD, "tokens": ["a", ""]},
    "a token twice": {**GOOD, "tokens": ["a", "b", "a"]},
    "a long token": {**GOOD, "tokens": ["a", "bc"]},
    "one token": {**GOOD, "tokens": ["a"]},
    "no token": {**GOOD, "tokens": []},
    "too many tokens": {**GOOD, "tokens": [chr(code) for code in range(65536)]},
    "unknown_token outside": {**GOOD, "unknown_token": 2},
    "unknown_token below": {**GOOD, "unknown_token": -1},
    "unknown_token is a character": {**GOOD, "unknown_token": 1},
    "unknown_token true": {**GOOD, "tokens": ["a", "<unk>"], "unknown_token": True},
    "unknown_token not last": {**GOOD, "tokens": ["a", "<unk>", "b"], "unknown_token": 1},
    "<unk> that is not declared": {**GOOD, "tokens": ["a", "<unk>"]},
}


@pytest.mark.parametrize("content", BAD_FILES.values(), ids=BAD_FILES)
def test_damaged_files_are_refused(tmp_path, content):
    path = tmp_path / "tokenizer.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(UserError):
        load_tokenizer(path)


def test_the_good_file_is_good(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(GOOD))
    assert load_tokenizer(path).tokens == ["a", "b"]


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists), st.sampled_from(sorted(GOOD)))
def test_any_value_of_any_key_is_used_or_refused(tmp_path_factory, value, key):
    path = tmp_path_factory.getbasetemp() / "fuzz.json"
    path.write_text(json.dumps({**GOOD, key: value}))
    try:
        tokenizer = load_tokenizer(path)
    except UserError:
        return
    assert tokenizer.decode(range(tokenizer.vocabulary_size)) == "".join(tokenizer.tokens)


def test_missing_and_large_files(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="no file"):
        load_tokenizer(tmp_path / "tokenizer.json")
    monkeypatch.setattr("textzoo.text.tokenizers.base.MAX_FILE_BYTES", 10)
    (tmp_path / "tokenizer.json").write_text(json.dumps(GOOD))
    with pytest.raises(UserError, match="too large"):
        load_tokenizer(tmp_path / "tokenizer.json")


@pytest.mark.parametrize("content", ["[" + "[]," * 300_000 + "[]]", "{" + '"a": {},' * 300_000 + '"b": {}}'])
def test_a_file_of_empty_lists_is_refused_before_it_is_parsed(tmp_path, content, monkeypatch):
    path = tmp_path / "tokenizer.json"
    path.write_text(f'{{"tokens": {content}}}')
    monkeypatch.setattr("json.loads", None)
    with pytest.raises(UserError, match="of at most 262,144 lists and objects"):
        load_tokenizer(path)


@pytest.mark.parametrize("content", ["[" + "1," * 1_100_000 + "1]", "[" + '"a",' * 1_100_000 + '"a"]'])
def test_a_file_of_millions_of_values_is_refused_before_it_is_parsed(tmp_path, content, monkeypatch):
    path = tmp_path / "tokenizer.json"
    path.write_text(f'{{"tokens": {content}}}')
    monkeypatch.setattr("json.loads", None)
    with pytest.raises(UserError, match="of at most 1,048,576 values"):
        load_tokenizer(path)
