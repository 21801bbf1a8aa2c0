"""Every kind of tokenizer in C against Python: tokens and text, whatever the bytes, under the sanitizers."""

import ctypes
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizer_cases import VOCABULARIES, build_driver, driver_tokens, python_tokens, random_texts, write_sources
from toy_projects import compile_library

from compilers import need
from textzoo.common.errors import UserError
from textzoo.common.paths import APPLICATION
from textzoo.compiler.artifacts.tokenizer_tables import render_tokenizer
from textzoo.testing import STRICT
from textzoo.text.tokenizers.character import CharacterTokenizer

RANDOM_TEXTS = 100_000
SANITIZERS = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
# One row per kind; the other vocabularies are tested with Hypothesis.
KINDS = ["unknown", "words", "bytes", "bpe"]


class TokenizerText(ctypes.Structure):
    """tokenizer_text_t."""

    _fields_ = (
        ("bytes", ctypes.c_char_p),
        ("count", ctypes.c_size_t),
        ("start", ctypes.c_size_t),
        ("at", ctypes.c_size_t),
        ("given", ctypes.c_uint16),
        ("left", ctypes.c_uint16),
    )


@pytest.fixture(scope="module")
def tokenizer_library(tmp_path_factory):
    made = {}

    def build(name):
        if name not in made:
            folder = tmp_path_factory.mktemp("tokenizer")
            made[name] = compile_library(folder, write_sources(VOCABULARIES[name], folder), [folder])
        return made[name]

    return build


def c_tokens(library, data):
    """All tokens of a text; -2 for what is not in the vocabulary."""
    text = TokenizerText()
    library.tokenizer_open(ctypes.byref(text), data, ctypes.c_size_t(len(data)))
    tokens = []
    while (token := library.tokenizer_encode(ctypes.byref(text))) != -1:
        tokens.append(token)
        assert text.start < text.at <= len(data)
    return tokens


def c_bytes(library, token):
    """What a token is written as."""
    library.tokenizer_decode.restype = ctypes.c_size_t
    text = ctypes.create_string_buffer(80)
    written = library.tokenizer_decode(token, text)
    return text.raw[:written]


BYTES = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=30).map(str.encode),
    st.text("aeé \n.-1\ufffd€", max_size=30).map(str.encode),
    st.lists(st.sampled_from([0x00, 0x20, 0x41, 0x61, 0x80, 0xBF, 0xC0, 0xC2, 0xE0, 0xE2, 0xED, 0xEF, 0xF0, 0xF4, 0xF5,
                              0x9F, 0x8F, 0x90, 0xA0, 0x82, 0xAC, 0xBD, 0xFF])).map(bytes),
)  # fmt: skip


@pytest.mark.quick(4)
@pytest.mark.parametrize("name", VOCABULARIES)
@given(data=BYTES)
def test_tokenizer_encodes_as_in_python_whatever_the_bytes(tokenizer_library, name, data):
    assert c_tokens(tokenizer_library(name), data) == python_tokens(VOCABULARIES[name], data)


@pytest.mark.parametrize("name", VOCABULARIES)
def test_tokenizer_writes_its_tokens_as_python_does(tokenizer_library, name):
    tokenizer, library = VOCABULARIES[name], tokenizer_library(name)
    assert [c_bytes(library, token) for token in range(tokenizer.vocabulary_size)] == tokenizer.token_bytes


@pytest.mark.parametrize("name", VOCABULARIES)
def test_what_every_token_is_written_as_is_encoded_as_in_python(tokenizer_library, name):
    tokenizer, library = VOCABULARIES[name], tokenizer_library(name)
    for written in tokenizer.token_bytes:
        assert c_tokens(library, written) == python_tokens(tokenizer, written)


@pytest.mark.quick(4)
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("name", [*KINDS, "unsorted words", "bpe of bytes"])
def test_it_compiles_without_a_warning(tmp_path, name, compiler):
    for source in write_sources(VOCABULARIES[name], tmp_path):
        includes = [f"-I{tmp_path}", f"-I{APPLICATION}"]
        command = [need(compiler), *STRICT, "-O2", *includes, "-c", str(source), "-o", str(tmp_path / "object.o")]
        subprocess.run(command, check=True, timeout=60)


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_random_texts_give_the_tokens_and_the_text_of_python(tmp_path, name):
    tokenizer, texts = VOCABULARIES[name], random_texts(RANDOM_TEXTS, seed=1)
    program = build_driver(tokenizer, tmp_path, *SANITIZERS)
    for text, (tokens, decoded) in zip(texts, driver_tokens(program, texts), strict=True):
        assert tokens == python_tokens(tokenizer, text), text
        known = [token for token in tokens if token >= 0]
        assert decoded.decode("utf-8", "replace") == tokenizer.decode(known), text


def test_other_kinds_of_tokenizers_are_refused():
    class Syllable(CharacterTokenizer):
        name = "syllable"

    with pytest.raises(UserError, match="'syllable' cannot be deployed yet"):
        render_tokenizer(Syllable(["a", "b"]))
