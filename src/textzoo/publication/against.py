"""A model against what a user would take instead: one worse than an n-gram model of its size is not published."""

from textzoo.baselines.comparison import NGRAM
from textzoo.common.errors import UserError, raise_all
from textzoo.config.schema import Config
from textzoo.pipeline import inputs
from textzoo.pipeline.baselines import measured_baselines
from textzoo.publication.facts import REFERENCE, Facts, Loss
from textzoo.publication.files import RUN, ModelFiles
from textzoo.records.report import BaselineReport
from textzoo.records.tracking import Recorder
from textzoo.records.workspace import Workspace
from textzoo.text.prepare import PreparedDataset, open_prepared

UNKNOWN = "Whether an n-gram model of the same size would do better is not known: "
NO_LOSS = "no loss of the quantized model was measured (operation_mode=evaluation does)."
NO_CARD = "it was not measured for this pretrained model."
OTHER_CORPUS = "the corpus is not as it was for the training."


def add_baselines(facts: Facts, files: ModelFiles, config: Config, workspace: Workspace, recorder: Recorder) -> None:
    """Add the baselines of a model whose loss is known: of a run's model measured now, on the text of its evaluation.

    Raises:
        UserError: A decode step is not better than the n-gram model of its size.
    """
    losses = quantized_losses(facts.losses, files)
    if files.origin == RUN and losses:
        data = corpus_of(config, workspace, recorder)
        if data.sha256 != facts.training.get("data_sha256", data.sha256):
            facts.unknown.append(UNKNOWN + OTHER_CORPUS)
            return
        steps = {recipe: path for recipe, path in files.decode_steps.items() if recipe in losses}
        facts.baselines = measured_baselines(data, steps, min(loss.tokens for loss in losses.values()))
    if not facts.baselines:
        facts.unknown.append(UNKNOWN + (NO_LOSS if not losses else NO_CARD))
    check_better(losses, facts.baselines)


def quantized_losses(losses: list[Loss], files: ModelFiles) -> dict[str, Loss]:
    """Return recipe -> its loss, by LiteRT's reference kernels where those computed one."""
    found = {loss.recipe: loss for loss in sorted(losses, key=lambda loss: loss.engine == REFERENCE)}
    return {recipe: loss for recipe, loss in found.items() if recipe in files.decode_steps}


def corpus_of(config: Config, workspace: Workspace, recorder: Recorder) -> PreparedDataset:
    """Return the corpus in the run's folder, made anew where it is gone or damaged."""
    try:
        return open_prepared(workspace.path(inputs.DATASET_FOLDER))
    except UserError:
        return inputs.prepared_dataset(config, workspace, recorder)


def check_better(losses: dict[str, Loss], baselines: list[BaselineReport]) -> None:
    """Raise UserError unless every model is better than the n-gram model of its size."""
    errors = [
        not_better(recipe, loss, row)
        for recipe, loss in losses.items()
        for row in baselines
        if (row.baseline, row.against) == (NGRAM, recipe)
        and row.bits_per_character is not None
        and not loss.bits_per_character < row.bits_per_character
    ]
    raise_all(errors)


def not_better(recipe: str, loss: Loss, row: BaselineReport) -> UserError:
    return UserError(
        f"{recipe} is not published: an n-gram model of the same size does as well on the held-out text",
        expected=f"less than its {row.bits_per_character:.4f} bits per character in {row.file_bytes:,} bytes",
        received=f"{loss.bits_per_character:.4f}",
        remedy="Train longer or on more text, or take a smaller model: its n-gram model is smaller, too.",
    )
