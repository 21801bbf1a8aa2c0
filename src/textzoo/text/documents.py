"""Windows over documents that are learned one by one: each begins a window, and only its answer may count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from textzoo.common.errors import UserError
from textzoo.text.windows import TokenPart, Windows, validation_windows

# The target of a position that does not count: padding, or a prompt where only answers count.
IGNORED = -1
# Windows have one of so many lengths, in equal steps up to the context, so that short documents cost little.
LENGTHS = 4


@dataclass(frozen=True)
class Documents:
    """Where the documents lie in an array of tokens.

    Attributes:
        bounds: (documents + 1, 2) int64: where each document begins, and its answer; the last row is the end of all.
        answers_only: Whether the tokens of prompts are no targets.
    """

    bounds: np.ndarray
    answers_only: bool

    @property
    def count(self) -> int:
        return len(self.bounds) - 1

    @property
    def lengths(self) -> np.ndarray:
        """(documents,) tokens of each."""
        return np.diff(self.bounds[:, 0])

    def window(self, tokens: np.ndarray, chosen: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the windows of some documents.

        Args:
            tokens: (n,) of all documents.
            chosen: (rows,) numbers of documents, of at most length + 1 tokens.
            length: Positions.

        Returns:
            Inputs and targets (rows, length), int32; targets are IGNORED where they do not count.
        """
        starts, answers = self.bounds[chosen, 0, None], self.bounds[chosen, 1, None]
        ends = self.bounds[chosen + 1, 0, None]
        places = starts + np.arange(length + 1)
        block = np.asarray(tokens)[np.minimum(places, len(tokens) - 1)].astype(np.int32)
        counted = (places < ends) & ((places >= answers) | (not self.answers_only))
        return np.where(places < ends, block, 0)[:, :-1], np.where(counted, block, IGNORED)[:, 1:]


class TokenData(Protocol):
    """Text to train on and to validate with.

    Attributes:
        train: Tokens (n,), memory-mapped or not.
        validation: Held-out tokens, in the same form.
        sha256: Content hash of both.
        parts: The sources of a mixture.
        documents: "training", "validation" -> where its documents lie, if they are learned one by one; otherwise empty.
    """

    train: np.ndarray
    validation: np.ndarray
    sha256: str
    parts: Sequence[TokenPart]
    documents: Mapping[str, Documents]


def check_documents(documents: Documents, context_length: int, part: str) -> None:
    """Raise UserError unless every document of a part ("training", "validation") fits a window."""
    longest = int(documents.lengths.max(initial=0)) - 1
    if longest > context_length:
        many = int((documents.lengths - 1 > context_length).sum())
        raise UserError(
            f"{many:,} of {documents.count:,} commands of the {part} part are longer than a window",
            expected=f"model.context_length of at least {longest}",
            received=str(context_length),
        )


def document_batch(
    tokens: np.ndarray, documents: Documents, rng: np.random.Generator, rows: int, context_length: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return a batch of documents of similar length, each of all documents with the same probability.

    As in random_crops, it depends only on the generator's state.

    Args:
        tokens: (n,) of all documents.
        documents: Where they lie.
        rng: Draws them.
        rows: Documents in a batch.
        context_length: Positions of the longest windows.

    Returns:
        Inputs and targets (rows, length), int32, as of Documents.window.
    """
    step = -(-context_length // LENGTHS)
    groups = np.maximum(-(-(documents.lengths - 1) // step), 1)
    group = groups[rng.integers(documents.count)]
    chosen = rng.choice(np.flatnonzero(groups == group), size=rows)
    return documents.window(tokens, chosen, min(int(group) * step, context_length))


def document_windows(tokens: np.ndarray, documents: Documents, context_length: int, max_tokens: int) -> Windows:
    """Return the first documents as windows with at most about max_tokens targets: inputs, targets and weights."""
    inputs, targets = documents.window(tokens, np.arange(documents_within(documents, max_tokens)), context_length)
    return inputs, np.maximum(targets, 0), (targets != IGNORED).astype(np.float32)


def documents_within(documents: Documents, max_tokens: int) -> int:
    """Return how many documents, from the first one on, have together at most max_tokens that may count; at least 1."""
    counted = np.cumsum(documents.bounds[1:, 0] - documents.bounds[:-1, int(documents.answers_only)])
    return max(1, int(np.searchsorted(counted, max_tokens, side="right")))


def windows_to_validate(data: TokenData, context_length: int, max_tokens: int) -> dict[str, Windows]:
    """Return label -> windows over the validation text; "" is the only label but for a mixture."""
    if documents := data.documents.get("validation"):
        return {"": document_windows(data.validation, documents, context_length, max_tokens)}
    return validation_windows(data.validation, data.parts, context_length, max_tokens)
