"""Generated texts: streamed to the console by prediction, shown with the metrics by evaluation."""

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from textzoo.common.errors import UserError
from textzoo.engines.base import Engine
from textzoo.engines.generate import generate_samples
from textzoo.engines.settings import PredictionConfig
from textzoo.pipeline import inputs
from textzoo.records.report import SampleReport
from textzoo.text.tokenizers.base import Tokenizer

BETWEEN_SAMPLES = "\n\n"


def samples_of(
    settings: PredictionConfig, label: str, engine: Engine, tokenizer: Tokenizer, show: Callable[[str], None]
) -> Iterator[SampleReport]:
    """Generate num_samples texts and pass their pieces to `show`; sample i has the seed `settings.seed + i`."""
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
        grammar=inputs.grammar(settings),
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
    """Return the content of samples.txt: the unchanged texts, separated by blank lines."""
    return BETWEEN_SAMPLES.join(sample.prompt + sample.text for sample in samples) + "\n"


def possible_prompt(prompt: str, tokenizer: Tokenizer, text: np.ndarray) -> str:
    """Return the prompt, or the first known token of a text (tokens) if the vocabulary cannot encode the prompt."""
    try:
        tokenizer.encode(prompt, unknown="error")
    except UserError:
        known = (int(token) for token in text if token != tokenizer.unknown_token)
        return tokenizer.decode([next(known, 0)])
    return prompt
