"""Bounds on the work that a .tflite asks of its readers, checked before anything is unpacked.

Vectors of a damaged file may point at each other, or all at the same long one: unpacked, a megabyte becomes terabytes.
So everything that unpacking copies is counted first, and the count may not exceed a few times the file.
"""

import functools
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from textzoo.common.errors import UserError

MAX_ITEMS = 20_000
# Of all kinds together: each takes a tenth of a millisecond to unpack.
MAX_TOTAL_ITEMS = 50_000
MAX_SUBGRAPHS = 64
# Writers let equal vectors share memory, so that what is copied may exceed the file, but not by much.
COPIES_OF_THE_FILE = 4
SPARE_BYTES = 2**20
MAX_NUMBER = 8


def _tables_of(union: type) -> dict[int, type]:
    """Map type codes of a union of the schema to the classes of its tables."""
    return {code: getattr(schema, name) for name, code in vars(union).items() if name[0].isupper() and code}


OPTIONS = _tables_of(schema.BuiltinOptions)
FURTHER_OPTIONS = _tables_of(schema.BuiltinOptions2)
DETAILS = _tables_of(schema.QuantizationDetails)
SPARSE_VECTORS = _tables_of(schema.SparseIndexVector)


class Allowance:
    """What is left of the items and bytes that a file may make."""

    def __init__(self, file_bytes: int) -> None:
        self.items_left = MAX_TOTAL_ITEMS
        self.bytes_left = COPIES_OF_THE_FILE * file_bytes + SPARE_BYTES

    def items(self, *counts: int) -> None:
        """Take numbers of tables in vectors."""
        require(max(counts) <= MAX_ITEMS, f"{max(counts)} items of one kind")
        self.items_left -= sum(counts)
        require(self.items_left >= 0, f"more than {MAX_TOTAL_ITEMS} items")

    def numbers(self, *counts: int) -> None:
        """Take lengths of vectors of numbers, as if all were of the widest type."""
        self._bytes(sum(counts) * MAX_NUMBER)

    def raw(self, count: int) -> None:
        """Take bytes of data."""
        self._bytes(count)

    def texts(self, *texts: bytes | None) -> None:
        """Take texts."""
        self._bytes(sum(len(text or b"") for text in texts))

    def _bytes(self, count: int) -> None:
        self.bytes_left -= count
        require(self.bytes_left >= 0, "more data than the file holds")


def require(condition: bool, why: str) -> None:
    """Raise UserError(why) where the condition does not hold."""
    if not condition:
        raise UserError(why)


def check_limits(model: Any, file_bytes: int) -> None:
    """Raise UserError where unpacking a schema.Model would take more than its file justifies."""
    left = Allowance(file_bytes)
    require(model.SubgraphsLength() >= 1, "no subgraph")
    require(model.SubgraphsLength() <= MAX_SUBGRAPHS, f"{model.SubgraphsLength()} subgraphs")
    left.items(model.OperatorCodesLength(), model.BuffersLength(), model.SignatureDefsLength(), model.MetadataLength())
    left.items(model.ExternalBufferGroupsLength(), model.ExternalBuffersLength())
    left.numbers(model.MetadataBufferLength())
    left.texts(model.Description())
    for index in range(model.OperatorCodesLength()):
        left.texts(model.OperatorCodes(index).CustomCode())
    for index in range(model.BuffersLength()):
        left.raw(model.Buffers(index).DataLength())
    for index in range(model.MetadataLength()):
        left.texts(model.Metadata(index).Name())
    for index in range(model.ExternalBufferGroupsLength()):
        left.texts(model.ExternalBufferGroups(index).Name())
    for index in range(model.ExternalBuffersLength()):
        left.texts(model.ExternalBuffers(index).Packing())
    for index in range(model.SignatureDefsLength()):
        _take_signature(model.SignatureDefs(index), left)
    graphs = [model.Subgraphs(index) for index in range(model.SubgraphsLength())]
    for graph in graphs:  # all of them before the first is walked through
        left.items(graph.TensorsLength(), graph.OperatorsLength())
    for graph in graphs:
        _take_graph(graph, left)


def _take_signature(signature: Any, left: Allowance) -> None:
    left.items(signature.InputsLength(), signature.OutputsLength())
    left.texts(signature.SignatureKey())
    for read, count in ((signature.Inputs, signature.InputsLength()), (signature.Outputs, signature.OutputsLength())):
        left.texts(*(read(index).Name() for index in range(count)))


def _take_graph(graph: Any, left: Allowance) -> None:
    left.numbers(graph.InputsLength(), graph.OutputsLength())
    left.texts(graph.Name())
    for index in range(graph.TensorsLength()):
        _take_tensor(graph.Tensors(index), left)
    for index in range(graph.OperatorsLength()):
        _take_operator(graph.Operators(index), left)


def _take_tensor(tensor: Any, left: Allowance) -> None:
    left.texts(tensor.Name())
    left.numbers(tensor.ShapeLength(), tensor.ShapeSignatureLength())
    left.items(tensor.VariantTensorsLength())
    for index in range(tensor.VariantTensorsLength()):
        _take_table(tensor.VariantTensors(index), left)
    if tensor.Sparsity() is not None:
        _take_sparsity(tensor.Sparsity(), left)
    quantization = tensor.Quantization()
    if quantization is not None:
        _take_table(quantization, left)
        _take_union(DETAILS, quantization.DetailsType(), quantization.Details(), left)


def _take_sparsity(sparsity: Any, left: Allowance) -> None:
    left.numbers(sparsity.TraversalOrderLength(), sparsity.BlockMapLength())
    left.items(sparsity.DimMetadataLength())
    for index in range(sparsity.DimMetadataLength()):
        axis = sparsity.DimMetadata(index)
        _take_union(SPARSE_VECTORS, axis.ArraySegmentsType(), axis.ArraySegments(), left)
        _take_union(SPARSE_VECTORS, axis.ArrayIndicesType(), axis.ArrayIndices(), left)


def _take_operator(operator: Any, left: Allowance) -> None:
    _take_table(operator, left)
    _take_union(OPTIONS, operator.BuiltinOptionsType(), operator.BuiltinOptions(), left)
    _take_union(FURTHER_OPTIONS, operator.BuiltinOptions2Type(), operator.BuiltinOptions2(), left)


def _take_union(tables: dict[int, type], code: int, start: Any, left: Allowance) -> None:
    """Take what a union holds, if anything; a code that the schema does not have is not unpacked."""
    if start is not None and code in tables:
        table = tables[code]()
        table.Init(start.Bytes, start.Pos)
        _take_table(table, left)


def _take_table(table: Any, left: Allowance) -> None:
    """Take the texts and the vectors of numbers of a table."""
    lengths, texts = _vectors_of(type(table))
    left.numbers(*(getattr(table, name)() for name in lengths))
    left.texts(*(getattr(table, name)() for name in texts))


@functools.cache
def _vectors_of(kind: type) -> tuple[list[str], list[str]]:
    """Return a reader's names of the lengths of a table's vectors, and of its texts: fields that are None while empty.

    Unions and tables inside, which are None too, are left to those who know them.
    """
    lengths = [name for name in dir(kind) if name.endswith("Length")]
    empty = [name for name, value in vars(getattr(schema, f"{kind.__name__}T")()).items() if value is None]
    readers = [name[0].upper() + name[1:] for name in empty]
    inside = [name for name in readers if f"{name}Type" in dir(kind)]
    return lengths, [name for name in readers if f"{name}Length" not in lengths and name not in inside]
