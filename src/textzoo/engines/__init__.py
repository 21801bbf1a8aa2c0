"""Engines: the next logits from a Keras model or a .tflite. Metrics, sampling and generation stand on top."""
