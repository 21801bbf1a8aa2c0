"""The firmware of a plain graph: compiled for a board, with inputs that it checks itself by."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from textzoo.common.errors import raise_all
from textzoo.compiler.artifacts.weight_export import FOLDER as WEIGHT_FOLDER
from textzoo.compiler.artifacts.weight_export import weight_files
from textzoo.compiler.backend.rendering import plain_text
from textzoo.compiler.backend.templates import template
from textzoo.compiler.compile import CompiledModel
from textzoo.compiler.ir.graph import Tensor
from textzoo.compiler.tflite.support import shape_text
from textzoo.config.schema import Config
from textzoo.engines.graph_engine import GraphEngine
from textzoo.engines.litert_engine import Arrays
from textzoo.engines.model_check import plain_graph_mistakes
from textzoo.pipeline.device_defaults import render_board
from textzoo.pipeline.firmware import (
    BuiltModel,
    budget,
    compiled_for,
    placed,
    quantized_model,
    readable_name,
    record_compilation,
    sources_for,
    target_of,
)
from textzoo.pipeline.graph_inputs import inputs_of_file, random_inputs
from textzoo.records.tracking import Recorder
from textzoo.records.workspace import Workspace
from textzoo.targets.boards import Board, check_second_core
from textzoo.targets.platforms import platform_of, render_project
from textzoo.targets.registry import HOST
from textzoo.targets.settings import DeploymentConfig

# Bytes of an input that a device stores for its self-check; a longer input is these again and again.
PATTERN_BYTES = 1024
BYTES_PER_LINE = 16


@dataclass
class GraphFirmware(BuiltModel):
    """A compiled graph and its project.

    Attributes:
        engine: The same graph on LiteRT's reference kernels.
        cases: Inputs whose outputs are compared: name -> array, for each inference.
        input_names, output_names: In the order of the device's tables.
    """

    engine: GraphEngine
    cases: list[Arrays]

    @property
    def input_names(self) -> list[str]:
        return list(self.compiled.context["inputs"])

    @property
    def output_names(self) -> list[str]:
        return list(self.compiled.context["outputs"])


def prepare(
    config: Config,
    workspace: Workspace,
    recorder: Recorder,
    *,
    count: int = 1,
    own: str | None = None,
    on_host: bool = False,
) -> GraphFirmware:
    """Compile the graph for the configured target, or for this machine, and render its project.

    Args:
        config: The configuration.
        workspace: The run's folder.
        recorder: The tracker.
        count: Number of random inputs to compare.
        own: File of the user's own inputs, which are compared besides.
        on_host: Whether the program is for this machine, whatever is configured.

    Raises:
        UserError: No file, or no plain graph; operators that the compiler does not support; a graph that does not fit
            the board; or inputs that are not the graph's.
    """
    board = target_of(config, on_host=on_host)
    path = quantized_model(config, workspace)
    made = make_graph_firmware(
        path,
        board,
        workspace.path("c_project", board.name if board else HOST),
        name=readable_name(path),
        count=count,
        own=own,
        settings=config.deployment,
        with_savings=True,
    )
    record_compilation(made, workspace, recorder)
    return made


def make_graph_firmware(
    path: Path,
    board: Board | None,
    folder: Path,
    *,
    name: str = "model",
    count: int = 1,
    own: str | None = None,
    settings: DeploymentConfig | None = None,
    with_savings: bool = False,
) -> GraphFirmware:
    """Compile a plain graph and render its project into a folder; the arguments are those of `prepare`."""
    settings = settings or DeploymentConfig()
    check_second_core(board, settings.second_core)
    raise_all(plain_graph_mistakes(path))
    engine = GraphEngine(path)
    cases = random_inputs(engine, count) + (inputs_of_file(Path(own), engine) if own else [])
    compiled = compiled_for(board, path, name, None, settings, with_savings)
    stored = {name: pattern_of(values) for name, values in cases[0].items()}
    if board:
        budget(board, compiled, {"stored inputs": sum(pattern.nbytes for pattern in stored.values())}).check()
    files = {**platform_of(board).model_files(compiled), **render_graph(compiled, engine, stored)}
    files |= render_board(board.name if board else HOST)
    sizes = placed(board, compiled, settings, platform_of(board).model_sizes(compiled))
    weights = {WEIGHT_FOLDER: weight_files(path)} if settings.weight_files else {}
    render_project(board, files, sizes, sources_for(board, compiled), folder, weights)
    return GraphFirmware(board, path, compiled, sizes, folder, engine, cases)


def pattern_of(values: np.ndarray) -> np.ndarray:
    """Return the first elements of an input, (n,): at most PATTERN_BYTES."""
    return values.ravel()[: max(1, PATTERN_BYTES // values.dtype.itemsize)]


def render_graph(compiled: CompiledModel, engine: GraphEngine, stored: dict[str, np.ndarray]) -> dict[str, str]:
    """Return what the console needs to know beyond model.h, as C: graph.h and graph.c.

    Args:
        compiled: The graph.
        engine: The same, for the outputs of the stored inputs.
        stored: Input -> (n,) elements, which are repeated until the input is full.
    """
    inputs, outputs = compiled.context["inputs"], compiled.context["outputs"]
    results = engine.run({name: np.resize(stored[name], engine.inputs[name].shape) for name in stored})
    crc = 0
    for name in outputs:
        crc = zlib.crc32(little_endian(results[name]), crc)
    values = {
        "name": plain_text(compiled.facts.name),
        "formats": {"inputs": formats(inputs), "outputs": formats(outputs)},
        "patterns": [pattern_lines(stored[name]) for name in inputs],
        "crc32": crc,
    }
    return {name: template(f"common/{name}.j2").render(values) for name in ("graph.h", "graph.c")}


def little_endian(values: np.ndarray) -> bytes:
    """Return the bytes of an array as they lie in the memory of a device."""
    return np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes()


def formats(tensors: dict[str, Tensor]) -> list[dict[str, Any]]:
    """Return type, shape, scale (decimals that give the same float32) and zero point of each tensor."""
    return [
        {
            "type": str(tensor.dtype),
            "shape": shape_text(tensor.shape),
            "scale": str(np.float32(tensor.scale)) if tensor.scales else "",
            "zero_point": tensor.zero_point,
        }
        for tensor in tensors.values()
    ]


def pattern_lines(values: np.ndarray) -> dict[str, Any]:
    """Return the bytes of stored elements as lines of C."""
    content = little_endian(values)
    rows = [content[start : start + BYTES_PER_LINE] for start in range(0, len(content), BYTES_PER_LINE)]
    return {"count": len(content), "element_bytes": values.dtype.itemsize, "lines": lines_of(rows)}


def lines_of(rows: Sequence[bytes]) -> list[str]:
    return [", ".join(map(str, row)) + "," for row in rows]
