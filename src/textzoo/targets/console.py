"""Talking to the firmware, wherever it runs: one JSON object per line in both directions.

    for reply in console.command({"command": "generate", "prompt": "The ", "max_tokens": 50}):
        ...

The protocol is described in deployment/application/README.md. Lines that do not begin with "{" are meant for people and
are skipped.
"""

import contextlib
import json
import os
import selectors
import time
from collections import deque
from collections.abc import Iterator
from typing import Any, Protocol

from textzoo.errors import UserError
from textzoo.schema import PredictionConfig

READ_BYTES = 65536
REPLY_SECONDS = 60.0
START_SECONDS = 60.0
PATIENCE_SECONDS = 5.0
SILENCE_SECONDS = 0.3
# The last line of the firmware's greeting (deployment/application/console.c).
GREETING = "Type a text to continue"
KEPT_LINES = 6
MAX_LINE_BYTES = 1 << 20
# What the firmware reads as one line, its end not counted (TEXTZOO_LINE_BYTES of deployment/application/console.c).
DEVICE_LINE_BYTES = 512


class Link(Protocol):
    """Bytes to and from a device."""

    def read(self, timeout: float) -> bytes:
        """What has arrived; b"" if nothing did within `timeout` seconds; EOFError where the other side has gone."""

    def write(self, data: bytes) -> None:
        """Send all of it; EOFError where the other side has gone."""


class FileLink:
    """A pair of file descriptors: the pipes of a process, or a pseudo-terminal (both the same then)."""

    def __init__(self, reading: int, writing: int) -> None:
        self.reading, self.writing = reading, writing
        self.selector = selectors.DefaultSelector()
        self.selector.register(reading, selectors.EVENT_READ)

    def read(self, timeout: float) -> bytes:
        if not self.selector.select(timeout):
            return b""
        with gone_as_end():
            data = os.read(self.reading, READ_BYTES)
        if not data:
            raise EOFError
        return data

    def write(self, data: bytes) -> None:
        with gone_as_end():
            while data:
                data = data[os.write(self.writing, data) :]


class SerialLink:
    """An open `serial.Serial` of pyserial."""

    def __init__(self, port: Any) -> None:
        self.port = port

    def read(self, timeout: float) -> bytes:
        self.port.timeout = timeout
        with gone_as_end():
            first = self.port.read(1)
            return first + self.port.read(self.port.in_waiting) if first else b""

    def write(self, data: bytes) -> None:
        with gone_as_end():
            self.port.write(data)
            self.port.flush()


@contextlib.contextmanager
def gone_as_end() -> Iterator[None]:
    """The system's ways to say that the other side has gone, as EOFError (pyserial's error is an OSError too)."""
    try:
        yield
    except OSError as error:
        raise EOFError(str(error)) from error


class Console:
    """Commands to the firmware, replies from it.

    Args:
        link: The way to the device.
        name: What the device is called in errors.
    """

    def __init__(self, link: Link, name: str) -> None:
        self.link, self.name = link, name
        self.pending = b""
        self.recent: deque[str] = deque(maxlen=KEPT_LINES)

    def command(self, values: dict[str, Any], timeout: float = REPLY_SECONDS) -> Iterator[dict[str, Any]]:
        """Send one command; yield its replies as they come, the last one being the one with a status.

        Args:
            values: The command, e.g. {"command": "info"}.
            timeout: Seconds to wait for each line.

        Raises:
            UserError: The device refused, said nonsense, stayed silent or has gone.
        """
        try:
            self.link.write(command_line(values))
        except EOFError as error:
            raise self.trouble("does not take commands any more") from error
        while True:
            reply = self.reply(timeout)
            if "status" in reply:
                self.check_status(reply, values)
                yield reply
                return
            yield reply

    def ask(self, values: dict[str, Any], timeout: float = REPLY_SECONDS) -> dict[str, Any]:
        """Send one command; return its last reply."""
        return list(self.command(values, timeout))[-1]

    def check_status(self, reply: dict[str, Any], values: dict[str, Any]) -> None:
        if reply["status"] == "ok":
            return
        if reply.get("reply") == "fault":
            raise self.trouble(f"crashed: {json.dumps(reply)}")
        received = f" ({reply['received']!r})" if "received" in reply else ""
        raise UserError(
            f"{self.name} refused the command {values.get('command')!r}: {reply.get('message', 'no reason')}{received}"
        )

    def reply(self, timeout: float) -> dict[str, Any]:
        """The next JSON line."""
        while True:
            line = self.line(timeout)
            self.recent.append(line)
            if not line.startswith("{"):
                continue
            try:
                reply = json.loads(line)
            except ValueError as error:
                raise self.trouble("sent a line that cannot be read") from error
            if not isinstance(reply.get("reply"), str):
                raise self.trouble("sent an object that is not a reply")
            return reply

    def line(self, timeout: float) -> str:
        """The next line, without its end."""
        deadline = time.monotonic() + timeout
        while b"\n" not in self.pending:
            left = deadline - time.monotonic()
            if left <= 0:
                raise self.trouble(f"did not answer within {timeout:g} s")
            if len(self.pending) > MAX_LINE_BYTES:
                raise self.trouble("sends a line without an end")
            try:
                self.pending += self.link.read(left)
            except EOFError as error:
                raise self.trouble("has gone") from error
        line, _, self.pending = self.pending.partition(b"\n")
        return line.decode("utf-8", "replace").rstrip("\r")

    def trouble(self, what: str) -> UserError:
        pending = self.pending.decode("utf-8", "replace")
        lines = [*self.recent, *([pending] if pending else [])]
        said = "".join(f"\n  {line[:200]}" for line in lines[-KEPT_LINES:]) or " nothing"
        return UserError(f"{self.name} {what}. The last it said:{said}\n")

    def wait_for_greeting(self, timeout: float = START_SECONDS) -> dict[str, Any]:
        """Wait until a program that was just started has greeted; return what it says about itself (`info`)."""
        line = ""
        while not line.startswith(GREETING):
            line = self.line(timeout)
            self.recent.append(line)
        return self.ask({"command": "info"})

    def connect(self, timeout: float = START_SECONDS) -> dict[str, Any]:
        """Wait until a device answers that may be running already; return what it says about itself (`info`).

        What was typed before and not ended is ended by an empty line, and what is sent while the device starts is lost:
        so it is asked again and again, and late answers to earlier questions are thrown away.
        """
        deadline = time.monotonic() + timeout
        while True:
            try:
                self.link.write(b"\n")
                info = self.ask({"command": "info"}, timeout=PATIENCE_SECONDS)
            except EOFError as error:
                raise self.trouble("has gone") from error
            except UserError:
                if time.monotonic() >= deadline:
                    raise
            else:
                self.drop_late_answers()
                return info

    def drop_late_answers(self) -> None:
        """Wait until nothing comes any more."""
        with contextlib.suppress(EOFError):
            while self.link.read(SILENCE_SECONDS):
                pass
        self.pending = b""


def generate_command(settings: PredictionConfig, prompt: str) -> dict[str, Any]:
    """The command that continues a prompt."""
    return {
        "command": "generate",
        "prompt": prompt,
        "max_tokens": settings.max_tokens,
        "temperature": settings.temperature,
        "top_k": settings.top_k,
        "seed": settings.seed,
        "stop": settings.stop or "",
    }


def check_prompt(settings: PredictionConfig) -> None:
    """UserError where the command that continues the prompt is longer than the firmware's line."""
    received = len(command_line(generate_command(settings, settings.prompt)).rstrip(b"\n"))
    excess = received - DEVICE_LINE_BYTES
    if excess > 0:
        raise UserError(
            "prediction.prompt is too long for a device's console",
            expected=f"at most {DEVICE_LINE_BYTES} bytes for the command with it and the other options",
            received=f"{received:,} bytes",
            remedy=f"Give a prompt that is {excess:,} bytes shorter, or benchmarking.sample=false.",
        )


def command_line(values: dict[str, Any]) -> bytes:
    """A command as short as it gets, because the device's line is short; lone surrogates only exist as escapes."""
    try:
        return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n"
    except UnicodeEncodeError:
        return json.dumps(values, separators=(",", ":")).encode("ascii") + b"\n"
