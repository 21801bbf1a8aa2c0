"""The section of the configuration about the architecture."""

from dataclasses import dataclass

from textzoo.common.settings import FILE_ONLY, setting
from textzoo.models.registry import MODELS

TEXT, GRAPH = KINDS = ("text", "graph")


@dataclass(frozen=True)
class ModelConfig:
    """The architecture, or a trained file of it; or a plain graph, which may compute anything."""

    kind: str = setting(
        TEXT,
        "text: a language model; graph: any quantized .tflite from inputs to outputs, to be benchmarked and deployed.",
        choices=KINDS,
    )
    name: str = setting("pico_gpt", "Architecture.", choices=tuple(MODELS.names()))
    float_model_path: str | None = setting(None, "A trained .keras or .h5 model to start from.", path=FILE_ONLY)
    quantized_model_path: str | None = setting(
        None, "A quantized decode step, or a plain graph, (.tflite) to use.", path=FILE_ONLY
    )
    n_layers: int = setting(3, "Number of blocks.", low=1, high=64)
    n_heads: int = setting(2, "Attention heads per block; divides d_model.", low=1, high=64)
    d_model: int = setting(128, "Width of the residual stream.", low=8, high=4096)
    context_length: int = setting(128, "Tokens that the model can look back on.", unit="tokens", low=2, high=8192)
    dropout: float = setting(0.0, "Fraction dropped while training.", low=0.0, below=1.0)
    activation: str = setting("relu", "Activation of the feed-forward part.", choices=("relu", "gelu", "relu_squared"))
    use_bias: bool = setting(False, "Biases in the projections.")
    positions: str = setting(
        "learned",
        "gpt: a learned vector per position, or rotary position embedding (queries and keys are rotated).",
        choices=("learned", "rotary"),
    )
    weight_tying: str = setting(
        "auto",
        "gpt: whether the logits share the embedding's weights; auto ties them below 1,000,000 training tokens.",
        choices=("auto", "tied", "untied"),
    )
    qk_norm: bool = setting(False, "gpt: queries and keys are normalized, which keeps scores small.")
    constraints: str = setting(
        "none", "Hardware rules that the architecture is checked against.", choices=("none", "cimv3")
    )

    @property
    def is_graph(self) -> bool:
        return self.kind == GRAPH
