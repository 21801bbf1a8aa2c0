"""Requests to a device over bad cables: each has the right answer or a clear error.

The right answers are those of the device itself over a good cable, so that this works with every model.
"""

import contextlib
import os
import random
import tty
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from noise import Cable, noisy_line

from textzoo.common.errors import UserError
from textzoo.services import benchmarking
from textzoo.targets.console import Console, FileLink

REQUESTS_PER_CABLE = 25
CABLES = {
    "good": Cable(),
    "damage": Cable(rate=0.0003),
    "much damage": Cable(rate=0.001),
    "late": Cable(rate=0.0001, late=0.2),
    "chatter": Cable(rate=0.0001, chatter=0.05),
    "cuts": Cable(cut=0.02),
    "all": Cable(rate=0.0003, chatter=0.02, late=0.1, cut=0.01),
    "unplugged": Cable(rate=0.0003, last=30_000),
}
# What may differ between two answers.
MEASURED = ("cost", "boot")
# Reading and writing descriptor of a device.
Ends = tuple[int, int]


def settled(reply: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a reply that is the same every time, also after a restart."""
    if reply["reply"] == "info":
        return {key: reply[key] for key in ("model", "hash", "protocol", "vocabulary_size", "context_length")}
    return {key: value for key, value in reply.items() if key not in MEASURED}


@dataclass
class Request:
    """Something that is asked of a device.

    Attributes:
        values: A command.
        stored: Tokens that are stored before as the prompt.
        stop_after: Number of replies after which the answer is stopped.
        expected: Its replies over a good cable.
    """

    values: dict[str, Any]
    stored: list[int] = field(default_factory=list)
    stop_after: int = 0
    expected: list[dict[str, Any]] = field(default_factory=list)

    def learn(self, console: Console) -> None:
        self.expected = self.answer(console, 0)

    def answer(self, console: Console, stop_after: int) -> list[dict[str, Any]]:
        if self.stored:
            console.load_prompt(self.stored)
        replies, answer = [], console.command(self.values)
        for reply in answer:
            replies.append(settled(reply))
            if len(replies) == stop_after:
                answer.interrupt()
        return replies

    def check(self, console: Console) -> None:
        found = self.answer(console, self.stop_after)
        if not self.stop_after or found == self.expected:
            assert found == self.expected, self.values
            return
        last = found[-1]
        assert found[:-1] == self.expected[: len(found) - 1], self.values
        assert (last["ended"], last["tokens"]) == ("interrupted", len(found) - 1), self.values


@dataclass
class Logits:
    """Logits, token by token."""

    tokens: list[int]
    dtype: np.dtype
    expected: np.ndarray | None = None

    def learn(self, console: Console) -> None:
        self.expected = benchmarking.device_logits(console, self.tokens, self.dtype)

    def check(self, console: Console) -> None:
        assert np.array_equal(benchmarking.device_logits(console, self.tokens, self.dtype), self.expected)


def requests_for(info: dict[str, Any], source: random.Random) -> list[Request | Logits]:
    """Return requests of every kind to a device that describes itself so."""
    vocabulary, context = info["vocabulary_size"], info["context_length"]

    def tokens(count: int) -> list[int]:
        return [source.randrange(vocabulary) for _ in range(count)]

    def options(max_tokens: int) -> dict[str, Any]:
        return {"max_tokens": max_tokens, "seed": source.randrange(2**32), "temperature": 0.9, "stop": ""}

    few = min(context, 8)
    return [
        *(Request({"command": "generate", "tokens": tokens(5), **options(count)}) for count in (0, 1, 12, 30)),
        *(Request({"command": "generate", **options(12)}, stored=tokens(count)) for count in (1, context)),
        *(Request({"command": "generate", "tokens": tokens(3), **options(40)}, stop_after=at) for at in (1, 10)),
        Request({"command": "logits", "only_last": True}, stored=tokens(context)),
        Request({"command": "logits", "tokens": tokens(few)}),
        Logits(tokens(few), np.dtype(f"int{info['logit_bits']}")),
        Request({"command": "set", **options(20)}),
        Request({"command": "info"}),
        Request({"command": "self_check"}),
    ]


def run_requests(connect: Callable[[], contextlib.AbstractContextManager[Ends]], count: int, seed: int) -> Counter[str]:
    """Make requests over cables of all kinds; return how many were answered, and how many ended in which error.

    Args:
        connect: Starts a device, or opens the line of one that runs; used again when it is gone.
        count: Number of requests.
        seed: Of everything random.

    Raises:
        AssertionError: An answer was wrong.
    """
    source, outcomes, done = random.Random(seed), Counter(), 0
    with connect() as ends, good_console(ends) as console:
        requests = requests_for(console.connect(), source)
        for request in requests:
            request.learn(console)
    while done < count:
        with connect() as ends:
            for name, cable in CABLES.items():
                number = min(REQUESTS_PER_CABLE, count - done)
                outcomes += over_cable(ends, name, cable, [source.choice(requests) for _ in range(number)], source)
                done += number
    return outcomes


@contextlib.contextmanager
def good_console(ends: Ends) -> Iterator[Console]:
    with noisy_line(*ends, Cable(), 0) as line:
        yield Console(FileLink(line, line), "the board")


def over_cable(
    ends: Ends, name: str, cable: Cable, requests: list[Request | Logits], source: random.Random
) -> Counter[str]:
    """Make requests over one cable; a new one of the same kind takes the place of one that failed."""
    outcomes, left = Counter(), list(requests)
    while left:
        with noisy_line(*ends, cable, source.randrange(2**32)) as line:
            console = Console(FileLink(line, line), "the board")
            try:
                console.connect()
                while left:
                    left[-1].check(console)
                    left.pop()
                    outcomes["right"] += 1
            except UserError as error:
                left.pop()
                outcomes[f"{name}: {str(error).partition('. ')[0]}"] += 1
    return outcomes


@contextlib.contextmanager
def serial_line(path: str) -> Iterator[Ends]:
    """Open a serial line without pyserial's buffers; its speed must be set."""
    line = os.open(path, os.O_RDWR | os.O_NOCTTY)
    try:
        tty.setraw(line)
        yield line, line
    finally:
        os.close(line)
