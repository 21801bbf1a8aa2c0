"""FULLY_CONNECTED int8: every variant gives the integers of its contract, on every core and in every build.

Weights of 8, 4, 2 and 1.6 bits; a variant without a layout for packed weights calls the generic kernel.
"""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from targets import MATRIX_TARGETS, TARGETS

from textzoo.common.errors import UserError
from textzoo.compiler.packing.choice import BALANCED, FORMS, WIDEST, choose_kernels, with_sparse
from textzoo.compiler.packing.registry import (
    FULLY_CONNECTED_S8,
    GENERIC,
    SPARSE,
    VARIANTS,
    holder,
    layout_of,
    pack,
    pack_fitting,
)
from textzoo.compiler.packing.tables import CHOICES
from textzoo.targets.settings import DeploymentConfig
from textzoo.testing.bare_metal.cases import Result
from textzoo.testing.bare_metal.fully_connected import Layer, behind_relu, random_layer, typical_layer

ROWS = (1, 2, 3, 13, 65, 103, 384)
COLUMNS = (1, 2, 3, 96, 128, 255, 256, 515, 516, 517, 1030)
# Smallest and largest shift: typical ones, and those where a kernel changes its way of rounding.
SHIFTS = ((-14, -8), (-31, -20), (-3, -1), (-2, -2), (-1, -1), (0, 0), (1, 1), (-8, 4), (0, 30), (-31, 30))
# One shift of all rows, which kernels are told where it is in [-23, -2].
ONE_SHIFTS = (-24, -23, -17, -9, -3, -2, -1)
# Weights and inputs of which eight products just fit int16, or just do not.
EIGHT_PRODUCTS = ((127, 32), (124, 33), (63, 65), (63, -65), (64, 64), (64, -64), (125, 33), (-127, 33))
ZEROS = (0.0, 0.06, 0.5, 0.97, 1.0)
# The same of sixteen products, and of four, of inputs whose mean is 0.
SIXTEEN_PRODUCTS = ((89, 23), (64, 32), (127, 16), (127, 17))
FOUR_PRODUCTS = ((91, 90), (127, 64), (127, 65), (66, 125))
CLAMPS = ((-128, 127), (-128, 5), (-7, 127), (-20, 30), (3, 3))


def filled(rows: int, columns: int, weight: int, value: int, bias: int = 0, kernel: str = WIDEST) -> Layer:
    """A layer whose weights are all the same, and so are its inputs: the largest sums there are."""
    return Layer(
        weights=np.full((rows, columns), weight, np.int8),
        bias=np.full(rows, bias, np.int32),
        multipliers=np.full(rows, 2**31 - 1, np.int32),
        shifts=np.full(rows, -17, np.int8),
        input=np.full(columns, value, np.int8),
        zero_point=3,
        kernel=kernel,
    )


def shape_layers(kernel: str) -> list[Layer]:
    """Every shape, with shifts, clamps and zero points taken in turn."""
    rng = np.random.default_rng(1)
    layers = []
    for index, (rows, columns) in enumerate(product(ROWS, COLUMNS)):
        layer = random_layer(rng, rows, columns, SHIFTS[index % len(SHIFTS)], kernel)
        layers.append(replace(layer, clamp=CLAMPS[index % len(CLAMPS)]))
    return [*layers, random_layer(rng, 1027, 23, kernel=kernel)]


def small_layer(rng: np.random.Generator, shifts: tuple[int, int], kernel: str) -> Layer:
    """Sums of a few units, which large shifts do not bring out of range; half of the factors are powers of two."""
    layer = random_layer(rng, 37, 24, shifts, kernel)
    return replace(
        layer,
        weights=rng.integers(-1, 2, (37, 24)).astype(np.int8),
        bias=rng.integers(-20, 21, 37).astype(np.int32),
        input=rng.integers(-2, 3, 24).astype(np.int8),
        multipliers=np.where(np.arange(37) % 2, 2**30, layer.multipliers).astype(np.int32),
    )


def rounding_layers(kernel: str) -> list[Layer]:
    """All shifts with all clamps, on large and on small sums of both signs, ties among them."""
    rng = np.random.default_rng(2)
    layers = []
    for shifts, clamp in product(SHIFTS, CLAMPS):
        large = random_layer(rng, 37, 24, shifts, kernel)
        layers += [replace(large, clamp=clamp), replace(small_layer(rng, shifts, kernel), clamp=clamp, zero_point=1)]
    return [*layers, *(alike_layer(rng, shift, kernel) for shift in ONE_SHIFTS)]


def alike_layer(rng: np.random.Generator, shift: int, kernel: str) -> Layer:
    """One shift of all rows, hence multipliers of any size; outputs from one end of int8 to the other."""
    layer = random_layer(rng, 37, 24, (shift, shift), kernel)
    smaller = layer.multipliers >> (np.arange(37) % 9 if layer.shift_of_all() else 0)
    return replace(
        layer,
        multipliers=smaller.astype(np.int32),
        bias=(layer.bias * 2.0 ** max(0, -shift - 9)).clip(-(2**30), 2**30).astype(np.int32),
    )


def extreme_layers(kernel: str) -> list[Layer]:
    """The largest sums, alone and with biases that bring them to the ends of int32; no weights, factors of 0."""
    low, high = max(layout_of(kernel, GENERIC).lowest, -127), layout_of(kernel, GENERIC).highest
    layers = [
        filled(rows, columns, weight, value, kernel=kernel)
        for rows, columns in ((7, 32), (7, 512), (7, 513), (6, 516), (9, 1030))
        for weight, value in product((low, high, 0), (-128, -127, 127))
    ]
    if high == 127:
        layers += [filled(9, 200, weight, value) for weight, value in EIGHT_PRODUCTS]
    if kernel != SPARSE:  # whose bias fits int32 without what is folded in
        smallest, largest = 517 * high * -128, 517 * low * -128
        layers += [filled(5, 517, low, -128, 2**31 - 1 - largest, kernel)]
        layers += [filled(5, 517, high, -128, -(2**31) - smallest, kernel)]
    signs = np.where(np.indices((11, 300)).sum(axis=0) % 2, high, low).astype(np.int8)
    matching = np.where(signs[0] > 0, 127, -128).astype(np.int8)
    layers.append(replace(filled(11, 300, 0, 0, kernel=kernel), weights=signs, input=matching))
    zeros = {"multipliers": np.zeros(5, np.int32), "shifts": np.zeros(5, np.int8)}
    return [*layers, replace(filled(5, 64, high, 127, kernel=kernel), **zeros)]


def relu_layers(kernel: str) -> list[Layer]:
    """Inputs of which some, most or all are left out; groups of columns whose inputs just fit together or do not."""
    if kernel != SPARSE:
        return []
    rng = np.random.default_rng(5)
    shapes = product((1, 13, 64, 103), (1, 7, 8, 9, 255, 1030), ZEROS)
    layers = [behind_relu(rng, random_layer(rng, rows, columns), zeros) for rows, columns, zeros in shapes]
    return layers + [filled(67, 40, 127, value - 128, kernel=kernel) for value in (1, 2, 85, 86, 127, 128, 129, 254)]


def in_turns(weight: int, value: int, loud: slice) -> Layer:
    """The largest sums there are in some columns, whose signs change with every four; the inputs' mean is 0."""
    signs = np.zeros(200, np.int8)
    signs[loud] = np.where(np.arange(200) // 4 % 2, -1, 1)[loud]
    return replace(filled(9, 200, weight, value), weights=np.tile(weight * signs, (9, 1)), input=value * signs)


def heavy_rows() -> Layer:
    """Sums of weights beyond 16 bits, and inputs of which four products fit, but not sixteen."""
    return replace(filled(5, 300, 127, 40), input=np.where(np.arange(300) < 16, 40, 0).astype(np.int8))


def typical_layers(kernel: str) -> list[Layer]:
    """As of trained models: all ways of a kernel that has several for several sizes of numbers, in the same rows."""
    if kernel != WIDEST:
        return []
    rng = np.random.default_rng(5)
    shapes = ((5, 15), (9, 17), (65, 96), (103, 128), (12, 515), (7, 1030))
    layers = [typical_layer(rng, rows, columns) for rows, columns in shapes]
    some = [replace(layer, input=np.where(layer.input > 30, layer.input, -128).astype(np.int8)) for layer in layers]
    loud = [replace(layer, input=np.clip(layer.input * 2.0, -128, 127).astype(np.int8)) for layer in layers]
    places = (slice(0, 200), slice(32, 48), slice(192, 200))
    at_limits = [in_turns(*pair, place) for pair in (*SIXTEEN_PRODUCTS, *FOUR_PRODUCTS) for place in places]
    return [*layers, *some, *loud, *at_limits, heavy_rows()]


GROUPS = {
    "shapes": shape_layers,
    "rounding": rounding_layers,
    "extremes": extreme_layers,
    "relu": relu_layers,
    "typical": typical_layers,
}
LAYERS = {name: [layer for kernel in (*FORMS, SPARSE) for layer in make(kernel)] for name, make in GROUPS.items()}


def check(result: Result, layer: Layer, what: str) -> None:
    expected, received = layer.expected(), result.returned[0]
    wrong = np.flatnonzero(expected != received)
    shape = f"{what} {layer.kernel}, {layer.weights.shape}"
    assert wrong.size == 0, f"{shape}: rows {wrong[:8]} are {received[wrong[:8]]} instead of {expected[wrong[:8]]}"
    assert result.intact, f"{shape}: wrote beside its buffers"


@pytest.mark.quick("m4-", "host_sanitized")
@pytest.mark.parametrize("group", LAYERS)
@pytest.mark.parametrize("target", MATRIX_TARGETS, ids=lambda target: target.name)
def test_variant_equals_the_contract(target, group, program_of, tmp_path):
    layers = LAYERS[group]
    cases = []
    for index, layer in enumerate(layers):
        variant = holder(layer.kernel, target.variant)
        cases.append((layer, variant, layer.case(variant, offset=index % 16, fenced=index % 2 == 0)))
        if variant != GENERIC:
            cases.append((layer, GENERIC, layer.case(GENERIC, generic=True, offset=index % 16)))
    results = target.run(program_of(target), [case for _, _, case in cases], tmp_path)
    for (layer, variant, _), result in zip(cases, results, strict=True):
        check(result, layer, variant)


def test_the_oracle_can_fail():
    layer = random_layer(np.random.default_rng(3), 4, 4)
    with pytest.raises(AssertionError, match="rows"):
        check(Result(0, True, [layer.expected() ^ 1]), layer, "none")


@pytest.mark.parametrize(("variant", "kernel"), [(name, kernel) for name in VARIANTS for kernel in VARIANTS[name]])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (128, 128), (65, 128), (384, 128), (103, 96), (128, 256)])
def test_packing_adds_little(variant, kernel, rows, columns):
    bits = {"b3": 1.6, "w2": 2, "w4": 4}.get(kernel.rsplit("_", 1)[-1], 8)
    packed = pack(np.ones((rows, columns), np.int8), kernel, variant)
    assert packed.values.ndim == 1
    assert packed.values.dtype in (np.int8, np.int32)
    positions = 4 if kernel.startswith("conv") else 1  # that are computed together
    assert packed.scratch_bytes <= 4 * max(positions * rows, columns) + 2048
    if rows > 1 and variant != "host":
        block = max(8, layout_of(kernel, variant).block_rows)
        filled_up = -(-rows // block) * block  # the last block of rows
        assert packed.values.nbytes <= 1.08 * filled_up * columns * bits / 8


@settings(max_examples=30)
@given(rows=st.integers(1, 520), columns=st.integers(1, 33), seed=st.integers(0, 999))
def test_weights_in_base_3_come_back(rows, columns, seed):
    """The format as its header tells it: tiles, in each for every 10 columns two bytes of five digits of each row."""
    weights = np.random.default_rng(seed).integers(-1, 2, (rows, columns)).astype(np.int8)
    values = pack(weights, "fully_connected_s8_b3", GENERIC).values.view(np.uint8)
    tens = -(-columns // 10)
    assert values.size == rows * tens * 2
    back = np.zeros((rows, 10 * tens), np.int8)
    for row, ten, byte, digit in product(range(rows), range(tens), range(2), range(5)):
        tile, place = row // 512 * 512, row % 512
        code = values[2 * tens * tile + 2 * (ten * min(512, rows - tile) + place) + byte]
        back[row, 10 * ten + 5 * byte + digit] = int(code) // 3**digit % 3 - 1
    np.testing.assert_array_equal(back[:, :columns], weights)
    assert not back[:, columns:].any()


RANGES = [(-1, 1), (-2, 1), (-1, 2), (-8, 7), (-9, 7), (-8, 8), (-127, 127), (-128, 127)]


def chosen(weights: np.ndarray, variant: str, choice: str) -> tuple[str, str]:
    """Kernel and variant for a model of one matrix."""
    packed = pack_fitting(weights, variant, choose_kernels([weights], variant, choice))
    return packed.kernel, packed.variant


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("lowest", "highest"), RANGES)
def test_the_fewest_bits_with_a_kernel_of_the_variant_are_taken(variant, lowest, highest):
    """Of mul32 base 3 too, which is the fastest there."""
    weights = np.array([[lowest, highest], [0, 0]], np.int8)
    own = [kernel for kernel in (FORMS if variant == "mul32" else FULLY_CONNECTED_S8) if kernel in VARIANTS[variant]]
    fitting = [kernel for kernel in own if layout_of(kernel, variant).fits(weights)]
    expected = (fitting[0], variant) if fitting else (f"{WIDEST}_any", GENERIC)
    assert chosen(weights, variant, "balanced") == expected


# Largest weight, form with the fewest instructions and its variant; then the smallest form of a large matrix.
CHOSEN = [
    *[("dsp", 1, "w2", "dsp", "b3", GENERIC), ("dsp", 7, None, "dsp", "w4", "dsp")],
    *[("mve", 1, None, "mve", "b3", GENERIC), ("mve", 7, None, "mve", "w4", "mve")],
    *[("mul32", 1, "b3", "mul32", "b3", "mul32"), ("mul32", 7, None, "mul32", "w4", "mul32")],
    *[("host", 1, "w2", "host", "b3", GENERIC), ("host", 7, "w4", "host", "w4", "host")],
    *[("neon", 1, None, "neon", "b3", GENERIC), ("neon", 7, None, "neon", "w4", GENERIC)],
    *[("wasm", 1, None, "wasm", "b3", GENERIC), ("wasm", 7, None, "wasm", "w4", GENERIC)],
    *[(GENERIC, 1, "b3", GENERIC, "b3", GENERIC), (GENERIC, 7, None, GENERIC, "w4", GENERIC)],
    *[(name, 127, None, name, None, name) for name in VARIANTS],
]


@pytest.mark.parametrize(("variant", "largest", "fast", "fast_variant", "small", "small_variant"), CHOSEN)
def test_the_fastest_and_the_smallest_form(variant, largest, fast, fast_variant, small, small_variant):
    weights = np.full((200, 400), largest, np.int8)
    names = [WIDEST if form is None else f"{WIDEST}_{form}" for form in (fast, small)]
    assert chosen(weights, variant, "fastest") == (names[0], fast_variant)
    assert chosen(weights, variant, "smallest") == (names[1], small_variant)


@pytest.mark.parametrize(
    ("rows", "columns", "form"), [(4, 8, WIDEST), (64, 128, f"{WIDEST}_w2"), (200, 400, f"{WIDEST}_b3")]
)
def test_the_smallest_form_counts_the_code(rows, columns, form):
    """A few ternary weights are not worth a kernel beside the one that others need anyway, and more not a long one."""
    weights = [np.full((8, 8), 127, np.int8), np.ones((rows, columns), np.int8)]
    packed = [pack_fitting(matrix, GENERIC, choose_kernels(weights, GENERIC, "smallest")) for matrix in weights]
    assert [item.kernel for item in packed] == [WIDEST, form]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("choice", CHOICES.names())
def test_inputs_are_left_out_where_that_is_faster(variant, choice):
    """Beside two MACs in an instruction most inputs would have to be 0, and the smallest code has no second kernel."""
    found = with_sparse(("narrow", WIDEST), variant, choice)
    is_taken = variant in (GENERIC, "mul32", "neon") and choice != "smallest"
    assert found == (("narrow", SPARSE, WIDEST) if is_taken else ("narrow", WIDEST))


def test_the_configuration_offers_every_choice():
    assert DeploymentConfig.__dataclass_fields__["weights"].metadata["choices"] == tuple(CHOICES)
    assert DeploymentConfig().weights == BALANCED


@pytest.mark.parametrize("name", ["m4", "m55", "lx106", "rv32"])
def test_the_table_knows_the_fastest_form_of_every_range(name, program_of, tmp_path):
    """For weights of each form's range, of all forms that hold them."""
    target = next(target for target in TARGETS if target.name == name)
    kernels = [kernel for kernel in FORMS if kernel in VARIANTS[target.variant]]
    given = [typical_layer(np.random.default_rng(4), 256, 128, kernel=kernel) for kernel in kernels]
    layers = [
        replace(layer, kernel=kernel)
        for layer in given
        for kernel in kernels
        if layout_of(kernel, target.variant).fits(layer.weights)
    ]
    results = target.run(program_of(target), [layer.case(target.variant) for layer in layers], tmp_path)
    for one in given:
        counts = {
            layer.kernel: result.instructions
            for layer, result in zip(layers, results, strict=True)
            if layer.weights is one.weights
        }
        assert min(counts, key=counts.get) == min(counts, key=lambda k: layout_of(k, target.variant).instructions)


@settings(max_examples=50)
@given(rows=st.integers(1, 9), columns=st.integers(1, 40), largest=st.integers(1, 127), seed=st.integers(0, 999))
def test_mul32_knows_which_inputs_are_small_enough(rows, columns, largest, seed):
    """The heads of its blocks, as the kernel's header tells them: squares by Cauchy and Schwarz, and sums of rows."""
    weights = np.random.default_rng(seed).integers(-largest, largest + 1, (rows, columns)).astype(np.int8)
    blocks, words = -(-rows // 4), -(-columns // 4)
    heads = pack(weights, WIDEST, "mul32").values.view(np.uint32).reshape(blocks, 3 + 4 * words)[:, :3]
    wide = np.zeros((4 * blocks, -(-columns // 16) * 16), np.int64)
    wide[:rows, :columns] = weights
    for (first, *sums), block in zip(heads.tolist(), wide.reshape(blocks, 4, -1), strict=True):
        for count, limit, field in ((4, first & 0xFFFF, 2**16), (16, first >> 16, 2**15)):
            square = int((block.reshape(4, -1, count) ** 2).sum(axis=2).max())
            assert count * limit * square <= 32767**2
            assert limit == field - 1 or count * (limit + 1) * square > 32767**2
        np.testing.assert_array_equal(np.array(sums, "<u4").view("<i2"), block.sum(axis=1))


@pytest.mark.parametrize(("last", "too_much"), [(1, 0), (2, 1)])
def test_mul32_says_where_a_sum_of_weights_needs_more_than_16_bits(last, too_much):
    """258 * 127 + 1 is the largest that does not; where there is one, no row has its sum."""
    weights = np.full((8, 259), 127, np.int8)
    weights[:, 258] = 0
    weights[5, 258] = last
    heads = pack(weights, WIDEST, "mul32").values.view(np.uint32).reshape(2, -1)[:, :3]
    assert (heads[:, 0] >> 31 == too_much).all()
    assert (heads[:, 1:] == 0).all() == bool(too_much)


@pytest.mark.parametrize(
    ("kernel", "weight"), [("fully_connected_s8", -128), ("fully_connected_s8_w4", 8), ("fully_connected_s8_w2", 2)]
)
def test_weights_that_do_not_fit_are_refused(kernel, weight):
    weights = np.full((2, 2), weight, np.int8)
    with pytest.raises(ValueError, match="do not fit dsp"):
        pack(weights, kernel, "dsp")


def test_unknown_variants_and_kernels_are_named():
    with pytest.raises(UserError, match="Did you mean 'dsp'"):
        pack(np.zeros((1, 1), np.int8), WIDEST, "dps")
    with pytest.raises(UserError, match="Did you mean 'dsp'"):
        choose_kernels([], "dps")
    with pytest.raises(UserError, match="Did you mean 'fastest'"):
        choose_kernels([], "dsp", "fast")
    with pytest.raises(UserError, match="Did you mean 'fully_connected_s8_w4'"):
        pack(np.zeros((1, 1), np.int8), "fully_connected_w4", "dsp")
