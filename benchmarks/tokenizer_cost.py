"""The cost of each kind of tokenizer on a device, and its number of characters per token.

Run: python benchmarks/tokenizer_cost.py --text FILE [--measured 20000]
Each kind is trained on the first 90 % of the text. Prints JSON per kind: bytes of its tables in flash; over the last
10 %, characters per token and the share of unknown tokens; instructions of the C per character of its first `measured`
characters, for encoding and decoding (valgrind, this machine, -O2).
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from textzoo.common.paths import APPLICATION
from textzoo.compiler.artifacts.tokenizer_tables import render_tokenizer, tokenizer_tables
from textzoo.targets.native import find_compiler
from textzoo.targets.toolchains import missing_tools
from textzoo.text.corpora.loading import split_at_end
from textzoo.text.corpora.reading import read_text
from textzoo.text.settings import TokenizerConfig
from textzoo.text.tokenizers.base import Tokenizer, make_tokenizer

DRIVER = Path(__file__).parent / "encode_text.c"
COLLECTED = re.compile(r"Collected\s*:\s*(\d+)")
VALGRIND_SECONDS = 600
HELD_OUT = 0.1
# char and word have <unk>, because their vocabularies are closed.
KINDS = {
    "char": TokenizerConfig(unknown="unk"),
    "byte": TokenizerConfig(name="byte"),
    "word 512": TokenizerConfig(name="word", unknown="unk", vocabulary_size=512),
    "word 2048": TokenizerConfig(name="word", unknown="unk", vocabulary_size=2048),
    "bpe 512": TokenizerConfig(name="bpe", vocabulary_size=512),
    "bpe 2048": TokenizerConfig(name="bpe", vocabulary_size=2048),
}


def figures_of(config: TokenizerConfig, training: str, held_out: str, measured: int) -> dict[str, Any]:
    """Return the figures of one kind."""
    start = time.perf_counter()
    tokenizer = make_tokenizer(config, training)
    seconds = time.perf_counter() - start
    tokens = tokenizer.encode(held_out, config.unknown)
    unknown = -1 if tokenizer.unknown_token is None else tokenizer.unknown_token
    tables = tokenizer_tables(tokenizer)
    return {
        "vocabulary_size": tokenizer.vocabulary_size,
        "table_bytes": tables.table_bytes,
        "longest_token_bytes": tables.longest_token,
        "characters_per_token": round(len(held_out) / len(tokens), 3),
        "unknown_share": round(float(np.mean(tokens == unknown)), 4),
        "made_in_seconds": round(seconds, 2),
        **instructions(tokenizer, held_out[:measured]),
    }


def instructions(tokenizer: Tokenizer, text: str) -> dict[str, Any]:
    """Return the instructions per character of tokenizer_encode and tokenizer_decode, including callees."""
    for error in missing_tools(["valgrind"]):
        return {"skipped": str(error)}
    with tempfile.TemporaryDirectory() as folder:
        program = build(tokenizer, Path(folder))
        return {
            f"{name}_instructions_per_character": round(collected(program, f"tokenizer_{name}", text) / len(text), 1)
            for name in ("encode", "decode")
        }


def build(tokenizer: Tokenizer, folder: Path) -> Path:
    """Build encode_text.c with a tokenizer."""
    for name, content in render_tokenizer(tokenizer).items():
        (folder / name).write_text(content)
    program = folder / "encode_text"
    sources = [DRIVER, folder / "tokenizer.c", APPLICATION / "pieces.c", APPLICATION / "utf8.c"]
    includes = [f"-I{folder}", f"-I{APPLICATION}"]
    command = [find_compiler(), "-std=c99", "-O2", "-g", *includes, *map(str, sources), "-o", str(program)]
    subprocess.run(command, check=True)
    return program


def collected(program: Path, function: str, text: str) -> int:
    """Count the instructions of a function including callees."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"--toggle-collect={function}"]
    answer = subprocess.run(
        [*command, str(program)], input=text.encode(), capture_output=True, timeout=VALGRIND_SECONDS, check=True
    )
    return int(COLLECTED.search(answer.stderr.decode())[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", type=Path, required=True, help="a text file in UTF-8")
    parser.add_argument("--measured", type=int, default=20_000, help="characters that the C encodes and decodes")
    arguments = parser.parse_args()
    training, held_out = split_at_end(read_text(arguments.text)[0], HELD_OUT)
    rows = {name: figures_of(config, training, held_out, arguments.measured) for name, config in KINDS.items()}
    print(json.dumps({"text": arguments.text.name, "kinds": rows}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
