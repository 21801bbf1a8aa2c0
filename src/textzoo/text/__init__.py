"""The text room: corpora, tokenizers, windows. Knows neither TensorFlow nor Hydra."""
