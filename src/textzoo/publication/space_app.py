"""A web page on which this folder's model continues a text: for a Space on the Hugging Face hub, or `python app.py`.

It runs the .tflite beside it with LiteRT's reference kernels: the text is the one that a microcontroller writes.
"""

from collections.abc import Iterator
from pathlib import Path

import gradio

from textzoo.common.errors import UserError
from textzoo.engines.generate import generate
from textzoo.engines.litert_engine import LitertReferenceEngine
from textzoo.text.tokenizers.base import load_tokenizer

FOLDER = Path(__file__).resolve().parent
MODELS = {path.stem.removeprefix("decode_"): path for path in sorted(FOLDER.glob("*.tflite"))}
ENGINES = {recipe: LitertReferenceEngine(path) for recipe, path in MODELS.items()}
TOKENIZER = load_tokenizer(FOLDER / "tokenizer.json")


def continued(prompt: str, recipe: str, tokens: float, temperature: float, seed: float) -> Iterator[str]:
    """Yield the prompt with more and more of its continuation."""
    text = prompt
    try:
        pieces = generate(
            ENGINES[recipe], TOKENIZER, prompt, max_tokens=int(tokens), temperature=temperature, seed=int(seed)
        )
        for piece in pieces:
            text += piece
            yield text
    except UserError as error:
        raise gradio.Error(str(error)) from None


def page() -> gradio.Interface:
    """Return the page."""
    return gradio.Interface(
        continued,
        inputs=[
            gradio.Textbox(label="Text to continue", lines=3),
            gradio.Dropdown(list(MODELS), value=next(iter(MODELS)), label="Quantized by"),
            gradio.Slider(1, 1000, value=200, step=1, label="Tokens"),
            gradio.Slider(0.0, 2.0, value=0.8, label="Temperature"),
            gradio.Number(value=1, precision=0, minimum=0, maximum=2**32 - 1, label="Seed"),
        ],
        outputs=gradio.Textbox(label="What the model writes", lines=12),
        title=FOLDER.name,
        description="A tiny language model for microcontrollers: it continues a text, and knows nothing of the world.",
    )


if __name__ == "__main__":
    page().launch()
