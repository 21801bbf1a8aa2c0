"""Publishing: the folder of a trained model with its card, and its upload to the Hugging Face hub."""

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.escaping import visible_line
from textzoo.common.files import shown_path, write_text
from textzoo.common.progress import console, progress_bar
from textzoo.config import pretrained
from textzoo.config.schema import Config
from textzoo.engines.litert_engine import LitertReferenceEngine
from textzoo.engines.settings import PredictionConfig
from textzoo.hub.uploads import Published, upload
from textzoo.pipeline import inputs
from textzoo.pipeline.firmware import make_firmware, readable_name, written_tokens
from textzoo.pipeline.library import make_library
from textzoo.pipeline.samples import possible_prompt, samples_of
from textzoo.publication import folder as folders
from textzoo.publication.against import add_baselines
from textzoo.publication.commands import commands_of, folder_of, name_of
from textzoo.publication.corpus import provenances
from textzoo.publication.facts import facts_of, with_sizes
from textzoo.publication.files import NAMED, PRETRAINED, ModelFiles, model_files
from textzoo.publication.model_card import CardInputs, PublishedFile, card_text, shown_files
from textzoo.records.report import PublicationReport, Report, SampleReport, Skipped
from textzoo.records.tracking import Recorder
from textzoo.records.workspace import Workspace
from textzoo.targets.registry import HOST, LIBRARY
from textzoo.text.tokenizers.base import Tokenizer, load_tokenizer

FOLDER = "publish"
# Of the weights in pretrained_models/, which come with TextZoo.
LICENSE_OF_PRETRAINED = "apache-2.0"
TOKENS_FOR_PROMPT = 16


def run(config: Config, workspace: Workspace, recorder: Recorder) -> Report:
    """Write publish/ in the run's folder; upload it with publish.dry_run=false."""
    files = model_files(config, workspace)
    tokenizer, engine = load_tokenizer(files.tokenizer), LitertReferenceEngine(files.chosen)
    inputs.check_vocabulary(engine.vocabulary_size, tokenizer.vocabulary_size)
    sampling = sampling_of(config.prediction, engine, tokenizer)
    sample = written_sample(sampling, files, engine, tokenizer)
    facts = with_sizes(facts_of(files, workspace), engine.vocabulary_size, engine.context_length)
    add_baselines(facts, files, config, workspace, recorder)
    report = Report(samples=[sample], baselines=facts.baselines)
    with folders.new_folder(workspace.path(FOLDER)) as folder:
        told = folders.write_files(folder, files, sections_of(config), facts.earlier, workspace)
        told |= c_project(config, files, tokenizer, folder, report)
        facts.unknown += [f"{row.what} is left out: {row.why}" for row in report.skipped]
        published = folders.published_files(folder, told)
        commands = commands_of(facts, files, sampling, workspace, folder_of(config.publish.repository))
        card = card_inputs(config, files, tokenizer, sample, workspace.path(inputs.DATASET_FOLDER))
        card = CardInputs(**card, facts=facts, files=published, commands=commands)
        write_text(folder / folders.CARD, card_text(card))
    done = tell_or_upload(config, workspace.path(FOLDER), published)
    facts.earlier.merge(report)
    facts.earlier.publication = publication_report(config, published, workspace, done)
    return facts.earlier


def sections_of(config: Config) -> dict[str, dict[str, Any]]:
    """Return the sections that determine a model, as key -> value."""
    chosen = (config.dataset, config.tokenizer, config.model, config.training, config.quantization)
    return {name: dataclasses.asdict(section) for name, section in zip(folders.SECTIONS, chosen, strict=True)}


def sampling_of(settings: PredictionConfig, engine: LitertReferenceEngine, tokenizer: Tokenizer) -> PredictionConfig:
    """Return the settings of the sample: the configured ones, with a prompt that the vocabulary has."""
    tokens = written_tokens(engine, TOKENS_FOR_PROMPT)
    return dataclasses.replace(settings, prompt=possible_prompt(settings.prompt, tokenizer, tokens), num_samples=1)


def written_sample(
    sampling: PredictionConfig, files: ModelFiles, engine: LitertReferenceEngine, tokenizer: Tokenizer
) -> SampleReport:
    """Let the chosen decode step continue the prompt."""
    with progress_bar("a sample of the model", None, unit="pieces") as advance:
        label = inputs.model_label(files.chosen)
        (sample,) = samples_of(sampling, label, engine, tokenizer, lambda piece: advance())
    return sample


def c_project(config: Config, files: ModelFiles, tokenizer: Tokenizer, folder: Path, report: Report) -> dict[str, str]:
    """Add the C project of the configured board; return its name and what it is. What hinders it is skipped."""
    target = config.deployment.target
    is_library = target == LIBRARY
    board = None if target in (HOST, LIBRARY) else config.deployment.hardware_setup
    target = board.name if board else target
    name = files.pretrained_name or (readable_name(files.chosen) if files.origin == NAMED else config.model.name)
    archive = folder / f"c_project_{target}.zip"
    with tempfile.TemporaryDirectory() as temporary:
        project = Path(temporary) / (config.deployment.library_name if is_library else target)
        defaults = inputs.with_own_grammar(config.prediction, files.tokenizer)
        settings = {"name": name, "settings": config.deployment, "defaults": defaults}
        try:
            if is_library:
                make_library(files.chosen, tokenizer, project, **settings)
            else:
                template = files.tokenizer.with_name(pretrained.CHAT_TEMPLATE)
                make_firmware(files.chosen, tokenizer, board, project, template=template, **settings)
        except UserError as error:
            report.skipped.append(Skipped(f"the C project for {target}", str(error)))
            return {}
        folders.zip_project(project, archive)
    if is_library:
        return {archive.name: f"a library of {files.chosen.name}: two files of C for any program"}
    return {archive.name: f"the C project for {target} of {files.chosen.name}: builds and runs without Python"}


def card_inputs(
    config: Config, files: ModelFiles, tokenizer: Tokenizer, sample: SampleReport, corpus: Path
) -> dict[str, Any]:
    """Return what the card says of the configuration; of files from elsewhere the corpus is unknown."""
    is_known = files.origin != NAMED
    own_license = LICENSE_OF_PRETRAINED if files.origin == PRETRAINED else ""
    return {
        "name": name_of(config.publish.repository, files, config.model.name),
        "architecture": config.model.name if is_known else "",
        "tokenizer": tokenizer.name,
        "corpus": config.dataset.name if is_known else "",
        "corpora": provenances(config.dataset, corpus) if is_known else [],
        "sample": sample,
        "chosen": files.chosen.name,
        "license": config.publish.license or own_license,
    }


def tell_or_upload(config: Config, folder: Path, published: list[PublishedFile]) -> Published | None:
    """Say what is in the folder, and upload it if asked."""
    size, settings = sum(file.size for file in published), config.publish
    console.print(f"{len(published) + 1} files in {visible_line(shown_path(folder))}, {size:,} bytes and the card:")
    for line in shown_files(published):
        console.print(visible_line(line))
    where = settings.repository or "<owner/name>"
    if settings.dry_run:
        command = f"publish.dry_run=false publish.repository={where}"
        console.print(f"A dry run: nothing was uploaded. {command} uploads these files in one commit.")
        return None
    done = upload(folder, settings.repository or "", private=settings.private, message="Publish the model with TextZoo")
    console.print(f"Published: {done.address}, commit {done.commit}")
    return done


def publication_report(
    config: Config, published: list[PublishedFile], workspace: Workspace, done: Published | None
) -> PublicationReport:
    card = workspace.path(FOLDER, folders.CARD).stat().st_size
    return PublicationReport(
        folder=FOLDER,
        files=len(published) + 1,
        file_bytes=sum(file.size for file in published) + card,
        uploaded=done is not None,
        repository=config.publish.repository,
        commit=done.commit if done else None,
    )
