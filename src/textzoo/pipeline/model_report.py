"""A float model's sizes in the report; training and quantization tell them."""

from textzoo.models.base import LanguageModel
from textzoo.records.report import ModelReport


def model_report(name: str, model: LanguageModel) -> ModelReport:
    return ModelReport(name, model.count_params(), model.vocabulary_size, model.context_length)
