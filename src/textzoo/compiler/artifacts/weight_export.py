"""The matrices of a .tflite as files of their own: one .bin per matrix, and all of them as weights.tzw."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from textzoo.common.paths import APPLICATION, DEPLOYMENT
from textzoo.compiler.artifacts.weight_file import MAX_NAME_LENGTH, Matrix, write_weight_file
from textzoo.compiler.ir.graph import Graph, Node, Symbols, Tensor, build_graph
from textzoo.compiler.tflite.file import read_tflite

FOLDER = "weights"
BLOB = "weights.tzw"
# Which input of an operator is a matrix.
MATRIX_INPUTS = {"FULLY_CONNECTED": 1, "GATHER": 0, "EMBEDDING_LOOKUP": 1}
# What the converter calls constants that it computed: their name says nothing.
NAMELESS = "arith.constant"
READER = (
    *(DEPLOYMENT / "weight_file" / name for name in ("weight_file.h", "weight_file.c")),
    *(APPLICATION / name for name in ("crc32.h", "crc32.c")),
)


def weight_files(path: Path) -> dict[str, bytes]:
    """Return the files of a folder, name -> content: the matrices of a quantized .tflite, and the reader in C.

    Args:
        path: The model; treated as hostile.
    """
    matrices = matrices_of(build_graph(read_tflite(path)))
    digits = max(2, len(str(len(matrices))))
    files = {f"{number:0{digits}}_{matrix.name}.bin": matrix.packed() for number, matrix in enumerate(matrices)}
    return {**files, BLOB: write_weight_file(matrices), **{file.name: file.read_bytes() for file in READER}}


def matrices_of(graph: Graph) -> list[Matrix]:
    """Return the constant int8 matrices that a token meets, weights of layers and tables, each once, in that order."""
    symbols = Symbols()
    return [
        Matrix(
            symbols.unique(name)[-MAX_NAME_LENGTH:],
            np.array(tensor.value),
            np.broadcast_to(np.array(tensor.scales, np.float32), tensor.shape[:1]),
            tensor.zero_point,
        )
        for name, tensor in named_matrices(graph.nodes)
    ]


def named_matrices(nodes: Sequence[Node]) -> Iterator[tuple[str, Tensor]]:
    """Name -> tensor: its own name for a layer's weights, that of what is looked up for a table."""
    seen: set[int] = set()
    for node in nodes:
        index = MATRIX_INPUTS.get(node.operator)
        tensor = node.inputs[index] if index is not None else None
        if tensor is None or id(tensor) in seen or not is_matrix(tensor):
            continue
        seen.add(id(tensor))
        speaks = node.operator == "FULLY_CONNECTED" and not tensor.name.startswith(NAMELESS)
        yield (tensor if speaks else node.output).symbol, tensor


def is_matrix(tensor: Tensor) -> bool:
    """Return whether it is a constant (rows, columns) int8 with one scale, or one for every row, and one zero point."""
    has_axes = tensor.is_constant and str(tensor.dtype) == "int8" and len(tensor.shape) == 2
    return has_axes and len(tensor.scales) in (1, tensor.shape[0]) and len(set(tensor.zero_points)) == 1
