"""From a quantized .tflite to C that computes the same integers."""
