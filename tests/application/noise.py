"""A serial line that loses, flips, doubles and inserts bytes, between two file descriptors."""

import contextlib
import os
import pty
import random
import selectors
import threading
import tty
from collections.abc import Iterator

READ_BYTES = 4096


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


@contextlib.contextmanager
def noisy_line(reading: int, writing: int, rate: float, seed: int) -> Iterator[int]:
    """A pseudo-terminal whose other side is wired to a device, by a bad cable; yields our side's descriptor."""
    ours, middle = pty.openpty()
    for side in (ours, middle):
        tty.setraw(side)
    ended = threading.Event()
    arguments = (reading, writing, middle, rate, random.Random(seed), ended)
    thread = threading.Thread(target=relay, args=arguments)
    thread.start()
    try:
        yield ours
    finally:
        ended.set()
        thread.join()
        os.close(ours)
        os.close(middle)


def relay(reading: int, writing: int, middle: int, rate: float, source: random.Random, ended: threading.Event) -> None:
    """Carry bytes both ways, damaged, until the end."""
    other = {reading: middle, middle: writing}
    with selectors.DefaultSelector() as selector, contextlib.suppress(OSError):
        for descriptor in other:
            selector.register(descriptor, selectors.EVENT_READ)
        while not ended.is_set():
            for key, _ in selector.select(0.05):
                data = os.read(key.fd, READ_BYTES)
                if not data:
                    return
                os.write(other[key.fd], damaged(data, rate, source))
