"""Texts that a model writes: streamed to the console by prediction, shown with the figures by evaluation."""

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from textzoo.common.errors import UserError
from textzoo.engines.base import Engine
from textzoo.engines.generate import generate_samples
from textzoo.engines.settings import PredictionConfig
from textzoo.records.report import SampleReport
from textzoo.text.tokenizers.base import Tokenizer

BETWEEN_SAMPLES = "\n\n"


def samples_of(
    settings: PredictionConfig, label: str, engine: Engine, tokenizer: Tokenizer, show: Callable[[str], None]
) -> Iterator[SampleReport]:
    """Generate num_samples texts; sample i has the seed `settings.seed + i`. What is shown is `samples_text`."""
    texts = generate_samples(
        engine,
        tokenizer,
        settings.prompt,
        num_samples=settings.num_samples,
        seed=settings.seed,
        max_tokens=settings.max_tokens,
        temperature=settings.temperature,
        top_k=settings.top_k,
        stop=settings.stop,
        unknown=settings.unknown,
    )
    for index, pieces in enumerate(texts):
        start = time.perf_counter()
        show(f"{BETWEEN_SAMPLES if index else ''}{settings.prompt}")
        text = ""
        for piece in pieces:
            show(piece)
            text += piece
        if index + 1 == settings.num_samples:
            show("\n")
        yield SampleReport(
            model=label,
            engine=engine.name,
            prompt=settings.prompt,
            text=text,
            tokens=pieces.tokens,
            temperature=settings.temperature,
            top_k=settings.top_k,
            seed=settings.seed + index,
            seconds=time.perf_counter() - start,
        )


def samples_text(samples: Sequence[SampleReport]) -> str:
    """What samples.txt holds: the texts as they are, a blank line between them."""
    return BETWEEN_SAMPLES.join(sample.prompt + sample.text for sample in samples) + "\n"


def possible_prompt(prompt: str, tokenizer: Tokenizer, text: np.ndarray) -> str:
    """The prompt asked for, or the beginning of a text (tokens) where the vocabulary lacks what is in it."""
    try:
        tokenizer.encode(prompt, unknown="error")
    except UserError:
        known = (int(token) for token in text if token != tokenizer.unknown_token)
        return tokenizer.decode([next(known, 0)])
    return prompt
