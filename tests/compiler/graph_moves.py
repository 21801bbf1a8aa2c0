"""Random nodes that move the elements of tensors of a draft, or are known when compiling: rows of the table NODES."""

from collections.abc import Callable, Sequence

import numpy as np
from graph_draft import (
    ANY_TYPE,
    INDEX_TYPE,
    MAX_AXES,
    MAX_ELEMENTS,
    NO_BOOL,
    QUANTIZED,
    WIDE,
    Draft,
    Make,
    NothingFitsError,
    zero_of,
)
from operator_cases import draw_paddings, draw_values, plain

from textzoo.compiler.tflite.single_operator import Operation, Tensor

# Drawn more often: those of every model.
MOVED = ("int8", "int8", "int8", *QUANTIZED, *ANY_TYPE)


def moved(make: Callable[[Draft, Tensor], list[Operation]], low: int = 1, dtypes: Sequence[str] = MOVED) -> Make:
    """Nodes that move the elements of one tensor of at least `low` axes."""
    return lambda draft: make(draft, draft.pick(dtypes, low, MAX_AXES))


def checked(shape: Sequence[int]) -> tuple[int, ...]:
    """A shape that is not too large.

    Raises:
        NothingFitsError: It is.
    """
    if len(shape) > MAX_AXES or np.prod(shape, dtype=int) > MAX_ELEMENTS:
        raise NothingFitsError
    return tuple(shape)


def joined_range(draft: Draft, output: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """The output, its range that of everything in it."""
    if output.dtype != "float32":
        ends = np.array([draft.range_of(source) for source in sources], object)
        draft.limit(output, int(ends[:, 0].min()), int(ends[:, 1].max()))
    return output


# ---- the same elements in the same order ----


def reshape(draft: Draft, source: Tensor) -> list[Operation]:
    size = int(np.prod(source.shape))
    shapes = [(size,), (1, size), (size, 1), (1, *source.shape), tuple(source.shape[::-1]), (*source.shape, 1)]
    shapes += [tuple(tensor.shape) for tensor in draft.pool if np.prod(tensor.shape, dtype=int) == size] * 2
    shape = draft.one_of([shape for shape in shapes if len(shape) <= MAX_AXES])
    return [Operation("RESHAPE", [source, plain(shape)], [draft.like(source, shape)])]


def expand_dims(draft: Draft, source: Tensor) -> list[Operation]:
    axis = draft.count(0, len(source.shape))
    shape = checked((*source.shape[:axis], 1, *source.shape[axis:]))
    return [Operation("EXPAND_DIMS", [source, plain(axis)], [draft.like(source, shape)])]


def squeeze(draft: Draft, source: Tensor) -> list[Operation]:
    shape = [size for size in source.shape if size != 1]
    options = {"squeezeDims": np.array([], np.int32)}
    return [Operation("SQUEEZE", [source], [draft.like(source, shape)], options)]


# ---- parts ----


def split(draft: Draft, source: Tensor) -> list[Operation]:
    axis = draft.count(0, len(source.shape) - 1)
    counts = [count for count in range(1, 6) if source.shape[axis] % count == 0]
    count = draft.one_of(counts[-2:])
    shape = [size // count if place == axis else size for place, size in enumerate(source.shape)]
    outputs = [draft.like(source, shape) for _ in range(count)]
    return [Operation("SPLIT", [plain(axis), source], outputs, {"numSplits": count})]


def split_v(draft: Draft, source: Tensor) -> list[Operation]:
    axis = draft.count(0, len(source.shape) - 1)
    if source.shape[axis] < 2:
        raise NothingFitsError
    first = draft.count(1, source.shape[axis] - 1)
    sizes = [first, source.shape[axis] - first]
    shapes = [(*source.shape[:axis], size, *source.shape[axis + 1 :]) for size in sizes]
    outputs = [draft.like(source, shape) for shape in shapes]
    return [Operation("SPLIT_V", [source, plain(sizes), plain(axis)], outputs, {"numSplits": 2})]


def unpack(draft: Draft, source: Tensor) -> list[Operation]:
    axis = draft.count(0, len(source.shape) - 1)
    if source.shape[axis] > 5:
        raise NothingFitsError
    shape = (*source.shape[:axis], *source.shape[axis + 1 :])
    outputs = [draft.like(source, shape) for _ in range(source.shape[axis])]
    return [Operation("UNPACK", [source], outputs, {"num": len(outputs), "axis": axis})]


def slice_(draft: Draft, source: Tensor) -> list[Operation]:
    """Often whole rows."""
    begin, sizes = [0] * len(source.shape), list(source.shape)
    for axis in range(len(source.shape)):
        if axis == 0 or draft.chance(0.3):
            begin[axis] = draft.count(0, source.shape[axis] - 1)
            sizes[axis] = draft.count(1, source.shape[axis] - begin[axis])
    return [Operation("SLICE", [source, plain(begin), plain(sizes)], [draft.like(source, sizes)])]


def strided_slice(draft: Draft, source: Tensor) -> list[Operation]:
    """A row, rows from one on, every second one, or all of them backwards."""
    size = source.shape[0]
    start = draft.count(0, size - 1)
    begin, end, step, mask, shrink = draft.one_of(
        [(start, start + 1, 1, 0, 1), (start, size, 1, 0, 0), (start - size, size, 2, 0, 0), (0, 0, -1, 3, 0)]
    )
    kept = np.arange(size)[None if mask else begin : None if mask else end : step]
    shape = source.shape[1:] if shrink else (len(kept), *source.shape[1:])
    rest = [[0] * (len(source.shape) - 1), list(source.shape[1:]), [1] * (len(source.shape) - 1)]
    bounds = [plain([first, *others]) for first, others in zip((begin, end, step), rest, strict=True)]
    options = {"beginMask": mask & 1, "endMask": mask & 1, "shrinkAxisMask": shrink}
    return [Operation("STRIDED_SLICE", [source, *bounds], [draft.like(source, shape)], options)]


def last_row(draft: Draft, source: Tensor) -> list[Operation]:
    """`x[..., -1:, newaxis]` and the like: an ellipsis, a range of the last axis, a new axis."""
    start = draft.count(0, source.shape[-1] - 1)
    shape = checked((*source.shape[:-1], source.shape[-1] - start, 1))
    bounds = [plain(row) for row in ([0, start - source.shape[-1], 0], [0, source.shape[-1], 0], [1, 1, 1])]
    options = {"ellipsisMask": 0b001, "newAxisMask": 0b100}
    return [Operation("STRIDED_SLICE", [source, *bounds], [draft.like(source, shape)], options)]


# ---- joined, repeated, turned ----


def concatenation(draft: Draft, source: Tensor) -> list[Operation]:
    """Tensors of one format, the same one twice among them."""
    axis, sources = draft.count(0, len(source.shape) - 1), [source]
    for _ in range(draft.count(1, 3)):
        size = draft.one_of([source.shape[axis], draft.one_of(draft.sizes)])
        sources.append(draft.same_format(source, (*source.shape[:axis], size, *source.shape[axis + 1 :])))
    draft.random.shuffle(sources)
    total = sum(part.shape[axis] for part in sources)
    output = draft.like(source, checked((*source.shape[:axis], total, *source.shape[axis + 1 :])))
    return [Operation("CONCATENATION", sources, [joined_range(draft, output, sources)], {"axis": axis})]


def pack(draft: Draft, source: Tensor) -> list[Operation]:
    axis = draft.count(0, len(source.shape))
    sources = [source, *(draft.same_format(source, source.shape) for _ in range(draft.count(1, 2)))]
    draft.random.shuffle(sources)
    output = draft.like(source, checked((*source.shape[:axis], len(sources), *source.shape[axis:])))
    options = {"valuesCount": len(sources), "axis": axis}
    return [Operation("PACK", sources, [joined_range(draft, output, sources)], options)]


def transpose(draft: Draft, source: Tensor) -> list[Operation]:
    """Often one that changes nothing, or moves only an axis of size 1."""
    order = list(range(len(source.shape)))
    if draft.chance(0.7):
        draft.random.shuffle(order)
    output = draft.like(source, [source.shape[axis] for axis in order])
    return [Operation("TRANSPOSE", [source, plain(order)], [output])]


def reverse(draft: Draft, source: Tensor) -> list[Operation]:
    axes = list(range(draft.count(0, len(source.shape) - 1), len(source.shape)))
    return [Operation("REVERSE_V2", [source, plain(axes)], [draft.like(source, source.shape)])]


def padded(name: str) -> Callable[[Draft, Tensor], list[Operation]]:
    """PAD, by zero points; PADV2, by a value that may be computed."""

    def make(draft: Draft, source: Tensor) -> list[Operation]:
        pairs, shape = draw_paddings(draft.random, source.shape, [1] * len(source.shape))
        output = draft.like(source, checked(shape))
        if name == "PADV2":
            value = draft.same_format(source, draft.one_of([(), (1,)]))
            return [Operation(name, [source, plain(pairs), value], [joined_range(draft, output, [source, value])])]
        if source.dtype != "float32":
            low, high = draft.range_of(source)
            draft.limit(output, min(low, zero_of(source)), max(high, zero_of(source)))
        return [Operation(name, [source, plain(pairs)], [output])]

    return make


def mirror_pad(draft: Draft, source: Tensor) -> list[Operation]:
    mode = draft.count(0, 1)
    pairs, shape = draw_paddings(draft.random, source.shape, [min(size - 1 + mode, 2) for size in source.shape])
    return [Operation("MIRROR_PAD", [source, plain(pairs)], [draft.like(source, checked(shape))], {"mode": mode})]


def tile(draft: Draft, source: Tensor) -> list[Operation]:
    counts = [draft.one_of([1, 1, 2, 3]) for _ in source.shape]
    shape = checked([size * count for size, count in zip(source.shape, counts, strict=True)])
    return [Operation("TILE", [source, plain(counts)], [draft.like(source, shape)])]


def broadcast_to(draft: Draft, source: Tensor) -> list[Operation]:
    shape = [draft.one_of(draft.sizes) if size == 1 else size for size in source.shape]
    shape = checked([*([draft.one_of(draft.sizes)] if draft.chance(0.5) else []), *shape])
    return [Operation("BROADCAST_TO", [source, plain(shape)], [draft.like(source, shape)])]


def fill(draft: Draft) -> list[Operation]:
    value = draft.pick(MOVED, 0, 0)
    shape = draft.shape(1)
    return [Operation("FILL", [plain(shape), value], [draft.like(value, shape)])]


# ---- look-ups and updates ----


def gather(draft: Draft, source: Tensor) -> list[Operation]:
    axis = 0 if draft.chance(0.7) else draft.count(0, len(source.shape) - 1)
    indices = draft.indices(draft.one_of([(), (1,), (1,), (2,), (1, 1), (3, 1)]), source.shape[axis])
    shape = checked((*source.shape[:axis], *indices.shape, *source.shape[axis + 1 :]))
    return [Operation("GATHER", [source, indices], [draft.like(source, shape)], {"axis": axis})]


def batched_gather(draft: Draft, source: Tensor) -> list[Operation]:
    """Other indices for every row."""
    indices = draft.indices((source.shape[0], *draft.one_of([(), (1,), (2,)])), source.shape[1])
    shape = checked((*indices.shape, *source.shape[2:]))
    return [Operation("GATHER", [source, indices], [draft.like(source, shape)], {"axis": 1, "batchDims": 1})]


def gather_nd(draft: Draft, source: Tensor) -> list[Operation]:
    axes = draft.count(1, len(source.shape))
    indices = draft.indices((*draft.one_of([(), (1,), (2,)]), axes), min(source.shape[:axes]))
    shape = checked((*indices.shape[:-1], *source.shape[axes:]))
    return [Operation("GATHER_ND", [source, indices], [draft.like(source, shape)])]


def embedding_lookup(draft: Draft, source: Tensor) -> list[Operation]:
    indices = draft.indices((draft.count(1, 3),), source.shape[0], (INDEX_TYPE,))
    output = draft.like(source, (*indices.shape, *source.shape[1:]))
    return [Operation("EMBEDDING_LOOKUP", [indices, source], [output])]


def packed_look_up(draft: Draft) -> list[Operation]:
    """A row of a constant of few values, large enough to be packed, which a layer may share."""
    width = draft.one_of(draft.sizes)
    places = -(-600 // width)
    values = draw_values(draft.random, (places, width), "int8", draft.one_of([(-1, 1), (-8, 7)]))
    table = draft.constant(values, draft.formats["int8"][0][0])
    indices = draft.indices((draft.count(1, 2),), places)
    return [Operation("GATHER", [table, indices], [draft.like(table, (*indices.shape, width))], {"axis": 0})]


def one_hot(draft: Draft) -> list[Operation]:
    """Indices outside are among them; what stands for on and off may be computed."""
    depth = draft.one_of(draft.sizes[1:])
    indices = draft.indices(draft.one_of([(), (1,), (2,)]), depth + 1, WIDE)
    on = draft.pick(("int8", "int32", "int64", "bool", "float32"), 0, 0)
    off = draft.same_format(on, ())
    output = joined_range(draft, draft.like(on, (*indices.shape, depth)), [on, off])
    return [Operation("ONE_HOT", [indices, plain(depth), on, off], [output], {"axis": -1})]


def update(draft: Draft, source: Tensor) -> list[Operation]:
    """A row, some rows, or everything, at a place that is an input, a constant, a state or computed."""
    shape = list(source.shape)
    for axis in range(len(shape)):
        if (axis == max(0, len(shape) - 2) and draft.chance(0.8)) or draft.chance(0.1):
            shape[axis] = draft.count(1, shape[axis])
    part = draft.same_format(source, shape)
    output = joined_range(draft, draft.like(source, source.shape), [source, part])
    operations, starts = starts_of(draft, source)
    return [*operations, Operation("DYNAMIC_UPDATE_SLICE", [source, part, starts], [output])]


def starts_of(draft: Draft, source: Tensor) -> tuple[list[Operation], Tensor]:
    """Where an update begins, and what computes it."""
    rank = len(source.shape)
    if draft.chance(0.5):
        return [], draft.indices((rank,), max(source.shape) + 2, (INDEX_TYPE,))
    axis = max(0, rank - 2)
    place = draft.indices((1,), source.shape[axis] + 1, (INDEX_TYPE,))
    parts = [place if number == axis else plain([0]) for number in range(rank)]
    starts = Tensor((rank,), INDEX_TYPE)
    draft.limit(starts, 0, max(draft.range_of(place)[1], 0))
    return [Operation("CONCATENATION", parts, [starts], {"axis": 0})], starts


# ---- known when compiling ----


def shape_of(draft: Draft, source: Tensor) -> list[Operation]:
    output = Tensor((len(source.shape),), INDEX_TYPE)
    draft.limit(output, min(source.shape), max(source.shape))
    return [Operation("SHAPE", [source], [output], {"outType": 2})]


def rank_of(draft: Draft, source: Tensor) -> list[Operation]:
    output = Tensor((), INDEX_TYPE)
    draft.limit(output, len(source.shape), len(source.shape))
    return [Operation("RANK", [source], [output])]


def range_(draft: Draft) -> list[Operation]:
    count = draft.one_of(draft.sizes)
    output = Tensor((count,), INDEX_TYPE)
    draft.limit(output, 0, count - 1)
    return [Operation("RANGE", [plain(0), plain(count), plain(1)], [output])]


def zeros_like(draft: Draft, source: Tensor) -> list[Operation]:
    output = Tensor(tuple(source.shape), source.dtype)
    draft.limit(output, 0, 0)
    return [Operation("ZEROS_LIKE", [source], [output])]


MOVES: list[tuple[str, Make, str, float]] = [
    ("RESHAPE", moved(reshape, 0), "movement", 3),
    ("EXPAND_DIMS", moved(expand_dims, 0), "movement", 1),
    ("SQUEEZE", moved(squeeze), "movement", 1),
    ("SPLIT", moved(split, dtypes=NO_BOOL), "movement", 2),
    ("SPLIT_V", moved(split_v, dtypes=NO_BOOL), "movement", 1),
    ("UNPACK", moved(unpack, dtypes=("int8", "int8", "int16", "int32", "float32", "bool")), "movement", 1),
    ("CONCATENATION", moved(concatenation), "movement", 3),
    ("PACK", moved(pack, 0, NO_BOOL), "movement", 2),
    ("TRANSPOSE", moved(transpose), "movement", 2),
    ("SLICE", moved(slice_), "movement", 2),
    ("STRIDED_SLICE", moved(strided_slice), "movement", 2),
    ("STRIDED_SLICE", moved(last_row, 2), "movement", 0.5),
    ("REVERSE_V2", moved(reverse), "movement", 0.7),
    ("PAD", moved(padded("PAD")), "movement", 1),
    ("PADV2", moved(padded("PADV2")), "movement", 1),
    ("MIRROR_PAD", moved(mirror_pad), "movement", 0.5),
    ("TILE", moved(tile), "movement", 1),
    ("BROADCAST_TO", moved(broadcast_to), "movement", 1),
    ("FILL", fill, "movement", 0.5),
    ("GATHER", moved(gather), "look-ups", 3),
    ("GATHER", moved(batched_gather, 2), "look-ups", 0.7),
    ("GATHER", packed_look_up, "look-ups", 1),
    ("GATHER_ND", moved(gather_nd), "look-ups", 1),
    ("EMBEDDING_LOOKUP", moved(embedding_lookup, 2, QUANTIZED), "look-ups", 1),
    ("ONE_HOT", one_hot, "look-ups", 1),
    ("DYNAMIC_UPDATE_SLICE", moved(update), "updates", 1),
    ("SHAPE", moved(shape_of), "known", 1),
    ("RANK", moved(rank_of), "known", 0.5),
    ("RANGE", range_, "known", 1),
    ("ZEROS_LIKE", moved(zeros_like, 0, ("int32", "int64", "float32")), "known", 1),
]  # fmt: skip
