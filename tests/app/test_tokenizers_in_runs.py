"""Every kind of tokenizer through the services at toy size: from text to text, on this machine and a twin."""

import itertools
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from compilers import need
from textzoo.config.boards import load_board
from textzoo.config.check import check
from textzoo.engines.generate import generate
from textzoo.pipeline.firmware import make_firmware
from textzoo.records.workspace import Workspace
from textzoo.services import evaluation, prediction, quantization, training
from textzoo.targets.emulators import emulate, run_host
from textzoo.text.tokenizers.base import load_tokenizer

pytestmark = pytest.mark.slow

BOARD = "STM32F4"
SENTENCES = ["The dog sees the fox. ", "A fox sees the dogs, and the dogs see it. ", "Naïve foxes cost 3 €.\n"]
TOY = {
    "model": {"n_layers": 1, "d_model": 16, "context_length": 16},
    "training": {"steps": 4, "eval_interval": 4, "warmup_steps": 1, "batch_size": 4, "eval_tokens": 60},
    "quantization": {"calibration_windows": 2, "report_tokens": 32},
    "evaluation": {"max_tokens": 100},
}
# One row per kind: its settings, the least characters per token that it must reach, a prompt.
KINDS = {
    "word": ({"name": "word", "unknown": "unk", "vocabulary_size": 24}, 3.0, "The dog sees"),
    "byte": ({"name": "byte"}, 0.9, "Naïve \U0001f98a"),
    "bpe": ({"name": "bpe", "vocabulary_size": 280}, 1.5, "The dogs, naïve \U0001f98a"),
}
MACHINES = ["host", BOARD]
OPTIONS = {"max_tokens": 60, "temperature": 1.0, "top_k": 0, "seed": 5}


class Recorder:
    """Takes what services report to the tracker."""

    def metrics(self, step, values):
        pass

    def artifact(self, path, folder=""):
        assert Path(path).exists()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A function from a kind to its configuration and its trained and quantized run, made once."""

    @cache
    def run(kind):
        folder = tmp_path_factory.mktemp(kind)
        config, workspace = toy_config(folder / "text.txt", kind), Workspace(folder / "run")
        training.run(config, workspace, Recorder())
        quantization.run(config, workspace, Recorder())
        return config, workspace

    return run


def toy_config(text: Path, kind: str):
    """A checked configuration of the toy, its text written to a file."""
    tokenizer, _, prompt = KINDS[kind]
    order = np.random.default_rng(3).integers(0, len(SENTENCES), 150)
    text.write_text("".join(SENTENCES[index] for index in order), encoding="utf-8")
    values = {
        "dataset": {"name": "text", "training_path": str(text)},
        "tokenizer": tokenizer,
        "prediction": {"prompt": prompt, "max_tokens": 40, "num_samples": 2},
    }
    config, errors = check({**TOY, **values})
    assert errors == []
    return config


@pytest.mark.parametrize("kind", KINDS)
def test_trained_evaluated_and_talked_to(runs, kind):
    config, workspace = runs(kind)
    assert load_tokenizer(workspace.find("tokenizer")).name == kind
    rows = evaluation.run(config, workspace, Recorder()).evaluation
    assert [row.model for row in rows] == ["float", "int8"]
    for row in rows:
        characters_per_token = row.loss_nats / np.log(2) / row.bits_per_character
        assert KINDS[kind][1] < characters_per_token < 5
    samples = prediction.run(config, workspace, Recorder()).samples
    assert [sample.tokens for sample in samples] == [40, 40]
    assert len({sample.text for sample in samples}) == 2


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_device_reads_and_writes_as_python_does(runs, tmp_path, kind, machine):
    config, workspace = runs(kind)
    need(*(["host"] if machine == "host" else ["arm", "qemu"]))
    tokenizer = load_tokenizer(workspace.find("tokenizer"))
    board = None if machine == "host" else load_board(machine)
    made = make_firmware(workspace.find("quantized_model"), tokenizer, board, tmp_path / "project")
    prompt = config.prediction.prompt
    with run_host(made.project) if board is None else emulate(made.project, board) as console:
        assert console.ask({"command": "info"})["tokenizer"] == kind
        replies = list(console.command({"command": "generate", "prompt": prompt, **OPTIONS}))
        text = tokenizer.decode([reply["token"] for reply in replies[:-1]])
        stop = next(piece for piece in map("".join, itertools.pairwise(text[5:])) if piece.isascii())
        until = list(console.command({"command": "generate", "prompt": prompt, "stop": stop, **OPTIONS}))
        memory = console.ask({"command": "memory"})
    assert replies[-1]["prompt_tokens"] == len(tokenizer.encode(prompt))
    assert memory.get("stack_bytes", 0) < 1500
    assert text == "".join(generate(made.engine, tokenizer, prompt, **OPTIONS))
    assert text == "".join(reply["text"] for reply in replies[:-1])
    assert "".join(reply["text"] for reply in until[:-1]) == text[: text.index(stop)]
