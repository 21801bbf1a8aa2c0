"""Small models without files: engines that mix their whole past into every logit, and sources of them."""

import numpy as np

from textzoo.engines.base import Engine, LogitsFormat
from textzoo.engines.generate import SlidingContext
from textzoo.serving.local_source import LocalSource
from textzoo.text.tokenizers.byte import ByteTokenizer
from textzoo.text.tokenizers.character import CharacterTokenizer


class ToyEngine(Engine):
    """Logits that depend on every token since the reset and on its place; `interrupt_at` raises within a step."""

    name = "toy"

    def __init__(self, vocabulary_size=256, context_length=16, salt=1):
        self.salt = salt
        self.vocabulary_size, self.context_length = vocabulary_size, context_length
        self.logits_format = LogitsFormat(np.dtype("int8"), 0.05, 0)
        self.interrupt_at = None
        self.steps = 0
        self.reset()

    def reset(self):
        self.position, self.history = 0, self.salt

    def step_raw(self, token):
        self.check_step(token)
        self.history = (self.history * 1664525 + 1013904223 + token * 2654435761 + self.position) % 2**32
        self.steps += 1
        if self.steps == self.interrupt_at:
            raise KeyboardInterrupt
        self.position += 1
        numbers = np.arange(1, self.vocabulary_size + 1, dtype=np.uint64)
        mixed = (np.uint64(self.history) * numbers * np.uint64(2654435761)) >> np.uint64(13)
        return (mixed % np.uint64(200)).astype(np.int16).astype(np.int8)


ALPHABET = ["\n", " ", *":?.!abcdefghijklmnoprstuvwxyzABCDEHIUW€é"]


def characters(with_unknown=False):
    return CharacterTokenizer(sorted(ALPHABET), with_unknown=with_unknown)


def toy_source(tokenizer=None, context_length=64, salt=1):
    tokenizer = tokenizer or characters()
    return LocalSource(ToyEngine(tokenizer.vocabulary_size, context_length, salt), tokenizer)


def byte_source(context_length=16):
    return toy_source(ByteTokenizer(), context_length)


def fresh_logits(engine, tokens):
    """The raw logits after tokens that are fed from a reset on."""
    context = SlidingContext(engine)
    for token in tokens:
        logits = context.feed(int(token))
    return logits
