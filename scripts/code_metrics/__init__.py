"""Metrics of source code, from its text alone: sizes of functions, docstrings, imports, duplicates."""
