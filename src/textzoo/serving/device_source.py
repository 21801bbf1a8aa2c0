"""A source of tokens on a device: its firmware tokenizes, computes and samples; this side only listens."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from textzoo.common.errors import UserError
from textzoo.engines.base import LogitsFormat
from textzoo.engines.generate import guide_of
from textzoo.grammars.spans import end_of_input
from textzoo.grammars.table import grammar_table
from textzoo.serving.sources import Sampling, Step, TokenSource, TokenStream
from textzoo.targets.answers import Answer
from textzoo.targets.console import Console
from textzoo.targets.protocol import LINE_BYTES
from textzoo.targets.rules import stop_mistakes
from textzoo.targets.signed_lines import command_line
from textzoo.text.tokenizers.base import Tokenizer
from textzoo.text.tokenizers.unknown import SURROGATES


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
        self.grammar_crc32 = answer.text("grammar_crc32") if "grammar_crc32" in info else None
        answer.check()
        self._close = close

    @property
    def is_lost(self) -> bool:
        return self.console.is_lost

    def tokens(self, prompt: str, sampling: Sampling) -> "DeviceStream":
        return DeviceStream(self, prompt, sampling)

    def checked_input(self, prompt: str, sampling: Sampling) -> str | None:
        """Return what the firmware needs to know of the input; None for a grammar without spans of it, or without one.

        Raises:
            UserError: An answer has to obey a grammar that the firmware does not have, or cannot in time.
        """
        grammar, stop = sampling.grammar, stop_of(sampling)
        if grammar is None:
            return None
        guide = guide_of(
            grammar, self.tokenizer, [stop] if stop else [], sampling.max_tokens, sampling.input_of(prompt)
        )
        expected = f"{grammar_table(guide.automaton, grammar.name).crc32:08x}"
        if self.grammar_crc32 != expected:
            held = "no grammar" if self.grammar_crc32 is None else "another grammar, or it for another stop text"
            raise UserError(
                f"{self.title} was built with {held}",
                remedy="Build it with prediction.grammar=<file>, or let an engine of this machine answer.",
            )
        return end_of_input(sampling.input_of(prompt)) if guide.automaton.has_spans else None

    def next_logits(self, tokens: Sequence[int]) -> np.ndarray:
        self.console.load_prompt(tokens)
        *rows, _ = self.console.command({"command": "logits", "only_last": True})
        answer = Answer(rows[-1] if rows else {}, self.console.name)
        row = answer.text("hex")
        answer.check()
        dtype = self.logits_format.dtype.newbyteorder("<")
        return self.logits_format.real(np.frombuffer(bytes.fromhex(row), dtype))

    def close(self) -> None:
        self._close()


class DeviceStream(TokenStream):
    """An answer of the firmware."""

    def __init__(self, source: DeviceSource, prompt: str, sampling: Sampling) -> None:
        input_text = source.checked_input(prompt, sampling)
        self.source, self.prompt, self.sampling = source, prompt, sampling
        self.has_begun = self.is_stopped = False
        command = {"command": "generate", "prompt": prompt, "max_tokens": sampling.max_tokens}
        command |= {"temperature": sampling.temperature, "top_k": sampling.top_k, "seed": sampling.seed}
        command |= {"stop": stop_of(sampling), "unknown": sampling.unknown}
        if source.grammar_crc32 is not None:
            command["grammar"] = "on" if sampling.grammar else "off"
        if input_text is not None:
            command["input"] = input_text
        is_long = len(command_line(command).rstrip(b"\n")) > LINE_BYTES
        self.is_loaded = is_long or bool(SURROGATES.search(prompt))  # beforehand, as tokens: no line can hold it
        if self.is_loaded:
            del command["prompt"]
        self.exchange = source.console.command(command)
        self.steps = self._steps()

    def _steps(self) -> Iterator[Step]:
        self.has_begun = True
        name = self.source.console.name
        if self.is_loaded:
            self.source.console.load_prompt(self.source.encoded(self.prompt, self.sampling.unknown).tolist())
        count = 0
        for reply in self.exchange:
            answer = Answer(reply, name)
            if "status" in reply:
                is_whole = answer.whole("tokens") == count  # else it made more than was wanted of it
                self.cost = answer.whole("cost") if is_whole else None
                self.is_whole = is_whole and reply.get("ended") == "grammar"
            elif not self.is_stopped:
                count += 1
                yield Step(answer.whole("token"))
            answer.check()

    def __next__(self) -> Step:
        return next(self.steps)

    def stop(self) -> None:
        self.is_stopped = True
        self.exchange.interrupt()

    def finish(self) -> None:
        if self.has_begun:
            self.stop()
            for _ in self.steps:
                pass


def stop_of(sampling: Sampling) -> str:
    """Return the first stop text that a device can look for, so that it makes no tokens in vain; "" for none."""
    return next((stop for stop in sampling.stops if not stop_mistakes(stop)), "")
