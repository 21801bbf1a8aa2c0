"""The table of architectures."""

from textzoo.registry import Registry

MODELS = Registry("model", {"pico_gpt": "textzoo.models.pico_gpt:PicoGPT"})
