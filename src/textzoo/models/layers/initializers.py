"""What weights start with."""

import keras

# Embeddings and kernels start as in nanoGPT: normal with this deviation.
INITIAL_DEVIATION = 0.02


def normal_initializer(deviation: float = INITIAL_DEVIATION) -> keras.initializers.Initializer:
    """Return a fresh normal initializer that follows the global Keras seed."""
    return keras.initializers.RandomNormal(stddev=deviation)
