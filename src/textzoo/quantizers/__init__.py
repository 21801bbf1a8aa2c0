"""Quantizers: export to .tflite, calibration, recipes, and the reports that show where the loss comes from."""
