"""Tokenizers of every kind, random texts, and the tokens that Python makes of bytes."""

import random
import struct
import subprocess
from pathlib import Path

from compilers import need
from textzoo.common.paths import APPLICATION
from textzoo.compiler.artifacts.tokenizer_tables import render_tokenizer
from textzoo.testing import STRICT
from textzoo.testing.building import build_c
from textzoo.text.settings import TokenizerConfig
from textzoo.text.tokenizers.base import Tokenizer
from textzoo.text.tokenizers.bpe import BpeTokenizer
from textzoo.text.tokenizers.byte import ByteTokenizer
from textzoo.text.tokenizers.character import CharacterTokenizer
from textzoo.text.tokenizers.word import WordTokenizer

SOURCES = ("utf8.c", "pieces.c")
END, NOT_IN_VOCABULARY = -1, -2
TEXT = (
    "The quick brown fox jumps over the lazy dog; the dog isn't amused.\n\n  “Naïve café!” costs 3.50 €, x86 or 2048?\n"
    "\tfor (i = 0; i < 10; ++i) { total += i; } -- ... \U0001f600\U0001f600 Ünïcödé wörds, 漢字かな交じり文。\x00\x7f"
    " incomprehensibilities antidisestablishmentarianism \ufffd \n \n"
) * 3
WORDS = TokenizerConfig(name="word", unknown="unk")


def bpe(vocabulary_size: int) -> BpeTokenizer:
    return BpeTokenizer.from_texts([TEXT], TokenizerConfig(name="bpe", vocabulary_size=vocabulary_size))


VOCABULARIES: dict[str, Tokenizer] = {
    "ascii": CharacterTokenizer(sorted("\n !abcxyz")),
    "unknown": CharacterTokenizer(sorted("\n aé€\U0001f600"), with_unknown=True),
    "unsorted": CharacterTokenizer(list("zya\x00é€\U0001f600\n ")),
    "replacement": CharacterTokenizer(sorted("a\ufffd\ud800"), with_unknown=True),
    "two": CharacterTokenizer(["b", "a"]),
    "one and unknown": CharacterTokenizer(["a"], with_unknown=True),
    "300": CharacterTokenizer([chr(index) for index in range(0x100, 0x22C)], with_unknown=True),
    "words": WordTokenizer.from_texts([TEXT], WORDS),
    "few words": WordTokenizer.from_texts([TEXT], TokenizerConfig(name="word", unknown="unk", vocabulary_size=9)),
    "unsorted words": WordTokenizer([" the", "dog", " ", "The", "\ufffd", "é"]),
    "bytes": ByteTokenizer(),
    "bpe": bpe(400),
    "bpe of bytes": bpe(256),
    "bpe of pairs": BpeTokenizer([(97, 97), (256, 256), (97, 256), (0xEF, 0xBF), (259, 0xBD), (32, 260), (10, 10)]),
}


def python_tokens(tokenizer: Tokenizer, data: bytes) -> list[int]:
    """What C gives for bytes, by Python's tokenizer: -2 for what is not in the vocabulary."""
    text = data.decode("utf-8", "replace")
    if isinstance(tokenizer, CharacterTokenizer):
        table = {token: index for index, token in enumerate(tokenizer.tokens) if len(token) == 1}
        return [table.get(character, NOT_IN_VOCABULARY) for character in text]
    if isinstance(tokenizer, WordTokenizer) and tokenizer.unknown_token is None:
        tokenizer = WordTokenizer(tokenizer.tokens, with_unknown=True)
    tokens = tokenizer.encode(text, "error" if tokenizer.unknown_token is None else "unk").tolist()
    return [NOT_IN_VOCABULARY if token == tokenizer.unknown_token else token for token in tokens]


def write_sources(tokenizer: Tokenizer, folder: Path) -> list[Path]:
    """Write a tokenizer as C; return the sources to compile."""
    for file, content in render_tokenizer(tokenizer).items():
        (folder / file).write_text(content)
    return [folder / "tokenizer.c", *(APPLICATION / name for name in SOURCES)]


def build_driver(tokenizer: Tokenizer, folder: Path, *flags: str) -> Path:
    """encode_texts.c around a tokenizer."""
    driver = Path(__file__).parent / "encode_texts.c"
    command = [need("host"), *STRICT, *flags, f"-I{folder}", f"-I{APPLICATION}"]
    sources = [driver, *write_sources(tokenizer, folder)]
    return build_c(command, sources, folder / "encode_texts")


def driver_tokens(program: Path, texts: list[bytes]) -> list[tuple[list[int], bytes]]:
    """The tokens of every text, and what they are decoded to."""
    data = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    done = subprocess.run([str(program)], input=data, capture_output=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    answers, at = [], 0
    for _ in texts:
        tokens = []
        while (token := struct.unpack_from("<i", done.stdout, at)[0]) != END:
            tokens.append(token)
            at += 4
        (size,) = struct.unpack_from("<i", done.stdout, at + 4)
        answers.append((tokens, done.stdout[at + 8 : at + 8 + size]))
        at += 8 + size
    assert at == len(done.stdout)
    return answers


FRAGMENTS = [
    *(part.encode() for part in (*TEXT.split(" ")[:60], " ", "  ", "\n", " \n", "a", "aaaa", "é", "€", "\U0001f600")),
    *(bytes([byte]) for byte in (0x00, 0x20, 0x7F, 0x80, 0xBF, 0xC0, 0xC2, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF)),
    *(b"\xe2\x82", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b" \xef\xbf\xbd", b"\xef\xbf"),
]


def random_texts(count: int, seed: int) -> list[bytes]:
    """Texts of words, signs, random bytes and broken UTF-8, from none to a hundred bytes and more."""
    source = random.Random(seed)
    texts = []
    for index in range(count):
        if index % 4:
            texts.append(b"".join(source.choices(FRAGMENTS, k=source.randrange(8))))
        elif index % 8:
            texts.append(source.randbytes(source.randrange(24)))
        else:
            characters = [
                source.choice((97, 98, 32, 10, source.randrange(0x3000))) for _ in range(source.randrange(60))
            ]
            texts.append("".join(map(chr, characters)).encode())
    return texts
