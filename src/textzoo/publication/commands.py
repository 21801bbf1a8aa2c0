"""The commands by which a published model, its figures and its sample are made again."""

import shlex
from collections.abc import Iterator
from pathlib import Path

from textzoo.common.errors import UserError
from textzoo.common.secrets import masked
from textzoo.config.chains import CHAINS
from textzoo.config.overrides import parse
from textzoo.config.publishing import ADDRESSES, PATH_KEYS, published_setting
from textzoo.config.resuming import FOLDER, own_keys
from textzoo.engines.settings import PredictionConfig
from textzoo.publication.facts import Facts
from textzoo.publication.files import RUN, ModelFiles
from textzoo.records.workspace import Workspace

PROGRAM = "python stm32ai_main.py"
# Sections that change nothing of what the earlier steps have made.
NOT_OF_THE_MODEL = ("publish.", "mlflow.", "tools.", "compare.", "hydra", "general.resume", "general.traceback")
SAMPLING = ("prompt", "max_tokens", "temperature", "top_k", "seed", "stop")


def commands_of(
    facts: Facts, files: ModelFiles, sampling: PredictionConfig, workspace: Workspace, source: str
) -> list[str]:
    """Return the commands, one a line.

    Args:
        facts: What is known of the model.
        files: Its files.
        sampling: How the sample was written.
        workspace: The run's folder.
        source: What stands before the name of a file: "hf://owner/name@main/", or "" in the folder itself.
    """
    return [*training_commands(facts, files, workspace), *use_commands(facts, files, sampling, source)]


def training_commands(facts: Facts, files: ModelFiles, workspace: Workspace) -> Iterator[str]:
    """Yield how the model was trained, as far as that is known."""
    if facts.experiment:
        yield command("operation_mode=chain_tqe", f"experiment={facts.experiment}")
    elif files.origin == RUN:
        settings = list(typed_settings(workspace))
        for number, mode in enumerate(modes_of(facts.steps)):
            resume = ["general.resume=experiments_outputs/<run>"] if number else []
            yield command(f"operation_mode={mode}", *settings, *resume)


def modes_of(steps: tuple[str, ...]) -> list[str]:
    """Return the modes that the steps of a run are from: the longest chain, and the training if that has none."""
    whole = [mode for mode, kinds in CHAINS.items() if {f"{n}_{kind}" for n, kind in enumerate(kinds, 1)} <= {*steps}]
    longest = max(whole, key=lambda mode: len(CHAINS[mode]), default="training")
    is_trained_before = "1_training" in steps and "training" not in CHAINS[longest]
    return ["training", longest] if is_trained_before else whole and [longest]


def typed_settings(workspace: Workspace) -> Iterator[str]:
    """Yield the settings of a run's own command line that its results depend on, without this machine's folders."""
    try:
        overrides, _ = parse(own_keys(workspace.path(FOLDER, "overrides.yaml")))
    except UserError:
        return
    for override in overrides:
        key = override.key_or_group
        if key == "operation_mode" or key in ADDRESSES or key.startswith(NOT_OF_THE_MODEL):
            continue
        value = override.input_line.partition("=")[2]
        if key in PATH_KEYS:
            value = str(published_setting(key, override.value(), workspace.root))
        yield f"{override.input_line.partition('=')[0]}={masked(value)}"


def use_commands(facts: Facts, files: ModelFiles, sampling: PredictionConfig, source: str) -> Iterator[str]:
    """Yield how the sample is written again, and how the boards are measured."""
    model, tokenizer = f"{source}{files.chosen.name}", f"{source}tokenizer.json"
    given = [f"model.quantized_model_path={model}", f"tokenizer.path={tokenizer}"]
    values = {name: getattr(sampling, name) for name in SAMPLING}
    options = [f"prediction.{name}={value}" for name, value in values.items() if value is not None]
    yield command("operation_mode=prediction", *given, *options)
    for board in sorted({row.board for row in facts.boards if row.recipe == files.recipe}):
        yield command("operation_mode=benchmarking", f"board={board}", *given)


def command(*arguments: str) -> str:
    return " ".join([PROGRAM, *map(shlex.quote, arguments)])


def folder_of(repository: str | None) -> str:
    """Return what stands before the names of files that are on the hub, or in the folder itself."""
    return f"hf://{repository}@main/" if repository else ""


def name_of(repository: str | None, files: ModelFiles, architecture: str) -> str:
    """Return the model's name: the repository's, or that of the pretrained model or the architecture."""
    return Path(repository).name if repository else files.pretrained_name or architecture
