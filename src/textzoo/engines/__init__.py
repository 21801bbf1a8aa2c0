"""Engines: "give me the next logits", from a Keras model or a .tflite; metrics, sampling and generation on top."""
