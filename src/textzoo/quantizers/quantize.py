"""The whole quantization: equalize, export, calibrate, apply a recipe, report."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from textzoo.common.errors import UserError
from textzoo.common.files import write_bytes
from textzoo.common.progress import working
from textzoo.compiler.tflite.file import TfliteFile, read_tflite
from textzoo.models.base import LanguageModel
from textzoo.quantizers.apply import apply_recipe, state_arithmetic, with_readers
from textzoo.quantizers.calibration import Ranges, calibrate_decode, calibrate_forward, unify_ranges
from textzoo.quantizers.export import DECODE, FORWARD, export_decode, export_forward
from textzoo.quantizers.position_report import report_by_position
from textzoo.quantizers.recipes import Recipe, get_recipe
from textzoo.quantizers.settings import QuantizationConfig
from textzoo.quantizers.stored_weights import put_on_grid
from textzoo.quantizers.tensor_report import report_tensors
from textzoo.quantizers.weight_grids import grid_of_bits


@dataclass
class QuantizationResult:
    """The result of a quantization.

    Attributes:
        recipe: Name of the recipe.
        decode_path: The quantized decode step (.tflite).
        forward_path: The quantized window graph (.tflite); None for an architecture without one.
        float_decode_path: The float decode step before quantization.
        file_bytes: Size of the quantized decode step.
        forward_bytes: Size of the quantized window graph; None without one.
        float_file_bytes: Size of the float decode step.
        seconds: Duration, including reports.
        operators: Kinds of operators in the quantized decode step.
        loss_by_position: Label -> mean loss in nats per position; empty without validation tokens.
        tables: Files with data (CSV, JSON).
        plots: Plots (PNG).
    """

    recipe: str
    decode_path: Path
    forward_path: Path | None
    float_decode_path: Path
    file_bytes: int
    forward_bytes: int | None
    float_file_bytes: int
    seconds: float
    operators: list[str]
    loss_by_position: dict[str, list[float]] = field(default_factory=dict)
    tables: list[Path] = field(default_factory=list)
    plots: list[Path] = field(default_factory=list)


def quantize(
    model: LanguageModel,
    calibration_tokens: np.ndarray,
    config: QuantizationConfig,
    folder: Path,
    *,
    validation_tokens: np.ndarray | None = None,
) -> QuantizationResult:
    """Export both graphs of a float model, quantize them, and report the sources of the quantization error.

    Args:
        model: The trained float model; it is not changed.
        calibration_tokens: (n,) representative tokens, at least one window of context_length.
        config: Recipe, number of windows, equalization, tokens of the report by position.
        folder: Folder for decode_<recipe>.tflite, forward_<recipe>.tflite, float/, and the reports.
        validation_tokens: (n,) tokens for the loss by position, float against quantized; None for no such report.

    Raises:
        UserError: Unknown recipe, too few tokens, or a graph that cannot be quantized completely.
    """
    start = time.perf_counter()
    graphs = quantized_graphs(model, calibration_tokens, config, folder, graphs_of(model))
    result = result_of(config.recipe, graphs)
    windows = calibration_windows(calibration_tokens, model.context_length, config.calibration_windows)
    add_reports(result, model, windows, validation_tokens, config.report_tokens, folder)
    result.seconds = time.perf_counter() - start
    return result


def quantize_decode_step(
    model: LanguageModel, calibration_tokens: np.ndarray, config: QuantizationConfig, folder: Path
) -> Path:
    """Quantize only the decode step, to the same bytes as `quantize`, without reports; return the .tflite."""
    return quantized_graphs(model, calibration_tokens, config, folder, [DECODE])[DECODE].path


@dataclass(frozen=True)
class QuantizedGraph:
    """The files of one graph: the quantized .tflite and the float .tflite."""

    path: Path
    float_path: Path


def quantized_graphs(
    model: LanguageModel, tokens: np.ndarray, config: QuantizationConfig, folder: Path, keys: Sequence[str]
) -> dict[str, QuantizedGraph]:
    """Export and quantize some graphs ("decode", "forward") of a model; arguments as in `quantize`."""
    recipe = get_recipe(config.recipe)
    windows = calibration_windows(tokens, model.context_length, config.calibration_windows)
    with working("preparing the weights"):
        source = prepared(model, windows, recipe, config.equalize)
    graphs = {}
    for key in keys:
        files = QuantizedGraph(folder / f"{key}_{recipe.name}.tflite", folder / "float" / f"{key}.tflite")
        with working(f"exporting the {key} graph"):
            graph = EXPORTS[key](source, files.float_path)
        content = files.float_path.read_bytes()
        ranges = calibrated(key, graph, content, windows) if recipe.is_static else Ranges()
        int16_names = int16_tensors(model, graph, ranges, config) if recipe.activation_bits == 8 else set()
        with working(f"quantizing the {key} graph"):
            write_bytes(files.path, apply_recipe(content, ranges, recipe, int16_names))
        graphs[key] = files
    return graphs


def calibrated(key: str, graph: TfliteFile, content: bytes, windows: np.ndarray) -> Ranges:
    """Return the ranges for quantizing an exported graph, observed over the windows."""
    ranges = CALIBRATIONS[key](content, windows)
    unify_ranges(graph, ranges)
    return ranges


def graphs_of(model: LanguageModel) -> list[str]:
    """Return the keys of the graphs that an architecture is exported as."""
    return [key for key in EXPORTS if key == DECODE or model.has_window_graph]


def int16_tensors(model: LanguageModel, graph: TfliteFile, ranges: Ranges, config: QuantizationConfig) -> set[str]:
    """Return the int16 tensors of an int8 graph: high-entropy softmaxes, and the arithmetic of accumulating states."""
    names = with_readers(graph, int16_softmaxes(ranges, config.probabilities))
    if config.states != "int8" and any(spec.accumulating for spec in model.state_specs()):
        names |= state_arithmetic(graph, {spec.name for spec in model.state_specs()})
    return names


def prepared(model: LanguageModel, windows: np.ndarray, recipe: Recipe, equalize: bool) -> LanguageModel:
    """Return the model to export: equalized, and with matrices on the recipe's grid; `model` is not changed."""
    if recipe.has_low_bit_weights:
        return put_on_grid(model, windows, grid_of_bits(recipe.weight_bits), equalize)
    return model.equalized(windows) if equalize and recipe.is_static else model


def int16_softmaxes(ranges: Ranges, probabilities: str) -> set[str]:
    """Return the softmax outputs that become int16 in an int8 graph; `probabilities` is "auto", "int8" or "int16"."""
    return {"auto": ranges.high_entropy_softmaxes(), "int8": set(), "int16": set(ranges.roundings)}[probabilities]


def calibration_windows(tokens: np.ndarray, context_length: int, count: int) -> np.ndarray:
    """Return up to `count` windows, evenly spaced over the tokens, (n, context_length) int32."""
    if len(tokens) < context_length:
        raise UserError(
            "the calibration text is shorter than a window",
            expected=f"at least {context_length} tokens",
            received=str(len(tokens)),
        )
    starts = np.unique(np.linspace(0, len(tokens) - context_length, count).astype(np.int64))
    return np.stack([np.asarray(tokens[start : start + context_length], np.int32) for start in starts])


EXPORTS = {DECODE: export_decode, FORWARD: export_forward}
CALIBRATIONS = {DECODE: calibrate_decode, FORWARD: calibrate_forward}


def result_of(recipe: str, graphs: dict[str, QuantizedGraph]) -> QuantizationResult:
    """Return the result without duration and reports, which are added later."""
    decode, forward = graphs[DECODE], graphs.get(FORWARD)
    return QuantizationResult(
        recipe=recipe,
        decode_path=decode.path,
        forward_path=forward.path if forward else None,
        float_decode_path=decode.float_path,
        file_bytes=decode.path.stat().st_size,
        forward_bytes=forward.path.stat().st_size if forward else None,
        float_file_bytes=decode.float_path.stat().st_size,
        seconds=0.0,
        operators=read_tflite(decode.path).operator_names(),
    )


def add_reports(
    result: QuantizationResult,
    model: LanguageModel,
    windows: np.ndarray,
    validation_tokens: np.ndarray | None,
    report_tokens: int,
    folder: Path,
) -> None:
    """Write the tables and plots of the quantization error, and add them to the result."""
    with working("comparing every tensor"):
        tensors = report_tensors(result.float_decode_path, result.decode_path, windows[:2], folder)
    result.tables += tensors.tables
    result.plots += tensors.plots
    if validation_tokens is not None:
        positions = report_by_position(model, result.decode_path, validation_tokens, report_tokens, folder)
        result.loss_by_position = positions.losses
        result.tables += positions.tables
        result.plots += positions.plots
