"""Checkpoint files are whole, free of pickles, and refused when they are damaged."""

import json
import pickle
import zipfile

import numpy as np
import pytest

from textzoo.common.errors import UserError
from textzoo.training.checkpoints import (
    Checkpoint,
    Progress,
    exists,
    read_checkpoint,
    read_step,
    set_aside,
    write_checkpoint,
)

PROGRESS = Progress(
    step=7,
    seconds=1.5,
    best_step=5,
    best_validation_loss=1.25,
    history=[{"step": 5, "validation_loss": 1.25}],
    inputs={"seed": 1, "training": {"steps": 10, "epochs": None}},
    weights=[["a/kernel", [2, 3]], ["b/gamma", [4]]],
)


def checkpoint(size=10):
    vector = np.linspace(-1, 1, size, dtype=np.float32)
    return Checkpoint({"weights": vector, "momentum": vector * 2, "second_moment": vector**2}, PROGRESS)


def test_what_is_written_is_read_back(tmp_path):
    write_checkpoint(tmp_path / "latest", checkpoint())
    assert exists(tmp_path / "latest")
    for path in (tmp_path / "latest", tmp_path / "latest/checkpoint.npz"):
        found = read_checkpoint(path)
        assert found.progress == PROGRESS
        assert found.vectors.keys() == checkpoint().vectors.keys()
        for name, vector in checkpoint().vectors.items():
            np.testing.assert_array_equal(found.vectors[name], vector)


def test_nothing_but_the_checkpoint_is_left_in_the_folder(tmp_path):
    for _ in range(2):
        write_checkpoint(tmp_path, checkpoint())
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.npz"]


def test_a_failed_write_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    write_checkpoint(tmp_path, checkpoint())
    before = (tmp_path / "checkpoint.npz").read_bytes()

    def full(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(UserError, match="No space left"):
        write_checkpoint(tmp_path, checkpoint())
    assert (tmp_path / "checkpoint.npz").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_every_truncation_is_refused(tmp_path):
    write_checkpoint(tmp_path, checkpoint())
    file = tmp_path / "checkpoint.npz"
    whole = file.read_bytes()
    for length in range(0, len(whole), 97):
        file.write_bytes(whole[:length])
        with pytest.raises(UserError, match="cannot be read"):
            read_checkpoint(tmp_path)


def test_flipped_bytes_never_raise_anything_but_a_user_error(tmp_path):
    write_checkpoint(tmp_path, checkpoint())
    file = tmp_path / "checkpoint.npz"
    whole = file.read_bytes()
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(200):
        damaged = bytearray(whole)
        damaged[random.integers(len(whole))] ^= 1 << random.integers(8)
        file.write_bytes(damaged)
        try:
            read_checkpoint(tmp_path)
        except UserError:
            refused += 1
    assert refused > 100


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was executed",))


def write_archive(folder, members, packing=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(folder / "checkpoint.npz", "w", packing) as archive:
        for name, content in members.items():
            with archive.open(f"{name}.npy", "w") as file:
                if isinstance(content, bytes):
                    file.write(content)
                else:
                    np.lib.format.write_array(file, content, allow_pickle=True)


def document(**changes):
    values = {"format": 1, "step": 1, "weights": [["a", [10]]], **changes}
    return np.frombuffer(json.dumps(values).encode(), np.uint8)


def header_of(shape):
    """The .npy header of a huge array, without its data."""
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
    text = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


HOSTILE = {
    "a pickle": {"progress": document(), "weights": np.array([Bomb()], object)},
    "a bare pickle": {"progress": pickle.dumps(Bomb())},
    "zeros that compress well": {"progress": document(), "weights": np.zeros(1_000_000, np.float32)},
    "a header that promises much": {"progress": document(weights=[["a", [2**40]]]), "weights": header_of((2**40,))},
    "doubles": {"progress": document(), "weights": np.zeros(10)},
    "another size": {"progress": document(), "weights": np.ones(9, np.float32)},
    "no weights": {"progress": document(), "momentum": np.ones(10, np.float32)},
    "another format": {"progress": document(format=99), "weights": np.ones(10, np.float32)},
    "an unknown key": {"progress": document(surprise=1), "weights": np.ones(10, np.float32)},
    "a step that is no number": {"progress": document(step="1"), "weights": np.ones(10, np.float32)},
    "negative sizes": {"progress": document(weights=[["a", [-2, -5]]]), "weights": np.ones(10, np.float32)},
}


@pytest.mark.parametrize(
    ("packing", "reason"), [(zipfile.ZIP_DEFLATED, "the archive expands to"), (zipfile.ZIP_STORED, "brackets")]
)
def test_a_progress_of_empty_lists_is_never_parsed(tmp_path, monkeypatch, packing, reason):
    """Packed to a few kilobytes, or in a file that is as long as it says."""
    text = json.dumps({"format": 1, "step": 5, "weights": [], "history": [[]] * 300_000}).encode()
    write_archive(tmp_path, {"progress": np.frombuffer(text, np.uint8)}, packing)
    monkeypatch.setattr("json.loads", None)
    with pytest.raises(UserError, match=reason):
        read_checkpoint(tmp_path)
    assert read_step(tmp_path) == 0


def test_the_step_is_read_alone(tmp_path):
    write_checkpoint(tmp_path, checkpoint())
    assert read_step(tmp_path) == read_checkpoint(tmp_path).progress.step > 0


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(tmp_path, name):
    write_archive(tmp_path, HOSTILE[name])
    with pytest.raises(UserError, match="cannot be read"):
        read_checkpoint(tmp_path)


def test_a_missing_checkpoint_is_a_clear_error(tmp_path):
    with pytest.raises(UserError, match="is not a checkpoint"):
        read_checkpoint(tmp_path)


def test_set_aside_never_overwrites(tmp_path):
    assert set_aside(tmp_path / "best") is None
    for number in range(3):
        (tmp_path / "best").mkdir()
        (tmp_path / "best/file").write_text(str(number))
        set_aside(tmp_path / "best")
    assert [(tmp_path / f"best.{number + 1}/file").read_text() for number in range(3)] == ["0", "1", "2"]
