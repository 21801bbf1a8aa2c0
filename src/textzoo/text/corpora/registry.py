"""The table of corpora: the function that loads each, and the keys of the dataset section that do not apply to it."""

from dataclasses import dataclass

MODULE = "textzoo.text.corpora.loading"
# A reason, and the keys that it excludes.
Refusal = tuple[str, tuple[str, ...]]
NO_FILES: Refusal = ("it does not read files", ("training_path", "validation_path"))


@dataclass(frozen=True)
class CorpusKind:
    """One row of the table.

    Attributes:
        loader: "module:function", a function from a DatasetConfig to a Corpus or a TokenCorpus.
        not_taken: Keys that do not apply to it, with the reasons.
        needs_files: Whether dataset.training_path must be given.
        has_own_vocabulary: Whether it has its own vocabulary, so that it uses no tokenizer and cannot be mixed.
        has_sources: Whether it draws from dataset.sources.
    """

    loader: str
    not_taken: tuple[Refusal, ...] = ()
    needs_files: bool = False
    has_own_vocabulary: bool = False
    has_sources: bool = False

    @property
    def is_mixable(self) -> bool:
        """Whether it can be a source of a mixture."""
        return not self.has_own_vocabulary and not self.has_sources


CORPORA: dict[str, CorpusKind] = {
    "python_docs": CorpusKind(f"{MODULE}:load_python_docs", not_taken=(NO_FILES,)),
    "text": CorpusKind(f"{MODULE}:load_text", needs_files=True),
    "tinyshakespeare": CorpusKind(f"{MODULE}:load_tinyshakespeare"),
    "nanogpt": CorpusKind(
        f"{MODULE}:load_nanogpt",
        not_taken=(("its text is already tokenized", ("separator",)),),
        needs_files=True,
        has_own_vocabulary=True,
    ),
    "conversations": CorpusKind(f"{MODULE}:load_conversations", not_taken=(NO_FILES,)),
    "mixture": CorpusKind(
        f"{MODULE}:load_mixture",
        not_taken=(("its sources have their own", ("training_path", "validation_path")),),
        has_sources=True,
    ),
}
