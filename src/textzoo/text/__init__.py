"""Text: corpora, tokenizers, windows. Knows neither TensorFlow nor Hydra."""
