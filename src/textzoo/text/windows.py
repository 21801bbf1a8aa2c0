"""Windows over token arrays: random crops to train on, every token once to evaluate on.

The target of a position is the token after it, so a window of n positions covers n + 1 tokens.
"""

import numpy as np

from textzoo.errors import UserError


def check_length(tokens: np.ndarray, context_length: int, part: str) -> None:
    """UserError unless the tokens of a part ("training", "validation") hold at least one window."""
    if len(tokens) < context_length + 1:
        raise UserError(
            f"the {part} text is shorter than a window",
            expected=f"at least context_length + 1 = {context_length + 1} tokens",
            received=f"{len(tokens)}",
            remedy="Give more text or a smaller model.context_length"
            + (" or a larger dataset.validation_split." if part == "validation" else "."),
        )


def check_lengths(training: np.ndarray, validation: np.ndarray, context_length: int) -> None:
    """UserError unless both parts hold at least one window: to be asked before training."""
    check_length(training, context_length, "training")
    check_length(validation, context_length, "validation")


def random_crops(
    tokens: np.ndarray, rng: np.random.Generator, batch_size: int, context_length: int
) -> tuple[np.ndarray, np.ndarray]:
    """A batch of windows that begin anywhere, each start equally likely.

    One call draws batch_size numbers from `rng`, so the order depends on the generator's state alone. That state is
    JSON-able, and a run goes on with the same windows when it is put back:

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


def evaluation_windows(
    tokens: np.ndarray, context_length: int, max_tokens: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Windows side by side, in which every token is the target of exactly one position.

    The very first token of the text has no context and is not predicted: n tokens give n - 1 targets. The last window
    is filled up with token 0 and weight 0.

    Args:
        tokens: (tokens,), any integer type; more than context_length.
        context_length: Positions per window.
        max_tokens: At most so many targets, from the beginning; None for all.

    Returns:
        Inputs, targets (windows, context_length), int32, and weights of the same shape, float32: 1 counts, 0 does not.
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
