"""Engines: next-token logits from a Keras model or a .tflite; metrics, sampling and generation on top of them."""
