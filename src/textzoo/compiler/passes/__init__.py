"""Passes: each makes the program smaller or faster without changing a single integer, and can be switched off."""
