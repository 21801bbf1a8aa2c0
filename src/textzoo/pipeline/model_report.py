"""The sizes of a float model, for the reports of training and quantization."""

from textzoo.models.base import LanguageModel
from textzoo.records.report import ModelReport


def model_report(name: str, model: LanguageModel) -> ModelReport:
    return ModelReport(name, model.count_params(), model.vocabulary_size, model.context_length)
