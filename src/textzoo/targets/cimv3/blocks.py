"""Map a compiled decode step to blocks of CIMv3's modes: the kernels of PIPE, PARL and LN of each block.

Statements are in the order of the graph, so that one walk over them finds the blocks. Each statement must be the kernel
that a block has at this point and must read the results of the statements before it. Together the blocks are exactly
the model.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from textzoo.common.errors import UserError, raise_all
from textzoo.compiler.ir.graph import Tensor
from textzoo.compiler.ir.program import Call, Compute, Loop, Program, Statement, Struct, straightened
from textzoo.models.settings import ModelConfig
from textzoo.targets.cimv3.rules import CIMV3_BOARD, cimv3_violations

MATRIX = ("fully_connected_s8",)
NARROW, WIDE = "attention_s8", "attention_s8_p16"
MODES = (
    "the sum of embeddings; per block PIPE (FULLY_CONNECTED, new rows of the caches, ATTENTION, FULLY_CONNECTED, ADD), "
    "PARL (FULLY_CONNECTED twice, ADD) and LN (LAYER_NORM); a last LAYER_NORM and FULLY_CONNECTED, all in int8"
)
REMEDY = (
    "Use model=pico_gpt with quantization=static_wi8_ai8 and quantization.equalize=true, or another board than "
    f"{CIMV3_BOARD}."
)
# The memory of a tensor (id of its storage), and the index of its first element there.
Location = tuple[int, int]


@dataclass(frozen=True)
class Pipe:
    """The attention of one block, with its residual connection.

    Attributes:
        qkv: Matrix of queries, keys and values, concatenated.
        attention: The kernel, with probabilities of 8 or 15 bits.
        narrowing: tz_requantize_t from attention's int16 to int8; None with probabilities of 8 bits.
        projection: Matrix of the output.
        residual: tz_add_t of the input and the projection, in this order.
    """

    qkv: Call
    attention: Call
    narrowing: Struct | None
    projection: Call
    residual: Struct


@dataclass(frozen=True)
class Parl:
    """The feed-forward network of one block, with its residual connection.

    Attributes:
        activation: Activation of the hidden layer, as in the configuration; "none", or the name of another operator.
    """

    up: Call
    down: Call
    residual: Struct
    activation: str


@dataclass(frozen=True)
class Block:
    """One block: its modes in order."""

    pipe: Pipe
    parl: Parl
    norm: Call

    @property
    def matrices(self) -> list[Call]:
        return [self.pipe.qkv, self.pipe.projection, self.parl.up, self.parl.down]

    @property
    def shape(self) -> tuple[object, ...]:
        """(rows, columns) of the matrices; (heads, width of a head, context); width of the norm."""
        attention = self.pipe.attention.struct.fields
        heads = attention["heads"], attention["width"], attention["context"]
        return (*(rows_and_columns(matrix) for matrix in self.matrices), heads, self.norm.struct.fields["width"])


@dataclass(frozen=True)
class Decoder:
    """A complete decode step.

    Attributes:
        tokens: (vocabulary, d_model) int8 embeddings.
        positions: (context, d_model) int8 embeddings.
        embedding: tz_add_t of a token's and a position's embedding, in this order.
        final_norm, logits: Kernels after the last block.
    """

    tokens: Tensor
    positions: Tensor
    embedding: Struct
    blocks: list[Block]
    final_norm: Call
    logits: Call

    @property
    def norms(self) -> list[Call]:
        return [*(block.norm for block in self.blocks), self.final_norm]

    @property
    def calls(self) -> list[Call]:
        """Every kernel that may need scratch memory."""
        return [call for block in self.blocks for call in (*block.matrices, block.pipe.attention)] + [self.logits]

    @property
    def scratch_bytes(self) -> int:
        return max(call.scratch.bytes for call in self.calls)


class MisfitError(UserError):
    """A model that does not consist of CIMv3's blocks."""

    def __init__(self, received: str) -> None:
        what = "this model does not consist of pico_gpt blocks, which CIMv3 runs"
        super().__init__(what, expected=MODES, received=received, remedy=REMEDY)


def decoder_of(program: Program, inputs: dict[str, Tensor]) -> Decoder:
    """Return the blocks of a compiled decode step.

    Args:
        program: Compiled with every pass, and weights row by row (variant cimv3).
        inputs: Inputs of the decode step: token and position.

    Raises:
        UserError: The model has other statements, or violates rules of the accelerator, which are all listed.
    """
    walk = Walk(program.statements, inputs["position"])
    embedding, (tokens, positions), location = walk.embeddings(inputs["token"])
    blocks = []
    while not walk.is_at("LAYER_NORM"):
        block, location = walk.block(location)
        blocks.append(block)
    final_norm = walk.call("the last LAYER_NORM", "LAYER_NORM", ("layer_norm_s8",), location)
    logits = walk.call("the logits", "FULLY_CONNECTED", MATRIX, location_of(final_norm.outputs[0]))
    walk.end()
    decoder = Decoder(tokens, positions, embedding, blocks, final_norm, logits)
    check_shapes(decoder)
    raise_all(cimv3_violations(architecture_of(decoder), REMEDY))
    return decoder


class Walk:
    """Statements in order, each consumed once, without those that compute indices: the HAL knows the position."""

    def __init__(self, statements: Iterable[Statement], position: Tensor) -> None:
        self.rest = [statement for statement in statements if not only_indices(statement)]
        self.position = position

    def is_at(self, kind: str) -> bool:
        return bool(self.rest) and self.rest[0].kind == kind

    def misfit(self, wanted: str) -> MisfitError:
        found = f"{self.rest[0].kind} ({self.rest[0].name})" if self.rest else "the end"
        return MisfitError(f"{found} instead of {wanted}")

    def end(self) -> None:
        if self.rest:
            raise self.misfit("the end")

    def call(self, role: str, kind: str, kernels: tuple[str, ...], *inputs: Location) -> Call:
        """Consume the next statement, which must be a call of one of the kernels that reads these inputs."""
        if not self.is_at(kind) or not isinstance(self.rest[0], Call):
            raise self.misfit(role)
        call = self.rest[0]
        read = tuple(location_of(tensor) for tensor in call.inputs[: len(inputs)])
        if call.kernel not in kernels or call.repeats != 1 or read != inputs:
            raise self.misfit(role)
        del self.rest[0]
        return call

    def loop(self, role: str, kind: str, functions: tuple[str, ...]) -> Compute:
        """Consume the next statement, which must be a loop of one function over whole rows of int8 or int16."""
        loop = straightened(self.rest[0]) if self.is_at(kind) and isinstance(self.rest[0], Loop) else None
        if loop is None or len(loop.body) != 1 or loop.body[0].function not in functions:
            raise self.misfit(role)
        operands = (*loop.body[0].operands, loop.body[0].target)
        if any((operand.strides, operand.offset) != ((1,), 0) for operand in operands):
            raise self.misfit(role)
        del self.rest[0]
        return loop.body[0]

    def embeddings(self, token: Tensor) -> tuple[Struct, tuple[Tensor, Tensor], Location]:
        """Consume the sum of a token's and a position's row; return tz_add_t, both tables, the sum's location."""
        role = "the sum of both embeddings"
        if not self.is_at("ADD"):
            raise self.misfit(role)
        compute = self.loop(role, "ADD", ("tz_add",))
        (first, by), (second, other) = (table_and_index(operand.tensor) for operand in compute.operands)
        if (by, other) == (token, self.position):
            return compute.struct, (first, second), location_of(compute.target.tensor)
        if (by, other) != (self.position, token):
            raise MisfitError("a sum of other values than a token's and a position's row")
        return swapped(compute.struct), (second, first), location_of(compute.target.tensor)

    def residual(self, role: str, x: Location, branch: Location) -> tuple[Struct, Location]:
        """Consume a residual connection; return tz_add_t of x and the branch in this order, and the sum's location."""
        compute = self.loop(role, "ADD", ("tz_add",))
        operands = [location_of(operand.tensor) for operand in compute.operands]
        if sorted(operands) != sorted((x, branch)):
            raise MisfitError(f"a sum of other values as {role}")
        struct = compute.struct if operands[0] == x else swapped(compute.struct)
        return struct, location_of(compute.target.tensor)

    def block(self, x: Location) -> tuple[Block, Location]:
        """Consume the next block; return it and the location of its output."""
        pipe, attended = self.pipe(x)
        parl, fed = self.parl(attended)
        norm = self.call("LN", "LAYER_NORM", ("layer_norm_s8",), fed)
        return Block(pipe, parl, norm), location_of(norm.outputs[0])

    def pipe(self, x: Location) -> tuple[Pipe, Location]:
        qkv = self.call("PIPE's queries, keys and values", "FULLY_CONNECTED", MATRIX, x)
        query, width = location_of(qkv.outputs[0]), qkv.struct.fields["columns"]
        rows = self.new_rows()
        caches = [rows.get((query[0], query[1] + part * width)) for part in (1, 2)]
        attention = self.call("PIPE's attention", "ATTENTION", (NARROW, WIDE), query)
        *read, last = attention.inputs[1:]
        if [location_of(tensor) for tensor in read] != caches or last.storage is not self.position:
            raise MisfitError(f"ATTENTION ({attention.name}) over other caches than those just written")
        mixed, narrowing = location_of(attention.outputs[0]), None
        if attention.kernel == WIDE:
            compute = self.loop("PIPE's narrowing", "QUANTIZE", ("tz_requantize", "tz_requantize_small"))
            if location_of(compute.operands[0].tensor) != mixed:
                raise MisfitError(f"QUANTIZE of another value than {attention.name}")
            mixed, narrowing = location_of(compute.target.tensor), compute.struct
        projection = self.call("PIPE's projection", "FULLY_CONNECTED", MATRIX, mixed)
        residual, location = self.residual("PIPE's sum", x, location_of(projection.outputs[0]))
        return Pipe(qkv, attention, narrowing, projection, residual), location

    def new_rows(self) -> dict[Location, Location]:
        """Consume the copies of rows into caches; return location of the row -> location of the cache."""
        computes: list[Compute] = []
        while self.is_at("DYNAMIC_UPDATE_SLICE"):
            computes += self.rest.pop(0).body
        copies = [compute for compute in computes if not compute.function]
        return {
            location_of(copy.operands[0].tensor): (id(copy.target.tensor.storage), 0)
            for copy in copies
            if copy.operands[0].offset == 0
        }

    def parl(self, x: Location) -> tuple[Parl, Location]:
        up = self.call("PARL's first matrix", "FULLY_CONNECTED", MATRIX, x)
        hidden, activation = location_of(up.outputs[0]), fused_activation(up)
        if self.rest and isinstance(self.rest[0], Loop) and not self.is_at("ADD"):
            loop = self.rest.pop(0)
            hidden, activation = location_of(loop.writes()[-1]), loop.kind.lower()
        down = self.call("PARL's second matrix", "FULLY_CONNECTED", MATRIX, hidden)
        residual, location = self.residual("PARL's sum", x, location_of(down.outputs[0]))
        return Parl(up, down, residual, activation), location


def only_indices(statement: Statement) -> bool:
    return all(str(tensor.dtype) == "int32" for tensor in statement.writes())


def location_of(tensor: Tensor) -> Location:
    """Return a tensor's location; the index is -1, equal to no output's, if it is only known at run time."""
    storage, offset, moves = tensor.location()
    return id(storage), -1 if moves else offset


def table_and_index(row: Tensor) -> tuple[Tensor, Tensor | None]:
    """Return a constant table (entries, elements), and the tensor with the index of this row; else None."""
    table, offset, moves = row.location()
    is_row = table.is_constant and len(table.shape) == 2 and len(moves) == 1 and offset == moves[0].element == 0
    whole = is_row and (moves[0].stride, moves[0].limit) == (table.shape[1], table.shape[0] - 1)
    return table, moves[0].index.storage if whole else None


def swapped(add: Struct) -> Struct:
    """Return tz_add_t for the operands in the other order; the sum is the same."""
    return replace(add, fields={**add.fields, "a": add.fields["b"], "b": add.fields["a"]})


def fused_activation(matrix: Call) -> str:
    fields = matrix.struct.fields
    if (fields["minimum"], fields["maximum"]) == (fields["output_zero_point"], 127):
        return "relu"
    return "none" if (fields["minimum"], fields["maximum"]) == (-128, 127) else "another one"


def rows_and_columns(matrix: Call) -> tuple[int, int]:
    return matrix.struct.fields["rows"], matrix.struct.fields["columns"]


def has_bias(matrix: Call) -> bool:
    """Return whether the biases hold more than the correction for the input's zero point."""
    fields = matrix.struct.fields
    weights = fields["weights"].values.reshape(rows_and_columns(matrix)).astype(np.int64)
    return bool(np.any(fields["bias"].values + matrix.inputs[0].zero_point * weights.sum(axis=1)))


def check_shapes(decoder: Decoder) -> None:
    """Raise MisfitError if shapes of matrices do not match, or blocks differ."""
    if not decoder.blocks:
        raise MisfitError("no block")
    first = decoder.blocks[0].pipe.attention.struct.fields
    heads, context = first["heads"], first["context"]
    (vocabulary, d_model), hidden = decoder.tokens.shape, decoder.blocks[0].parl.up.struct.fields["rows"]
    matrices = (3 * d_model, d_model), (d_model, d_model), (hidden, d_model), (d_model, hidden)
    expected = (*matrices, (heads, d_model // heads, context), d_model)
    shapes = {block.shape for block in decoder.blocks}
    ends = decoder.positions.shape, rows_and_columns(decoder.logits), decoder.final_norm.struct.fields["width"]
    if shapes != {expected} or ends != ((context, d_model), (vocabulary, d_model), d_model):
        raise MisfitError(f"blocks of the shapes {sorted(shapes)}, between {decoder.tokens.describe()} and {ends}")


def architecture_of(decoder: Decoder) -> ModelConfig:
    """Return the model as a section of the configuration."""
    first = decoder.blocks[0]
    activations = {block.parl.activation for block in decoder.blocks}
    matrices = [matrix for block in decoder.blocks for matrix in block.matrices] + [decoder.logits]
    return ModelConfig(
        n_layers=len(decoder.blocks),
        n_heads=first.pipe.attention.struct.fields["heads"],
        d_model=first.pipe.qkv.struct.fields["columns"],
        context_length=first.pipe.attention.struct.fields["context"],
        activation=" and ".join(sorted(activations)),
        use_bias=any(has_bias(matrix) for matrix in matrices),
    )
