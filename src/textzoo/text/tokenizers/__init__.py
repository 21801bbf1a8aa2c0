"""Tokenizers: one module per kind; `registry` holds the table of them."""
