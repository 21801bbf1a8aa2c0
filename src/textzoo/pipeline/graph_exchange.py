"""Inferences of a plain graph on a device, over its console, compared with LiteRT's."""

import contextlib
import math
from typing import Any

import numpy as np

from textzoo.common.errors import UserError
from textzoo.common.progress import progress_bar
from textzoo.engines.litert_engine import Arrays
from textzoo.pipeline.graph_firmware import GraphFirmware, little_endian
from textzoo.targets.answers import FLASH_AGAIN, Answer
from textzoo.targets.console import TRIES, Console, OutOfSequenceError

# So many bytes of an input, in hexadecimal, fit into a line of the console with all that a command has besides.
BYTES_PER_COMMAND = 232
MAX_OUTPUT_BYTES = 2**26


def mismatches(made: GraphFirmware, console: Console) -> int:
    """Return the number of elements of all outputs that differ from LiteRT's, over all of the firmware's cases."""
    wrong = 0
    with progress_bar(f"comparing outputs of {console.name}", len(made.cases), unit="inferences") as advance:
        for case in made.cases:
            expected = made.engine.run(case)
            found = device_outputs(made, console, case)
            wrong += sum(differing(found[name], expected[name]) for name in expected)
            advance(1)
    return wrong


def differing(found: bytes, expected: np.ndarray) -> int:
    """Return the number of elements whose bytes differ: of floats the sign of 0 counts, too."""
    size = expected.dtype.itemsize
    reference = np.frombuffer(little_endian(expected), np.uint8).reshape(-1, size)
    return int((np.frombuffer(found, np.uint8).reshape(-1, size) != reference).any(axis=1).sum())


def device_outputs(made: GraphFirmware, console: Console, case: Arrays) -> dict[str, bytes]:
    """Return the bytes of all outputs: name -> bytes. All is sent again where something came in between."""
    for _ in range(TRIES - 1):
        with contextlib.suppress(OutOfSequenceError):
            return outputs_of(made, console, case)
    return outputs_of(made, console, case)


def outputs_of(made: GraphFirmware, console: Console, case: Arrays) -> dict[str, bytes]:
    for index, name in enumerate(made.input_names):
        send_input(console, index, little_endian(case[name]))
    replies = [reply for reply in console.command({"command": "run"}) if "status" not in reply]
    tensors = made.engine.outputs
    sizes = [math.prod(tensors[name].shape) * tensors[name].dtype.itemsize for name in made.output_names]
    return dict(zip(made.output_names, collected(replies, sizes, console.name), strict=True))


def send_input(console: Console, index: int, content: bytes) -> None:
    """Store the bytes of an input in the device, in pieces that fit into its lines."""
    for at in range(0, len(content), BYTES_PER_COMMAND):
        piece = content[at : at + BYTES_PER_COMMAND]
        reply = Answer(console.ask({"command": "input", "index": index, "at": at, "hex": piece.hex()}), console.name)
        stored = reply.whole("bytes", high=MAX_OUTPUT_BYTES)
        reply.check()
        if stored != at + len(piece):
            what = f"{console.name} stored {stored:,} bytes of input {index}"
            raise UserError(what, expected=f"{at + len(piece):,}", remedy=FLASH_AGAIN)


def collected(replies: list[dict[str, Any]], sizes: list[int], name: str) -> list[bytes]:
    """Return the bytes of each output, from lines with pieces of them in order."""
    found = [bytearray() for _ in sizes]
    for reply in replies:
        answer = Answer(reply, name)
        index = answer.whole("index", high=len(sizes) - 1)
        answer.whole("at", low=len(found[index]), high=len(found[index]))
        try:
            found[index] += bytes.fromhex(answer.text("hex"))
        except ValueError:
            answer.wrong("hex", "pairs of hexadecimal digits", "")
        answer.check()
    lengths = [len(content) for content in found]
    if lengths != sizes:
        raise UserError(
            f"{name} sent outputs of {lengths} bytes", expected=f"{sizes}, as the graph's", remedy=FLASH_AGAIN
        )
    return [bytes(content) for content in found]
