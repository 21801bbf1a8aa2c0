"""Grammars: which texts a model may write, as automata over the tokens of its vocabulary."""
