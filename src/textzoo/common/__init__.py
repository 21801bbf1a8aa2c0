"""Shared utilities: errors, files, processes, the console. They import nothing else of the project."""
