"""Metrics of source code, computed from its text: sizes of functions, docstrings, imports, duplicates."""
