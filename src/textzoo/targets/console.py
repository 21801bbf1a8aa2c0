"""The client of the firmware's console: one JSON object per line in both directions.

    for reply in console.command({"command": "generate", "prompt": "The ", "max_tokens": 50}):
        ...

deployment/application/README.md describes the protocol. Lines that do not begin with "{" are for people and are
skipped.
"""

import contextlib
import os
import secrets
import selectors
import time
from collections import deque
from collections.abc import Iterator
from typing import Any, Protocol

from textzoo.common.errors import UserError
from textzoo.common.signals import raise_if_interrupted
from textzoo.targets.protocol import GREETING, LINE_BYTES, OUT_OF_SEQUENCE, PROTOCOL_VERSION
from textzoo.targets.signed_lines import MAX_NUMBER, checked_body, command_line, object_of
from textzoo.text.settings import SamplingConfig

READ_BYTES = 65536
REPLY_SECONDS = 60.0
START_SECONDS = 60.0
PATIENCE_SECONDS = 5.0
# A device acknowledges a command at once: without an acknowledgement by then, it has not received it.
ACKNOWLEDGE_SECONDS = 2.0
RELEASE_SECONDS = 2.0
# Interruptions are checked for at this interval.
POLL_SECONDS = 0.5
# Tries without a new line after which the exchange fails.
TRIES = 8
# Number of replies that reject checksums after which the firmware is considered too old: one may be a damaged line.
OLD_ANSWERS = 3
CHECKS = (
    "Check that the baud rate is the board's (deployment.hardware_setup.uart.baud), that both devices share a ground, "
    "that the cable is short and firmly plugged in, and that no other program uses the line; a lower rate may help."
)
KEPT_LINES = 6
SHOWN_CHARACTERS = 200
MAX_LINE_BYTES = 1 << 20


class OutOfSequenceError(UserError):
    """The device received another command between this one and the one that it continues."""


class Link(Protocol):
    """Bytes to and from a device."""

    def read(self, timeout: float) -> bytes:
        """Return the received bytes, b"" after `timeout` seconds without any; raise EOFError if the device is gone."""

    def write(self, data: bytes) -> None:
        """Send all bytes; raise EOFError if the device is gone."""


class FileLink:
    """A pair of file descriptors: the pipes of a process, or a pseudo-terminal (twice the same descriptor)."""

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
    """Convert an OSError, which includes pyserial's errors, to EOFError: the device is gone."""
    try:
        yield
    except OSError as error:
        raise EOFError(str(error)) from error


class Console:
    """Sends commands to the firmware and receives its replies.

    Args:
        link: The connection to the device.
        name: The device's name in errors.
        is_lossy: Whether bytes may be lost or damaged, as on a serial line: a command without a timely answer is then
            sent again. A pipe to a process loses nothing, so that only the timeout applies.
    """

    def __init__(self, link: Link, name: str, is_lossy: bool = True) -> None:
        self.link, self.name, self.is_lossy = link, name, is_lossy
        self.number = secrets.randbelow(MAX_NUMBER)  # unlikely to be the last number of an earlier program
        self.pending = b""
        self.recent: deque[str] = deque(maxlen=KEPT_LINES)
        self.longest_pause = 0.0  # between two lines of an answer

    def command(self, values: dict[str, Any], timeout: float = REPLY_SECONDS) -> Iterator[dict[str, Any]]:
        """Send one command; yield its replies in order; the last one has a status.

        Args:
            values: The command, e.g. {"command": "info"}.
            timeout: Seconds to wait for each line.

        Raises:
            UserError: The device refused the command, sent invalid replies, did not answer or is gone, or a line did
                not arrive undamaged in TRIES tries.
        """
        self.number = self.number % MAX_NUMBER + 1
        for reply in Exchange(self, values, self.number, timeout).replies():
            if "status" in reply:
                self.check_status(reply, values)
            yield reply

    def ask(self, values: dict[str, Any], timeout: float = REPLY_SECONDS) -> dict[str, Any]:
        """Send one command; return its last reply."""
        return list(self.command(values, timeout))[-1]

    def send(self, line: bytes) -> None:
        try:
            self.link.write(line)
        except EOFError as error:
            raise self.trouble("does not accept commands any more") from error

    def check_status(self, reply: dict[str, Any], values: dict[str, Any]) -> None:
        if reply["status"] == "ok":
            return
        received = f" ({reply['received']!r})" if "received" in reply else ""
        message = f"{self.name} refused the command {values.get('command')!r}: {reply.get('message', 'no reason')}"
        kind = OutOfSequenceError if str(reply.get("message", "")).startswith(OUT_OF_SEQUENCE) else UserError
        raise kind(f"{message}{received}")

    def line(self, timeout: float) -> bytes | None:
        """Return the next line without its end; None if there was none within `timeout` seconds.

        A line that has already arrived is returned with a timeout of 0, too.
        """
        deadline = time.monotonic() + timeout
        while b"\n" not in self.pending:
            raise_if_interrupted()
            left = max(deadline - time.monotonic(), 0.0)
            arrived = self.read(min(left, POLL_SECONDS))
            if not arrived and left <= 0:
                return None
            self.pending += arrived
            if len(self.pending) > MAX_LINE_BYTES:
                raise self.trouble("sends a line without an end")
        line, _, self.pending = self.pending.partition(b"\n")
        self.recent.append(line.decode("utf-8", "replace").rstrip("\r"))
        return line.rstrip(b"\r")

    def read(self, timeout: float) -> bytes:
        try:
            return self.link.read(timeout)
        except EOFError as error:
            raise self.trouble("closed the connection") from error

    def trouble(self, what: str, remedy: str = "") -> UserError:
        pending = self.pending[-SHOWN_CHARACTERS:].decode("utf-8", "replace")
        lines = [*self.recent, *([pending] if pending else [])]
        shown = [ascii(line[:SHOWN_CHARACTERS])[1:-1] for line in lines[-KEPT_LINES:]]
        last = "".join(f"\n  {line}" for line in shown) or " none"
        return UserError(f"{self.name} {what}. Its last lines:{last}\n", remedy=remedy)

    def wait_for_greeting(self, timeout: float = START_SECONDS) -> dict[str, Any]:
        """Wait for the greeting of a program that was just started; return its `info`."""
        while True:
            line = self.line(timeout)
            if line is None:
                raise self.trouble(f"sent no greeting within {timeout:g} s")
            if line.decode("utf-8", "replace").startswith(GREETING):
                return self.checked_info(timeout)

    def connect(self, timeout: float = START_SECONDS) -> dict[str, Any]:
        """Wait until a device answers that may already be running; return its `info`.

        An empty line first terminates an incomplete line that was typed before. What is sent while the device starts
        is lost, so the command is repeated.
        """
        self.send(b"\n")
        return self.checked_info(timeout)

    def checked_info(self, timeout: float) -> dict[str, Any]:
        """Return `info` of a device; raise UserError if it uses another version of the protocol."""
        info = self.ask({"command": "info"}, timeout)
        if info.get("protocol") != PROTOCOL_VERSION:
            raise self.other_firmware(f"protocol {info.get('protocol')!r}")
        return info

    def other_firmware(self, received: str) -> UserError:
        return UserError(
            f"{self.name} has firmware with another version of the protocol",
            expected=f"protocol {PROTOCOL_VERSION}, whose lines have checksums",
            received=received,
            remedy="Write the image of this version to it: make flash in the deployed project.",
        )

    def release(self) -> None:
        """Switch the console back to interactive use, until a program connects again."""
        with contextlib.suppress(UserError):
            self.ask({"command": "release"}, timeout=RELEASE_SECONDS)


class Exchange:
    """One command, repeated until every line of its answer has arrived.

    An answer is the same every time (except for measured times), so that lines of several tries can be combined. The
    device executes a numbered command only once if that matters: a token is not fed twice.
    """

    def __init__(self, console: Console, values: dict[str, Any], number: int, timeout: float) -> None:
        self.console, self.values, self.number, self.timeout = console, values, number, timeout
        self.lines: dict[int, dict[str, Any]] = {}
        self.next = 1  # line of the answer; line 0 acknowledges the command
        self.tries = 0  # since the last new line
        self.damaged = 0  # number of damaged lines
        self.unsigned = 0  # replies of firmware that does not support checksums
        self.progress = time.monotonic()

    def replies(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of the answer in order, without number and checksum."""
        self.ask()
        while True:
            if self.next not in self.lines:
                self.receive()
                continue
            reply = self.lines[self.next]
            self.next += 1
            yield {key: value for key, value in reply.items() if key not in ("n", "line")}
            if "status" in reply:
                return

    def ask(self) -> None:
        """Send the command, requesting the lines that are still missing."""
        self.tries += 1
        if self.tries > TRIES:
            raise self.lost()
        # A newline first terminates the rest of a damaged line.
        again = b"\n" if self.tries > 1 else b""
        self.console.send(again + command_line(self.values, self.number, self.next if self.next > 1 else 0))
        self.asked = time.monotonic()

    def patience(self) -> float:
        """Return the seconds after which a command is repeated; twice as long each time, because it may be running."""
        is_taken = 0 in self.lines
        first = max(ACKNOWLEDGE_SECONDS, 20 * self.console.longest_pause if is_taken else 0.0)
        return min(first * 2 ** (self.tries - 1), self.timeout / 4)

    def receive(self) -> None:
        """Receive one line, or send the command again."""
        now, deadline = time.monotonic(), self.progress + self.timeout
        again = max(self.asked, self.progress) + self.patience() if self.console.is_lossy else deadline
        line = self.console.line(max(min(again, deadline) - now, 0.0))
        if line is not None:
            self.take(line)
        elif time.monotonic() >= deadline:
            raise self.console.trouble(f"did not answer within {self.timeout:g} s", self.remedy())
        else:
            self.ask()

    def take(self, line: bytes) -> None:
        """Process a line: part of the answer, a damaged line, or text for people."""
        body = checked_body(line)
        if body is None:
            self.take_unsigned(line)
            return
        reply = object_of(body)
        if reply is None or not isinstance(reply.get("reply"), str):
            raise self.console.trouble("sent an object that is not a reply")
        if reply["reply"] == "fault":
            raise self.crashed(line)
        if reply["reply"] == "damaged":
            if 0 not in self.lines:  # otherwise it was a repetition of a command that was received
                self.ask()
        elif reply.get("n") == self.number and type(reply.get("line")) is int:
            self.keep(reply)

    def take_unsigned(self, line: bytes) -> None:
        """Process a line without a valid checksum: text for people, a crash report, or a reply of old firmware."""
        reply = object_of(line) if line.startswith(b"{") else None
        if reply is None:
            self.damaged += b"{" in line
        elif reply.get("reply") == "fault":
            raise self.crashed(line)
        elif reply.get("message") == "unknown key" and reply.get("received") in ("n", "crc"):
            self.unsigned += 1
            if self.unsigned >= OLD_ANSWERS or not self.console.is_lossy:
                raise self.console.other_firmware("lines without checksums")
            self.ask()
        else:
            self.damaged += 1

    def keep(self, reply: dict[str, Any]) -> None:
        """Store a line of the answer; request missing lines once the last one has arrived."""
        number = reply["line"]
        if number not in self.lines and (number == 0 or number >= self.next):
            now = time.monotonic()
            if number > 0 and 0 in self.lines and self.tries == 1:  # otherwise the pause includes a repetition
                self.console.longest_pause = max(self.console.longest_pause, now - self.progress)
            self.lines[number] = reply
            self.progress, self.tries = now, 1
        if "status" in reply and any(index not in self.lines for index in range(self.next, number)):
            self.ask()

    def crashed(self, line: bytes) -> UserError:
        return self.console.trouble(f"crashed: {line.decode('utf-8', 'replace')}")

    def remedy(self) -> str:
        return CHECKS if self.console.is_lossy else ""

    def lost(self) -> UserError:
        """Return the error for a line that did not arrive."""
        what = f"line {self.next} of its answer to {self.values.get('command')!r}"
        damaged = f"; {self.damaged} lines were damaged" if self.damaged else ""
        return self.console.trouble(f"did not send {what} in {TRIES} tries{damaged}", self.remedy())


def generate_command(settings: SamplingConfig, prompt: str) -> dict[str, Any]:
    """Return the command that continues a prompt."""
    return {
        "command": "generate",
        "prompt": prompt,
        "max_tokens": settings.max_tokens,
        "temperature": settings.temperature,
        "top_k": settings.top_k,
        "seed": settings.seed,
        "stop": settings.stop or "",
    }


def check_prompt(settings: SamplingConfig) -> None:
    """Raise UserError if the command that continues the prompt is longer than the firmware's line buffer."""
    received = len(command_line(generate_command(settings, settings.prompt)).rstrip(b"\n"))
    excess = received - LINE_BYTES
    if excess > 0:
        raise UserError(
            "prediction.prompt is too long for a device's console",
            expected=f"at most {LINE_BYTES} bytes for the command with it and the other options",
            received=f"{received:,} bytes",
            remedy=f"Use a prompt that is {excess:,} bytes shorter, or benchmarking.sample=false.",
        )
