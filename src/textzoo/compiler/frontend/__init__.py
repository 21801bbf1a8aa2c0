"""From a .tflite that was read to a checked graph."""
