"""Bounds on the work that a .tflite asks of its readers, checked before anything is unpacked.

Vectors of a damaged file may point at each other, or all at the same long one: unpacked, a megabyte becomes terabytes.
So everything that unpacking copies is counted first, and the count may not exceed a few times the file.
"""

from typing import Any

from ai_edge_litert import schema_py_generated as schema

from textzoo.errors import UserError

MAXIMUM_ITEMS = 20_000
# Of all kinds together: each takes a tenth of a millisecond to unpack.
MAXIMUM_TOTAL_ITEMS = 50_000
MAXIMUM_SUBGRAPHS = 64
# Writers let equal vectors share a place, so that what is copied may exceed the file, but not by much.
COPIES_OF_THE_FILE = 4
SPARE_BYTES = 2**20
LARGEST_NUMBER = 8
# Options with texts, of operators with variables.
REFUSED_OPTIONS = (schema.BuiltinOptions.VarHandleOptions,)


class Allowance:
    """What is left of the items and bytes that a file may make."""

    def __init__(self, file_bytes: int) -> None:
        self.items_left = MAXIMUM_TOTAL_ITEMS
        self.bytes_left = COPIES_OF_THE_FILE * file_bytes + SPARE_BYTES

    def items(self, *counts: int) -> None:
        """Take numbers of tables in vectors."""
        require(max(counts) <= MAXIMUM_ITEMS, f"{max(counts)} items of one kind")
        self.items_left -= sum(counts)
        require(self.items_left >= 0, f"more than {MAXIMUM_TOTAL_ITEMS} items")

    def numbers(self, *counts: int) -> None:
        """Take lengths of vectors of numbers, as if all were of the widest type."""
        self._bytes(sum(counts) * LARGEST_NUMBER)

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
    require(model.SubgraphsLength() <= MAXIMUM_SUBGRAPHS, f"{model.SubgraphsLength()} subgraphs")
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
    require(tensor.Sparsity() is None, "a sparse tensor")
    require(tensor.VariantTensorsLength() == 0, "a tensor of variants")
    quantization = tensor.Quantization()
    if quantization is not None:
        require(quantization.DetailsType() == 0, "a tensor quantized in another way than by scales")
        lengths = ("Min", "Max", "Scale", "ZeroPoint")
        left.numbers(*(getattr(quantization, f"{name}Length")() for name in lengths))


def _take_operator(operator: Any, left: Allowance) -> None:
    left.numbers(operator.InputsLength(), operator.OutputsLength(), operator.IntermediatesLength())
    left.numbers(operator.MutatingVariableInputsLength(), operator.CustomOptionsLength())
    require(operator.BuiltinOptionsType() not in REFUSED_OPTIONS, "an operator with variables")
    require(operator.BuiltinOptions2Type() == 0, "an operator of StableHLO")
