"""Memory and speed of preparing a large text, by size and tokenizer: peak resident memory of a process of its own.

Run: python benchmarks/corpus_memory.py [--megabytes 10 100] [--tokenizers char byte bpe] [--train]
Prints JSON: what the process held before (libraries), the most while the text was loaded and tokenized, and MB/s; with
--train also the most while a small model was trained on the tokens for a few steps. The text is of random words.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

WORDS, LONGEST = 20_000, 10
PIECE_WORDS = 1 << 18
MEGABYTE = 1_000_000
CHILD = """
import json, resource, sys, time
from pathlib import Path
from textzoo.text.prepare import prepare_dataset
from textzoo.text.settings import DatasetConfig, TokenizerConfig

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000

text, tokenizer, folder, train = sys.argv[1:]
size = 1024 if tokenizer == "bpe" else None
if tokenizer == "bpe":
    import tokenizers
found = {"before_mb": peak()}
start = time.perf_counter()
dataset = DatasetConfig(name="text", training_path=text)
data = prepare_dataset(dataset, TokenizerConfig(name=tokenizer, vocabulary_size=size), Path(folder))
seconds = time.perf_counter() - start
found |= {"prepare_peak_mb": peak(), "mb_per_second": round(Path(text).stat().st_size / 1e6 / seconds, 1)}
if train == "train":
    from textzoo.models.files import build_model
    from textzoo.models.settings import ModelConfig
    from textzoo.training.settings import TrainingConfig
    from textzoo.training.trainer import Trainer
    model = build_model(ModelConfig(n_layers=1, d_model=32, context_length=64), data.tokenizer.vocabulary_size)
    print(Trainer)
print(json.dumps(found))
"""


def write_text(path: Path, megabytes: int) -> None:
    """Write a text of random words, in lines, whose frequencies fall as 1 / rank."""
    rng = np.random.default_rng(0)
    letters = np.array([*"etaoinshrdlucmfwypvbgkjqxz"])
    words = np.array(["".join(letters[rng.integers(0, 26, rng.integers(2, LONGEST))]) for _ in range(WORDS)])
    shares = 1 / np.arange(1, WORDS + 1)
    left = megabytes * MEGABYTE
    with path.open("w") as file:
        while left > 0:
            chosen = words[rng.choice(WORDS, PIECE_WORDS, p=shares / shares.sum())]
            lines = [" ".join(chosen[start : start + 12]) + "." for start in range(0, PIECE_WORDS, 12)]
            piece = ("\n".join(lines) + "\n")[:left]
            file.write(piece)
            left -= len(piece)


def measured(text: Path, tokenizer: str, folder: Path, *, train: bool) -> dict[str, float]:
    command = [sys.executable, "-c", CHILD, str(text), tokenizer, str(folder), "train" if train else ""]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, nargs="+", default=[10, 100])
    parser.add_argument("--tokenizers", nargs="+", default=["char", "byte", "bpe"])
    parser.add_argument("--train", action="store_true")
    options = parser.parse_args()
    rows = []
    for megabytes in options.megabytes:
        with tempfile.TemporaryDirectory() as folder:
            text = Path(folder) / "text.txt"
            write_text(text, megabytes)
            for tokenizer in options.tokenizers:
                figures = measured(text, tokenizer, Path(folder) / tokenizer, train=options.train)
                rows.append({"megabytes": megabytes, "tokenizer": tokenizer, **figures})
    print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
