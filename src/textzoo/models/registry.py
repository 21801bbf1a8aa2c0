"""The table of architectures."""

from textzoo.common.registry import Registry

# Name -> its configuration, which imports no Keras and so answers at once, and its model.
ARCHITECTURES = {
    "pico_gpt": ("textzoo.models.configs:PicoGPTConfig", "textzoo.models.pico_gpt:PicoGPT"),
    "gpt": ("textzoo.models.configs:GPTConfig", "textzoo.models.gpt:GPT"),
    "tiny_bert_generator": (
        "textzoo.models.configs:TinyBertGeneratorConfig",
        "textzoo.models.tiny_bert_generator:TinyBertGenerator",
    ),
    "tiny_lm": ("textzoo.models.configs:TinyLMConfig", "textzoo.models.tiny_lm:TinyLM"),
    "lstm": ("textzoo.models.configs:LSTMConfig", "textzoo.models.lstm:LSTM"),
}

CONFIGS = Registry("model", {name: config for name, (config, _) in ARCHITECTURES.items()})
MODELS = Registry("model", {name: model for name, (_, model) in ARCHITECTURES.items()})
