"""Inputs of a plain graph: drawn at random, and read from files of NumPy, which are not trusted."""

import contextlib
import zipfile
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy

from textzoo.common.archives import open_archive
from textzoo.common.errors import UserError, raise_all
from textzoo.common.files import require_file
from textzoo.compiler.tflite.file import TensorInfo
from textzoo.compiler.tflite.support import shape_text
from textzoo.engines.graph_engine import GraphEngine
from textzoo.engines.litert_engine import Arrays

SEED = 1
# Of an input that may be an index, random values are these: any table has so many rows.
SAFE_INDICES = 2
MAX_FILE_BYTES = 2**28
MAX_INFERENCES = 10**5
# Compressed arrays, e.g. of zeros, may become so many times larger.
MAX_EXPANSION = 1000.0


def random_inputs(engine: GraphEngine, count: int) -> list[Arrays]:
    """Return inputs drawn at random, the same ones every time: name -> array of the tensor's shape and type.

    Integers of 8 and 16 bits cover their range. Wider ones may be indices: they are 0 or 1. Floats that the graph
    quantizes cover the range of these integers; others are normally distributed.
    """
    random = np.random.default_rng(SEED)
    return [{name: drawn(tensor, engine, random) for name, tensor in engine.inputs.items()} for _ in range(count)]


def drawn(tensor: TensorInfo, engine: GraphEngine, random: np.random.Generator) -> np.ndarray:
    dtype = tensor.dtype
    if dtype.kind in "iu" and dtype.itemsize <= 2:
        limits = np.iinfo(dtype)
        return random.integers(limits.min, limits.max, tensor.shape, dtype, endpoint=True)
    if dtype.kind != "f":
        return random.integers(0, SAFE_INDICES, tensor.shape).astype(dtype)
    bounds = range_of_float(tensor, engine)
    drawn_floats = random.uniform(*bounds, tensor.shape) if bounds else random.standard_normal(tensor.shape)
    return drawn_floats.astype(dtype)


def range_of_float(tensor: TensorInfo, engine: GraphEngine) -> tuple[float, float] | None:
    """Return the range of the integers that the graph makes of a float input first; None if it makes none."""
    for operator in engine.file.operators:
        if operator.name == "QUANTIZE" and operator.inputs[0] == tensor.index:
            made = engine.file.tensors[operator.outputs[0]]
            limits = np.iinfo(made.dtype)
            return tuple(made.scale * (code - made.zero_point) for code in (limits.min, limits.max))
    return None


def inputs_of_file(path: Path, engine: GraphEngine) -> list[Arrays]:
    """Return the user's inputs: one or several, along an axis in front of the tensors' own.

    Args:
        path: A .npy for a graph with one input; a .npz with an array for each input, by its name.
        engine: The graph.

    Raises:
        UserError: The file is too large or damaged, or its arrays are not those of the inputs: all mistakes at once.
    """
    arrays = arrays_of_file(path, engine)
    wrong = sorted({*arrays} ^ {*engine.inputs})
    if wrong:
        raise UserError(
            f"{path} does not have the inputs of the graph",
            expected=", ".join(map(repr, engine.inputs)),
            received=", ".join(map(repr, arrays)) or "none",
            remedy="Save them with numpy.savez(FILE, **{name: array}).",
        )
    raise_all([error for name in arrays for error in array_mistakes(path, name, arrays[name], engine.inputs[name])])
    several = {name: array.reshape(-1, *engine.inputs[name].shape) for name, array in arrays.items()}
    counts = {name: len(array) for name, array in several.items()}
    if len({*counts.values()}) > 1 or not 1 <= max(counts.values()) <= MAX_INFERENCES:
        raise UserError(
            f"{path} has arrays of {', '.join(f'{count} {name}' for name, count in counts.items())}",
            expected=f"the same number of each, 1 to {MAX_INFERENCES:,}",
        )
    return [{name: array[index] for name, array in several.items()} for index in range(min(counts.values()))]


def array_mistakes(path: Path, name: str, array: np.ndarray, tensor: TensorInfo) -> list[UserError]:
    """Return the errors of an array that is not one or several of the input's."""
    fits = array.dtype == tensor.dtype and array.shape[-len(tensor.shape) :] == tensor.shape if tensor.shape else True
    if fits and array.ndim - len(tensor.shape) in (0, 1) and array.dtype == tensor.dtype:
        return []
    codes = f"Quantize it: round(x / {tensor.scale:g}) + {tensor.zero_point}, clipped." if tensor.scales else ""
    return [
        UserError(
            f"{path}: the array {name!r} is not an input of the graph",
            expected=f"{tensor.describe()}, or several of these in front: {tensor.dtype} Nx{shape_text(tensor.shape)}",
            received=f"{array.dtype} {shape_text(array.shape)}",
            remedy=codes if array.dtype.kind == "f" and tensor.dtype.kind != "f" else "",
        )
    ]


def arrays_of_file(path: Path, engine: GraphEngine) -> Arrays:
    """Return the arrays of a file by name; the only one of a .npy has that of the graph's only input."""
    require_file(path, "file of inputs")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise UserError(f"{path} is too large", expected=f"at most {MAX_FILE_BYTES:,} bytes of inputs")
    with damages_named(path):
        if path.suffix == ".npz":
            return dict(arrays_of_archive(path))
        if len(engine.inputs) > 1:
            raise UserError(
                f"{path} holds one array, and the graph has {len(engine.inputs)} inputs",
                expected=f"a .npz with the arrays {', '.join(map(repr, engine.inputs))}",
            )
        with path.open("rb") as file:
            return {name: array_of(file, path.stat().st_size) for name in engine.inputs}


@contextlib.contextmanager
def damages_named(path: Path) -> Iterator[None]:
    """Let errors of a damaged file say which it is."""
    try:
        yield
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError, SyntaxError) as error:
        raise UserError(
            f"{path} is no file of NumPy's arrays, or a damaged one",
            expected="what numpy.save or numpy.savez writes, without objects",
            received=str(error).partition("\n")[0],
        ) from None


def arrays_of_archive(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    with open_archive(path, MAX_EXPANSION) as archive:
        members = archive.infolist()
        size = sum(member.file_size for member in members)
        if size > MAX_FILE_BYTES:
            raise ValueError(f"{size:,} bytes when unpacked, more than {MAX_FILE_BYTES:,}")
        for member in members:
            with archive.open(member) as file:
                yield member.filename.removesuffix(".npy"), array_of(file, member.file_size)


def array_of(file: BinaryIO, size: int) -> np.ndarray:
    """Return the array of a .npy of `size` bytes; nothing is allocated before its header is known to be true.

    Raises:
        ValueError: It is damaged, or holds objects, which could run code.
    """
    version = npy.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"version {version} of the format")
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, is_fortran, dtype = read_header(file)
    if dtype.hasobject or dtype.names is not None or dtype.subdtype is not None or dtype.itemsize == 0:
        raise ValueError(f"elements of type {dtype}")
    expected, left = prod(shape) * dtype.itemsize, size - file.tell()
    if any(length < 0 for length in shape) or expected != left:
        raise ValueError(f"{left:,} bytes of data in place of {expected:,}")
    data = file.read(expected)
    if len(data) != expected:
        raise ValueError(f"{len(data):,} bytes of data in place of {expected:,}")
    values = np.frombuffer(data, dtype).reshape(shape, order="F" if is_fortran else "C")
    return np.ascontiguousarray(values.astype(dtype.newbyteorder("=")))
