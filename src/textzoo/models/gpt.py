"""gpt: the pre-norm GPT, from 2 x 64 for a microcontroller to 12 x 768 for the PC (conf/model/gpt*.yaml).

Per block: x + attention(LayerNorm(x)), then x + feed_forward(LayerNorm(x)), four times as wide inside; a LayerNorm
before the logits.
"""

from typing import Any

import keras

from textzoo.common.errors import UserError
from textzoo.models.layers import PACKAGE, GammaLayerNorm, LayerNorm
from textzoo.models.transformer import TransformerBlock, TransformerLanguageModel

NORMS = {"before_attention": "attention_norm", "before_feed_forward": "feed_forward_norm"}


@keras.saving.register_keras_serializable(package=PACKAGE)
class GPT(TransformerLanguageModel):
    """tokens (batch, time) int32, time <= context_length -> logits (batch, time, vocabulary_size).

    Args:
        vocabulary_size: Number of tokens.
        n_layers: Number of blocks.
        n_heads: Attention heads per block; divides d_model.
        d_model: Width of the residual stream.
        context_length: Tokens that the model can look back on, itself included.
        dropout: Fraction dropped after the embeddings and after each branch while training, in [0, 1).
        activation: gelu, relu, or relu_squared (arXiv 2109.08668).
        use_bias: Whether projections have biases and norms offsets.
        positions: learned, or rotary (arXiv 2104.09864; d_model / n_heads is then even).
        weight_tying: tied (the logits share the embedding's weights) or untied. What `auto` means depends on the text,
            so training decides it.
        qk_norm: Whether queries and keys are normalized per head (arXiv 2010.04245).
    """

    def __init__(
        self,
        vocabulary_size: int = 65,
        n_layers: int = 2,
        n_heads: int = 2,
        d_model: int = 64,
        context_length: int = 128,
        dropout: float = 0.0,
        activation: str = "gelu",
        use_bias: bool = False,
        positions: str = "learned",
        weight_tying: str = "tied",
        qk_norm: bool = False,
        name: str = "gpt",
    ) -> None:
        if weight_tying not in ("tied", "untied"):
            raise UserError("gpt is built tied or untied", expected="weight_tying: tied, untied", received=weight_tying)
        config = {
            "vocabulary_size": vocabulary_size,
            "n_layers": n_layers,
            "n_heads": n_heads,
            "d_model": d_model,
            "context_length": context_length,
            "dropout": dropout,
            "activation": activation,
            "use_bias": use_bias,
            "positions": positions,
            "weight_tying": weight_tying,
            "qk_norm": qk_norm,
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
                norm_bias=use_bias,
                rotary=positions == "rotary",
                qk_norm=qk_norm,
                name=f"block_{index}",
            )
            for index in range(n_layers)
        ]
        final_norm = LayerNorm(name="final_norm") if use_bias else GammaLayerNorm(name="final_norm")
        super().__init__(
            config,
            blocks,
            learned_positions=positions == "learned",
            final_norm=final_norm,
            tied=weight_tying == "tied",
        )

    @classmethod
    def parameters_of(cls, config: dict[str, Any]) -> int:
        d_model, use_bias = config["d_model"], config["use_bias"]
        norm = d_model * (2 if use_bias else 1)
        block = TransformerBlock.parameters_of(d_model, cls.HIDDEN_FACTOR, use_bias) + 2 * norm
        block += 2 * (d_model // config["n_heads"]) if config["qk_norm"] else 0
        tables = config["vocabulary_size"] * (1 if config["weight_tying"] == "tied" else 2)
        tables += config["context_length"] if config["positions"] == "learned" else 0
        return config["n_layers"] * block + norm + d_model * tables
