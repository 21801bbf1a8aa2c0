"""What a user would take instead of a pretrained model, on its held-out text: n-gram models of its size, xz and zstd.

Run: python benchmarks/baselines.py [NAME ...] [--text FILE --bytes 65536 262144 ...]
Prints JSON: for each pretrained model its bits per character, those of the baselines, and the processor seconds that
these took; whether the model is better than its n-gram models does not matter here. With --text: n-gram models of the
given sizes on the last tenth of a text, without windows, and the compressors.
"""

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from textzoo.baselines.comparison import baselines_of
from textzoo.config import pretrained
from textzoo.pipeline.baselines import measured_baselines
from textzoo.text.prepare import prepare_dataset
from textzoo.text.settings import DatasetConfig, TokenizerConfig

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))
from make_pretrained import corpus_of, losses_and_steps


def of_pretrained(name: str) -> dict[str, Any]:
    """Return the losses of a pretrained model, its baselines, and what measuring them took."""
    losses, steps = losses_and_steps(name, [])
    data = corpus_of(name, [])
    start = time.process_time()
    rows = measured_baselines(data, steps, losses["float"]["tokens"])
    bits = {recipe: loss["bits_per_character"] for recipe, loss in losses.items()}
    return {
        "model": name,
        "bits_per_character": bits,
        "baselines": [dataclasses.asdict(row) for row in rows],
        "processor_seconds": round(time.process_time() - start, 1),
    }


def of_text(path: str, sizes: list[int]) -> dict[str, Any]:
    """Return the baselines on the last tenth of a text."""
    with tempfile.TemporaryDirectory() as folder:
        dataset = DatasetConfig(name="text", training_path=path)
        data = prepare_dataset(dataset, TokenizerConfig(), Path(folder))
        start = time.process_time()
        tokens = len(data.validation) - 1
        rows = baselines_of(data, tokens, tokens, {str(size): size for size in sizes})
    seconds = round(time.process_time() - start, 1)
    return {"text": path, "baselines": [dataclasses.asdict(row) for row in rows], "processor_seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="pretrained models; all without a name")
    parser.add_argument("--text")
    parser.add_argument("--bytes", type=int, nargs="+", default=[1 << 16, 1 << 17, 1 << 18, 1 << 19])
    options = parser.parse_args()
    rows = [of_text(options.text, options.bytes)] if options.text else []
    names = options.names or ([] if options.text else pretrained.names())
    print(json.dumps(rows + [of_pretrained(name) for name in names], indent=2))


if __name__ == "__main__":
    main()
