"""Baselines: what a user would take instead of a model, measured on the same held-out text."""
