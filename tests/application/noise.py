"""A bad cable between two file descriptors: it damages, splits and delays what it carries, and inserts other things."""

import contextlib
import os
import pty
import random
import selectors
import threading
import time
import tty
from collections.abc import Iterator
from dataclasses import dataclass

READ_BYTES = 4096
# What is on a line that nobody talks on, or while a board starts.
BOOT_CHATTER = (
    b"\xff" * 40,
    b"\x00" * 40,
    b"\r\nrst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\nconfigsip: 0, SPIWP:0xee\r\n"
    b"load:0x3fff0030,len:1184\r\nentry 0x400805f0\r\n",
    b"ets Jun  8 2016 00:22:57\r\n\r\n",
    b'{"reply":"generate","token":1,"text":"a"}\n',
    b"\n" * 5,
    bytes(byte for byte in range(256) if byte != 4),  # Ctrl-D would end the program, if nobody has talked to it yet
)


@dataclass(frozen=True)
class Cable:
    """How bad it is: probabilities, per byte or per portion that is read.

    Attributes:
        rate: That a byte is lost, flipped in one bit, doubled, or followed by another one.
        chatter: That something of BOOT_CHATTER comes before a portion.
        late: That a portion is split at a random place, and the rest comes up to `late_seconds` later.
        cut: That a portion is lost as a whole.
        last: Bytes after which it is unplugged; None for never.
    """

    rate: float = 0.0
    chatter: float = 0.0
    late: float = 0.0
    late_seconds: float = 0.05
    cut: float = 0.0
    last: int | None = None


def damaged(data: bytes, rate: float, source: random.Random) -> bytes:
    """What arrives of `data`, where each byte meets a mishap with a probability of `rate`."""
    mishaps = (
        lambda byte: [],
        lambda byte: [byte ^ 1 << source.randrange(8)],
        lambda byte: [byte, byte],
        lambda byte: [byte, source.randrange(256)],
    )
    arrived = bytearray()
    for byte in data:
        arrived += bytes(source.choice(mishaps)(byte) if source.random() < rate else [byte])
    return bytes(arrived)


def portions(data: bytes, cable: Cable, source: random.Random) -> Iterator[bytes]:
    """Yield what arrives of a portion, in parts."""
    if source.random() < cable.cut:
        return
    if source.random() < cable.chatter:
        yield source.choice(BOOT_CHATTER)
    if source.random() < cable.late:
        place = source.randrange(len(data) + 1)
        yield damaged(data[:place], cable.rate, source)
        time.sleep(source.random() * cable.late_seconds)
        data = data[place:]
    yield damaged(data, cable.rate, source)


@contextlib.contextmanager
def noisy_line(reading: int, writing: int, cable: float | Cable, seed: int) -> Iterator[int]:
    """A pseudo-terminal whose other side is wired to a device, by a bad cable; yields our side's descriptor."""
    ours, middle = pty.openpty()
    for side in (ours, middle):
        tty.setraw(side)
    ended = threading.Event()
    cable = cable if isinstance(cable, Cable) else Cable(rate=cable)
    arguments = (reading, writing, middle, cable, random.Random(seed), ended)
    thread = threading.Thread(target=relay, args=arguments)
    thread.start()
    try:
        yield ours
    finally:
        ended.set()
        os.close(ours)  # first: the thread may wait until what it writes is read
        thread.join()


def relay(reading: int, writing: int, middle: int, cable: Cable, source: random.Random, ended: threading.Event) -> None:
    """Carry bytes both ways, damaged, until the end or until it is unplugged."""
    other, carried = {reading: middle, middle: writing}, 0
    with closing(middle), selectors.DefaultSelector() as selector, contextlib.suppress(OSError):
        for descriptor in other:
            selector.register(descriptor, selectors.EVENT_READ)
        while not ended.is_set():
            for key, _ in selector.select(0.05):
                data = os.read(key.fd, READ_BYTES)
                carried += len(data)
                if not data or (cable.last is not None and carried > cable.last):
                    return
                for portion in portions(data, cable, source):
                    write_all(other[key.fd], portion)


def write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


@contextlib.contextmanager
def closing(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)
