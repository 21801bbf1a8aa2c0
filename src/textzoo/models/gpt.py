"""gpt: the pre-norm GPT, from 2 x 64 for a microcontroller to 12 x 768 for the PC (conf/model/gpt*.yaml).

Per block: x + attention(LayerNorm(x)), then x + feed_forward(LayerNorm(x)), four times as wide inside; a LayerNorm
before the logits.
"""

from typing import ClassVar

import keras

from textzoo.models.base import PACKAGE
from textzoo.models.configs import GPTConfig
from textzoo.models.transformer import TransformerLanguageModel


@keras.saving.register_keras_serializable(package=PACKAGE)
class GPT(TransformerLanguageModel):
    """tokens (batch, time) int32, time <= context_length -> logits (batch, time, vocabulary_size)."""

    CONFIG: ClassVar[type[GPTConfig]] = GPTConfig
    NAME = "gpt"
