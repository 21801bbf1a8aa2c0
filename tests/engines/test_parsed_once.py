"""A .tflite is parsed once in a run, however many parts of TextZoo ask for it."""

import numpy as np
import pytest

from textzoo.compiler.tflite import file
from textzoo.compiler.tflite.single_operator import Operation, Tensor, build_all
from textzoo.config import pretrained
from textzoo.engines.model_check import model_mistakes
from textzoo.pipeline.firmware import make_firmware
from textzoo.targets.settings import DeploymentConfig
from textzoo.text.tokenizers.base import load_tokenizer


@pytest.fixture
def parsed(monkeypatch):
    """The names under which files are parsed from here on."""
    names, parse = [], file._parse

    def counted(content, name):
        names.append(name)
        return parse(content, name)

    monkeypatch.setattr(file, "_parsed", {})
    monkeypatch.setattr(file, "_parse", counted)
    return names


def test_a_deployment_parses_its_model_once(parsed, tmp_path):
    folder = pretrained.FOLDER / "tiny_lm"
    path = folder / "decode_static_wi8_ai8.tflite"
    assert not model_mistakes(path, compiled=True)
    settings = DeploymentConfig(weight_files=True)
    make_firmware(path, load_tokenizer(folder / pretrained.TOKENIZER), None, tmp_path / "p", settings=settings)
    assert parsed == [str(path)]


def content(size):
    return build_all([Operation("ABS", [Tensor((size,), "int8", 1.0)], [Tensor((size,), "int8", 1.0)])])


def test_few_files_are_kept(parsed):
    contents = [content(size) for size in range(1, file.MAX_PARSED_FILES + 2)]
    shapes = [file.parse_tflite(each).tensors[0].shape for each in (*contents, contents[-1], contents[0])]
    assert np.ravel(shapes).tolist() == [*range(1, len(contents) + 1), len(contents), 1]
    assert len(parsed) == len(contents) + 1
    assert len(file._parsed) == file.MAX_PARSED_FILES


def test_a_file_that_is_refused_is_refused_again_by_its_name(parsed):
    damaged = content(3)[:40]
    for name in ("first", "second"):
        with pytest.raises(file.UserError, match=name):
            file.parse_tflite(damaged, name)
    assert parsed == ["first", "second"]
