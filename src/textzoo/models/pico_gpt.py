"""pico_gpt: the GPT of the CIMv3 accelerator, small enough for any microcontroller.

Per block: x + attention(x), then LayerNorm(x + feed_forward(x)); there is no pre-norm. LayerNorm has a gain only,
nothing has a bias, the activation is ReLU, and the logits share the token embedding's weights.
"""

from typing import ClassVar

import keras

from textzoo.models.base import PACKAGE
from textzoo.models.configs import PicoGPTConfig
from textzoo.models.transformer import TransformerBlock, TransformerLanguageModel


@keras.saving.register_keras_serializable(package=PACKAGE)
class PicoBlock(TransformerBlock):
    """Nothing of its own but the name, under which model files keep its weights."""


@keras.saving.register_keras_serializable(package=PACKAGE)
class PicoGPT(TransformerLanguageModel):
    """tokens (batch, time) int32, time <= context_length -> logits (batch, time, vocabulary_size)."""

    CONFIG: ClassVar[type[PicoGPTConfig]] = PicoGPTConfig
    NAME = "pico_gpt"
    BLOCK = PicoBlock
