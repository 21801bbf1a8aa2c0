"""tiny_bert_generator: BERT's encoder with a causal mask, so that it writes instead of filling gaps.

Per block: LayerNorm(x + attention(x)), then LayerNorm(x + feed_forward(x)), as in Devlin et al., 2018 (arXiv
1810.04805): norms after the sums, learned positions, GELU, biases and offsets everywhere, LayerNorm of the embeddings.
"""

from typing import ClassVar

import keras

from textzoo.models.base import PACKAGE
from textzoo.models.configs import TinyBertGeneratorConfig
from textzoo.models.transformer import TransformerLanguageModel


@keras.saving.register_keras_serializable(package=PACKAGE)
class TinyBertGenerator(TransformerLanguageModel):
    """tokens (batch, time) int32, time <= context_length -> logits (batch, time, vocabulary_size)."""

    CONFIG: ClassVar[type[TinyBertGeneratorConfig]] = TinyBertGeneratorConfig
    NAME = "tiny_bert_generator"
