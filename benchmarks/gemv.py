"""The cost of matrix products on every core: instructions per multiplication of generic and optimized kernels.

Run: python benchmarks/gemv.py [--cores m4 m7 m33 m55 lx106 rv32 host] [--folder BUILD_FOLDER]
Prints JSON: for the layers of pico_gpt (FULLY_CONNECTED int8, weights of 8, 4, 2 and 1.6 bits) the cost from call to
return, including requantization and widening of the inputs, and the code size of the kernels; for a layer after a ReLU,
many of whose inputs are 0, the kernel that skips them and the one that does not; for the products of attention the
same, at several lengths of the cache, with dense weights and with 75 % zeros. Weights are distributed as in trained
models; as "large numbers" uniformly over int8, the slowest case of kernels whose speed depends on their squares
(mul32). Counts are exact, under QEMU; for `host` an AVX2 build under valgrind. Every result is compared with NumPy.
PEER is CMSIS-NN, measured in the same way. The means and code sizes are those of the tables in
textzoo/compiler/packing.
"""

import argparse
import json
import re
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from textzoo.common.paths import RUNTIME
from textzoo.compiler.packing.choice import FORMS, WIDEST
from textzoo.compiler.packing.registry import GENERIC, SPARSE, VARIANTS
from textzoo.targets.toolchains import require_tool
from textzoo.testing.bare_metal import CORES, code_bytes, finish
from textzoo.testing.bare_metal.attention_parts import random_part
from textzoo.testing.bare_metal.cases import (
    Case,
    Result,
    build_for_core,
    build_for_host,
    read_results,
    run_on_core,
    write_cases,
)
from textzoo.testing.bare_metal.fully_connected import Layer, behind_relu, random_layer, typical_layer

SPARSE_LAYER = (128, 256)  # feed_forward/down
LAYERS = ((384, 128), (128, 128), (256, 128), (128, 256), (65, 128))  # rows, columns
PARTS = (("dot_rows_s8", 0.0), ("weighted_sum_s8", 0.0), ("weighted_sum_s8", 0.75))  # kernel, share of zeros
PART_SHAPES = ((1, 64), (2, 64), (64, 64), (128, 64), (64, 32), (64, 63))  # rows, length
ZEROS = (0.0, 0.5, 0.75, 0.9)  # shares of zeros among inputs after a ReLU
PEER = {"m4": 2.27, "m7": 2.27, "m55": 0.57}
HOST = "host"
HOST_FLAGS = ("-O3", "-mavx2", "-Wl,-z,now")

Run = Callable[[Sequence[Case]], list[Result]]


def host_run(folder: Path) -> Run:
    """Return a function that runs cases on this machine, one by one, counting only the kernel's instructions."""
    program = build_for_host(HOST, "gcc", HOST_FLAGS, folder)

    def run_one(case: Case) -> Result:
        name = f"{'generic' if case.generic else 'tz'}_{case.kernel}"
        count = ["--tool=callgrind", "--callgrind-out-file=/dev/null", f"--toggle-collect={name}"]
        write_cases([case], folder)
        printed = finish([str(require_tool("valgrind")), *count, str(program)], folder)
        result = read_results([case], folder)[0]
        result.instructions = int(re.search(r"Collected : (\d+)", printed)[1])
        return result

    return lambda cases: [run_one(case) for case in cases]


def core_run(core: str, folder: Path) -> Run:
    """Return a function that runs cases on the core's emulated board."""
    program = build_for_core(core, CORES[core].variant, ("-O3",), folder)
    return lambda cases: run_on_core(program, core, cases, folder)


def costs(run: Run, pairs: Sequence[tuple[Case, Case]], expected: Sequence[np.ndarray], sizes: Sequence[int]) -> Any:
    """Return [generic, fast] instructions per multiplication of each pair; raise ValueError if a result is wrong."""
    results = run([case for pair in pairs for case in pair])
    for number, result in enumerate(results):
        if not np.array_equal(result.returned[0], expected[number // 2]):
            raise ValueError(f"case {number} has a wrong result")
    per_case = [result.instructions / sizes[number // 2] for number, result in enumerate(results)]
    return zip(per_case[0::2], per_case[1::2], strict=True)


def layer_costs(run: Run, variant: str, layers: Sequence[Layer]) -> dict[str, Any]:
    """Measure FULLY_CONNECTED for every layer of LAYERS, and their mean."""
    pairs = [(layer.case(variant, generic=True), layer.case(variant)) for layer in layers]
    sizes = [layer.weights.size for layer in layers]
    found = list(costs(run, pairs, [layer.expected() for layer in layers], sizes))
    names = [f"{columns}x{rows}" for rows, columns in LAYERS]
    table = {name: rounded(*pair) for name, pair in zip(names, found, strict=True)}
    means = [statistics.mean(column) for column in zip(*found, strict=True)]
    return table | {"mean": rounded(*means)}


def layers_of(make: Callable[..., Layer], kernel: str) -> list[Layer]:
    """Return LAYERS with weights of the kernel's bits."""
    rng = np.random.default_rng(0)
    return [make(rng, rows, columns, kernel=kernel) for rows, columns in LAYERS]


def sparse_costs(run: Run, variant: str) -> dict[str, Any]:
    """Measure FULLY_CONNECTED after a ReLU: the kernel for all columns, and the one that skips zero columns."""
    rng = np.random.default_rng(0)
    layers = [behind_relu(rng, random_layer(rng, *SPARSE_LAYER), zeros) for zeros in ZEROS]
    pairs = [
        (replace(layer, kernel=WIDEST).case(variant), layer.case(own_variant(SPARSE, variant))) for layer in layers
    ]
    found = costs(run, pairs, [layer.expected() for layer in layers], [layer.weights.size for layer in layers])
    return {
        f"{zeros:.0%} zeros": {"all columns": round(dense, 3), "sparse": round(sparse, 3)}
        for zeros, (dense, sparse) in zip(ZEROS, found, strict=True)
    }


def own_variant(kernel: str, variant: str) -> str:
    """Return the variant, or the generic one if it does not have the kernel."""
    return variant if kernel in VARIANTS[variant] else GENERIC


def part_costs(run: Run, kernel: str, zeros: float) -> dict[str, Any]:
    """Measure a product of attention at every shape of PART_SHAPES."""
    rng = np.random.default_rng(0)
    parts = [random_part(rng, kernel, rows, length, zeros) for rows, length in PART_SHAPES]
    pairs = [(part.case(generic=True), part.case()) for part in parts]
    found = costs(run, pairs, [part.expected() for part in parts], [part.rows.size for part in parts])
    names = [f"{rows} rows of {length}" for rows, length in PART_SHAPES]
    return {name: rounded(*pair) for name, pair in zip(names, found, strict=True)}


def rounded(generic: float, fast: float) -> dict[str, float]:
    return {"generic": round(generic, 3), "fast": round(fast, 3)}


def measure(core: str, folder: Path) -> dict[str, Any]:
    """Measure all kernels on a core, in instructions per multiplication."""
    variant = HOST if core == HOST else CORES[core].variant
    run = host_run(folder) if core == HOST else core_run(core, folder)
    report: dict[str, Any] = {"variant": variant}
    for kernel in reversed(FORMS):
        report[kernel] = layer_costs(run, own_variant(kernel, variant), layers_of(typical_layer, kernel))
    report[f"{WIDEST}, large numbers"] = layer_costs(run, variant, layers_of(random_layer, WIDEST))
    report[SPARSE] = sparse_costs(run, variant)
    if core != HOST:
        sources = {kernel: RUNTIME / own_variant(kernel, variant) / f"{kernel}.c" for kernel in reversed(FORMS)}
        report["code_bytes"] = {kernel: code_bytes(source, core, folder) for kernel, source in sources.items()}
    for kernel, zeros in PARTS:
        name = f"{kernel}, {zeros:.0%} zeros" if zeros else kernel
        report[name] = part_costs(run, kernel, zeros)
    return report | ({"peer_fully_connected": PEER[core]} if core in PEER else {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", nargs="+", choices=[*CORES, HOST], default=[*CORES, HOST])
    parser.add_argument("--folder", type=Path, help="folder for building programs (default: a temporary folder)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        print(json.dumps({core: measure(core, folder) for core in arguments.cores}, indent=2))


if __name__ == "__main__":
    main()
