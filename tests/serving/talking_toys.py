"""Small models without files: engines that mix their whole past into every logit, and sources of them."""

import io

import numpy as np

from textzoo.common.errors import UserError
from textzoo.common.terminal import TextConsole
from textzoo.engines.base import Engine, LogitsFormat
from textzoo.engines.generate import SlidingContext
from textzoo.serving.conversation import Conversation
from textzoo.serving.local_source import LocalSource
from textzoo.serving.sources import Sampling
from textzoo.serving.terminal.display import Display
from textzoo.serving.terminal.loop import take
from textzoo.serving.terminal.session import Session
from textzoo.text.chat_templates import DIALOGUE, find_template
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


class ToyModel:
    """A model of two engines, of which one computes something else."""

    name = "toy_int8"
    engines = ("toy", "other")

    def __init__(self, with_unknown=False):
        self.tokenizer = characters(with_unknown)
        self.opened = []

    def template(self, name):
        return find_template(name or "dialogue", None)

    def open(self, engine, serial_port=None):
        if engine not in self.engines:
            raise UserError(f"the engine {engine} needs another model")
        source = toy_source(self.tokenizer, salt=1 + self.engines.index(engine))
        source.name = source.title = engine
        source.closed = False
        source.close = lambda: setattr(source, "closed", True)
        self.opened.append(source)
        return source

    def facts(self):
        return {"model": self.name}


class Screen:
    """A session, and what it has shown."""

    def __init__(self, with_unknown=False, **settings):
        self.out, self.notes = io.StringIO(), io.StringIO()
        model = ToyModel(with_unknown)
        sampling = Sampling(**{"max_tokens": 8, **settings})
        conversation = Conversation(model.open("toy"), DIALOGUE, sampling, keeps_logits=False)
        display = Display(TextConsole(file=self.out), TextConsole(file=self.notes))
        self.session = Session(model, conversation, display)

    @property
    def conversation(self):
        return self.session.conversation

    def type(self, *lines):
        """Run lines; return what they show."""
        self.out.truncate(self.out.seek(0))
        for line in lines:
            take(self.session, line)
        return self.out.getvalue()
