"""The program that `probe` runs in a separate process: the first steps, or the first run, of an untrusted .tflite."""

import contextlib
import sys

from textzoo.common.errors import UserError
from textzoo.engines.graph_engine import GraphEngine
from textzoo.engines.litert_engine import LitertEngine, LitertReferenceEngine


def main() -> None:
    """Read a .tflite from standard input and run two steps, or one inference; a crash of LiteRT ends this process."""
    content = sys.stdin.buffer.read()
    for kind in (LitertReferenceEngine, LitertEngine):
        try:
            engine = kind(content)
            for _ in range(min(engine.context_length, 2)):
                engine.step_raw(0)
        except UserError:
            pass  # the parent process gets the same error and reports it
    with contextlib.suppress(UserError):
        GraphEngine(content)


if __name__ == "__main__":
    main()
