"""Prediction: a model continues a prompt; the text is streamed to the console."""

from textzoo.common.errors import UserError, collecting, raise_all
from textzoo.common.files import write_text
from textzoo.common.progress import console
from textzoo.config.schema import Config
from textzoo.engines.base import Engine
from textzoo.engines.opening import open_engine
from textzoo.pipeline import inputs
from textzoo.pipeline.samples import samples_of, samples_text
from textzoo.records.report import Report
from textzoo.records.tracking import Recorder
from textzoo.records.workspace import ROLES, Workspace
from textzoo.text.tokenizers.base import Tokenizer


def run(config: Config, workspace: Workspace, recorder: Recorder) -> Report:
    """Continue the configured prompt with the configured model."""
    label, engine, tokenizer = chosen_model(config, workspace)
    with console.stream() as show:
        samples = list(samples_of(inputs.prediction(config, workspace), label, engine, tokenizer, show))
    path = workspace.path(ROLES["samples"])
    write_text(path, samples_text(samples))
    recorder.artifact(path)
    speed = sum(sample.tokens for sample in samples) / max(sum(sample.seconds for sample in samples), 1e-9)
    recorder.metrics(0, {"tokens_per_second": speed})
    return Report(samples=samples)


def chosen_model(config: Config, workspace: Workspace) -> tuple[str, Engine, Tokenizer]:
    """Return the model's label, engine and tokenizer; raise the errors of all together."""
    errors: list[UserError] = []
    with collecting(errors):
        label, engine = chosen_engine(config, workspace)
    with collecting(errors):
        tokenizer = inputs.tokenizer(config, workspace)
    raise_all(errors)
    inputs.check_vocabulary(engine.vocabulary_size, tokenizer.vocabulary_size)
    return label, engine, tokenizer


def chosen_engine(config: Config, workspace: Workspace) -> tuple[str, Engine]:
    """Return the model's label and the configured engine; "auto" prefers a quantized model."""
    wanted = config.prediction.engine
    quantized = inputs.quantized_model_paths(config, workspace)
    if wanted != "keras" and quantized:
        return inputs.model_label(quantized[-1]), open_engine(
            "litert_ref" if wanted == "auto" else wanted, quantized[-1]
        )
    if wanted in ("litert_ref", "litert", "native"):
        raise UserError(f"prediction.engine={wanted} needs a .tflite", remedy="Set model.quantized_model_path=<file>.")
    path = inputs.float_model_path(config, workspace)
    if path is None:
        raise UserError("there is no model for prediction", remedy="Set model.float_model_path=<file>.keras.")
    return "float", open_engine("keras", path)
