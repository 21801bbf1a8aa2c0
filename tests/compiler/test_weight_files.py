"""Matrices as files: what a .tflite holds comes back in Python and C, and what is no weights.tzw is refused alike."""

import os
import struct
import subprocess
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artifacts import artifact
from compilers import need
from textzoo.common.paths import APPLICATION, DEPLOYMENT
from textzoo.compiler.artifacts.weight_export import BLOB, weight_files
from textzoo.compiler.artifacts.weight_file import (
    ENTRY,
    HEADER,
    Matrix,
    Status,
    WeightFileError,
    read_weight_file,
    with_checksum,
    write_weight_file,
)
from textzoo.compiler.tflite.file import read_tflite
from textzoo.models.files import build_model
from textzoo.models.settings import ModelConfig
from textzoo.quantizers.quantize import quantize_decode_step
from textzoo.quantizers.settings import QuantizationConfig
from textzoo.testing import STRICT
from textzoo.testing.building import build_c

SHAPE = {"n_layers": 1, "n_heads": 2, "d_model": 18, "context_length": 8}
MISALIGNED = 1
SANITIZERS = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


@pytest.fixture(scope="module")
def ternary_path():
    return artifact(make_ternary) / "decode_static_wi2_ai8.tflite"


def make_ternary(folder):
    """A decode step whose blocks have ternary matrices, by the recipe for them."""
    keras.utils.set_random_seed(3)
    model, random = build_model(ModelConfig(**SHAPE), 13), np.random.default_rng(3)
    for weight in model.weights:
        weight.assign(weight + 0.25 * random.standard_normal(weight.shape))
    config = QuantizationConfig(recipe="static_wi2_ai8", calibration_windows=4, report_tokens=SHAPE["context_length"])
    quantize_decode_step(model, random.integers(0, 13, 200), config, folder)


class ReaderInC:
    """The reader in C with sanitizers, in a process that answers for one file after the other."""

    def __init__(self, folder: Path) -> None:
        includes = [DEPLOYMENT / "weight_file", APPLICATION]
        sources = [
            Path(__file__).with_name("read_weight_file.c"),
            includes[0] / "weight_file.c",
            includes[1] / "crc32.c",
        ]
        command = [need("host"), *STRICT, *SANITIZERS, *(f"-I{path}" for path in includes)]
        build_c(command, sources, folder / "reader")
        environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen([folder / "reader"], **pipes, env=environment)

    def numbers(self, form: str) -> tuple[int, ...]:
        return struct.unpack(form, self.process.stdout.read(struct.calcsize(form)))

    def read(self, content: bytes, offset: int = 0) -> tuple[int, list[Matrix]]:
        """Status and matrices of a file that begins so many bytes behind a multiple of 16."""
        self.process.stdin.write(struct.pack("=ii", offset, len(content)) + content)
        self.process.stdin.flush()
        (status,) = self.numbers("=i")
        return status, [] if status else [self.matrix() for _ in range(*self.numbers("=i"))]

    def matrix(self) -> Matrix:
        name, rows, columns, _, zero_point = self.numbers("=64siiii")
        values = np.frombuffer(self.process.stdout.read(rows * columns), np.int8).reshape(rows, columns)
        scales = np.frombuffer(self.process.stdout.read(4 * rows), np.float32)
        return Matrix(name.rstrip(b"\0").decode(), values, scales, zero_point)


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    reader = ReaderInC(tmp_path_factory.mktemp("reader"))
    yield reader
    reader.process.stdin.close()
    assert reader.process.wait(timeout=10) == 0
    reader.process.stdout.close()


def read_in_python(content: bytes) -> tuple[int, list[Matrix]]:
    try:
        return 0, read_weight_file(content)
    except WeightFileError as error:
        return int(error.status), []


def assert_same(one: list[Matrix], other: list[Matrix]) -> None:
    assert len(one) == len(other)
    for first, second in zip(one, other, strict=True):
        assert (first.name, first.zero_point) == (second.name, second.zero_point)
        np.testing.assert_array_equal(first.values, second.values)
        assert first.scales.tobytes() == second.scales.tobytes()


def test_a_ternary_model_comes_back_with_its_integers_and_scales(ternary_path, reader):
    files = weight_files(ternary_path)
    matrices = read_weight_file(files[BLOB])
    file = read_tflite(ternary_path)
    layers = [file.tensors[operator.inputs[1]] for operator in file.operators if operator.name == "FULLY_CONNECTED"]
    tables = [file.tensors[operator.inputs[0]] for operator in file.operators if operator.name == "GATHER"]
    assert len(matrices) == len(layers) + len(tables) == 7
    for tensor, matrix in zip([*tables, *layers], matrices, strict=True):
        np.testing.assert_array_equal(matrix.values, tensor.values())
        np.testing.assert_array_equal(matrix.scales, np.broadcast_to(np.float32(tensor.scales), len(matrix.values)))
        assert matrix.zero_point == tensor.zero_point
    assert [matrix.bits for matrix in matrices] == [8, 8, 2, 2, 2, 2, 8]
    status, in_c = reader.read(files[BLOB])
    assert status == 0
    assert_same(in_c, matrices)


def test_every_matrix_is_a_file_of_its_own(ternary_path):
    files = weight_files(ternary_path)
    matrices = read_weight_file(files[BLOB])
    names = [f"{number:02d}_{matrix.name}.bin" for number, matrix in enumerate(matrices)]
    assert set(files) == {*names, BLOB, "weight_file.h", "weight_file.c", "crc32.h", "crc32.c"}
    assert len({matrix.name for matrix in matrices}) == len(matrices)
    assert [files[name] for name in names] == [matrix.packed() for matrix in matrices]
    ternary = {name: files[name] for name, matrix in zip(names, matrices, strict=True) if matrix.bits == 2}
    shapes = {name: matrix.values.shape for name, matrix in zip(names, matrices, strict=True)}
    assert {name: len(content) for name, content in ternary.items()} == {
        name: shapes[name][0] * -(-shapes[name][1] // 4) for name in ternary
    }


MATRICES = st.lists(
    st.tuples(st.integers(1, 5), st.integers(1, 19), st.sampled_from([1, 7, 127]), st.integers(0, 99)), max_size=4
)


def random_matrix(name: str, rows: int, columns: int, largest: int, seed: int) -> Matrix:
    random = np.random.default_rng(seed)
    values = random.integers(-largest - (largest > 1), largest + 1, (rows, columns)).astype(np.int8)
    return Matrix(name, values, random.random(rows, np.float32), int(random.integers(-200, 200)))


@given(shapes=MATRICES, rest=st.binary(max_size=20))
def test_any_matrices_come_back(reader, shapes, rest):
    """Whatever follows the file, as in a partition that is larger than it."""
    matrices = [random_matrix(f"matrix_{number}", *shape) for number, shape in enumerate(shapes)]
    content = write_weight_file(matrices)
    for status, found in (reader.read(content + rest), read_in_python(content + rest)):
        assert status == 0
        assert_same(found, matrices)


VALID = write_weight_file([random_matrix("first", 3, 9, 1, 0), random_matrix("second", 2, 5, 127, 1)])
FIRST_ENTRY, SECOND_ENTRY = HEADER.size, HEADER.size + ENTRY.size


def changed(place: int, content: bytes, with_crc: bool = True) -> bytes:
    """VALID with other bytes at a place, and a checksum that is right for them."""
    damaged = VALID[:place] + content + VALID[place + len(content) :]
    return with_checksum(damaged) if with_crc else damaged


def number(place: int, value: int) -> bytes:
    return changed(place, struct.pack("<I", value))


REFUSED = {
    "empty": (b"", Status.MAGIC),
    "no header": (VALID[: HEADER.size - 1], Status.MAGIC),
    "another magic": (changed(0, b"TZW1"), Status.MAGIC),
    "another version": (number(4, 2), Status.OTHER_VERSION),
    "a byte short": (VALID[:-1], Status.LENGTH),
    "longer than it is": (number(12, len(VALID) + 1), Status.LENGTH),
    "no room for the index": (number(8, 2**32 - 1), Status.LENGTH),
    "a changed checksum": (changed(16, bytes(4), with_crc=False), Status.CRC),
    "a changed weight": (changed(len(VALID) - 20, b"\x7f", with_crc=False), Status.CRC),
    "a changed header": (changed(21, b"\1", with_crc=False), Status.CRC),
    "reserved bytes": (changed(21, b"\1"), Status.INDEX),
    "no name": (changed(FIRST_ENTRY, bytes(64)), Status.INDEX),
    "a name without end": (changed(FIRST_ENTRY, b"a" * 64), Status.INDEX),
    "a name of two parts": (changed(FIRST_ENTRY, b"a\0b"), Status.INDEX),
    "no rows": (number(FIRST_ENTRY + 64, 0), Status.INDEX),
    "rows that overflow": (number(FIRST_ENTRY + 64, 2**32 - 1), Status.INDEX),
    "columns that overflow": (number(FIRST_ENTRY + 68, 2**32 - 1), Status.INDEX),
    "three bits": (number(FIRST_ENTRY + 72, 3), Status.INDEX),
    "weights in the index": (number(FIRST_ENTRY + 80, 0), Status.INDEX),
    "weights that begin anywhere": (number(FIRST_ENTRY + 80, SECOND_ENTRY + ENTRY.size + 1), Status.INDEX),
    "weights behind the end": (number(FIRST_ENTRY + 80, 2**32 - 16), Status.INDEX),
    "fewer bytes": (number(FIRST_ENTRY + 84, 8), Status.INDEX),
    "scales behind the end": (number(SECOND_ENTRY + 88, len(VALID)), Status.INDEX),
    "a reserved number": (number(SECOND_ENTRY + 92, 1), Status.INDEX),
    "shared bytes": (with_checksum(VALID[:8] + struct.pack("<II", 40, 32 + 96 * 40 + 96) + VALID[16:32]
                                   + 40 * changed(FIRST_ENTRY + 80, struct.pack("<IIII", 3872, 9, 3888, 0))[32:128]
                                   + VALID[-96:]), Status.INDEX),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_said_alike_in_c_and_python(name, reader):
    content, status = REFUSED[name]
    assert reader.read(content) == (status, [])
    assert read_in_python(content) == (status, [])


@pytest.mark.parametrize("offset", [1, 4, 8])
def test_a_file_that_lies_anywhere_is_refused(offset, reader):
    assert reader.read(VALID, offset) == (MISALIGNED, [])


def test_refusals_tell_the_user_what_to_do():
    with pytest.raises(WeightFileError, match=r"it is damaged\. Deploy the model again"):
        read_weight_file(changed(40, b"x", with_crc=False))


@pytest.mark.parametrize(
    "matrix",
    [
        Matrix("ä", np.zeros((1, 1), np.int8), np.zeros(1, np.float32)),
        Matrix("a" * 64, np.zeros((1, 1), np.int8), np.zeros(1, np.float32)),
        Matrix("a", np.zeros((2, 1), np.int8), np.zeros(1, np.float32)),
        Matrix("a", np.zeros((1, 0), np.int8), np.zeros(1, np.float32)),
    ],
)
def test_what_the_file_cannot_hold_is_not_written(matrix):
    with pytest.raises(ValueError, match=r"matrix|scales"):
        write_weight_file([matrix])


CHANGES = st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.integers(0, 255)), max_size=4)
NUMBERS = st.sampled_from([0, 1, 2, 15, 16, 17, 32, 128, 2**16, 2**31, 2**32 - 16, 2**32 - 1])


@given(
    changes=CHANGES,
    places=st.lists(st.tuples(st.integers(1, HEADER.size // 4 + ENTRY.size // 2 - 1), NUMBERS), max_size=2),
    length=st.integers(0, len(VALID) + 40),
    with_crc=st.booleans(),
)
def test_damaged_files_never_crash_and_both_readers_agree(reader, changes, places, length, with_crc):
    """Bytes and numbers of the index changed, cut off or followed by zeros, with a right checksum or without."""
    content = bytearray(VALID.ljust(length, b"\0")[:length] if length > len(VALID) else VALID)
    for place, byte in changes:
        content[place] = byte
    for place, value in places:
        content[4 * place : 4 * place + 4] = struct.pack("<I", value)
    damaged = with_checksum(bytes(content)) if with_crc else bytes(content)
    damaged = damaged[:length]
    status, found = reader.read(damaged)
    expected, in_python = read_in_python(damaged)
    assert status == expected
    assert_same(found, in_python)
    if damaged[: len(VALID)] == VALID:
        assert status == 0
    elif not with_crc and bytes(content[: len(VALID)]) != VALID:
        assert status != 0
