"""The program that `probe` runs in a process of its own: the first steps of an unknown .tflite."""

import sys

from textzoo.common.errors import UserError
from textzoo.engines.litert_engine import LitertEngine, LitertReferenceEngine


def main() -> None:
    """Run two steps of the decode step on the standard input; ends by a signal where LiteRT does."""
    content = sys.stdin.buffer.read()
    for kind in (LitertReferenceEngine, LitertEngine):
        try:
            engine = kind(content)
            for _ in range(min(engine.context_length, 2)):
                engine.step_raw(0)
        except UserError:
            pass  # the asking process finds the same and reports it


if __name__ == "__main__":
    main()
