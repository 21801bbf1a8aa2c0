"""The table of architectures."""

from textzoo.common.registry import Registry

MODELS = Registry(
    "model",
    {
        "pico_gpt": "textzoo.models.pico_gpt:PicoGPT",
        "gpt": "textzoo.models.gpt:GPT",
        "tiny_bert_generator": "textzoo.models.tiny_bert_generator:TinyBertGenerator",
        "tiny_lm": "textzoo.models.tiny_lm:TinyLM",
        "lstm": "textzoo.models.lstm:LSTM",
    },
)
