"""tiny_bert_generator: BERT's encoder with a causal mask, so that it writes instead of filling gaps.

Per block: LayerNorm(x + attention(x)), then LayerNorm(x + feed_forward(x)), as in Devlin et al., 2018 (arXiv
1810.04805): norms after the sums, learned positions, GELU, biases and offsets everywhere, LayerNorm of the embeddings.
"""

from typing import Any

import keras

from textzoo.models.layers import PACKAGE, LayerNorm
from textzoo.models.transformer import TransformerBlock, TransformerLanguageModel

NORMS = {"after_attention": "attention_norm", "after_feed_forward": "feed_forward_norm"}


@keras.saving.register_keras_serializable(package=PACKAGE)
class TinyBertGenerator(TransformerLanguageModel):
    """tokens (batch, time) int32, time <= context_length -> logits (batch, time, vocabulary_size).

    Args:
        vocabulary_size: Number of tokens.
        n_layers: Number of blocks.
        n_heads: Attention heads per block; divides d_model.
        d_model: Width of the residual stream.
        context_length: Tokens that the model can look back on, itself included.
        dropout: Fraction dropped after the embeddings and after each branch while training, in [0, 1).
        activation: Of the hidden layers.
        use_bias: Whether the projections have biases; the norms have offsets anyway.
    """

    def __init__(
        self,
        vocabulary_size: int = 2048,
        n_layers: int = 2,
        n_heads: int = 2,
        d_model: int = 96,
        context_length: int = 64,
        dropout: float = 0.0,
        activation: str = "gelu",
        use_bias: bool = True,
        name: str = "tiny_bert_generator",
    ) -> None:
        config = {
            "vocabulary_size": vocabulary_size,
            "n_layers": n_layers,
            "n_heads": n_heads,
            "d_model": d_model,
            "context_length": context_length,
            "dropout": dropout,
            "activation": activation,
            "use_bias": use_bias,
            "name": name,
        }
        blocks = [
            TransformerBlock(
                NORMS,
                n_heads,
                context_length,
                self.HIDDEN_FACTOR,
                dropout,
                activation,
                use_bias,
                norm_bias=True,
                name=f"block_{index}",
            )
            for index in range(n_layers)
        ]
        super().__init__(config, blocks, embedding_norm=LayerNorm(name="embedding_norm"))

    @classmethod
    def parameters_of(cls, config: dict[str, Any]) -> int:
        d_model = config["d_model"]
        block = TransformerBlock.parameters_of(d_model, cls.HIDDEN_FACTOR, config["use_bias"]) + 4 * d_model
        tables = config["vocabulary_size"] + config["context_length"]
        return config["n_layers"] * block + d_model * (tables + 2)
