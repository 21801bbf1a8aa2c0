"""The configuration of each architecture: what it takes, and the weights and states that follow. Imports no Keras.

A field is a key of the model section of the same name, which has its default, range and meaning; `vocabulary_size`
comes from the tokenizer. What an architecture fixes, instead of leaving it to the user, is a class variable or a
property.
"""

import dataclasses
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from textzoo.common.errors import UserError

EMBEDDINGS = "embeddings"
Shape = tuple[int, ...]


@dataclass(frozen=True)
class StateSpec:
    """One state tensor of the decode step, e.g. a key cache. The device updates it in place.

    Attributes:
        name: Unique in the model.
        shape: Its sizes.
        accumulating: Whether each step changes it a little, so that steps of int8 would swallow the changes.
    """

    name: str
    shape: Shape
    accumulating: bool = False


def is_matrix(path: str, shape: Shape) -> bool:
    """Tell whether a weight of that Keras path multiplies activations: embeddings (also as logits) and gains do not."""
    return len(shape) == 2 and not path.endswith(EMBEDDINGS)


@dataclass(frozen=True, kw_only=True)
class ArchitectureConfig:
    """What every architecture takes.

    Attributes:
        vocabulary_size: Number of tokens.
        context_length: Tokens that the model can look back on, itself included.
    """

    vocabulary_size: int
    context_length: int

    @classmethod
    def keys(cls) -> frozenset[str]:
        """Return the keys of the model section that the architecture has."""
        return frozenset(entry.name for entry in dataclasses.fields(cls)) - {"vocabulary_size"}

    def weight_shapes(self) -> dict[str, Shape]:
        """Map the Keras path of every trainable weight to its shape."""
        raise NotImplementedError

    def state_specs(self) -> list[StateSpec]:
        """Return the state tensors of the decode step, in the order in which they are exported."""
        raise NotImplementedError

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(map(prod, self.weight_shapes().values()))


@dataclass(frozen=True, kw_only=True)
class TransformerConfig(ArchitectureConfig):
    """What the Transformers share.

    Attributes:
        n_layers: Number of blocks.
        n_heads: Attention heads per block; divides d_model.
        d_model: Width of the residual stream.
        dropout: Fraction dropped after the embeddings and after each branch while training, in [0, 1).
        activation: Of the feed-forward part: gelu, relu, or relu_squared (arXiv 2109.08668).
        use_bias: Whether the projections have biases.
    """

    n_layers: int
    n_heads: int
    d_model: int
    dropout: float
    activation: str
    use_bias: bool

    # Width of the feed-forward part's hidden layer, in d_model.
    HIDDEN_FACTOR: ClassVar[int] = 4
    # Position in a block -> name of the norm there. Positions: before_attention, after_attention, before_feed_forward,
    # after_feed_forward; the norms "after" take the sum of a branch and its input.
    NORMS: ClassVar[dict[str, str]] = {}
    HAS_EMBEDDING_NORM: ClassVar[bool] = False
    HAS_FINAL_NORM: ClassVar[bool] = True

    @property
    def has_norm_offsets(self) -> bool:
        return False

    @property
    def has_qk_norm(self) -> bool:
        """Return whether queries and keys are normalized per head (arXiv 2010.04245)."""
        return False

    @property
    def is_rotary(self) -> bool:
        """Return whether queries and keys are rotated by their position (arXiv 2104.09864); no learned vector then."""
        return False

    @property
    def is_tied(self) -> bool:
        """Return whether the logits share the token embedding's weights."""
        return True

    def weight_shapes(self) -> dict[str, Shape]:
        width = self.d_model
        shapes = {f"token_embedding/{EMBEDDINGS}": (self.vocabulary_size, width)}
        if not self.is_rotary:
            shapes[f"position_embedding/{EMBEDDINGS}"] = (self.context_length, width)
        if self.HAS_EMBEDDING_NORM:
            shapes |= self._norm_shapes("embedding_norm")
        for index in range(self.n_layers):
            shapes |= self._block_shapes(f"block_{index}")
        if self.HAS_FINAL_NORM:
            shapes |= self._norm_shapes("final_norm")
        return shapes if self.is_tied else {**shapes, "output_projection/kernel": (width, self.vocabulary_size)}

    def _block_shapes(self, block: str) -> dict[str, Shape]:
        width, hidden = self.d_model, self.HIDDEN_FACTOR * self.d_model
        projections = {
            "attention/qkv": (width, 3 * width),
            "attention/output_projection": (width, width),
            "feed_forward/up": (width, hidden),
            "feed_forward/down": (hidden, width),
        }
        shapes: dict[str, Shape] = {f"{block}/{name}/kernel": shape for name, shape in projections.items()}
        if self.use_bias:
            shapes |= {f"{block}/{name}/bias": (outputs,) for name, (_, outputs) in projections.items()}
        if self.has_qk_norm:
            head = (width // self.n_heads,)
            shapes |= {f"{block}/attention/{name}_norm/gamma": head for name in ("query", "key")}
        for name in self.NORMS.values():
            shapes |= self._norm_shapes(f"{block}/{name}")
        return shapes

    def _norm_shapes(self, path: str) -> dict[str, Shape]:
        names = ("gamma", "beta") if self.has_norm_offsets else ("gamma",)
        return {f"{path}/{name}": (self.d_model,) for name in names}

    def state_specs(self) -> list[StateSpec]:
        """Return the key cache and the value cache of every block."""
        shape = (self.n_heads, self.context_length, self.d_model // self.n_heads)
        return [
            StateSpec(f"{kind}_cache_{index}", shape) for index in range(self.n_layers) for kind in ("key", "value")
        ]


@dataclass(frozen=True, kw_only=True)
class PicoGPTConfig(TransformerConfig):
    """No pre-norm; norms have a gain only."""

    HIDDEN_FACTOR: ClassVar[int] = 2
    NORMS: ClassVar[dict[str, str]] = {"after_feed_forward": "norm"}


@dataclass(frozen=True, kw_only=True)
class GPTConfig(TransformerConfig):
    """Pre-norm.

    Attributes:
        positions: learned, or rotary; d_model / n_heads is then even.
        weight_tying: tied or untied. What `auto` means depends on the text, so training decides it before.
        qk_norm: Whether queries and keys are normalized per head.
    """

    positions: str
    weight_tying: str
    qk_norm: bool

    NORMS: ClassVar[dict[str, str]] = {
        "before_attention": "attention_norm",
        "before_feed_forward": "feed_forward_norm",
    }

    def __post_init__(self) -> None:
        if self.weight_tying not in ("tied", "untied"):
            raise UserError(
                "gpt is built tied or untied", expected="weight_tying: tied, untied", received=self.weight_tying
            )

    @property
    def has_norm_offsets(self) -> bool:
        return self.use_bias

    @property
    def has_qk_norm(self) -> bool:
        return self.qk_norm

    @property
    def is_rotary(self) -> bool:
        return self.positions == "rotary"

    @property
    def is_tied(self) -> bool:
        return self.weight_tying == "tied"


@dataclass(frozen=True, kw_only=True)
class TinyBertGeneratorConfig(TransformerConfig):
    """Post-norm, with offsets whether the projections have biases or not."""

    NORMS: ClassVar[dict[str, str]] = {"after_attention": "attention_norm", "after_feed_forward": "feed_forward_norm"}
    HAS_EMBEDDING_NORM: ClassVar[bool] = True
    HAS_FINAL_NORM: ClassVar[bool] = False

    @property
    def has_norm_offsets(self) -> bool:
        return True


@dataclass(frozen=True, kw_only=True)
class RecurrentConfig(ArchitectureConfig):
    """What the recurrent architectures share.

    Attributes:
        n_layers: Recurrent layers, one upon the other.
        d_model: Width of embeddings and states.
        dropout: Fraction dropped after the embedding and after each layer while training, in [0, 1).
    """

    n_layers: int
    d_model: int
    dropout: float

    GATES: ClassVar[int]
    # Name of each state of a layer and whether it accumulates small changes; the first one is the output.
    STATES: ClassVar[dict[str, bool]]
    BIASES: ClassVar[tuple[str, ...]] = ("bias",)

    def weight_shapes(self) -> dict[str, Shape]:
        shapes: dict[str, Shape] = {f"token_embedding/{EMBEDDINGS}": (self.vocabulary_size, self.d_model)}
        width = self.GATES * self.d_model
        for index in range(self.n_layers):
            shapes |= {f"recurrent_{index}/{name}": (self.d_model, width) for name in ("kernel", "recurrent_kernel")}
            shapes |= {f"recurrent_{index}/{name}": (width,) for name in self.BIASES}
        return shapes

    def state_specs(self) -> list[StateSpec]:
        return [
            StateSpec(f"{name}_{index}", (1, self.d_model), accumulating)
            for index in range(self.n_layers)
            for name, accumulating in self.STATES.items()
        ]


@dataclass(frozen=True, kw_only=True)
class TinyLMConfig(RecurrentConfig):
    """A GRU with two biases, as keras.layers.GRU with reset_after."""

    GATES: ClassVar[int] = 3
    STATES: ClassVar[dict[str, bool]] = {"hidden": True}
    BIASES: ClassVar[tuple[str, ...]] = ("bias", "recurrent_bias")


@dataclass(frozen=True, kw_only=True)
class LSTMConfig(RecurrentConfig):
    """An LSTM; its cell accumulates."""

    GATES: ClassVar[int] = 4
    STATES: ClassVar[dict[str, bool]] = {"hidden": False, "cell": True}
