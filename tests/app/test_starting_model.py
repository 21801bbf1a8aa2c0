"""What training starts with: decisions that depend on the text, and boards that are asked before anything is built."""

from pathlib import Path

import pytest
import yaml

from changed_config import changed
from textzoo.common.errors import UserError
from textzoo.config.boards import board_names, load_board
from textzoo.config.schema import Config
from textzoo.models.settings import ModelConfig
from textzoo.models.transformer import TransformerLanguageModel
from textzoo.services.training import decided, starting_model

# STM32 MPUs have a gigabyte of RAM.
MICROCONTROLLERS = [name for name in board_names() if load_board(name).core.startswith("cortex-m")]
CONF = Path(__file__).parents[2] / "conf" / "model"


def configured(name, board="STM32H7", mode="chain_tqeb"):
    config = Config(operation_mode=mode, model=ModelConfig(**yaml.safe_load((CONF / f"{name}.yaml").read_text())))
    return changed(config, "deployment.hardware_setup", load_board(board))


@pytest.mark.parametrize("board", MICROCONTROLLERS)
@pytest.mark.parametrize("name", ["gpt_baby", "gpt_conversation", "gpt_large"])
def test_boards_refuse_large_models_before_they_are_built(name, board, monkeypatch):
    monkeypatch.setattr(TransformerLanguageModel, "__init__", None)  # building one would be an error
    with pytest.raises(UserError, match=r"(?s)does not fit.*weights.*TOO MANY"):
        starting_model(configured(name, board), vocabulary_size=65, training_tokens=10**6)


@pytest.mark.parametrize(
    ("name", "given", "tokens", "expected"),
    [
        ("gpt", "auto", 999_999, "tied"),
        ("gpt", "auto", 1_000_000, "untied"),
        ("gpt", "tied", 1_000_000, "tied"),
        ("pico_gpt", "auto", 1_000_000, "auto"),  # has no such choice
    ],
)
def test_small_texts_tie_the_embeddings(name, given, tokens, expected):
    assert decided(ModelConfig(name=name, weight_tying=given), tokens).weight_tying == expected


def test_the_decision_reaches_the_model():
    config = configured("gpt")
    assert starting_model(config, vocabulary_size=13, training_tokens=10).get_config()["weight_tying"] == "tied"
