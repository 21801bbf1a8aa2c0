"""Quantization: make an integer decode step and window graph from the float model, and report the error."""

import numpy as np

from textzoo.config.schema import Config
from textzoo.pipeline import inputs
from textzoo.pipeline.model_report import model_report
from textzoo.quantizers.quantize import QuantizationResult, quantize
from textzoo.records.report import QuantizationReport, Report
from textzoo.records.tracking import Recorder
from textzoo.records.workspace import Workspace
from textzoo.text.corpora.reading import joined_text
from textzoo.text.prepare import PreparedDataset


def run(config: Config, workspace: Workspace, recorder: Recorder) -> Report:
    """Quantize the float model with the configured recipe."""
    data = inputs.prepared_dataset(config, workspace, recorder)
    model = inputs.float_model(config, workspace)
    inputs.check_vocabulary(model.vocabulary_size, data.tokenizer.vocabulary_size)
    result = quantize(
        model,
        calibration_tokens(config, data),
        config.quantization,
        workspace.path("models"),
        validation_tokens=data.sample("validation", len(data.validation)),
    )
    inputs.keep_tokenizer(data, config.dataset, workspace, inputs.given_template(config, workspace))
    move_reports(result, workspace, recorder)
    return Report(
        model=model_report(config.model.name, model),
        quantization=QuantizationReport(
            recipe=result.recipe,
            file_bytes=result.file_bytes,
            forward_file_bytes=result.forward_bytes,
            float_file_bytes=result.float_file_bytes,
            seconds=result.seconds,
        ),
    )


def calibration_tokens(config: Config, data: PreparedDataset) -> np.ndarray:
    """Return the tokens of quantization.calibration_path, or training tokens (of a mixture in its proportions)."""
    path = config.quantization.calibration_path
    if path is None:
        return data.sample("training", len(data.train))
    return data.tokenizer.encode(joined_text(path), unknown=config.tokenizer.unknown)


def move_reports(result: QuantizationResult, workspace: Workspace, recorder: Recorder) -> None:
    """Move tables and plots to their folders in the run, and send them to the tracker."""
    for folder, files in (("quantization", result.tables), ("plots", result.plots)):
        for file in files:
            target = workspace.path(folder, file.name)
            target.parent.mkdir(exist_ok=True)
            recorder.artifact(file.replace(target), folder)
