"""A library of the quantized model: compiled for any core or for the board's, with the defaults of `prediction`."""

from dataclasses import dataclass
from pathlib import Path

from textzoo.common.errors import raise_all
from textzoo.compiler.compile import CompiledModel, compile_file
from textzoo.compiler.operators.base import Target
from textzoo.config.schema import Config
from textzoo.engines.litert_engine import LitertReferenceEngine
from textzoo.engines.sampling import temperature_q16
from textzoo.engines.settings import PredictionConfig
from textzoo.pipeline import inputs
from textzoo.pipeline.device_defaults import c_characters
from textzoo.pipeline.firmware import (
    SELF_CHECK_TOKENS,
    model_name,
    pass_report,
    quantized_model,
    self_check,
    tokenizer_of,
    written_tokens,
)
from textzoo.pipeline.samples import possible_prompt
from textzoo.records.report import DeploymentReport
from textzoo.records.workspace import Workspace
from textzoo.targets.library.kernels import GENERIC, kernels_for
from textzoo.targets.library.project import LibraryFacts, render_library
from textzoo.targets.registry import LIBRARY
from textzoo.targets.rules import stop_mistakes
from textzoo.targets.settings import ANY_CORE, DeploymentConfig
from textzoo.text.tokenizers.base import Tokenizer


@dataclass
class Library:
    """A compiled model and the folder with its library."""

    compiled: CompiledModel
    folder: Path


def prepare(config: Config, workspace: Workspace) -> Library:
    """Compile the quantized model and write its library into the run's folder.

    Raises:
        UserError: No model, operators that the compiler does not support, or kernels that libraries do not have.
    """
    path = quantized_model(config, workspace)
    return make_library(
        path,
        tokenizer_of(path, config, workspace),
        workspace.path("c_project", config.deployment.library_name),
        name=model_name(config, workspace, path),
        settings=config.deployment,
        defaults=config.prediction,
        with_savings=True,
    )


def make_library(
    path: Path,
    tokenizer: Tokenizer,
    folder: Path,
    *,
    name: str = "model",
    settings: DeploymentConfig | None = None,
    defaults: PredictionConfig | None = None,
    with_savings: bool = False,
) -> Library:
    """Compile a quantized decode step and write its library into a folder.

    Args:
        path: The .tflite.
        tokenizer: The model's own.
        folder: Folder of the library.
        name: Name of the model.
        settings: Name and kernels of the library, packing of weights, passes left out; its board, if the kernels are
            that board's.
        defaults: What a model begins with, the stop text, and the prompt of the examples.
        with_savings: Whether to measure what each pass of the compiler saves.
    """
    settings, defaults = settings or DeploymentConfig(), defaults or PredictionConfig()
    raise_all(stop_mistakes(defaults.stop or ""))
    kernels = kernels_for(GENERIC if settings.library_kernels == ANY_CORE else settings.hardware_setup.variant)
    engine = LitertReferenceEngine(path)
    inputs.check_vocabulary(engine.vocabulary_size, tokenizer.vocabulary_size)
    tokens = written_tokens(engine, SELF_CHECK_TOKENS)
    prompt = possible_prompt(defaults.prompt, tokenizer, tokens).encode("utf-8", "replace")
    compiled = compile_file(
        path,
        Target(kernels.variant, settings.weights),
        name=name,
        check=self_check(engine, tokens),
        without=frozenset(settings.without_passes),
        with_savings=with_savings,
    )
    stop = (defaults.stop or "").encode("utf-8")
    facts = LibraryFacts(
        settings.library_name,
        kernels,
        c_characters(prompt),
        sampling_values(defaults),
        settings.library_url,
        c_characters(stop),
        len(stop),
    )
    render_library(compiled, tokenizer, facts, folder)
    return Library(compiled, folder)


def sampling_values(defaults: PredictionConfig) -> dict[str, int | float]:
    """Return the sampling that a model begins with."""
    return {
        "temperature": defaults.temperature,
        "temperature_q16": temperature_q16(defaults.temperature),
        "top_k": defaults.top_k,
        "seed": defaults.seed,
    }


def library_report(made: Library, workspace: Workspace) -> DeploymentReport:
    """Return the library's path in the run's folder, and the memory that the model needs."""
    compiled = made.compiled
    return DeploymentReport(
        c_project=made.folder.relative_to(workspace.root).as_posix(),
        target=LIBRARY,
        model_sha256=compiled.facts.sha256,
        arena_bytes=compiled.plan.arena_bytes,
        state_bytes=compiled.plan.state_bytes,
        constant_bytes=compiled.flash.total,
        passes=[pass_report(saving) for saving in compiled.savings],
    )
