"""Any small .tflite, from inputs to outputs: cost and exactness on this machine and on emulated boards.

Run: python benchmarks/any_model.py FILE.tflite ... [--boards STM32F4 STM32H7 STM32N6] [--chips] [--inputs 8]
    [--host-inputs 200]
Prints JSON: for each file the outputs that differ from LiteRT's reference kernels on this machine, and per board the
instructions of an inference and per multiplication (exact counts), by operator, RAM and flash, and outputs that differ;
on boards whose timing is known also modelled cycles, with weights in flash and with weights copied to RAM. Beside them
stands what others have published for the same file (published_models.json); with --chips the model also takes the
memories of their chips (published_chips.py).
"""

import argparse
import json
import math
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from published_chips import chips
from textzoo.common.errors import UserError
from textzoo.common.files import file_digest
from textzoo.common.progress import console
from textzoo.config.boards import load_board
from textzoo.pipeline.cycles import modelled
from textzoo.pipeline.graph_exchange import mismatches
from textzoo.pipeline.graph_firmware import GraphFirmware, make_graph_firmware
from textzoo.records.report import INFERENCE
from textzoo.services.benchmarking import checked_total, costs_by_kind, measured_positions
from textzoo.targets.boards import Board
from textzoo.targets.console import Console
from textzoo.targets.emulators import build_image, emulate, run_host
from textzoo.targets.placement import PLACEMENTS
from textzoo.targets.platforms import platform_of
from textzoo.targets.settings import DeploymentConfig

BOARDS = ("STM32F4", "STM32H7", "STM32N6")
PUBLISHED = Path(__file__).with_name("published_models.json")


def host_row(path: Path, count: int) -> dict[str, Any]:
    """Compare all outputs of random inputs on this machine."""
    with tempfile.TemporaryDirectory() as folder:
        made = make_graph_firmware(path, None, Path(folder) / "host", count=count)
        with run_host(made.project) as device:
            return exactness(made, device)


def exactness(made: GraphFirmware, device: Console) -> dict[str, Any]:
    """Compare all outputs of the firmware's inputs with LiteRT's."""
    start = time.perf_counter()
    elements = sum(math.prod(tensor.shape) for tensor in made.engine.outputs.values())
    wrong = mismatches(made, device)
    return {
        "inferences": len(made.cases),
        "outputs": elements * len(made.cases),
        "mismatching_outputs": wrong,
        "seconds": round(time.perf_counter() - start, 1),
    }


def board_row(path: Path, name: str, count: int) -> dict[str, Any]:
    """Measure the cost on one emulated board, and compare the outputs."""
    board = load_board(name)
    with tempfile.TemporaryDirectory() as folder:
        made = make_graph_firmware(path, board, Path(folder) / name, count=count)
        with emulate(made.project, board) as device:
            total = checked_total(measured_positions(device, "measuring")[-1], device.name, INFERENCE)
            row = exactness(made, device)
            memory = device.ask({"command": "memory"})
        with emulate(made.project, board, profile=True) as device:
            by_kind, _ = costs_by_kind(device, INFERENCE)
        sizes = platform_of(board).image_sizes(board, build_image(made.project, board))
    macs = total["macs_per_token"]
    return {
        "core": board.core,
        "kernels": board.variant,
        "instructions_per_inference": total["mean"],
        "macs": macs,
        "instructions_per_mac": round(total["mean"] / macs, 3) if macs else None,
        "by_kind": by_kind,
        "ram_bytes": sizes.ram - sizes.stack_reserved + memory.get("stack_bytes", 0),
        "arena_bytes": made.sizes.arena_bytes,
        "flash_bytes": sizes.flash.total,
        "code_bytes": sizes.flash.code,
        **row,
    }


def cycles_rows(path: Path, board: Board) -> dict[str, Any]:
    """Return deployment.placement -> modelled cycles of an inference; nothing for a board without timing."""
    return {placement: cycles_row(path, board, placement) for placement in PLACEMENTS} if board.timing else {}


def cycles_row(path: Path, board: Board, placement: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        settings = DeploymentConfig(placement=placement)
        made = make_graph_firmware(path, board, Path(folder) / "project", settings=settings)
        projected = modelled(made, with_operators=False)
    macs = made.compiled.context["macs"]
    return {
        "core_cycles": projected.core_cycles,
        "cycles": projected.cycles,
        "cycles_per_mac": round(projected.cycles / macs, 3) if macs else None,
        "copied_bytes": made.sizes.placement.bytes_by_memory,
    }


def chip_rows(path: Path) -> dict[str, Any]:
    """Return the modelled cycles on chips of published measurements."""
    return {name: {"core": board.core, **cycles_rows(path, board)} for name, board in chips().items()}


def published_of(path: Path, core: str) -> list[dict[str, Any]]:
    """Return what others have measured with the same file on boards of the same core."""
    rows = json.loads(PUBLISHED.read_text(encoding="utf-8"))["models"].get(file_digest(path), {}).get("published", [])
    return [row for row in rows if row["core"] == core]


def model_rows(path: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return all figures of a file; why it is refused, if it is."""
    try:
        return figures_of(path, arguments)
    except UserError as error:
        return {"refused": str(error)}


def figures_of(path: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    rows = {name: board_row(path, name, arguments.inputs) for name in arguments.boards}
    rows = {name: {**row, "modelled_cycles": cycles_rows(path, load_board(name))} for name, row in rows.items()}
    beside = {name: {**row, "published_cycles": published_of(path, row["core"])} for name, row in rows.items()}
    figures = {"sha256": file_digest(path), "this_machine": host_row(path, arguments.host_inputs), "boards": beside}
    return figures | ({"modelled_chips": chip_rows(path)} if arguments.chips else {})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.tflite")
    parser.add_argument("--boards", nargs="*", default=BOARDS)
    parser.add_argument("--chips", action="store_true", help="also modelled cycles on chips of published figures")
    parser.add_argument("--inputs", type=int, default=8, help="random inputs on every emulated board")
    parser.add_argument("--host-inputs", type=int, default=200, help="random inputs on this machine")
    arguments = parser.parse_args()
    console.stderr = True  # progress; standard output is for the figures
    result = {path.name: model_rows(path, arguments) for path in arguments.files}
    print(json.dumps(result, indent=2))
    return int(not all(map(is_exact, result.values())))


def is_exact(model: dict[str, Any]) -> bool:
    """Return whether a file was measured, and no output differs anywhere."""
    rows = [] if "refused" in model else [model["this_machine"], *model["boards"].values()]
    return bool(rows) and not any(row["mismatching_outputs"] for row in rows)


if __name__ == "__main__":
    sys.exit(main())
