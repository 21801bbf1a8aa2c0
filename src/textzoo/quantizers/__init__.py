"""Quantization: export to .tflite, calibration, recipes, reports on the quantization error."""
