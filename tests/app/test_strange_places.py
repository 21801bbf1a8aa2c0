"""Paths that lead to no file: pipes, sockets and devices are named, and never opened."""

import os
import socket
from pathlib import Path

import pytest

from textzoo.common.bounded_yaml import read_bounded
from textzoo.common.errors import UserError
from textzoo.common.files import kind_of_path
from textzoo.common.untrusted_json import read_json_object
from textzoo.compiler.tflite.file import read_tflite
from textzoo.config.boards import read_facts
from textzoo.config.check import check
from textzoo.config.resuming import read_yaml
from textzoo.config.schema import walk
from textzoo.models.files import load_float_model
from textzoo.text.corpora.nanogpt import open_tokens, read_characters
from textzoo.text.corpora.reading import read_text
from textzoo.text.tokenizers.base import load_tokenizer
from textzoo.training.checkpoints import read_checkpoint, read_step

CONF = Path(__file__).resolve().parents[2] / "conf"


def make_socket(path):
    """A socket; its name is bound from its folder, because long ones are refused."""
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(before)


# how it is made, what it is called
KINDS = {
    "pipe": (os.mkfifo, "a pipe"),
    "socket": (make_socket, "a socket"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "a device"),
}
PATH_KEYS = [name for name, entry in walk() if entry.metadata["path"]]
FILES_ALONE = ["tokenizer.path", "model.float_model_path", "model.quantized_model_path"]


def mistakes(key, value):
    values = {"operation_mode": "prediction"}
    section, _, name = key.partition(".")
    values[section] = {name: value}
    return [str(error) for error in check(values)[1]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("key", PATH_KEYS)
def test_every_path_of_the_schema_is_checked_before_it_is_opened(tmp_path, key, kind):
    make, words = KINDS[kind]
    make(tmp_path / "place")
    told = [error for error in mistakes(key, str(tmp_path / "place")) if error.startswith(f"{key}: '")]
    assert len(told) == 1
    assert told[0].startswith(f"{key}: '{tmp_path / 'place'}' is {words}; expected ")


@pytest.mark.parametrize("key", FILES_ALONE)
def test_a_folder_is_no_model_and_no_tokenizer(tmp_path, key):
    assert f"{key}: '{tmp_path}' is a folder; expected a file. Check the path." in mistakes(key, str(tmp_path))


@pytest.mark.parametrize("key", ["init_from", "resume_from"])
def test_a_folder_without_a_checkpoint_is_not_read_through(tmp_path, key):
    values = {"operation_mode": "training", "training": {key: str(tmp_path)}}
    errors = [str(error) for error in check(values)[1]]
    assert [error.partition(";")[0] for error in errors] == [f"training.{key}: '{tmp_path}' is not a checkpoint"]
    (tmp_path / "checkpoint.npz").write_text("")
    assert check(values)[1] == []


def test_sources_of_a_mixture_are_checked_too(tmp_path):
    os.mkfifo(tmp_path / "place")
    source = {"name": "text", "training_path": str(tmp_path / "place")}
    values = {"dataset": {"name": "mixture", "sources": [source]}}
    errors = [str(error) for error in check(values)[1]]
    assert errors == [
        f"dataset.sources[0].training_path: '{tmp_path / 'place'}' is a pipe; expected a file or a folder. "
        "Check the path."
    ]


def in_folder(name, read):
    """Reads a file by the folder that it lies in."""
    return lambda path: read(path.rename(path.with_name(name)).parent)


READERS = {
    "text": read_text,
    "json": lambda path: read_json_object(path, 100),
    "tokenizer": load_tokenizer,
    "tflite": read_tflite,
    "keras": lambda path: load_float_model(path.rename(path.with_suffix(".keras"))),
    "h5": lambda path: load_float_model(path.rename(path.with_suffix(".h5"))),
    "checkpoint": read_checkpoint,
    "checkpoint's folder": in_folder("checkpoint.npz", read_checkpoint),
    "nanoGPT's tokens": lambda path: open_tokens(path, 10),
    "nanoGPT's characters": in_folder("meta.pkl", read_characters),
    "run's folder": lambda path: read_yaml(path, dict, ""),
    "board": in_folder("mine.yaml", lambda folder: read_facts("mine", folder)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", READERS)
def test_readers_say_what_it_is(tmp_path, name, kind):
    make, words = KINDS[kind]
    make(tmp_path / "place")
    with pytest.raises(UserError, match=f" is {words}"):
        READERS[name](tmp_path / "place")


def test_a_checkpoint_that_is_a_pipe_has_done_no_steps(tmp_path):
    os.mkfifo(tmp_path / "checkpoint.npz")
    assert read_step(tmp_path) == 0


def test_a_configuration_that_is_a_pipe_is_named(program, tmp_path):
    os.mkfifo(tmp_path / "mine.yaml")
    answer = program("--config-path", ".", "--config-name", "mine", timeout=60)
    assert answer.returncode == 2
    assert f"'{tmp_path / 'mine.yaml'}' is a pipe; expected a file" in answer.stderr


def test_files_without_end_that_call_themselves_empty_are_not_read(tmp_path):
    """Of /proc: this one waits for the kernel's next message."""
    path = Path("/proc/kmsg")
    if not path.exists():
        pytest.skip("this machine has no /proc/kmsg")
    with pytest.raises(UserError, match="'/proc/kmsg' is empty"):
        read_text(path)
    assert read_bounded(path) is None


# what stands at a path, what it is called
PLACES = [("nothing", None), ("file", "a file"), ("folder", "a folder"), ("loop", "not accessible (Too many levels")]


@pytest.mark.parametrize(("name", "expected"), [*PLACES, ("n" * 300, "not accessible (File name too"), ("\0", None)])
def test_kinds_of_places(tmp_path, name, expected):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    assert (kind_of_path(tmp_path / name) or "").startswith(expected or "")
    assert (kind_of_path(tmp_path / name) is None) == (expected is None)
