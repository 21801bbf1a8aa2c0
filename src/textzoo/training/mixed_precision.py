"""Mixed precision on a GPU: bfloat16 products, which use its tensor cores, with float32 weights and sums."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from textzoo.common.progress import console
from textzoo.training.backends import current_backend


@contextmanager
def mixed_precision(model: keras.Model, wanted: bool) -> Iterator[None]:
    """Make the model's dense layers multiply in bfloat16 inside the context, on a GPU only."""
    if wanted and not current_backend().on_accelerator:
        console.print("training.mixed_precision: no GPU available, training in float32")
    layers = dense_layers(model) if wanted and current_backend().on_accelerator else []
    before = [layer.dtype_policy for layer in layers]
    try:
        for layer in layers:
            layer.dtype_policy = "mixed_bfloat16"
        yield
    finally:
        for layer, policy in zip(layers, before, strict=True):
            layer.dtype_policy = policy


def dense_layers(model: keras.Model) -> list[keras.layers.Layer]:
    return [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Dense)]
