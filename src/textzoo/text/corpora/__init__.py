"""Corpora: the table of them, and one module per corpus that is generated or downloaded."""
