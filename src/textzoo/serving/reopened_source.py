"""A source for those who cannot open it again themselves: programs that talk over HTTP."""

from collections.abc import Callable, Sequence

import numpy as np

from textzoo.serving.sources import Sampling, TokenSource, TokenStream


class ReopenedSource(TokenSource):
    """A source that is opened again for the next answer once its device is lost: unplugged, silent or crashed.

    Args:
        open_source: Opens the source, each time with the same model.
    """

    def __init__(self, open_source: Callable[[], TokenSource]) -> None:
        self.open_source = open_source
        self.source = source = open_source()
        self.name, self.title, self.tokenizer = source.name, source.title, source.tokenizer
        self.context_length, self.counter = source.context_length, source.counter
        self.gives_logits = source.gives_logits

    def opened(self) -> TokenSource:
        """Return a source whose device is there; raise UserError if it cannot be opened again."""
        if self.source.is_lost:
            self.source.close()
            self.source = self.open_source()
        return self.source

    def tokens(self, prompt: str, sampling: Sampling) -> TokenStream:
        return self.opened().tokens(prompt, sampling)

    def next_logits(self, tokens: Sequence[int]) -> np.ndarray:
        return self.opened().next_logits(tokens)

    def close(self) -> None:
        self.source.close()
