"""Instructions of any int8 .tflite on emulated cores, and whether every output equals LiteRT's reference kernels.

Run: python benchmarks/graph_cost.py MODEL.tflite ... [--cores m4 m7 m33 m55] [--runs 3] [--weights balanced] [--kinds]
Prints JSON: for each model its multiplications, arena and constants in bytes; for each core the exact instructions of a
run (mean over random inputs; states go on from run to run), per multiplication, and how many output values differ from
LiteRT's. `--kinds` adds the instructions of each kind of operator, `--steps` those of each step.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from textzoo.common.paths import APPLICATION, RUNTIME
from textzoo.compiler.compile import CompiledModel, compile_file
from textzoo.compiler.operators.base import Target
from textzoo.compiler.packing.choice import BALANCED
from textzoo.compiler.packing.tables import CHOICES
from textzoo.targets.native import write_files
from textzoo.testing.bare_metal import CORES, INCLUDES, build, run

MAIN = Path(__file__).with_name("graph_cost.c")
CORTEX_M = [name for name, core in CORES.items() if not core.twin]
NOT_COUNTED = 2**32 - 1
# As projects compile kernels.
FLAGS = ("-O2", "-fno-strict-aliasing", "-DTEXTZOO_PROFILE")

Values = list[dict[str, np.ndarray]]


def random_runs(content: bytes, runs: int) -> tuple[Values, Values]:
    """Return the inputs of some runs and what LiteRT makes of them, by the names of the interface."""
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    random = np.random.default_rng(0)
    inputs, outputs = [], []
    for number in range(runs):
        inputs.append({})
        for detail in interpreter.get_input_details():
            limits = np.iinfo(detail["dtype"])
            uniform = random.integers(limits.min, limits.max, detail["shape"], endpoint=True)
            narrow = np.clip(random.normal(0, limits.max / 3, detail["shape"]), limits.min, limits.max)
            inputs[-1][detail["name"]] = (narrow if number % 2 else uniform).astype(detail["dtype"])
            interpreter.set_tensor(detail["index"], inputs[-1][detail["name"]])
        interpreter.invoke()
        outputs.append(
            {detail["name"]: interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()}
        )
    return inputs, outputs


def interface_of(content: bytes) -> tuple[list[str], list[str]]:
    """Return the tensors of inputs and outputs in the order of the compiled model's tables."""
    interpreter = Interpreter(model_content=content)
    signatures = interpreter.get_signature_list()
    sides = interpreter.get_input_details(), interpreter.get_output_details()
    if not signatures:
        names = [[detail["name"] for detail in side] for side in sides]
        return sorted(names[0]), sorted(names[1])
    runner = interpreter.get_signature_runner(next(iter(signatures)))
    sides = runner.get_input_details(), runner.get_output_details()
    return tuple([details[key]["name"] for key in sorted(details)] for details in sides)


def core_row(path: Path, core: str, runs: int, weights: str) -> dict[str, Any]:
    """Return what a model costs on a core."""
    content = path.read_bytes()
    compiled = compile_file(path, Target(CORES[core].variant, weights))
    inputs, outputs = random_runs(content, runs)
    given, wanted = interface_of(content)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = build_program(compiled, core, folder)
        cases = [np.int32(runs).tobytes(), *(values[key].tobytes() for values in inputs for key in given)]
        (folder / "cases.bin").write_bytes(b"".join(cases))
        run(program, core, folder)
        results = np.fromfile(folder / "results.bin", np.uint8)
        counted = np.fromfile(folder / "counts.bin", "<u4").reshape(runs, -1)
    if (counted == NOT_COUNTED).any():
        raise SystemExit(f"{path} on {core}: a step takes more instructions than the counter holds")
    counts = counted.mean(axis=0)
    expected = np.frombuffer(b"".join(values[key].tobytes() for values in outputs for key in wanted), np.uint8)
    macs = int(compiled.context["macs"])
    return {
        "different_bytes": int((results != expected).sum()) if results.size == expected.size else "other sizes",
        "instructions": round(float(counts.sum())),
        "per_multiplication": round(float(counts.sum()) / max(macs, 1), 3),
        "arena_bytes": compiled.plan.arena_bytes,
        "constant_bytes": compiled.flash.total,
        "multiplications": macs,
        "steps": [
            (statement.kind, statement.name, round(float(count)))
            for statement, count in zip(compiled.program.statements, counts, strict=True)
        ],
    }


def build_program(compiled: CompiledModel, core: str, folder: Path) -> Path:
    """Build the bare-metal program of a model."""
    generated = write_files(compiled.files, folder)
    sources = [MAIN, APPLICATION / "crc32.c", *generated, *(RUNTIME / source for source in compiled.sources)]
    includes = [f"-I{folder}", f"-I{APPLICATION}", *INCLUDES]
    return build(sources, core, folder / "program.elf", flags=(*FLAGS, *includes))


def kinds_of(steps: list[tuple[str, str, int]]) -> dict[str, int]:
    """Return the instructions of each kind of operator."""
    kinds: dict[str, int] = {}
    for kind, _, count in steps:
        kinds[kind] = kinds.get(kind, 0) + count
    return kinds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--cores", nargs="+", choices=CORTEX_M, default=CORTEX_M)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--weights", choices=CHOICES, default=BALANCED)
    parser.add_argument("--kinds", action="store_true")
    parser.add_argument("--steps", action="store_true")
    given = parser.parse_args()
    table: dict[str, dict[str, Any]] = {}
    for path in given.models:
        table[path.stem] = {}
        for core in given.cores:
            row = core_row(path, core, given.runs, given.weights)
            steps = row.pop("steps")
            row |= {"kinds": kinds_of(steps)} if given.kinds else {}
            row |= {"steps": steps} if given.steps else {}
            table[path.stem][core] = row
    json.dump(table, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
