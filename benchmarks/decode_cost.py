"""The cost of one token on every core, compared with alternatives.

Run: python benchmarks/decode_cost.py [--model FILE.tflite] [--boards ...] [--passes]
                                      [--weights balanced|smallest|fastest] [--second-core]
Prints JSON: exact instructions per token on emulated Cortex-M, Xtensa and RV32 cores (mean over all positions of the
context), of matrix products per multiplication, RAM and code bytes, instructions on this machine (valgrind), and the
seconds of compilation. `--passes` adds the cost on a Cortex-M7 without each pass of the compiler. With `--second-core`
the emulated board runs both shards of a product one after the other: `instructions_per_token` is the sum over both
cores, `longer_way` the critical path; waking and waiting are not included.
The peers' figures were measured with the same model and counter (TFLM with CMSIS-NN, llama2.c, LiteRT).
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

from default_model import chosen_model, model_argument
from textzoo.compiler.compile import compile_file
from textzoo.compiler.operators.base import Target
from textzoo.compiler.packing.choice import BALANCED
from textzoo.compiler.packing.tables import CHOICES
from textzoo.compiler.passes.registry import TABLE
from textzoo.config.boards import load_board
from textzoo.engines.litert_engine import LitertReferenceEngine
from textzoo.pipeline.firmware import Firmware, make_firmware
from textzoo.services.benchmarking import costs_by_kind
from textzoo.targets.emulators import build_image, emulate
from textzoo.targets.platforms import platform_of
from textzoo.targets.settings import DeploymentConfig
from textzoo.targets.toolchains import missing_tools, run_make
from textzoo.testing.random_models import tokenizer_for
from textzoo.text.tokenizers.base import Tokenizer

BOARDS = ("STM32F4", "STM32H7", "STM32U5", "STM32N6", "ESP32", "ESP32C3", "CIMv3")
# This board has enough RAM for a model compiled without any one pass.
PASS_BOARD = "STM32H7"
# TFLM + CMSIS-NN with the decode graph of the same model: instructions per token, and per MAC of matrix products.
PEERS = {
    "cortex-m4": {"instructions_per_token": 2_280_000, "gemv_per_mac": 2.27, "window_rerun": 197_000_000},
    "cortex-m7": {"instructions_per_token": 2_330_000, "gemv_per_mac": 2.27, "window_rerun": 201_000_000},
    "cortex-m55": {"instructions_per_token": 1_390_000, "gemv_per_mac": 0.57, "window_rerun": 94_000_000},
}
HOST_PEERS = {"llama2.c -Ofast": 555_000, "LiteRT XNNPACK": 836_000}
COLLECTED = re.compile(r"Collected\s*:\s*(\d+)")
# Valgrind supports AVX2, but no later extensions.
HOST_KERNEL_FLAGS = "KERNEL_FLAGS=-O3 -march=x86-64-v3 -fno-strict-aliasing"
VALGRIND_SECONDS = 600


def board_row(
    path: Path,
    tokenizer: Tokenizer,
    name: str,
    without: frozenset[str] = frozenset(),
    weights: str = BALANCED,
    second_core: bool = False,
) -> dict[str, Any]:
    """Measure the cost on one emulated board."""
    board = load_board(name)
    with tempfile.TemporaryDirectory() as folder:
        settings = DeploymentConfig(weights=weights, second_core=second_core, without_passes=sorted(without))
        made = make_firmware(path, tokenizer, board, Path(folder) / name, settings=settings)
        with emulate(made.project, board) as console:
            total = console.ask({"command": "benchmark"})
            memory = console.ask({"command": "memory"})
        with emulate(made.project, board, profile=True) as console:
            by_kind, overlap = costs_by_kind(console)
        sizes = platform_of(board).image_sizes(board, build_image(made.project, board))
    ram = sizes.ram - sizes.stack_reserved + memory["stack_bytes"]
    return {
        "core": board.core,
        "instructions_per_token": total["mean"],
        **({"on_two_cores_at_once": overlap, "longer_way": total["mean"] - overlap} if overlap else {}),
        "smallest": total["smallest"],
        "largest": total["largest"],
        "sampling": total["sampling_mean"],
        "gemv_per_mac": round(by_kind["FULLY_CONNECTED"] / product_macs(made), 3)
        if "FULLY_CONNECTED" in by_kind
        else "part of the modes",
        "by_kind": by_kind,
        "ram_beyond_state_bytes": ram - memory["state_bytes"],
        "stack_bytes": memory["stack_bytes"],
        "code_bytes": sizes.flash.code,
        "flash_bytes": sizes.flash.total,
        "weight_bytes": made.compiled.flash.by_kind["weights"],
        "peer": PEERS.get(board.core, {}),
        "peer_over_ours": round(PEERS[board.core]["instructions_per_token"] / total["mean"], 2)
        if board.core in PEERS
        else "not measured",
    }


def product_macs(made: Firmware) -> int:
    """Return the MACs of the constant matrices per token."""
    structs = [struct for statement in made.compiled.program.statements for struct in statement.structs()]
    layers = [struct.fields for struct in structs if struct.type.startswith("tz_fully_connected")]
    return sum(fields["rows"] * fields["columns"] for fields in layers)


def host_row(path: Path, tokenizer: Tokenizer) -> dict[str, Any]:
    """Count the instructions per token of the program for this machine, by valgrind inside model_step."""
    for error in missing_tools(["valgrind"]):
        return {"skipped": str(error)}
    with tempfile.TemporaryDirectory() as folder:
        made = make_firmware(path, tokenizer, None, Path(folder) / "host")
        run_make(made.project, "image", HOST_KERNEL_FLAGS)
        program = build_image(made.project)
        command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=model_step"]
        commands = '{"command": "reset"}\n{"command": "benchmark"}\n{"command": "exit"}\n'
        answer = subprocess.run(
            [*command, str(program)],
            input=commands,
            capture_output=True,
            text=True,
            timeout=VALGRIND_SECONDS,
            check=True,
        )
    steps = made.engine.context_length + len(made.compiled.facts.check.tokens)
    collected = int(COLLECTED.search(answer.stderr)[1])
    return {"instructions_per_token": round(collected / steps), "steps": steps, "peers": HOST_PEERS}


def compile_seconds(path: Path) -> float:
    """Measure the time of the compiler, from .tflite to C."""
    start = time.perf_counter()
    compile_file(path, Target("dsp"))
    return round(time.perf_counter() - start, 2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    model_argument(parser)
    parser.add_argument("--boards", nargs="*", default=BOARDS)
    parser.add_argument("--weights", choices=list(CHOICES), default=BALANCED, help="deployment.weights")
    parser.add_argument("--second-core", action="store_true", help="deployment.second_core; boards with two cores")
    parser.add_argument("--passes", action="store_true")
    arguments = parser.parse_args()
    path = chosen_model(arguments)
    tokenizer = tokenizer_for(path, LitertReferenceEngine(path).vocabulary_size)
    result: dict[str, Any] = {
        "model": path.name,
        "boards": {
            name: board_row(path, tokenizer, name, weights=arguments.weights, second_core=arguments.second_core)
            for name in arguments.boards
        },
        "host": host_row(path, tokenizer),
        "compile_seconds": compile_seconds(path),
    }
    if arguments.passes:
        rows = {entry.name: board_row(path, tokenizer, PASS_BOARD, frozenset({entry.name})) for entry in TABLE}
        keys = ("instructions_per_token", "ram_beyond_state_bytes", "flash_bytes")
        result["without"] = {name: {key: row[key] for key in keys} for name, row in rows.items()}
    print(json.dumps(result, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
