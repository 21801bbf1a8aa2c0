"""One token per printable ASCII character: the same vocabulary for every corpus."""

import numpy as np

from textzoo.text.settings import TokenizerConfig
from textzoo.text.tokenizers.character import CharacterTokenizer

NEWLINE, FIRST, LAST = ord("\n"), ord(" "), ord("~")
CHARACTERS = [chr(NEWLINE), *map(chr, range(FIRST, LAST + 1))]


class MyTokenizer(CharacterTokenizer):
    """Newline, then space to ~; `textzoo.text.tokenizers.base.Tokenizer` is the contract."""

    name = "my_tokenizer"

    @classmethod
    def from_texts(cls, texts: list[str], config: TokenizerConfig) -> "MyTokenizer":
        """Make the same vocabulary for all texts, with <unk> if config.unknown is "unk"."""
        return cls(CHARACTERS, with_unknown=config.unknown == "unk")

    def tables(self) -> dict[str, int | np.ndarray]:
        """Return what tokenizer_my_tokenizer.c.j2 prints; arrays would become tables in flash."""
        return {"newline": NEWLINE, "first": FIRST, "last": LAST}
