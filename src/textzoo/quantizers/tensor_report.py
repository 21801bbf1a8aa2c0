"""The quantization error of every tensor of the decode step: float against quantized, on the same tokens."""

import csv
import io
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from matplotlib import colormaps

from textzoo.common.escaping import FONT_ENCODING, visible_line
from textzoo.common.files import write_json, write_text
from textzoo.common.pictures import Figure, save_png
from textzoo.compiler.tflite.file import TensorInfo, TfliteFile
from textzoo.engines.litert_engine import LitertReferenceEngine

# Float scores below this belong to masked positions; there the quantized ones saturate, which is not an error.
MASKED = -1e8
# Upper limit of signal-to-noise ratios; that of an exact copy is infinite.
HIGHEST_SQNR = 120.0
GOOD_SQNR = 30.0
PICTURE_DOTS_PER_INCH = 130


@dataclass
class TensorRow:
    """One tensor of the quantized decode step.

    Attributes:
        name: Name in the .tflite.
        op: The operator that computes it; "input" or "constant" otherwise.
        dtype: Type in the .tflite.
        shape: Shape in the .tflite.
        minimum: Smallest float value observed.
        maximum: Largest float value observed.
        scale: Scale of the tensor, or the largest of its channels; 0 if it is not quantized.
        zero_point: Zero point of the tensor; 0 if it is not quantized.
        channels: Number of scales.
        saturated: Share of values at the limits of the integer type.
        sqnr_db: Signal-to-quantization-noise ratio in dB, at most 120.
    """

    name: str
    op: str
    dtype: str
    shape: list[int]
    minimum: float
    maximum: float
    scale: float
    zero_point: int
    channels: int
    saturated: float
    sqnr_db: float


@dataclass
class TensorReport:
    """The rows in the order of computation, and the files they were written to."""

    rows: list[TensorRow]
    tables: list[Path] = field(default_factory=list)
    plots: list[Path] = field(default_factory=list)


def report_tensors(float_path: Path, quantized_path: Path, windows: np.ndarray, folder: Path) -> TensorReport:
    """Compare all tensors over windows (n, time) and write tensors.json, tensors.csv and tensors.png."""
    rows = compare_tensors(float_path, quantized_path, windows)
    report = TensorReport(rows)
    values = [asdict(row) for row in rows]
    write_json(folder / "tensors.json", values)
    write_text(folder / "tensors.csv", _as_csv(values))
    draw_tensors(rows, folder / "tensors.png")
    report.tables = [folder / "tensors.json", folder / "tensors.csv"]
    report.plots = [folder / "tensors.png"]
    return report


def _as_csv(values: list[dict]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fieldnames=list(values[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "shape": "x".join(map(str, row["shape"]))} for row in values)
    return stream.getvalue()


def compare_tensors(float_path: Path, quantized_path: Path, windows: np.ndarray) -> list[TensorRow]:
    """Step both graphs through the same windows (n, time), each with its own state; return a row per tensor."""
    reference = LitertReferenceEngine(float_path, keep_tensors=True)
    quantized = LitertReferenceEngine(quantized_path, keep_tensors=True)
    by_name = {tensor.name: tensor for tensor in reference.graph.tensors}
    pairs = [
        _Comparison(by_name[tensor.name], tensor)
        for tensor in _in_order(quantized.graph)
        if tensor.name in by_name and by_name[tensor.name].dtype == np.float32
    ]
    computed = [pair for pair in pairs if not pair.quantized.is_constant]
    for pair in pairs:
        if pair.quantized.is_constant:
            pair.observe(pair.reference.values(), pair.quantized.values())
    for window in windows:
        reference.reset()
        quantized.reset()
        for token in window:
            reference.step_raw(int(token))
            quantized.step_raw(int(token))
            for pair in computed:
                pair.observe(reference.tensor(pair.reference.index), quantized.tensor(pair.quantized.index))
    origins = _origins(quantized.graph)
    return [pair.row(origins.get(pair.quantized.index, "input")) for pair in pairs]


def _in_order(graph: TfliteFile) -> list[TensorInfo]:
    """Return tensors in the order in which operators use them."""
    order = [index for operator in graph.operators for index in (*operator.inputs, *operator.outputs) if index >= 0]
    return [graph.tensors[index] for index in dict.fromkeys(order)]


def _origins(graph: TfliteFile) -> dict[int, str]:
    origins = {tensor.index: "constant" for tensor in graph.tensors if tensor.is_constant}
    origins.update({index: operator.name for operator in graph.operators for index in operator.outputs})
    return origins


class _Comparison:
    """Sums over the values of one tensor in both graphs."""

    def __init__(self, reference: TensorInfo, quantized: TensorInfo) -> None:
        self.reference = reference
        self.quantized = quantized
        self.signal = self.noise = 0.0
        self.low, self.high = np.inf, -np.inf
        self.count = self.at_the_ends = 0

    def observe(self, expected: np.ndarray, stored: np.ndarray) -> None:
        valid = expected > MASKED
        expected, real = expected[valid].astype(np.float64), self._real(stored)[valid]
        if expected.size == 0:
            return
        self.signal += float((expected**2).sum())
        self.noise += float(((expected - real) ** 2).sum())
        self.low, self.high = min(self.low, expected.min()), max(self.high, expected.max())
        self.count += expected.size
        if stored.dtype.kind == "i":
            limits = np.iinfo(stored.dtype)
            ends = stored[valid]
            self.at_the_ends += int(((ends == limits.min) | (ends == limits.max)).sum())

    def _real(self, stored: np.ndarray) -> np.ndarray:
        if not self.quantized.scales:
            return stored.astype(np.float64)
        scales, zero_points = (
            np.array(part, np.float64) for part in (self.quantized.scales, self.quantized.zero_points)
        )
        if len(scales) > 1:  # per output channel, the first axis of a kernel
            scales = scales.reshape(-1, *[1] * (stored.ndim - 1))
            zero_points = 0.0
        return (stored - zero_points) * scales

    def row(self, op: str) -> TensorRow:
        ratio = self.signal / self.noise if self.noise > 0 else np.inf
        decibels = 10 * np.log10(ratio) if 0 < ratio < np.inf else (0.0 if ratio == 0 else HIGHEST_SQNR)
        observed = self.count > 0
        return TensorRow(
            name=self.quantized.name,
            op=op,
            dtype=str(self.quantized.dtype),
            shape=list(self.quantized.shape),
            minimum=float(self.low) if observed else 0.0,
            maximum=float(self.high) if observed else 0.0,
            scale=max(self.quantized.scales, default=0.0),
            zero_point=self.quantized.zero_point,
            channels=len(self.quantized.scales),
            saturated=self.at_the_ends / max(self.count, 1),
            sqnr_db=float(min(decibels, HIGHEST_SQNR)),
        )


def draw_tensors(rows: list[TensorRow], path: Path) -> None:
    """Draw a bar of the signal-to-noise ratio for each computed tensor, in the order of computation."""
    shown = [row for row in rows if row.op not in ("constant", "input", "RESHAPE", "SPLIT")]
    figure = Figure(figsize=(9, 1.5 + 0.2 * len(shown)), layout="constrained")
    axes = figure.subplots()
    kinds = sorted({row.op for row in shown})
    colours = {kind: colormaps["tab20"](index % 20) for index, kind in enumerate(kinds)}
    lengths = [max(row.sqnr_db, 0.0) for row in shown]
    axes.barh(range(len(shown)), lengths, color=[colours[row.op] for row in shown])
    axes.set_yticks(range(len(shown)), [f"{label_of(row)}  {row.op}" for row in shown], fontsize=7, parse_math=False)
    axes.invert_yaxis()
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlim(0, 1.25 * max(lengths) + 5)
    axes.axvline(GOOD_SQNR, color="grey", linewidth=0.8, linestyle="--")
    axes.set_xlabel("signal to quantization noise [dB]; accumulated from the input on")
    axes.set_title("Decode step: float against quantized, tensor by tensor")
    axes.grid(axis="x", alpha=0.3)
    for index, row in enumerate(shown):
        label = f"{row.minimum:.3g} .. {row.maximum:.3g}"
        axes.text(lengths[index] + 0.4, index, label, va="center", fontsize=6, color="dimgrey")
    save_png(figure, path, PICTURE_DOTS_PER_INCH)


def short_name(name: str) -> str:
    """Return a tensor's name without the converter's additions."""
    return name.split(";")[0].removesuffix("/MatMul1").replace("PartitionedCall/", "")


def label_of(row: TensorRow) -> str:
    """Return the tensor's name with escapes for characters that the plot's font lacks."""
    return visible_line(short_name(row.name), FONT_ENCODING)
