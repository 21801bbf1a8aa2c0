"""Text: corpora, tokenizers, windows. Imports neither TensorFlow nor Hydra."""
