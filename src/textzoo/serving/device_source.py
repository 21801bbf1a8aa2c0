"""A source of tokens on a device: its firmware tokenizes, computes and samples; this side only listens."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from textzoo.engines.base import LogitsFormat
from textzoo.serving.sources import ContextLengthError, Sampling, Step, TokenSource, TokenStream
from textzoo.targets.answers import Answer
from textzoo.targets.console import Console
from textzoo.targets.protocol import LINE_BYTES
from textzoo.targets.rules import stop_mistakes
from textzoo.targets.signed_lines import command_line
from textzoo.text.tokenizers.base import Tokenizer


class DeviceSource(TokenSource):
    """Firmware behind a console.

    Args:
        name: "emulator" or "serial".
        console: The open console; the firmware runs the model of `tokenizer`.
        tokenizer: The model's own.
        logits_format: That of the model.
        info: The firmware's answer to `info`.
        close: Ends the emulator, or lets go of the serial port.
    """

    gives_logits = False

    def __init__(
        self,
        name: str,
        console: Console,
        tokenizer: Tokenizer,
        logits_format: LogitsFormat,
        info: dict[str, Any],
        close: Callable[[], None],
    ) -> None:
        self.name, self.title, self.console, self.tokenizer = name, console.name, console, tokenizer
        self.logits_format = logits_format
        answer = Answer(info, console.name)
        self.context_length = answer.whole("context_length", low=2)
        self.counter = answer.text("counter")
        answer.check()
        self._close = close
        self._running: DeviceStream | None = None

    def tokens(self, prompt: str, sampling: Sampling) -> "DeviceStream":
        self._settle()
        self._running = DeviceStream(self.console, prompt, sampling)
        return self._running

    def next_logits(self, tokens: Sequence[int]) -> np.ndarray:
        self._settle()
        command = {"command": "logits", "tokens": list(tokens)}
        check_line(command, self.console)
        *rows, _ = self.console.command(command)
        answer = Answer(rows[-1] if rows else {}, self.console.name)
        row = answer.text("hex")
        answer.check()
        dtype = self.logits_format.dtype.newbyteorder("<")
        return self.logits_format.real(np.frombuffer(bytes.fromhex(row), dtype))

    def _settle(self) -> None:
        """Wait until the device has ended an answer that was stopped: it does not listen before."""
        if self._running:
            self._running.finish()

    def close(self) -> None:
        self._close()


class DeviceStream(TokenStream):
    """An answer of the firmware."""

    def __init__(self, console: Console, prompt: str, sampling: Sampling) -> None:
        self.console, self.stopped = console, False
        command = {"command": "generate", "prompt": prompt, "max_tokens": sampling.max_tokens}
        command |= {"temperature": sampling.temperature, "top_k": sampling.top_k, "seed": sampling.seed}
        command |= {"stop": stop_of(sampling), "unknown": sampling.unknown}
        check_line(command, console)
        self.steps = self._steps(command)

    def _steps(self, command: dict[str, Any]) -> Iterator[Step]:
        for reply in self.console.command(command):
            answer = Answer(reply, self.console.name)
            if "status" in reply:
                self.cost = answer.whole("cost")
            elif not self.stopped:
                yield Step(answer.whole("token"))
            answer.check()

    def __next__(self) -> Step:
        return next(self.steps)

    def stop(self) -> None:
        self.stopped = True

    def finish(self) -> None:
        self.stop()
        for _ in self.steps:
            pass


def stop_of(sampling: Sampling) -> str:
    """Return the first stop text that a device can look for, so that it makes no tokens in vain; "" for none."""
    return next((stop for stop in sampling.stops if not stop_mistakes(stop)), "")


def check_line(command: dict[str, Any], console: Console) -> None:
    """Raise ContextLengthError if a command is longer than the firmware's line buffer."""
    received = len(command_line(command).rstrip(b"\n"))
    if received > LINE_BYTES:
        raise ContextLengthError(
            f"the text is too long for one line to {console.name}",
            expected=f"at most {LINE_BYTES} bytes for the command with it",
            received=f"{received:,} bytes",
            remedy="Shorten it, or /clear the conversation.",
        )
