"""Many clients at once on a server of a pretrained model: speed, and whether answers are those given alone; as JSON.

    python benchmarks/serve_load.py [--clients 200] [--seconds 60] [--model gpt] [--engine litert_ref]

Every client keeps a connection and asks one question after the other, every second one as a stream. Before, each
question is answered alone by a conversation in this process. Memory is the server's resident set, after a first second
of load and at the end; processor seconds are the server's, so that other work on the machine does not matter.
"""

import argparse
import contextlib
import http.client
import itertools
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psutil

from startup import processor_seconds
from textzoo.engines.opening import open_engine
from textzoo.serving.conversation import Conversation
from textzoo.serving.local_source import LocalSource
from textzoo.serving.sources import Sampling, TokenSource
from textzoo.text.chat_templates import TEMPLATES
from textzoo.text.tokenizers.base import load_tokenizer

PROJECT = Path(__file__).resolve().parents[1]
TEXTS = ("Hello", "What is your name?", "Tell me a story.", "What can you do?", "How are you?", "Thank you.")
SEEDS = range(8)
MAX_TOKENS = 40
TEMPERATURE = 1.5  # so that answers differ
TEMPLATE = "dialogue"
PERCENTILES = (50, 90, 99, 100)
WARM_UP_SECONDS = 1.0


@dataclass(frozen=True)
class Question:
    """What a client asks, and the answer given alone."""

    text: str
    seed: int
    answer: str


@dataclass(frozen=True)
class Received:
    """What a client got: whether the answer is the one given alone, its tokens, and the time until it was complete."""

    is_right: bool
    tokens: int
    seconds: float


def questions_of(source: TokenSource) -> list[Question]:
    """Return all questions, each answered alone."""
    found = []
    for text, seed in itertools.product(TEXTS, SEEDS):
        sampling = Sampling(temperature=TEMPERATURE, max_tokens=MAX_TOKENS, seed=seed)
        conversation = Conversation(source, TEMPLATES[TEMPLATE], sampling)
        found.append(Question(text, seed, "".join(conversation.ask(text))))
    return found


class Client:
    """A client with a connection of its own.

    Args:
        url: Of the server.
        model: Name of its model.
    """

    def __init__(self, url: str, model: str) -> None:
        self.model = model
        place = urlsplit(url)
        self.connection = http.client.HTTPConnection(place.hostname, place.port, timeout=600)

    def ask(self, question: Question, stream: bool) -> Received:
        """Ask a question; any status but 200 counts as a wrong answer."""
        start = time.perf_counter()
        values = {
            "model": self.model,
            "messages": [{"role": "user", "content": question.text}],
            "seed": question.seed,
            "temperature": TEMPERATURE,
            "max_tokens": MAX_TOKENS,
            "stream": stream,
        }
        if stream:
            values["stream_options"] = {"include_usage": True}
        self.connection.request("POST", "/v1/chat/completions", json.dumps(values))
        response = self.connection.getresponse()
        body = response.read()
        text, tokens = (streamed if stream else whole)(body) if response.status == 200 else (None, 0)
        return Received(text == question.answer, tokens, time.perf_counter() - start)

    def ask_all(self, questions: Sequence[Question], first: int, until: float, least: int) -> list[Received]:
        """Ask question after question from the one of number `first` on, until a time and at least so many."""
        received: list[Received] = []
        with contextlib.closing(self.connection):
            while len(received) < least or time.perf_counter() < until:
                number = first + len(received)
                received.append(self.ask(questions[number % len(questions)], stream=number % 2 == 1))
        return received


def whole(body: bytes) -> tuple[str, int]:
    """Return the text of an answer and its number of tokens."""
    values = json.loads(body)
    return values["choices"][0]["message"]["content"], values["usage"]["completion_tokens"]


def streamed(body: bytes) -> tuple[str, int]:
    """Return the text of a stream's events and its number of tokens."""
    events = [json.loads(line) for line in re.findall(rb"^data: (\{.*\})$", body, re.MULTILINE)]
    pieces = [event["choices"][0]["delta"].get("content", "") for event in events if event["choices"]]
    return "".join(pieces), events[-1]["usage"]["completion_tokens"]


def load(
    url: str, model: str, questions: Sequence[Question], clients: int, seconds: float, least: int = 1
) -> list[Received]:
    """Let clients ask at the same time, for some seconds and at least so many questions each."""
    until = time.perf_counter() + seconds
    with ThreadPoolExecutor(clients) as pool:
        futures = [
            pool.submit(Client(url, model).ask_all, questions, number, until, least) for number in range(clients)
        ]
        return [received for future in futures for received in future.result()]


def figures(received: Sequence[Received], seconds: float) -> dict[str, float | dict[str, float]]:
    """Return counts, speeds and latencies in seconds."""
    times = [one.seconds for one in received]
    tokens = sum(one.tokens for one in received)
    return {
        "requests": len(received),
        "answers_that_differ": sum(not one.is_right for one in received),
        "tokens": tokens,
        "requests_per_second": len(received) / seconds,
        "tokens_per_second": tokens / seconds,
        "latency_seconds": {f"p{share}": float(np.percentile(times, share)) for share in PERCENTILES},
    }


@contextlib.contextmanager
def served(model: str, engine: str, waiting: int) -> Iterator[tuple[str, str, psutil.Process]]:
    """Start the program; yield its address, the model's name and its process."""
    command = [sys.executable, str(PROJECT / "stm32ai_main.py"), "operation_mode=serve", f"model={model}"]
    command += ["pretrained=true", "serve.port=0", f"serve.engine={engine}", f"serve.max_waiting={waiting}"]
    command += [f"chat.template={TEMPLATE}", "chat.system=''"]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as process,
    ):
        try:
            found = None
            while not found:
                line = process.stderr.readline()
                if not line:
                    raise SystemExit("the server ended before it told its address")
                found = re.match(r"(\S+) on .*?: (http://\S+/v1) ", line)
            yield found[2], found[1], psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--model", default="gpt", help="option of the group model, with a pretrained model")
    parser.add_argument("--engine", default="litert_ref", help="of this machine")
    options = parser.parse_args()
    folder = PROJECT / "pretrained_models" / options.model
    engine = open_engine(options.engine, folder / "decode_static_wi8_ai8.tflite")
    questions = questions_of(LocalSource(engine, load_tokenizer(folder / "tokenizer.json")))
    start = time.perf_counter()
    with served(options.model, options.engine, options.clients) as (url, model, process):
        until_it_listens = time.perf_counter() - start
        load(url, model, questions, options.clients, WARM_UP_SECONDS)
        before, busy_before, start = process.memory_info().rss, processor_seconds(process), time.perf_counter()
        received = load(url, model, questions, options.clients, options.seconds)
        rows = figures(received, time.perf_counter() - start)
        busy = processor_seconds(process) - busy_before
        rows |= {"memory_bytes_at_start": before, "memory_bytes_at_end": process.memory_info().rss}
    rows |= {"processor_seconds": busy, "tokens_per_processor_second": rows["tokens"] / busy}
    facts = {"questions": len(questions), "seconds_until_it_listens": until_it_listens}
    print(json.dumps({**vars(options), **facts, **rows}, indent=2))


if __name__ == "__main__":
    main()
