"""TextZoo: from one YAML to a tiny language model that talks on a microcontroller."""

__version__ = "0.1.0"
