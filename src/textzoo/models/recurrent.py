"""What the recurrent architectures share: a scan over a window, the same cell for one token, and the model around it.

A recurrent model has no window graph: without a loop it would be the cell written out context_length times, and a loop
(WHILE) is what neither the quantizer nor the compiler takes. Its decode step is the whole of it.
"""

from typing import Any, ClassVar

import keras
from keras import ops

from textzoo.models.base import LanguageModel
from textzoo.models.configs import RecurrentConfig
from textzoo.models.layers.dropout import HashDropout
from textzoo.models.layers.embeddings import TokenEmbedding
from textzoo.models.scan import States, scan_cell


class RecurrentLayer(keras.layers.Layer):
    """A layer with states that go from token to token: (batch, time, d_input) -> (batch, time, units).

    Weights are laid out as in keras.layers.GRU and keras.layers.LSTM: gates side by side in the last axis.

    Args:
        units: Width of the states and of the output.
    """

    # It has the number of gates and the states.
    CONFIG: ClassVar[type[RecurrentConfig]]
    # A second bias, of what the last output gives to the gates; only where the cell needs both apart.
    recurrent_bias: Any = None

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        width = self.CONFIG.GATES * self.units
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], width), initializer="glorot_uniform")
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel", shape=(self.units, width), initializer="orthogonal"
        )
        self.bias = self.add_weight(name="bias", shape=(width,), initializer=self.initial_bias)

    def initial_bias(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        return ops.zeros(shape, dtype)

    def cell(self, states: States, from_input: Any, from_hidden: Any) -> States:
        """Compute one token.

        Args:
            states: (rows, units) each.
            from_input: (rows, GATES * units): what the input gives to the gates, bias included.
            from_hidden: (rows, GATES * units): what the last output gives to them, its bias included.
        """
        raise NotImplementedError

    def call(self, inputs: Any) -> Any:
        batch = ops.shape(inputs)[0]
        from_input = ops.transpose(self._from_input(inputs), (1, 0, 2))  # (time, batch, GATES * units)
        initial = (ops.zeros((batch, self.units), from_input.dtype),) * len(self.CONFIG.STATES)
        outputs = scan_cell(self.cell, initial, from_input, self.recurrent_kernel, self.recurrent_bias)
        return ops.transpose(outputs, (1, 0, 2))

    def decode_step(self, inputs: Any, states: States) -> States:
        """Compute one token: (1, d_input), states (1, units) each -> the new states; the first is the output."""
        from_hidden = ops.matmul(states[0], self.recurrent_kernel)
        if self.recurrent_bias is not None:
            from_hidden = from_hidden + self.recurrent_bias
        return self.cell(states, self._from_input(inputs), from_hidden)

    def _from_input(self, inputs: Any) -> Any:
        return ops.matmul(inputs, self.kernel) + self.bias

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


class RecurrentLanguageModel(LanguageModel):
    """Embedding, recurrent layers, logits by the embedding's weights: (batch, time) int32 -> (batch, time, vocabulary).

    Training and evaluation start every window with states of zero.
    """

    CONFIG: ClassVar[type[RecurrentConfig]]
    LAYER: ClassVar[type[RecurrentLayer]]
    config: RecurrentConfig
    has_window_graph = False
    # A step over time has only as many rows as there are windows: the more of them, the faster its product.
    tokens_per_part = 8192

    def __init__(self, config: RecurrentConfig, name: str | None = None) -> None:
        token_embedding = TokenEmbedding(config.vocabulary_size, config.d_model, name="token_embedding")
        recurrent_layers = [self.LAYER(config.d_model, name=f"recurrent_{index}") for index in range(config.n_layers)]

        tokens = keras.Input((None,), dtype="int32", name="tokens")
        x = HashDropout(config.dropout, name="embedding_dropout")(token_embedding(tokens))
        for index, layer in enumerate(recurrent_layers):
            x = HashDropout(config.dropout, name=f"dropout_{index}")(layer(x))
        logits = token_embedding(x, reverse=True)

        super().__init__(config, tokens, logits, name)
        self.token_embedding = token_embedding
        self.recurrent_layers = recurrent_layers

    def decode_step(self, token: Any, position: Any, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        x = self.token_embedding(token)
        new_state = {}
        for index, layer in enumerate(self.recurrent_layers):
            names = [f"{name}_{index}" for name in layer.CONFIG.STATES]
            with keras.name_scope(layer.name):
                updated = layer.decode_step(x, tuple(state[name] for name in names))
            new_state.update(zip(names, updated, strict=True))
            x = updated[0]
        return self.token_embedding(x, reverse=True), new_state
