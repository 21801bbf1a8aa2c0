"""my_model's configuration: what the model is built from. Imports no Keras, so that mistakes are told at once."""

from dataclasses import dataclass

from textzoo.models.configs import ArchitectureConfig, Shape, StateSpec

ORDER = 4  # tokens that the model looks at


@dataclass(frozen=True, kw_only=True)
class MyModelConfig(ArchitectureConfig):
    """Every field is a key of the model section; vocabulary_size and context_length are there already.

    Attributes:
        d_model: Width of embeddings and of the hidden layer.
    """

    d_model: int

    def weight_shapes(self) -> dict[str, Shape]:
        """The weights by their Keras paths: the budget of a board is asked before anything is built."""
        return {
            "token_embedding/embeddings": (self.vocabulary_size, self.d_model),
            "hidden/kernel": (ORDER * self.d_model, self.d_model),
            "hidden/bias": (self.d_model,),
        }

    def state_specs(self) -> list[StateSpec]:
        """What the decode step remembers from token to token."""
        return [StateSpec("recent", (1, (ORDER - 1) * self.d_model))]
