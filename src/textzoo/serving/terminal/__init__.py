"""Conversations in a terminal, or over a pipe: one line is a message or a command."""
