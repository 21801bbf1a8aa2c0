"""Windows over token arrays: random crops for training, every token once for evaluation.

The target of a position is the token after it, so a window of n positions covers n + 1 tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from textzoo.common.errors import UserError

Windows = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class TokenPart:
    """One source of a mixture within the token arrays.

    Attributes:
        label: The source's name.
        probability: Share of the training windows that are drawn from it.
        training: [start, end) of its training tokens.
        validation: [start, end) of its validation tokens.
    """

    label: str
    probability: float
    training: tuple[int, int]
    validation: tuple[int, int]


def check_length(tokens: np.ndarray, context_length: int, part: str, source: str = "") -> None:
    """Raise UserError unless the tokens of a part ("training", "validation"), of a source, hold at least one window."""
    if len(tokens) < context_length + 1:
        raise UserError(
            f"the {f'{source} {part}'.lstrip()} text is shorter than a window",
            expected=f"at least context_length + 1 = {context_length + 1} tokens",
            received=f"{len(tokens)}",
            remedy="Use more text or a smaller model.context_length"
            + (" or a larger dataset.validation_split." if part == "validation" else "."),
        )


def check_lengths(
    training: np.ndarray, validation: np.ndarray, context_length: int, parts: Sequence[TokenPart] = ()
) -> None:
    """Raise UserError unless both texts, and those of each source, hold at least one window; before training."""
    check_length(training, context_length, "training")
    check_length(validation, context_length, "validation")
    for part in parts:
        check_length(training[slice(*part.training)], context_length, "training", part.label)
        check_length(validation[slice(*part.validation)], context_length, "validation", part.label)


def random_crops(
    tokens: np.ndarray, rng: np.random.Generator, batch_size: int, context_length: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return a batch of windows with uniformly distributed starts.

    One call draws batch_size numbers from `rng`, so the order depends only on the generator's state. That state is
    JSON-serializable, and a run continues with the same windows when it is restored:

        saved = json.dumps(rng.bit_generator.state)
        rng.bit_generator.state = json.loads(saved)

    Args:
        tokens: (tokens,), any integer type, memory-mapped or not; more than context_length.
        rng: Source of the starts.
        batch_size: Windows.
        context_length: Positions per window.

    Returns:
        Inputs and targets (batch_size, context_length), int32.
    """
    check_length(tokens, context_length, "training")
    starts = rng.integers(0, len(tokens) - context_length, size=batch_size)
    block = np.asarray(tokens)[starts[:, None] + np.arange(context_length + 1)].astype(np.int32)
    return block[:, :-1], block[:, 1:]


def mixed_crops(
    tokens: np.ndarray,
    parts: Sequence[TokenPart],
    rng: np.random.Generator,
    batch_size: int,
    context_length: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return a batch of windows, each from a source drawn by its probability, with uniformly distributed starts.

    No window spans two sources. As in random_crops, the windows depend only on the generator's state.

    Args:
        tokens: (tokens,) of all sources, any integer type; more than context_length of each.
        parts: The spans of the sources.
        rng: Source of the sources and starts.
        batch_size: Windows.
        context_length: Positions per window.

    Returns:
        Inputs and targets (batch_size, context_length), int32.
    """
    for part in parts:
        check_length(tokens[slice(*part.training)], context_length, "training", part.label)
    edges = np.cumsum([part.probability for part in parts])
    chosen = np.searchsorted(edges[:-1] / edges[-1], rng.random(batch_size), side="right")
    spans = np.array([part.training for part in parts])[chosen]
    starts = rng.integers(spans[:, 0], spans[:, 1] - context_length)
    block = np.asarray(tokens)[starts[:, None] + np.arange(context_length + 1)].astype(np.int32)
    return block[:, :-1], block[:, 1:]


def proportional_spans(
    spans: Sequence[tuple[int, int]], probabilities: Sequence[float], most: int, least: int
) -> list[tuple[int, int]]:
    """Cut spans at their ends so that their lengths are in proportion to the probabilities.

    Args:
        spans: [start, end) of each source.
        probabilities: Share of each source; their sum is 1.
        most: Maximum number of tokens in all spans together.
        least: Tokens that each source keeps if it has them, even if that is more than its share.
    """
    lengths = [end - start for start, end in spans]
    total = min(most, *(length / share for length, share in zip(lengths, probabilities, strict=True)))
    return [
        (start, start + min(length, max(least, int(total * share))))
        for (start, _), length, share in zip(spans, lengths, probabilities, strict=True)
    ]


def validation_windows(
    validation: np.ndarray, parts: Sequence[TokenPart], context_length: int, max_tokens: int
) -> dict[str, Windows]:
    """Return label -> evaluation_windows; for a mixture, each source's first tokens, in its proportion.

    Without parts the only label is "". The mean over all tokens of a mixture's windows is that of the mixture.
    """
    if not parts:
        return {"": evaluation_windows(validation, context_length, max_tokens)}
    spans = [part.validation for part in parts]
    shares = [part.probability for part in parts]
    cut = proportional_spans(spans, shares, max_tokens + len(parts), context_length + 1)
    return {
        part.label: evaluation_windows(validation[slice(*span)], context_length)
        for part, span in zip(parts, cut, strict=True)
    }


def evaluation_windows(
    tokens: np.ndarray, context_length: int, max_tokens: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return consecutive windows in which every token is the target of exactly one position.

    The first token of the text has no context and is not predicted: n tokens give n - 1 targets. The last window is
    padded with token 0 and weight 0.

    Args:
        tokens: (tokens,), any integer type; more than context_length.
        context_length: Positions per window.
        max_tokens: Maximum number of targets, from the beginning; None for all.

    Returns:
        Inputs, targets (windows, context_length), int32, and weights of the same shape, float32: 1, or 0 for padding.
    """
    check_length(tokens, context_length, "validation")
    count = min(len(tokens) - 1, max_tokens or len(tokens))
    windows = -(-count // context_length)
    shape = (windows, context_length)
    inputs, targets = (np.zeros(windows * context_length, np.int32) for _ in range(2))
    inputs[:count] = tokens[:count]
    targets[:count] = tokens[1 : count + 1]
    weights = (np.arange(windows * context_length) < count).astype(np.float32)
    return inputs.reshape(shape), targets.reshape(shape), weights.reshape(shape)
