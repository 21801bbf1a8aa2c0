"""Plain requests to a server under test, and servers with a source that tests hold in their hand."""

import contextlib
import http.client
import json
import threading
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from textzoo.engines.opening import open_engine
from textzoo.serving.conversation import Conversation, Turn
from textzoo.serving.http.api import Api, ServedModel
from textzoo.serving.http.server import HttpServer, bind
from textzoo.serving.local_source import LocalSource
from textzoo.serving.sources import Sampling, Step, TokenSource, TokenStream
from textzoo.text.chat_templates import DIALOGUE
from textzoo.text.tokenizers.base import load_tokenizer

MODELS = Path(__file__).resolve().parents[2] / "pretrained_models"
GPT = MODELS / "gpt"
NAME = "gpt_int8"
SAMPLING = Sampling(max_tokens=30)
PATIENCE = 60


def pretrained_source(name):
    folder = MODELS / name
    engine = open_engine("litert_ref", folder / "decode_static_wi8_ai8.tflite")
    return LocalSource(engine, load_tokenizer(folder / "tokenizer.json"))


def gpt_source():
    return pretrained_source("gpt")


def served(source, **changes):
    """The model of a server whose source is given."""
    facts = {"name": NAME, "sha256": "0123456789abcdef" * 4, "created": 1, "template": DIALOGUE, "sampling": SAMPLING}
    return ServedModel(source=source, **{**facts, **changes})


@contextlib.contextmanager
def running(source, max_waiting=256, host="127.0.0.1", **changes):
    """A server on a free port."""
    with HttpServer(Api(served(source, **changes), max_waiting), bind(host, 0), host) as server:
        yield server


def told_alone(source, turns, sampling, system="", template=DIALOGUE):
    """The answer of a conversation to the last of its turns, given as texts that alternate, the user's first."""
    conversation = Conversation(source, template, sampling, system)
    roles = ["user", "assistant"] * len(turns)
    conversation.turns = [Turn(role, text) for role, text in zip(roles, turns[:-1], strict=False)]
    return "".join(conversation.ask(turns[-1]))


@dataclass(frozen=True)
class Got:
    """A response."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def values(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.values["error"]

    @property
    def events(self):
        """The objects of a stream, without its end."""
        *lines, end = self.body.decode().split("\n\n")[:-1]
        assert end == "data: [DONE]"
        return [json.loads(line.removeprefix("data: ")) for line in lines]


def connection(server):
    place = urlsplit(server.url)
    return http.client.HTTPConnection(place.hostname, place.port, timeout=PATIENCE)


def send(server, method, path, body=None, headers=None):
    """One request on a connection of its own."""
    with contextlib.closing(connection(server)) as link:
        link.request(method, path, body, headers or {})
        response = link.getresponse()
        return Got(response.status, response.headers, response.read())


def get(server, path, **headers):
    return send(server, "GET", path, headers=headers)


def post(server, path, **values):
    return send(server, "POST", path, json.dumps(values), {"Content-Type": "application/json"})


def complete(server, prompt="The ", **values):
    return post(server, "/v1/completions", model=NAME, prompt=prompt, **values)


def chat(server, *turns, **values):
    """Send a conversation whose turns alternate, the user's first."""
    roles = ["user", "assistant"] * len(turns)
    messages = [{"role": role, "content": text} for role, text in zip(roles, turns, strict=False)]
    return post(server, "/v1/chat/completions", model=NAME, messages=messages, **values)


class GatedSource(TokenSource):
    """Says "a" again and again; each token waits until the test lets it pass.

    Attributes:
        prompts: Of all answers, in the order in which they began.
        stops: Number of answers that were stopped.
        failure: Raised instead of a token, if it is set.
    """

    name = title = "gated"
    context_length = 64
    counter = "instructions"
    gives_logits = False

    def __init__(self):
        self.tokenizer = load_tokenizer(GPT / "tokenizer.json")
        self.gate = threading.Semaphore(0)
        self.prompts = []
        self.stops = threading.Semaphore(0)
        self.failure = None

    def let(self, count):
        """Let so many tokens pass."""
        for _ in range(count):
            self.gate.release()

    def tokens(self, prompt, sampling):
        return GatedStream(self, prompt, sampling.max_tokens)

    def next_logits(self, tokens):
        return np.zeros(self.tokenizer.vocabulary_size, np.float32)

    def close(self):
        pass


class GatedStream(TokenStream):
    def __init__(self, source, prompt, count):
        self.source, self.left, self.is_stopped = source, count, False
        self.token = int(source.tokenizer.encode("a")[0])
        source.prompts.append(prompt)

    def __next__(self):
        if not self.is_stopped and self.left:
            self.source.gate.acquire()
        if self.source.failure:
            raise self.source.failure
        if self.is_stopped or not self.left:
            raise StopIteration
        self.left -= 1
        self.cost = (self.cost or 0) + 10
        return Step(self.token)

    def stop(self):
        if not self.is_stopped and self.left:
            self.is_stopped = True
            self.source.stops.release()
            self.source.let(1)  # whoever waits for a token goes on
