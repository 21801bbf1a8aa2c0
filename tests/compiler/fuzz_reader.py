"""Many damaged files through the reader and the compiler, by hand: python tests/compiler/fuzz_reader.py --cases 100000

Every outcome must be success or UserError, within seconds and little memory; anything else is printed with the seed
that repeats it, and ends the script with 1. A crash of the process itself leaves the file behind as `last`.
"""

import argparse
import collections
import contextlib
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from hostile_files import DAMAGES, damaged, small_decode_step

from textzoo.common.errors import UserError
from textzoo.compiler.compile import compile_bytes
from textzoo.compiler.operators.base import Target
from textzoo.compiler.tflite.file import parse_tflite, rewritten

SECONDS_ALLOWED = 20
SECONDS_NOTICED = 3
PROGRESS = 1000
MORE_MEMORY = 2**30


class TooLongError(Exception):
    """A case that does not end."""


@contextlib.contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise TooLongError after some seconds of computing."""

    def stop(*_: Any) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def outcome(content: bytes) -> str:
    """ "refused", "read" (the compiler refuses it) or "compiled"; every other error is one of ours."""
    with limited(SECONDS_ALLOWED):
        try:
            parse_tflite(content)
            rewritten(content)
        except UserError:
            return "refused"
        try:
            compile_bytes(content, Target())
        except UserError:
            return "read"
        return "compiled"


def kinds_of(seed: int) -> list[str]:
    """One damage, or two after each other."""
    random = np.random.default_rng([seed, 1])
    return [str(kind) for kind in random.choice(list(DAMAGES), random.integers(1, 3))]


def address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0, help="of the first case; the others follow")
    parser.add_argument("--model", type=Path, help="what is damaged; a tiny decode step where none is given")
    parser.add_argument("--last", type=Path, help="where the file of the running case is kept")
    given = parser.parse_args()
    content = given.model.read_bytes() if given.model else small_decode_step()
    assert outcome(content) == "compiled"
    resource.setrlimit(resource.RLIMIT_AS, (address_space() + MORE_MEMORY,) * 2)
    counts: collections.Counter[str] = collections.Counter()
    slowest, failed = 0.0, 0
    for seed in range(given.seed, given.seed + given.cases):
        bad = damaged(content, kinds_of(seed), seed)
        if bad is None:
            counts["not a file"] += 1
            continue
        if given.last:
            given.last.write_bytes(bad)
        start = time.process_time()
        try:
            counts[outcome(bad)] += 1
        except Exception as error:  # what this script looks for
            failed += 1
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(place.filename).name}:{place.lineno}"
            print(f"seed {seed} {'+'.join(kinds_of(seed))}: {type(error).__name__}: {error} at {where}", flush=True)
        seconds = time.process_time() - start
        if seconds > SECONDS_NOTICED:
            print(f"seed {seed} {'+'.join(kinds_of(seed))}: {seconds:.1f} s", flush=True)
        slowest = max(slowest, seconds)
        if (seed + 1) % PROGRESS == 0:
            print(f"up to seed {seed}: {dict(counts)}", flush=True)
    print(f"{dict(counts)}, failed: {failed}, slowest case {slowest:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
