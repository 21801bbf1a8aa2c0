"""Errors that a user can correct: what happened, what was expected, what was received, how to correct it."""

import contextlib
from collections.abc import Iterator


class UserError(Exception):
    """A mistake in the user's input: shown as one message without a traceback, exit code 2.

    Args:
        what: What happened, naming the key or the file.
        expected: What would have been correct.
        received: What was found instead.
        remedy: What to do now.
    """

    def __init__(self, what: str, *, expected: str = "", received: str = "", remedy: str = "") -> None:
        self.what = what
        self.expected = expected
        self.received = received
        self.remedy = remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        parts = [self.what.rstrip(".")]
        if self.expected:
            parts.append(f"expected {self.expected.rstrip('.')}")
        if self.received:
            parts.append(f"received {self.received.rstrip('.')}")
        text = "; ".join(parts)
        ended = text if text.endswith("\n") else f"{text}. "  # behind a list the remedy has its own line
        return f"{ended}{self.remedy}".strip()


class CollectedUserError(UserError):
    """Several mistakes, reported together so that the user can correct all of them at once."""

    def __init__(self, errors: list[UserError]) -> None:
        self.errors = list(errors)
        super().__init__("; ".join(error.what for error in self.errors))

    def __str__(self) -> str:
        return "\n".join(f"* {error}" for error in getattr(self, "errors", []))


def refused(error: OSError) -> UserError:
    """Return what to tell the user when the operating system refuses: no permission, a full disk."""
    return UserError(f"the system refused: {error}")


def short_reason(error: Exception) -> str:
    """Return the first two lines of an exception's message, or the name of its type."""
    lines = [line.strip() for line in (str(error) or str(error.__cause__)).splitlines() if line.strip()]
    return " ".join(lines[:2]) if lines else type(error).__name__


def raise_all(errors: list[UserError]) -> None:
    """Raise the collected errors as one exception; do nothing if there are none."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise CollectedUserError(errors)


@contextlib.contextmanager
def collecting(errors: list[UserError]) -> Iterator[None]:
    """Catch the UserErrors that a block raises, append them to `errors`, and continue after the block."""
    try:
        yield
    except CollectedUserError as collected:
        errors += collected.errors
    except UserError as error:
        errors.append(error)
