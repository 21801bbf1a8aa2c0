"""The client of the firmware's console: one JSON object per line in both directions.

    for reply in console.command({"command": "generate", "prompt": "The ", "max_tokens": 50}):
        ...

An answer can be stopped at any token, from this thread or another one:

    answer = console.command(...)
    for reply in answer:
        if enough:
            answer.interrupt()

deployment/application/README.md describes the protocol. Lines that do not begin with "{" are for people and are
skipped.
"""

import contextlib
import os
import secrets
import selectors
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from textzoo.common.errors import UserError
from textzoo.common.signals import raise_if_interrupted
from textzoo.targets.protocol import (
    ENQUIRY,
    GRAPH_GREETING,
    GREETING,
    GREETING_NAME,
    INTERRUPT,
    INTERRUPTED,
    LINE_BYTES,
    OUT_OF_SEQUENCE,
    PROTOCOL_VERSION,
)
from textzoo.targets.signed_lines import MAX_NUMBER, checked_body, command_line, object_of
from textzoo.text.settings import SamplingConfig

READ_BYTES = 65536
# A program on this machine says when it ends; until then it may be slow, as everything here may be.
PROCESS_SECONDS = 60.0
# A device on a serial line that shows no sign of life for so long is given up; longer if its tokens take longer.
SILENCE_SECONDS = 15.0
# A device that has just started checks its weights and kernels before it answers.
START_SECONDS = 60.0
CONNECT_SECONDS = 20.0
# A device acknowledges a command at once: without an acknowledgement by then, it has not received it.
ACKNOWLEDGE_SECONDS = 2.0
# Once the time until a line comes is known, so many times that is a reason to ask whether the device is alive.
PAUSES = 20
SHORTEST_PATIENCE_SECONDS = 0.2
# An interrupt is repeated if lines still arrive after so long.
INTERRUPT_SECONDS = 0.2
# A missing line is requested when the answer has ended, or when others have arrived for so long.
GAP_SECONDS = 0.5
RELEASE_SECONDS = 2.0
# Interruptions are checked for at this interval.
POLL_SECONDS = 0.5
# The exchange fails where a command was sent so often without a new line of its answer. At one damaged byte in a
# thousand a command or its line is damaged in 3 of 10 tries: 12 fail together once in a million times.
TRIES = 12
# After so many tries and enquiries the time between them grows no more.
DOUBLINGS = 3
# A silent device is given up after so many tries and enquiries at least.
ENQUIRIES = 4
# Number of replies that reject checksums after which the firmware is considered too old: one may be a damaged line.
OLD_ANSWERS = 3
CHECKS = (
    "Check that the baud rate is the board's (deployment.hardware_setup.uart.baud), that both devices share a ground, "
    "that the cable is short and firmly plugged in, and that no other program uses the line; a lower rate may help."
)
# This many tokens of up to five digits and a comma fit into a line.
TOKENS_PER_LINE = 64
KEPT_LINES = 6
SHOWN_CHARACTERS = 200
MAX_LINE_BYTES = 1 << 20


class OutOfSequenceError(UserError):
    """The device received another command between this one and the one that it continues."""


class RestartError(UserError):
    """The device restarted in the middle of a command: its state and options are lost."""


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

    One thread sends commands and reads replies; any other may call `interrupt`.

    Args:
        link: The connection to the device.
        name: The device's name in errors.
        is_lossy: Whether bytes may be lost or damaged, as on a serial line: a command without a timely answer is then
            sent again. A pipe to a process loses nothing.

    Attributes:
        is_lost: Whether the device was given up: it is gone, silent, crashed, or sends nonsense.
    """

    def __init__(self, link: Link, name: str, is_lossy: bool = True) -> None:
        self.link, self.name, self.is_lossy = link, name, is_lossy
        self.number = secrets.randbelow(MAX_NUMBER)  # unlikely to be the last number of an earlier program
        self.boot: int | None = None  # number of the device's start; None before the first contact
        self.exchange: Exchange | None = None  # the last one
        self.sending = threading.RLock()  # the handler of a signal may interrupt while its own thread sends
        self.is_lost = False
        self.pending = b""
        self.recent: deque[str] = deque(maxlen=KEPT_LINES)
        self.longest_pause = 0.0  # seconds between two lines of an answer
        self.longest_acknowledgement = 0.0  # seconds until a command was acknowledged

    def command(self, values: dict[str, Any], timeout: float | None = None) -> "Exchange":
        """Send one command when its first reply is asked for; the last of its replies has a status.

        A command whose answer is still coming is interrupted first, and the rest of its answer is ignored.

        Args:
            values: The command, e.g. {"command": "info"}.
            timeout: Seconds without a sign of life from the device after which it is given up; None for a limit that
                follows from the pauses between its lines so far.

        Returns:
            An iterator over the replies, whose `interrupt` stops the answer. It raises UserError if the device refused
            the command, sent invalid replies, gave no sign of life, restarted or is gone, or if a line did not arrive
            undamaged in TRIES tries.
        """
        return Exchange(self, values, timeout)

    def ask(self, values: dict[str, Any], timeout: float | None = None) -> dict[str, Any]:
        """Send one command; return its last reply."""
        return list(self.command(values, timeout))[-1]

    def interrupt(self) -> None:
        """Stop the running answer, if there is one, as its own `interrupt` does; from any thread."""
        if self.exchange is not None:
            self.exchange.interrupt()

    def load_prompt(self, tokens: Sequence[int]) -> None:
        """Store a prompt in the device, for the commands `generate` and `logits` without one that follow.

        Unlike a text in the command itself it may be as long as the context; the text it came from was encoded as one.

        Args:
            tokens: 1 to context_length tokens.
        """
        for start in range(0, len(tokens), TOKENS_PER_LINE):
            part = [int(token) for token in tokens[start : start + TOKENS_PER_LINE]]
            reply = self.ask({"command": "prompt", "tokens": part, "at": start})
            if reply.get("tokens") != start + len(part):
                raise self.trouble(f"stored {reply.get('tokens')!r} tokens in place of {start + len(part)}")

    def send(self, data: bytes) -> None:
        try:
            with self.sending:
                self.link.write(data)
        except EOFError as error:
            raise self.trouble("does not accept commands any more") from error

    def check_status(self, reply: dict[str, Any], values: dict[str, Any]) -> None:
        if reply["status"] == "ok" or is_interrupted(reply):
            return
        received = repr(reply["received"]) if "received" in reply else ""
        message = f"{self.name} refused the command {values.get('command')!r}: {reply.get('message', 'no reason')}"
        kind = OutOfSequenceError if str(reply.get("message", "")).startswith(OUT_OF_SEQUENCE) else UserError
        raise kind(message, received=received)

    def check_boot(self, reply: dict[str, Any], values: dict[str, Any]) -> None:
        """Raise RestartError if a reply is from another start of the device than those before."""
        boot = reply.get("boot")
        if boot is None:
            return
        known, self.boot = self.boot, boot
        if known not in (None, boot):
            raise RestartError(
                f"{self.name} restarted in the middle of {values.get('command')!r}, and has lost its state",
                expected=f"its start number {known}",
                received=f"number {boot}",
                remedy="Repeat the command. Check the power supply, and that nothing presses its reset.",
            )

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
        """Return the error for a device that is given up."""
        self.is_lost = True
        pending = self.pending[-SHOWN_CHARACTERS:].decode("utf-8", "replace")
        lines = [*self.recent, *([pending] if pending else [])]
        shown = [ascii(line[:SHOWN_CHARACTERS])[1:-1] for line in lines[-KEPT_LINES:]]
        last = "".join(f"\n  {line}" for line in shown) or " none"
        return UserError(f"{self.name} {what}", remedy=f"Its last lines:{last}\n{remedy}")

    def wait_for_greeting(self, timeout: float = START_SECONDS) -> dict[str, Any]:
        """Wait for the greeting of a program that was just started; return its `info`."""
        while True:
            line = self.line(timeout)
            if line is None:
                raise self.trouble(f"sent no greeting within {timeout:g} s")
            if is_greeting(line):
                return self.checked_info(timeout)

    def first_line(self, timeout: float) -> str | None:
        """Return the first line of the greeting of a device that starts now, None if it did not come in time."""
        deadline = time.monotonic() + timeout
        while (line := self.line(max(deadline - time.monotonic(), 0.0))) is not None:
            text = line.decode("utf-8", "replace")
            if GREETING_NAME in text:  # behind what was on the line while the device was in reset
                return text[text.index(GREETING_NAME) :]
            if time.monotonic() > deadline:
                break
        return None

    def connect(self, timeout: float = CONNECT_SECONDS) -> dict[str, Any]:
        """Wait until a device answers that may already be running; return its `info`.

        An answer that an earlier program asked for is interrupted, and an incomplete line is cleared. What is sent
        while the device starts may be lost, so the command is repeated.
        """
        self.boot = None
        self.send(INTERRUPT + b"\n")
        return self.checked_info(timeout)

    def is_there(self, timeout: float) -> bool:
        """Return whether a device of this protocol answers within `timeout` seconds.

        What is at the other end may be anything, which is disturbed as little as possible: by one enquiry and one
        command, without an interrupt and without repetition.
        """
        self.number = self.number % MAX_NUMBER + 1
        self.send(ENQUIRY + b"\n" + command_line({"command": "info"}, self.number))
        deadline, pending = time.monotonic() + timeout, b""
        while (left := deadline - time.monotonic()) > 0:
            raise_if_interrupted()
            *lines, pending = (pending + self.read(min(left, POLL_SECONDS))).split(b"\n")
            if any(checked_body(line.rstrip(b"\r")) for line in lines):
                return True
            pending = pending[-MAX_LINE_BYTES:]
        return False

    def checked_info(self, timeout: float) -> dict[str, Any]:
        """Return `info` of a device; raise UserError if it uses another version of the protocol."""
        info = self.ask({"command": "info"}, timeout)
        if info.get("protocol") != PROTOCOL_VERSION:
            raise self.other_firmware(f"protocol {info.get('protocol')!r}")
        return info

    def other_firmware(self, received: str) -> UserError:
        return UserError(
            f"{self.name} has firmware with another version of the protocol",
            expected=f"protocol {PROTOCOL_VERSION}, whose answers can be interrupted and name the device's start",
            received=received,
            remedy="Write the image of this version to it: make flash in the deployed project.",
        )

    def release(self) -> None:
        """Switch the console back to interactive use, until a program connects again."""
        with contextlib.suppress(UserError):
            self.ask({"command": "release"}, timeout=RELEASE_SECONDS)


def is_interrupted(reply: dict[str, Any]) -> bool:
    """Return whether the last line of an answer says that it was interrupted."""
    return INTERRUPTED in (reply.get("ended"), reply.get("message"))


def is_greeting(line: bytes) -> bool:
    return line.decode("utf-8", "replace").startswith((GREETING, GRAPH_GREETING))


class Exchange(Iterator[dict[str, Any]]):
    """One command, repeated until every line of its answer has arrived: an iterator over its replies.

    An answer is the same every time (except for measured times), so that lines of several tries can be combined. The
    device executes a numbered command only once if that matters: a token is not fed twice.
    """

    def __init__(self, console: Console, values: dict[str, Any], timeout: float | None) -> None:
        self.console, self.values, self.timeout = console, values, timeout
        self.number = 0
        self.lines: dict[int, dict[str, Any]] = {}
        self.next = 1  # line of the answer; line 0 acknowledges the command
        self.tries = 0  # since the last new line: how often the command was sent,
        self.enquiries = 0  # and how often it was asked whether the device is alive
        self.damaged = 0  # number of damaged lines
        self.unsigned = 0  # replies of firmware that does not support checksums
        self.is_running = self.is_stopping = self.is_repeated = False
        self.stopped = 0.0  # time of the last interrupt
        self.gap: float | None = None  # time since when a line is missing though later ones have arrived
        self.running = self.replies()

    def __next__(self) -> dict[str, Any]:
        return next(self.running)

    def interrupt(self) -> None:
        """Stop the answer within one token; the iterator goes on to the last line.

        That has `"ended": "interrupted"`, and in `text` what was still held back; or it is the one that it would have
        been anyway, if that was on its way already. On a lossy line the interrupt is repeated until the answer has
        ended. May be called by any thread, before the first reply, between two replies and after the last one, and
        several times.
        """
        self.is_stopping, self.stopped = True, time.monotonic()
        with contextlib.suppress(EOFError), self.console.sending:
            if self.is_running:
                self.console.link.write(INTERRUPT)

    def replies(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of the answer in order, without what only the protocol needs."""
        self.start()
        while True:
            if self.next not in self.lines:
                self.receive()
                continue
            reply = self.lines.pop(self.next)
            self.next += 1
            if "status" in reply:
                with self.console.sending:  # an interrupt from now on would meet the next command
                    self.is_running = False
                self.console.check_status(reply, self.values)
            hidden = ("n", "line") if reply["reply"] == "info" else ("n", "line", "boot")
            yield {key: value for key, value in reply.items() if key not in hidden}
            if "status" in reply:
                return

    def start(self) -> None:
        """Send the command for the first time; an answer that nobody reads any more is stopped."""
        before, self.console.exchange = self.console.exchange, self
        if before is not None and before.is_running:
            before.is_running = False
            self.console.send(INTERRUPT)
        self.heard = self.progress = time.monotonic()
        self.renumber()
        self.is_running = True
        self.ask()

    def renumber(self) -> None:
        """Give the command a number that the device has not seen."""
        self.number = self.console.number = self.console.number % MAX_NUMBER + 1
        self.is_taken = False

    def ask(self) -> None:
        """Send the command, requesting the lines that are still missing."""
        self.tries += 1
        if self.tries > TRIES:
            raise self.lost()
        self.asked = time.monotonic()
        self.is_repeated = self.tries > 1 or self.next > 1
        # A newline first terminates the rest of a damaged line.
        again = b"\n" if self.is_repeated else b""
        stop = INTERRUPT if self.is_stopping else b""
        first = self.next if self.next > 1 else 0
        self.console.send(again + command_line(self.values, self.number, first) + stop)

    def enquire(self) -> None:
        """Ask whether the device is alive, which a device that works answers after the current token."""
        self.enquiries += 1
        self.asked = time.monotonic()
        self.console.send(INTERRUPT + ENQUIRY if self.is_stopping else ENQUIRY)

    def patience(self) -> float:
        """Return the seconds after which to ask again; twice as long the first times."""
        longest = self.console.longest_pause if self.is_taken else self.console.longest_acknowledgement
        first = max(SHORTEST_PATIENCE_SECONDS, PAUSES * longest) if longest else ACKNOWLEDGE_SECONDS
        return min(first * 2 ** min(self.tries + self.enquiries - 1, DOUBLINGS), self.limit() / 4)

    def limit(self) -> float:
        """Return the seconds without a sign of life after which the device is given up."""
        if self.timeout is not None:
            return self.timeout
        shortest = SILENCE_SECONDS if self.console.is_lossy else PROCESS_SECONDS
        return max(shortest, PAUSES * self.console.longest_pause)

    def receive(self) -> None:
        """Receive one line; if there is none, ask whether the device is alive, or send the command again."""
        now, deadline = time.monotonic(), self.heard + self.limit()
        can_enquire, can_ask = self.console.boot is not None, self.console.is_lossy
        again = max(self.asked, self.heard) + self.patience() if can_enquire or can_ask else deadline
        # Beyond the limit the last tries get their time, too: it may be this program that was stopped for a while.
        line = self.console.line(max((again if now >= deadline else min(again, deadline)) - now, 0.0))
        if line is not None:
            self.take(line)
        elif time.monotonic() >= deadline and (self.tries + self.enquiries >= ENQUIRIES or not can_enquire):
            raise self.console.trouble(f"did not answer within {self.limit():g} s", self.remedy())
        elif can_enquire and (self.enquiries < self.tries or not can_ask):
            self.enquire()
        else:
            self.ask()

    def take(self, line: bytes) -> None:
        """Process a line: part of the answer, a sign of life, a damaged line, or text for people."""
        body = checked_body(line)
        if body is None:
            self.take_unsigned(line)
            return
        reply = object_of(body)
        if reply is None or not isinstance(reply.get("reply"), str):
            raise self.console.trouble("sent an object that is not a reply")
        self.heard = time.monotonic()
        if reply["reply"] == "fault":
            raise self.crashed(line)
        if reply["reply"] == "alive":
            self.take_sign_of_life(reply)
        elif reply["reply"] == "damaged":
            self.console.check_boot(reply, self.values)
            if not self.is_taken:  # otherwise it was a repetition of a command that was received
                self.ask()
        elif reply.get("n") == self.number and type(reply.get("line")) is int:
            self.console.check_boot(reply, self.values)
            self.keep(reply)

    def take_sign_of_life(self, reply: dict[str, Any]) -> None:
        """Go on waiting for a device that works on the command; ask again if it does not."""
        self.console.check_boot(reply, self.values)
        if reply.get("n") != self.number:  # the command was lost, or has to wait for an earlier one
            if reply.get("working"):
                self.console.send(INTERRUPT)
            self.ask()
        elif reply.get("working"):
            self.tries, self.enquiries, self.is_taken = 1, 0, True
        else:
            self.ask()

    def take_unsigned(self, line: bytes) -> None:
        """Process a line without a valid checksum: text for people, a crash report, or a reply of old firmware."""
        reply = object_of(line) if line.startswith(b"{") else None
        if reply is None:
            self.damaged += b"{" in line
            if is_greeting(line) and self.console.boot is not None:
                self.ask()  # the device has restarted, as its answer will say
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
        number, now = reply["line"], time.monotonic()
        if "status" in reply and is_interrupted(reply) and (not self.is_stopping or number < self.next):
            # A damaged byte has interrupted it, or an interrupt in an earlier try for a line that is there by now. A
            # repetition would end at the same token.
            self.renumber()
            self.ask()
            return
        if (number == 0 and not self.is_taken) or (number >= self.next and number not in self.lines):
            self.store(number, reply, now)
        if self.is_stopping and now > self.stopped + INTERRUPT_SECONDS + self.console.longest_pause:
            self.interrupt()
        if "status" in reply:
            if any(index not in self.lines for index in range(self.next, number)):
                self.ask()
        elif number <= self.next or self.next in self.lines or self.is_stopping:
            self.gap = None
        elif self.gap is None:
            self.gap = now
        elif now > self.gap + GAP_SECONDS and self.values.get("reset", True):
            self.begin_again()

    def store(self, number: int, reply: dict[str, Any], now: float) -> None:
        """Store a new line, and measure how long it took; after a repetition that is not known."""
        if number == 0:
            self.is_taken = True
            if not self.is_repeated:
                self.console.longest_acknowledgement = max(self.console.longest_acknowledgement, now - self.asked)
        else:
            self.lines[number] = reply
            if self.is_taken and not self.is_repeated:
                self.console.longest_pause = max(self.console.longest_pause, now - self.progress)
        self.progress, self.tries, self.enquiries = now, 1, 0

    def begin_again(self) -> None:
        """Request a missing line of an answer that goes on, which is stopped, without waiting for its end."""
        self.renumber()
        self.console.send(INTERRUPT)
        self.gap = None
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
