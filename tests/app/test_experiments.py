"""Every experiment of conf/experiment runs as its first line says, at toy size and without a network."""

import json
import re
from pathlib import Path

import pytest
import yaml

from textzoo.quantizers.recipes import RECIPES
from textzoo.quantizers.settings import QuantizationConfig

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[2]
EXPERIMENTS = {
    path.stem: path.read_text(encoding="utf-8") for path in sorted((PROJECT / "conf/experiment").glob("*.yaml"))
}
COMMAND = re.compile(r"^# python stm32ai_main\.py (.+)$", re.MULTILINE)
# Sizes only: which model, tokenizer, recipe, optimizer and board there is remains the experiment's choice.
TOY = {
    "model.n_layers": 1,
    "model.d_model": 16,
    "model.context_length": 16,
    "training.steps": 8,
    "training.warmup_steps": 2,
    "training.batch_size": 4,
    "training.eval_interval": 4,
    "training.eval_tokens": 64,
    "quantization.calibration_windows": 2,
    "quantization.report_tokens": 32,
    "evaluation.max_tokens": 64,
    "prediction.max_tokens": 8,
    "dataset.conversations_bytes": 20_000,
    "mlflow.system_metrics": False,
}
# Commands have to fit the context.
COMMANDS = ("dataset.examples=300", "model.context_length=128", "evaluation.max_commands=3")
TEMPLATES = "intents: {turn_on: [turn on the lamp, lamp on], turn_off: [turn off the lamp, lamp off]}\n"
# Corpora that are downloaded are a text of the tests instead.
DOWNLOADED = ("tinyshakespeare",)


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    text = tmp_path_factory.mktemp("corpus") / "play.txt"
    text.write_text("ROMEO:\nWhat light is this? It is the east, and we are on a balcony.\n\n" * 60)
    return [f"dataset.training_path={text}", "dataset.name=text", "dataset.overlap_warning=1.0"]


def chosen(text, group):
    """The option that an experiment chooses of a group, if it does."""
    entries = [entry for entry in yaml.safe_load(text)["defaults"] if isinstance(entry, dict)]
    return next((entry[f"override /{group}"] for entry in entries if f"override /{group}" in entry), None)


def name_of(group, option):
    """What an option of a group calls itself."""
    values = yaml.safe_load((PROJECT / f"conf/{group}/{option}.yaml").read_text(encoding="utf-8"))
    return values.get(group, values)["name"]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_runs_from_its_text_to_its_samples(warm_program, store, stand_in, tmp_path, name):
    text = EXPERIMENTS[name]
    command = COMMAND.search(text)[1].split()
    assert f"experiment={name}" in command
    corpus = stand_in if chosen(text, "dataset") in DOWNLOADED else []
    sizes = [f"{key}={value}" for key, value in TOY.items()]
    if chosen(text, "dataset") in ("commands", "home_assistant"):
        (tmp_path / "commands.yaml").write_text(TEMPLATES)
        sizes = [size for size in sizes if not size.startswith("model.context_length")] + [*COMMANDS]
    answer = warm_program(*command, *sizes, *corpus, f"hydra.run.dir={tmp_path / 'run'}", f"mlflow.uri={store}")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    report = json.loads((tmp_path / "run/report.json").read_text(encoding="utf-8"))
    tokenizer = json.loads((tmp_path / "run/models/tokenizer.json").read_text(encoding="utf-8"))
    assert (report["status"], report["training"]["steps"]) == ("FINISHED", TOY["training.steps"])
    assert report["model"]["name"] == name_of("model", chosen(text, "model"))
    assert tokenizer["kind"] == name_of("tokenizer", chosen(text, "tokenizer"))
    recipe = RECIPES[chosen(text, "quantization") or QuantizationConfig().recipe]
    assert report["quantization"]["recipe"] == recipe.name
    assert [row["model"] for row in report["evaluation"]] == ["float", recipe.short_name]
    assert {sample["model"] for sample in report["samples"]} == {recipe.short_name}
    assert all(sample["tokens"] > 0 for sample in report["samples"])
    if board := chosen(text, "board"):
        assert (tmp_path / "run/c_project" / board).is_dir()
