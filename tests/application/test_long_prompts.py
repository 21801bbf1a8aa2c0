"""Prompts as long as the context, which do not fit into a line of the console."""

import pytest

from compilers import need
from textzoo.config import pretrained
from textzoo.engines.generate import generate
from textzoo.pipeline.firmware import make_firmware
from textzoo.targets.emulators import run_host
from textzoo.targets.protocol import LINE_BYTES
from textzoo.text.tokenizers.base import load_tokenizer

OPTIONS = {"max_tokens": 12, "temperature": 0.8, "seed": 5}
MODELS = sorted(path.name for path in pretrained.FOLDER.iterdir() if (path / pretrained.TOKENIZER).exists())


def longest_text(made, tokenizer):
    """A text of the model's own of as many tokens as its context has."""
    context = made.engine.context_length
    texts = (tokenizer.decode(made.tokens[:count]) for count in range(context, 0, -1))
    return next(text for text in texts if len(tokenizer.encode(text)) <= context)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_a_prompt_of_a_whole_context_gives_the_text_of_this_machine(name, tmp_path):
    need("host", "make")
    folder = pretrained.FOLDER / name
    tokenizer = load_tokenizer(folder / pretrained.TOKENIZER)
    model = folder / "decode_static_wi8_ai8.tflite"
    made = make_firmware(model, tokenizer, None, tmp_path / "project", tokens_checked=1024)
    text = longest_text(made, tokenizer)
    tokens = tokenizer.encode(text)
    assert 0 <= made.engine.context_length - len(tokens) <= 2  # a character of three bytes may not fit
    with run_host(made.project) as console:
        console.load_prompt(tokens)
        replies = list(console.command({"command": "generate", **OPTIONS, "stop": ""}))
        if len(text.encode()) < LINE_BYTES // 2:
            direct = list(console.command({"command": "generate", "prompt": text, **OPTIONS, "stop": ""}))
            assert direct[:-1] == replies[:-1]
    assert replies[-1]["prompt_tokens"] == len(tokens)
    assert "".join(reply["text"] for reply in replies[:-1]) == "".join(
        generate(made.engine, tokenizer, text, **OPTIONS)
    )
