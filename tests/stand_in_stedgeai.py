"""A stand-in of ST Edge AI Core: a program that reads a .tflite and writes reports in the forms of its versions.

It is written from the description of ST's command line. `install` puts it into a folder, with a file beside it that
says which version it is and how it fails; it notes each of its calls there.
"""

import argparse
import contextlib
import json
import math
import sys
import time
from pathlib import Path

SETTINGS, CALLS = "stedgeai.json", "calls.jsonl"
KERNEL_FLASH, KERNEL_RAM, TOOLCHAIN_FLASH = 30_000, 2_000, 507
SERIES = ("stm32f4", "stm32g4", "stm32h7", "stm32l4", "stm32n6", "stm32u5", "stm32mp")
NO_MPU = (3, 0)
ERROR = "E102(NotImplementedError): layer BATCH_MATMUL \x1b[31mis not supported"
# How a command can fail.
FAILURES = ("error", "hangs", "no report", "damaged report", "huge report", "wrong report", "folder", "text only")
LONG = 3600.0
# Bytes of an element by the schema's number of its type.
SIZES = {0: 4, 2: 4, 3: 1, 4: 8, 6: 1, 7: 2, 9: 1}


def install(folder: Path, version: str = "4.0.1", **failures: str) -> Path:
    """Write the program into a folder and return its path.

    Args:
        folder: Made if it is not there.
        version: What it says that it is.
        failures: Command -> one of FAILURES; asked -> garbage, silent or hangs, of --version.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "stedgeai"
    path.write_text(f"#!{sys.executable}\n{Path(__file__).read_text()}")
    path.chmod(0o755)
    (folder / SETTINGS).write_text(json.dumps({"version": version, "failures": failures}))
    return path


def calls(path: Path) -> list[list[str]]:
    """Return the arguments of all calls of an installed program."""
    noted = path.with_name(CALLS)
    return [json.loads(line) for line in noted.read_text().splitlines()] if noted.exists() else []


def running(path: Path) -> list[str]:
    """Return the command lines of processes that name an installed program, on Linux."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            found.append(process.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
    return [line for line in found if str(path) in line]


def contents(path: Path) -> tuple[int, int, int]:
    """Return bytes of constants, bytes of other tensors, and multiplications as this tool counts them, of a .tflite."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(path.read_bytes())
    graph = model.Subgraphs(0)
    tensors = [graph.Tensors(number) for number in range(graph.TensorsLength())]
    weights = sum(model.Buffers(tensor.Buffer()).DataLength() for tensor in tensors)
    others = [tensor for tensor in tensors if not model.Buffers(tensor.Buffer()).DataLength()]
    activations = sum(elements(tensor) * SIZES[tensor.Type()] for tensor in others)
    # It counts an operation for each element of what is computed, and of the weights.
    return weights, activations, weights + sum(map(elements, others))


def elements(tensor) -> int:
    return math.prod(tensor.Shape(axis) for axis in range(tensor.ShapeLength()))


def c_info(options, version: str) -> dict:
    weights, activations, macc = contents(Path(options.model))
    footprint = {
        "activations": activations,
        "weights": weights,
        "io": [0, 0],
        "kernel_flash": KERNEL_FLASH,
        "kernel_ram": KERNEL_RAM,
        "toolchain_flash": TOOLCHAIN_FLASH,
        "toolchain_ram": 0,
        "extra_flash": 0,
        "extra_ram": 0,
        "series": "generic",
        "toolchain": None,
    }
    tool = {"name": "ST.EdgeAI.Core", "version": f"{version}-20500 abcdef12", "arguments": " ".join(sys.argv[1:])}
    return {
        "json_schema_version": "2.0",
        "environment": {"generated_model": {"name": options.name}, "tools": [tool]},
        "memory_footprint": footprint,
        "memory_pools": [],
        "graphs": [{"nodes": [{"id": 1, "macc": macc - 2}, {"id": 2, "description": "Conversion", "macc": 2}]}],
    }


def text_report(info: dict, version: str) -> str:
    footprint, (graph,) = info["memory_footprint"], info["graphs"]
    return (
        f"ST Edge AI Core v{version}-20500 abcdef12\n"
        f"macc             : {sum(node['macc'] for node in graph['nodes']):,}\n"
        f"weights (ro)     : {footprint['weights']:,} B (2.05 MiB) (1 segment)\n"
        f"activations (rw) : {footprint['activations']:,} B (532.28 KiB) (1 segment) *\n"
    )


def validated(info: dict) -> dict:
    row = {"acc": "n.a.", "desc": "X-cross #1", "rmse": 0.002, "mae": 0.001, "cos": 0.999, "ts_name": "out"}
    run = {"cycles": 1, "duration_ms": 0.5, "cycles_by_macc": 1.0}  # of the PC
    graph = {**info["graphs"][0], "exec_time": run}
    return {**info, "graphs": [graph], "validation": {"val_metrics": [row], "val_error": 0.01}}


def report_name(command: str, version: str) -> str:
    """Return where a version puts the report in JSON: since 3.0 that of a validation has a name of its own."""
    is_old = numbers(version) < (3, 0)
    if command != "validate":
        return "{workspace}/{name}_c_info.json" if is_old else "{output}/{name}_c_info.json"
    return "{output}/{name}_validate_report.json" if is_old else "{output}/{name}_c_info_valid.json"


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def fail(failure: str, report: Path) -> bool:
    """Fail in one of the ways before a report is written as it should be; return whether the command is over."""
    if failure == "error":
        print(*(f"line {number}" for number in range(100)), ERROR, sep="\n")
        sys.exit(1)
    if failure == "hangs":
        print("compiling, please wait", flush=True)
        time.sleep(LONG)
    elif failure == "damaged report":
        report.write_text('{"json_schema_version": "2.0", "memory_footprint": {')
    elif failure == "wrong report":
        report.write_text('{"json_schema_version": "2.0", "memory_footprint": {"weights": -1, "activations": "many"}}')
    elif failure == "huge report":
        with report.open("wb") as file:
            file.truncate(1 << 40)
    elif failure == "folder":
        report.mkdir()
    return failure not in ("", "text only")


def main() -> None:
    here = Path(sys.argv[0]).absolute().parent
    settings = json.loads((here / SETTINGS).read_text())
    version, failures = settings["version"], settings["failures"]
    with (here / CALLS).open("a") as file:
        file.write(json.dumps(sys.argv[1:]) + "\n")
    if sys.argv[1:] == ["--version"]:
        if failures.get("asked") == "garbage":
            sys.exit("\x1b[1mno licence")
        if failures.get("asked") == "hangs":
            time.sleep(LONG)
        print("" if failures.get("asked") == "silent" else f"ST Edge AI Core v{version}-20500 abcdef12")
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=("analyze", "generate", "validate"))
    for option in ("model", "target", "name", "output", "workspace", "mode", "st-neural-art", "optimization"):
        parser.add_argument(f"--{option}", default="network" if option == "name" else None)
    options = parser.parse_args()
    if options.target not in SERIES or (options.target == "stm32mp" and numbers(version) >= NO_MPU):
        sys.exit(f"E010(InvalidTargetError): {options.target}")
    if any(any(Path(folder).iterdir()) for folder in (options.output, options.workspace)):
        sys.exit("E020: the folders are not empty")
    report = Path(report_name(options.command, version).format(**vars(options)))
    failure = failures.get(options.command, "")
    if fail(failure, report):
        return
    info = c_info(options, version)
    if failure != "text only":
        report.write_text(json.dumps(validated(info) if options.command == "validate" else info))
    Path(options.output, f"{options.name}_{options.command}_report.txt").write_text(text_report(info, version))
    print("Generated files (2)")


if __name__ == "__main__":
    main()
