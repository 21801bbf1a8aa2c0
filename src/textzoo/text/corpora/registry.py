"""The table of corpora: which function loads each, and which keys of the dataset section it does not take."""

from dataclasses import dataclass

PLACE = "textzoo.text.corpora.loading"
# A reason, and the keys that it rules out.
Refusal = tuple[str, tuple[str, ...]]
NO_FILES: Refusal = ("it does not read files", ("training_path", "validation_path"))


@dataclass(frozen=True)
class CorpusKind:
    """One row of the table.

    Attributes:
        place: "module:function" of its loader, from a DatasetConfig to a Corpus or a TokenCorpus.
        not_taken: Keys that it does not take, with the reasons.
        needs_files: Whether dataset.training_path must be given.
        brings_tokens: Whether it has a vocabulary of its own, so that it takes no tokenizer and cannot be mixed.
        has_sources: Whether it draws from dataset.sources.
    """

    place: str
    not_taken: tuple[Refusal, ...] = ()
    needs_files: bool = False
    brings_tokens: bool = False
    has_sources: bool = False

    @property
    def is_mixable(self) -> bool:
        """Whether it can be a source of a mixture."""
        return not self.brings_tokens and not self.has_sources


CORPORA: dict[str, CorpusKind] = {
    "python_docs": CorpusKind(f"{PLACE}:load_python_docs", not_taken=(NO_FILES,)),
    "text": CorpusKind(f"{PLACE}:load_text", needs_files=True),
    "tinyshakespeare": CorpusKind(f"{PLACE}:load_tinyshakespeare"),
    "nanogpt": CorpusKind(
        f"{PLACE}:load_nanogpt",
        not_taken=(("its text comes as tokens", ("separator",)),),
        needs_files=True,
        brings_tokens=True,
    ),
    "conversations": CorpusKind(f"{PLACE}:load_conversations", not_taken=(NO_FILES,)),
    "mixture": CorpusKind(
        f"{PLACE}:load_mixture",
        not_taken=(("its sources have their own", ("training_path", "validation_path")),),
        has_sources=True,
    ),
}
