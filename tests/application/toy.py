"""The toy model of toy_model/ in Python, read from its C source, and its tokenizer."""

import re
from pathlib import Path

import numpy as np

from textzoo.engines.base import Engine, LogitsFormat
from textzoo.text.tokenizers.character import CharacterTokenizer

FOLDER = Path(__file__).parent / "toy_model"
# One to four bytes of UTF-8, a control character, and characters that JSON escapes.
CHARACTERS = sorted(["\n", " ", '"', "\\", "a", "b", "c", "é", "€", "\U0001f600", "z"])
SCALES = {"int8": 0.05, "int16": 0.005}


def toy_tokenizer() -> CharacterTokenizer:
    return CharacterTokenizer(CHARACTERS, with_unknown=True)


def toy_define(name: str) -> int:
    """A #define of model.h that is a plain number."""
    return int(re.search(rf"#define {name} (\d+)", (FOLDER / "model.h").read_text())[1])


def toy_table() -> np.ndarray:
    """(token, next token) int8."""
    rows = re.findall(r"^    \{([-\d, ]+)\},$", (FOLDER / "model.c").read_text(), re.MULTILINE)
    return np.array([[int(number) for number in row.split(",")] for row in rows], np.int8)


def toy_check_tokens() -> list[int]:
    numbers = re.search(r"model_check_tokens\[MODEL_CHECK_TOKENS\] = \{(.*)\}", (FOLDER / "model.c").read_text())[1]
    return [int(number) for number in numbers.split(",")]


class ToyEngine(Engine):
    """The same integers as model.c."""

    name = "toy"

    def __init__(self, dtype: str = "int8", context_length: int | None = None) -> None:
        self.vocabulary_size = toy_define("MODEL_VOCABULARY_SIZE")
        self.context_length = context_length or toy_define("MODEL_CONTEXT_LENGTH")
        self.logits_format = LogitsFormat(np.dtype(dtype), SCALES[dtype], 0)
        self.table = toy_table()
        self.reset()

    def reset(self) -> None:
        self.position, self.history = 0, 1

    def step_raw(self, token: int) -> np.ndarray:
        self.check_step(token)
        self.history = (self.history * 1664525 + 1013904223 + token * 2654435761 + self.position) % 2**32
        seen = self.table[(self.history >> 16) * self.vocabulary_size >> 16]
        logits = self.table[token].astype(np.int32) + seen
        if self.logits_format.dtype == np.int16:
            logits = logits * 200 + self.position
        self.position += 1
        return logits.astype(self.logits_format.dtype)
