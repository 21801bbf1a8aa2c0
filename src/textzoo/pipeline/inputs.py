"""Inputs of the services: the tokenized corpus, the tokenizer, the models; from the run's folder or as configured."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textzoo.common.errors import UserError
from textzoo.common.escaping import visible_line
from textzoo.common.files import write_json, write_text
from textzoo.common.progress import console, working
from textzoo.common.untrusted_json import read_json_object
from textzoo.config.schema import Config
from textzoo.engines.settings import PredictionConfig
from textzoo.grammars.grammar import Grammar, read_grammar
from textzoo.quantizers.recipes import RECIPES, recipe_of_file
from textzoo.records.tracking import Recorder
from textzoo.records.workspace import ROLES, Workspace
from textzoo.text.chat_templates import FILE as TEMPLATE_FILE
from textzoo.text.chat_templates import TEMPLATES, ChatTemplate, load_template
from textzoo.text.commands.schema import FILE as GRAMMAR_FILE
from textzoo.text.corpora.loading import Corpus, TokenCorpus, load_corpus
from textzoo.text.corpora.registry import CORPORA
from textzoo.text.prepare import MAX_RECORD_BYTES, PreparedDataset, prepare_corpus
from textzoo.text.settings import DatasetConfig, TokenizerConfig
from textzoo.text.statistics import data_statistics, numbers, statistics_key, statistics_page, warnings
from textzoo.text.tokenizers.base import Tokenizer, load_tokenizer

if TYPE_CHECKING:
    from textzoo.models.base import LanguageModel

DATASET_FOLDER = "dataset"


def prepared_dataset(
    config: Config, workspace: Workspace, recorder: Recorder, *, anew: bool = False
) -> PreparedDataset:
    """Return the corpus as token arrays in the run's folder, encoded by the model's own tokenizer if there is one.

    The statistics of the corpus are written once to the run's folder and the tracker.

    Args:
        config: The configuration with the dataset and tokenizer sections.
        workspace: The run's folder.
        recorder: The tracker.
        anew: For training, which trains the tokenizer: ignore an existing one in the run's folder.
    """
    with working("preparing the corpus"):
        corpus = load_corpus(config.dataset)
        tokenizer = tokenizer_config(config, None if anew else workspace)
        data = prepare_corpus(corpus, tokenizer, workspace.path(DATASET_FOLDER))
    if not has_statistics(corpus, data, config.dataset, workspace):
        with working("statistics of the corpus"):
            statistics = data_statistics(corpus, data, config.dataset.separator)
        keep_statistics(statistics, config.dataset, workspace, recorder)
    return data


def has_statistics(
    corpus: Corpus | TokenCorpus, data: PreparedDataset, dataset: DatasetConfig, workspace: Workspace
) -> bool:
    """Return whether the run's folder already holds the statistics of this corpus."""
    path = workspace.find("statistics")
    try:
        recorded = read_json_object(path, MAX_RECORD_BYTES) if path else {}
    except UserError:
        return False
    return recorded.get("key") == statistics_key(corpus, data, dataset.separator)


def keep_statistics(
    statistics: dict[str, Any], dataset: DatasetConfig, workspace: Workspace, recorder: Recorder
) -> None:
    """Write statistics.json and statistics.md to the run's folder and the tracker; print warnings."""
    warned = warnings(statistics, dataset.overlap_warning)
    for sentence in warned:
        console.print(f"Warning: {visible_line(sentence)}")
    path = workspace.path(ROLES["statistics"])
    write_text(path.with_suffix(".md"), statistics_page(statistics, warned))
    write_json(path, statistics)
    recorder.metrics(0, numbers(statistics))
    for file in (path, path.with_suffix(".md")):
        recorder.artifact(file)


def tokenizer_config(config: Config, workspace: Workspace | None) -> TokenizerConfig:
    if CORPORA[config.dataset.name].has_own_vocabulary:
        return config.tokenizer
    existing = tokenizer_path(config, workspace)
    return dataclasses.replace(config.tokenizer, path=str(existing)) if existing else config.tokenizer


def tokenizer_path(config: Config, workspace: Workspace | None) -> Path | None:
    """Return an existing tokenizer.json: the configured one, next to the given model file, or of this run."""
    if config.tokenizer.path:
        return Path(config.tokenizer.path)
    for model_path in (config.model.float_model_path, config.model.quantized_model_path):
        if model_path and (beside := Path(model_path).parent / "tokenizer.json").is_file():
            return beside
    return workspace.find("tokenizer") if workspace else None


def tokenizer(config: Config, workspace: Workspace) -> Tokenizer:
    """Return the model's tokenizer; raise UserError if there is none."""
    path = tokenizer_path(config, workspace)
    if path is None:
        raise UserError(
            "there is no tokenizer for the model",
            expected="tokenizer.json next to the model file",
            remedy="Set tokenizer.path=<file>.",
        )
    return load_tokenizer(path)


def keep_tokenizer(
    data: PreparedDataset, dataset: DatasetConfig, workspace: Workspace, given: ChatTemplate | None = None
) -> None:
    """Save the tokenizer in the folder of the models, and beside it chat template and grammar, if the model has them.

    Args:
        data: With the tokenizer.
        dataset: The corpus, whose dialogues may have a template.
        workspace: The run's folder.
        given: The template of a model that was trained before, which comes first.
    """
    path = workspace.path(ROLES["tokenizer"])
    data.tokenizer.save(path)
    template = given or template_of(dataset)
    if template:
        template.save(path.parent)
    else:
        path.with_name(TEMPLATE_FILE).unlink(missing_ok=True)  # of an earlier training on another corpus
    if data.commands:
        write_json(path.with_name(GRAMMAR_FILE), data.commands.schema)
    else:
        path.with_name(GRAMMAR_FILE).unlink(missing_ok=True)


def template_of(dataset: DatasetConfig) -> ChatTemplate | None:
    """Return the chat template of a corpus; of a mixture, that of its first source which has one."""
    names = [dataset.name, *(str(source.get("name")) for source in dataset.sources)]
    found = (CORPORA[name].chat_template for name in names if name in CORPORA)
    return next((TEMPLATES[name] for name in found if name), None)


def template_path(config: Config, workspace: Workspace) -> Path | None:
    """Return where the model's chat template lies if it has one: beside its tokenizer; None without a tokenizer."""
    tokenizer = tokenizer_path(config, workspace)
    return tokenizer.with_name(TEMPLATE_FILE) if tokenizer else None


def given_template(config: Config, workspace: Workspace) -> ChatTemplate | None:
    """Return the chat template beside the model's tokenizer, if there is one."""
    path = template_path(config, workspace)
    return load_template(path) if path and path.is_file() else None


def float_model_path(config: Config, workspace: Workspace) -> Path | None:
    """Return the float model of this run, or the one that the configuration names."""
    own = workspace.find("float_model")
    return own or (Path(config.model.float_model_path) if config.model.float_model_path else None)


def float_model(config: Config, workspace: Workspace) -> "LanguageModel":
    """Return the trained float model; raise UserError if there is none."""
    from textzoo.models.files import load_float_model

    path = float_model_path(config, workspace)
    if path is None:
        raise UserError("there is no float model", remedy="Train one, or set model.float_model_path=<file>.keras.")
    return load_float_model(path)


def quantized_model_paths(config: Config, workspace: Workspace) -> list[Path]:
    """Return every available quantized decode step: the configured one, then those of this run."""
    named = [Path(config.model.quantized_model_path)] if config.model.quantized_model_path else []
    return named + workspace.files("quantized_model")


def grammar(settings: PredictionConfig) -> Grammar | None:
    """Return the grammar of prediction.grammar; None without one."""
    return read_grammar(Path(settings.grammar), settings.grammar_depth) if settings.grammar else None


def prediction(config: Config, workspace: Workspace) -> PredictionConfig:
    """Return the section prediction, with the model's own grammar if it names none."""
    return with_own_grammar(config.prediction, tokenizer_path(config, workspace))


def with_own_grammar(settings: PredictionConfig, tokenizer: Path | None) -> PredictionConfig:
    """Return the settings with the grammar.json beside a tokenizer, if there is one and they name none."""
    own = tokenizer.with_name(GRAMMAR_FILE) if tokenizer else None
    if settings.grammar or not settings.own_grammar or own is None or not own.is_file():
        return settings
    return dataclasses.replace(settings, grammar=str(own))


def check_vocabulary(model_size: int, data_size: int) -> None:
    """Raise UserError if model and tokenizer have vocabularies of different sizes."""
    if model_size != data_size:
        raise UserError(
            "the model and the tokenizer do not match",
            expected=f"a tokenizer of {model_size} tokens",
            received=f"{data_size} tokens",
            remedy="Set tokenizer.path=<the tokenizer.json that the model was trained with>.",
        )


def model_label(path: Path) -> str:
    """Return a quantized model's name in tables: its recipe's short name, or its file's name."""
    recipe = RECIPES.get(recipe_of_file(path))
    return recipe.short_name if recipe else path.stem
