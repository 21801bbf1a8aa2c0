"""Make a corpus of short dialogues between a user and a device: grammatical, harmless, the same for the same seed.

    python datasets/make_conversations.py --output datasets/talk.txt --bytes 1000000 --seed 7

writes datasets/talk.txt, one dialogue after the other with blank lines in between, and beside it datasets/talk.json
with its sha256 and how often each topic occurs. `dataset=conversations` makes one by itself; to train on this file, use
`dataset=text dataset.training_path=datasets/talk.txt dataset.split_mode=random`. As a function:
textzoo.text.corpora.conversations.make_conversations(size_bytes=..., seed=...).
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from textzoo.common.errors import UserError
from textzoo.common.escaping import tolerate_missing_characters, visible
from textzoo.text.corpora.conversations import write_conversations

DEFAULT_BYTES = 1_000_000


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", required=True, type=Path, help="the .txt file to write; the record goes beside it")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--bytes", type=int, help=f"smallest size of the text; default: {DEFAULT_BYTES:,}")
    size.add_argument("--dialogues", type=int, help="number of dialogues, instead of a size")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    tolerate_missing_characters()
    given = arguments().parse_args(argv)
    size = given.bytes if given.bytes is not None or given.dialogues is not None else DEFAULT_BYTES
    try:
        if given.output.suffix != ".txt":
            raise UserError(f"wrong name of the output '{given.output}'", expected="a name that ends in .txt")
        record = write_conversations(given.output, size_bytes=size, dialogues=given.dialogues, seed=given.seed)
    except (UserError, OSError) as error:  # OSError: the output's folder is read-only or full
        print(visible(f"error: {error}"), file=sys.stderr)
        return 2
    sizes = f"{record['bytes']:,} bytes, {record['dialogues']:,} dialogues"
    print(visible(f"{given.output}: {sizes}, sha256 {record['sha256']}"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
