"""Thousands of random nodes of every row of the table against LiteRT, by hand: python tests/compiler/fuzz_operators.py

Prints for each row: nodes, values compared, models with differences.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from operator_cases import ROWS, Row
from operator_chains import CHAINS
from running import Model, differences, model_of

from textzoo.compiler.passes.registry import TABLE

NODES_PER_MODEL = 64


def fuzz_row(row: Row, nodes: int, seed: int, folder: Path) -> tuple[int, list[str]]:
    """Values compared, and the seeds of the models that differ."""
    compared, found = 0, []
    for number in range(-(-nodes // NODES_PER_MODEL)):
        model = model_of(row, seed + number, NODES_PER_MODEL)
        compared += sum(values.size for run in model.expected for values in run)
        if differences(model, folder, without_passes(number)):
            found.append(str(seed + number))
    return compared, found


def fuzz_chain(name: str, graphs: int, seed: int, folder: Path) -> tuple[int, list[str]]:
    compared, found = 0, []
    for number in range(graphs):
        random = np.random.default_rng(seed + number)
        model = Model(CHAINS[name](random), random)
        compared += sum(values.size for run in model.expected for values in run)
        if differences(model, folder, without_passes(number)):
            found.append(str(seed + number))
    return compared, found


def without_passes(number: int) -> list[str]:
    """Every second model is compiled without any pass."""
    return [entry.name for entry in TABLE] if number % 2 else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="rows or chains; all where none is given")
    parser.add_argument("--nodes", type=int, default=2048, help="random nodes of each row")
    parser.add_argument("--graphs", type=int, default=50, help="random graphs of each chain")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for row in ROWS:
            if not given.names or str(row) in given.names:
                compared, found = fuzz_row(row, given.nodes, given.seed, Path(folder))
                print(
                    f"{row!s:34} {given.nodes:6} nodes {compared:12,} values, different: {found or 'none'}", flush=True
                )
        for name in CHAINS:
            if not given.names or name in given.names:
                compared, found = fuzz_chain(name, given.graphs, given.seed, Path(folder))
                print(
                    f"{name:34} {given.graphs:6} graphs {compared:11,} values, different: {found or 'none'}", flush=True
                )


if __name__ == "__main__":
    main()
