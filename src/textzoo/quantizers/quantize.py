"""Quantization as a whole: equalize, export, calibrate, apply a recipe, report."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from textzoo.common.errors import UserError
from textzoo.common.files import write_bytes
from textzoo.common.progress import working
from textzoo.compiler.tflite.file import TfliteFile, read_tflite
from textzoo.config.schema import QuantizationConfig
from textzoo.models.base import LanguageModel
from textzoo.quantizers.apply import apply_recipe, state_arithmetic, with_readers
from textzoo.quantizers.calibration import Ranges, calibrate_decode, calibrate_forward, unify_ranges
from textzoo.quantizers.export import export_decode, export_forward
from textzoo.quantizers.position_report import report_by_position
from textzoo.quantizers.recipes import Recipe, get_recipe
from textzoo.quantizers.stored_weights import put_on_grid
from textzoo.quantizers.tensor_report import report_tensors
from textzoo.quantizers.weight_grids import grid_of_bits


@dataclass
class QuantizationResult:
    """What came out.

    Attributes:
        recipe: Name of the recipe.
        decode_path: The quantized decode step (.tflite).
        forward_path: The quantized window graph (.tflite); None for an architecture without one.
        float_decode_path: The float decode step that it was made from.
        file_bytes: Size of the quantized decode step.
        forward_bytes: Size of the quantized window graph; None without one.
        float_file_bytes: Size of the float decode step.
        seconds: Of the whole step, reports included.
        operators: Kinds of operators in the quantized decode step.
        loss_by_position: Label -> mean loss in nats per position; empty without validation tokens.
        tables: Files with data (CSV, JSON).
        plots: Pictures (PNG).
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
    """Export both graphs of a float model and quantize them.

    Args:
        model: The trained float model; left as it is.
        calibration_tokens: (n,) representative tokens, at least one window of context_length.
        config: Recipe, number of windows, equalization, tokens of the report by position.
        folder: Gets decode_<recipe>.tflite, forward_<recipe>.tflite, float/, and the reports.
        validation_tokens: (n,) tokens for the loss by position, float against quantized; none, no such report.

    Raises:
        UserError: Unknown recipe, too few tokens, or a graph that cannot be quantized as a whole.
    """
    start = time.perf_counter()
    recipe = get_recipe(config.recipe)
    windows = calibration_windows(calibration_tokens, model.context_length, config.calibration_windows)
    with working("preparing the weights"):
        source = prepared(model, windows, recipe, config.equalize)
    paths = {key: folder / f"{key}_{recipe.name}.tflite" for key in graphs_of(model)}
    float_paths = {key: folder / "float" / f"{key}.tflite" for key in paths}
    for key in paths:
        export, calibrate = GRAPHS[key]
        with working(f"exporting the {key} graph"):
            graph = export(source, float_paths[key])
        content = float_paths[key].read_bytes()
        ranges = Ranges()
        if recipe.is_static:
            ranges = calibrate(content, windows)
            unify_ranges(graph, ranges)
        wide = wide_tensors(model, graph, ranges, config) if recipe.activation_bits == 8 else set()
        with working(f"quantizing the {key} graph"):
            write_bytes(paths[key], apply_recipe(content, ranges, recipe, wide))
    result = _result(recipe, paths, float_paths)
    _report(result, model, windows, validation_tokens, config.report_tokens, folder)
    result.seconds = time.perf_counter() - start
    return result


def graphs_of(model: LanguageModel) -> list[str]:
    """The graphs that an architecture is exported as."""
    return [key for key in GRAPHS if key == "decode" or model.has_window_graph]


def wide_tensors(model: LanguageModel, graph: TfliteFile, ranges: Ranges, config: QuantizationConfig) -> set[str]:
    """What becomes int16 in a graph of int8: broad softmaxes, and the arithmetic of states that add up."""
    wide = with_readers(graph, wide_softmaxes(ranges, config.probabilities))
    if config.states != "int8" and any(spec.adds_up for spec in model.state_specs()):
        wide |= state_arithmetic(graph, {spec.name for spec in model.state_specs()})
    return wide


def prepared(model: LanguageModel, windows: np.ndarray, recipe: Recipe, equalize: bool) -> LanguageModel:
    """What is exported: equalized, and with matrices on the recipe's grid; the model itself stays as it is."""
    if recipe.has_coarse_weights:
        return put_on_grid(model, windows, grid_of_bits(recipe.weight_bits), equalize)
    return model.equalized(windows) if equalize and recipe.is_static else model


def wide_softmaxes(ranges: Ranges, probabilities: str) -> set[str]:
    """Outputs of the softmaxes that become int16 in a graph of int8 ("auto", "int8", "int16")."""
    return {"auto": ranges.high_entropy_softmaxes(), "int8": set(), "int16": set(ranges.roundings)}[probabilities]


def calibration_windows(tokens: np.ndarray, context_length: int, count: int) -> np.ndarray:
    """Up to `count` windows (n, context_length) int32, spread evenly over the tokens."""
    if len(tokens) < context_length:
        raise UserError(
            "the calibration text is shorter than a window",
            expected=f"at least {context_length} tokens",
            received=str(len(tokens)),
        )
    starts = np.unique(np.linspace(0, len(tokens) - context_length, count).astype(np.int64))
    return np.stack([np.asarray(tokens[start : start + context_length], np.int32) for start in starts])


GRAPHS = {"decode": (export_decode, calibrate_decode), "forward": (export_forward, calibrate_forward)}


def _result(recipe: Recipe, paths: dict[str, Path], float_paths: dict[str, Path]) -> QuantizationResult:
    return QuantizationResult(
        recipe=recipe.name,
        decode_path=paths["decode"],
        forward_path=paths.get("forward"),
        float_decode_path=float_paths["decode"],
        file_bytes=paths["decode"].stat().st_size,
        forward_bytes=paths["forward"].stat().st_size if "forward" in paths else None,
        float_file_bytes=float_paths["decode"].stat().st_size,
        seconds=0.0,
        operators=read_tflite(paths["decode"]).operator_names(),
    )


def _report(
    result: QuantizationResult,
    model: LanguageModel,
    windows: np.ndarray,
    validation_tokens: np.ndarray | None,
    report_tokens: int,
    folder: Path,
) -> None:
    """The tables and pictures from which a user sees where the loss comes from."""
    with working("comparing every tensor"):
        tensors = report_tensors(result.float_decode_path, result.decode_path, windows[:2], folder)
    result.tables += tensors.tables
    result.plots += tensors.plots
    if validation_tokens is not None:
        positions = report_by_position(model, result.decode_path, validation_tokens, report_tokens, folder)
        result.loss_by_position = positions.losses
        result.tables += positions.tables
        result.plots += positions.plots
