"""The program that `probe` runs in a separate process: the first steps of an untrusted .tflite."""

import sys

from textzoo.common.errors import UserError
from textzoo.engines.litert_engine import LitertEngine, LitertReferenceEngine


def main() -> None:
    """Read a .tflite from standard input and run two steps; if LiteRT crashes, this process ends by the signal."""
    content = sys.stdin.buffer.read()
    for kind in (LitertReferenceEngine, LitertEngine):
        try:
            engine = kind(content)
            for _ in range(min(engine.context_length, 2)):
                engine.step_raw(0)
        except UserError:
            pass  # the parent process gets the same error and reports it


if __name__ == "__main__":
    main()
