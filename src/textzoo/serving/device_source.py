"""A source of tokens on a device: its firmware tokenizes, computes and samples; this side only listens."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from textzoo.serving.sources import Sampling, Step, TokenSource, TokenStream
from textzoo.targets.answers import Answer
from textzoo.targets.console import Console
from textzoo.text.tokenizers.base import Tokenizer


class DeviceSource(TokenSource):
    """Firmware behind a console.

    Args:
        name: "emulator" or "serial".
        console: The open console; the firmware runs the model of `tokenizer`.
        tokenizer: The model's own.
        info: The firmware's answer to `info`.
        close: Ends the emulator, or lets go of the serial port.
    """

    gives_logits = False

    def __init__(
        self, name: str, console: Console, tokenizer: Tokenizer, info: dict[str, Any], close: Callable[[], None]
    ) -> None:
        self.name, self.title, self.console, self.tokenizer = name, console.name, console, tokenizer
        answer = Answer(info, console.name)
        self.context_length = answer.whole("context_length", low=2)
        self.counter = answer.text("counter")
        answer.check()
        self._close = close

    def tokens(self, prompt: str, sampling: Sampling) -> "DeviceStream":
        return DeviceStream(self.console, prompt, sampling)

    def next_logits(self, prompt: str, unknown: str = "error") -> np.ndarray:
        raise NotImplementedError

    def close(self) -> None:
        self._close()


class DeviceStream(TokenStream):
    """An answer of the firmware."""

    def __init__(self, console: Console, prompt: str, sampling: Sampling) -> None:
        self.console = console
        command = {"command": "generate", "prompt": prompt, "max_tokens": sampling.max_tokens}
        command |= {"temperature": sampling.temperature, "top_k": sampling.top_k, "seed": sampling.seed}
        self.steps = self._steps({**command, "stop": "", "unknown": sampling.unknown})

    def _steps(self, command: dict[str, Any]) -> Iterator[Step]:
        for reply in self.console.command(command):
            answer = Answer(reply, self.console.name)
            if "status" in reply:
                self.cost = answer.whole("cost")
            else:
                yield Step(answer.whole("token"))
            answer.check()

    def __next__(self) -> Step:
        return next(self.steps)

    def stop(self) -> None:
        raise NotImplementedError
