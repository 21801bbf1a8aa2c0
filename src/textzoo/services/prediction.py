"""Prediction: a model continues a prompt, streaming to the console as it generates."""

import time
from collections.abc import Callable, Iterator, Sequence

from textzoo.common.errors import UserError, collecting, raise_all
from textzoo.common.files import write_text
from textzoo.common.progress import console
from textzoo.config.schema import Config
from textzoo.engines.base import Engine
from textzoo.engines.generate import generate_samples
from textzoo.engines.opening import open_engine
from textzoo.engines.settings import PredictionConfig
from textzoo.pipeline import inputs
from textzoo.records.report import Report, SampleReport
from textzoo.records.tracking import Sink
from textzoo.records.workspace import ROLES, Workspace
from textzoo.text.tokenizers.base import Tokenizer

BETWEEN_SAMPLES = "\n\n"


def run(config: Config, workspace: Workspace, sink: Sink) -> Report:
    """Continue the configured prompt with the model at hand."""
    errors: list[UserError] = []
    with collecting(errors):
        label, engine = chosen_engine(config, workspace)
    with collecting(errors):
        tokenizer = inputs.tokenizer(config, workspace)
    raise_all(errors)
    inputs.check_vocabulary(engine.vocabulary_size, tokenizer.vocabulary_size)
    with console.stream() as show:
        samples = list(samples_of(config.prediction, label, engine, tokenizer, show))
    path = workspace.path(ROLES["samples"])
    write_text(path, samples_text(samples))
    sink.artifact(path)
    speed = sum(sample.tokens for sample in samples) / max(sum(sample.seconds for sample in samples), 1e-9)
    sink.metrics(0, {"tokens_per_second": speed})
    return Report(samples=samples)


def samples_text(samples: Sequence[SampleReport]) -> str:
    """What samples.txt holds: the texts as they are, a blank line between them."""
    return BETWEEN_SAMPLES.join(sample.prompt + sample.text for sample in samples) + "\n"


def chosen_engine(config: Config, workspace: Workspace) -> tuple[str, Engine]:
    """The model's label and its engine: the one asked for; with "auto" the quantized model where there is one."""
    wanted = config.prediction.engine
    quantized = inputs.quantized_model_paths(config, workspace)
    if wanted != "keras" and quantized:
        return inputs.model_label(quantized[-1]), open_engine(
            "litert_ref" if wanted == "auto" else wanted, quantized[-1]
        )
    if wanted in ("litert_ref", "litert", "native"):
        raise UserError(f"prediction.engine={wanted} needs a .tflite", remedy="Give model.quantized_model_path=<file>.")
    path = inputs.float_model_path(config, workspace)
    if path is None:
        raise UserError("there is no model to talk to", remedy="Give model.float_model_path=<file>.keras.")
    return "float", open_engine("keras", path)


def samples_of(
    settings: PredictionConfig, label: str, engine: Engine, tokenizer: Tokenizer, show: Callable[[str], None]
) -> Iterator[SampleReport]:
    """Generate num_samples texts; sample i has the seed `settings.seed + i`. What is shown is `samples_text`."""
    texts = generate_samples(
        engine,
        tokenizer,
        settings.prompt,
        num_samples=settings.num_samples,
        seed=settings.seed,
        max_tokens=settings.max_tokens,
        temperature=settings.temperature,
        top_k=settings.top_k,
        stop=settings.stop,
        unknown=settings.unknown,
    )
    for index, pieces in enumerate(texts):
        start = time.perf_counter()
        show(f"{BETWEEN_SAMPLES if index else ''}{settings.prompt}")
        text = ""
        for piece in pieces:
            show(piece)
            text += piece
        if index + 1 == settings.num_samples:
            show("\n")
        yield SampleReport(
            model=label,
            engine=engine.name,
            prompt=settings.prompt,
            text=text,
            tokens=pieces.tokens,
            temperature=settings.temperature,
            top_k=settings.top_k,
            seed=settings.seed + index,
            seconds=time.perf_counter() - start,
        )
