"""pico_gpt: the GPT of the CIMv3 accelerator, small enough for any microcontroller.

Per block: x + attention(x), then LayerNorm(x + feed_forward(x)); there is no pre-norm. LayerNorm has a gain only,
nothing has a bias, the activation is ReLU, and the logits share the token embedding's weights.
"""

from typing import Any

import keras

from textzoo.models.layers import PACKAGE, GammaLayerNorm
from textzoo.models.transformer import TransformerBlock, TransformerLanguageModel

NORMS = {"after_feed_forward": "norm"}


@keras.saving.register_keras_serializable(package=PACKAGE)
class PicoBlock(TransformerBlock):
    """Nothing of its own but the name, under which model files keep its weights."""


@keras.saving.register_keras_serializable(package=PACKAGE)
class PicoGPT(TransformerLanguageModel):
    """tokens (batch, time) int32, time <= context_length -> logits (batch, time, vocabulary_size).

    Args:
        vocabulary_size: Number of tokens.
        n_layers: Number of blocks.
        n_heads: Attention heads per block; divides d_model.
        d_model: Width of the residual stream.
        context_length: Tokens that the model can look back on, itself included.
        dropout: Fraction dropped after the embeddings and after each branch while training, in [0, 1).
        activation: Activation of the feed-forward part.
        use_bias: Whether the projections have biases (CIMv3: no).
    """

    HIDDEN_FACTOR = 2

    def __init__(
        self,
        vocabulary_size: int = 65,
        n_layers: int = 3,
        n_heads: int = 2,
        d_model: int = 128,
        context_length: int = 128,
        dropout: float = 0.0,
        activation: str = "relu",
        use_bias: bool = False,
        name: str = "pico_gpt",
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
            PicoBlock(
                NORMS, n_heads, context_length, self.HIDDEN_FACTOR, dropout, activation, use_bias, name=f"block_{index}"
            )
            for index in range(n_layers)
        ]
        super().__init__(config, blocks, final_norm=GammaLayerNorm(name="final_norm"))

    @classmethod
    def parameters_of(cls, config: dict[str, Any]) -> int:
        d_model = config["d_model"]
        block = TransformerBlock.parameters_of(d_model, cls.HIDDEN_FACTOR, bool(config.get("use_bias"))) + d_model
        return config["n_layers"] * block + d_model * (1 + config["vocabulary_size"] + config["context_length"])
