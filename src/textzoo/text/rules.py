"""Rules for corpora, mixtures of them, and tokenizers."""

import dataclasses
from collections.abc import Collection

from textzoo.common.errors import UserError
from textzoo.common.settings import Rule, build_section, missing_files
from textzoo.text.corpora.debian.packages import mistakes
from textzoo.text.corpora.registry import CORPORA, NO_FILES, SHA256
from textzoo.text.settings import ANSWER, DatasetConfig, SourceConfig, TokenizerConfig, with_inherited
from textzoo.text.tokenizers.registry import KINDS


def check_dataset(dataset: DatasetConfig) -> list[UserError]:
    keys = [entry.name for entry in dataclasses.fields(dataset)]
    return corpus_mistakes(dataset, "dataset", keys) + check_sources(dataset)


def corpus_mistakes(dataset: DatasetConfig, prefix: str, keys: Collection[str]) -> list[UserError]:
    """Return the contradictions in a dataset section, or in one source of a mixture, that concern these keys."""
    kind, name = CORPORA[dataset.name], f"{prefix}.name={dataset.name}"
    errors = [
        UserError(
            f"{prefix}.{key} is given, but does not apply to {name}: {reason}",
            remedy="For your own text add dataset=text." if (reason, prefix) == (NO_FILES[0], "dataset") else "",
        )
        for reason, refused in kind.not_taken
        for key in refused
        if key in keys and getattr(dataset, key)
    ]
    if kind.needs_files and not dataset.training_path:
        errors.append(UserError(f"{name} needs {prefix}.training_path", remedy="Give a file or a folder."))
    if dataset.loss_on == ANSWER and not kind.is_of_commands and "loss_on" in keys:
        known = ", ".join(corpus for corpus, row in CORPORA.items() if row.is_of_commands)
        errors.append(UserError(f"{prefix}.loss_on={ANSWER}: {name} has no answers", expected=f"one of {known}"))
    errors += package_mistakes(dataset, prefix, keys) + hash_mistakes(dataset, prefix, keys)
    if dataset.separator == "" and "separator" in keys:
        errors.append(UserError(f"{prefix}.separator is empty", expected="a text, or null for a blank line"))
    return errors + size_mistakes(dataset, prefix, keys)


def hash_mistakes(dataset: DatasetConfig, prefix: str, keys: Collection[str]) -> list[UserError]:
    if not dataset.sha256 or "sha256" not in keys or SHA256.fullmatch(dataset.sha256):
        return []
    return [
        UserError(
            f"{prefix}.sha256 is no hash", expected="64 digits of 0 to 9 and a to f", received=dataset.sha256[:80]
        )
    ]


def package_mistakes(dataset: DatasetConfig, prefix: str, keys: Collection[str]) -> list[UserError]:
    """Return errors about Debian packages that are not known, or that the corpus does not take."""
    kind = CORPORA[dataset.name]
    if not dataset.packages or "packages" not in keys or kind.has_sources:
        return []
    if not kind.has_packages:
        return [
            UserError(
                f"{prefix}.packages is given, but {prefix}.name={dataset.name} takes none",
                remedy="For the texts of Debian packages add dataset=debian_docs.",
            )
        ]
    return mistakes(dataset.packages)


def size_mistakes(dataset: DatasetConfig, prefix: str, keys: Collection[str]) -> list[UserError]:
    """Return an error unless exactly one size of the synthetic dialogues is given."""
    sizes = {key: getattr(dataset, key) for key in ("conversations_bytes", "conversations_dialogues")}
    if list(sizes.values()).count(None) == 1 or not set(sizes) & set(keys):
        return []
    return [
        UserError(
            f"{prefix}.conversations_bytes and {prefix}.conversations_dialogues contradict each other",
            expected="one of them, the other null",
            received=", ".join(f"{key}={size}" for key, size in sizes.items()),
            remedy="For a number of dialogues set conversations_bytes=null conversations_dialogues=5000.",
        )
    ]


def check_sources(dataset: DatasetConfig) -> list[UserError]:
    """Check each source of a mixture: keys, types, ranges, names, files and contradictions."""
    if not CORPORA[dataset.name].has_sources:
        given = UserError(
            f"dataset.sources is given, but dataset.name={dataset.name} has no sources", remedy="Add dataset=mixture."
        )
        return [given] if dataset.sources else []
    if not dataset.sources:
        return [
            UserError("dataset.name=mixture needs dataset.sources", expected="[{name: python_docs, weight: 0.7}, ...]")
        ]
    errors: list[UserError] = []
    for index, values in enumerate(dataset.sources):
        prefix = f"dataset.sources[{index}]"
        source = source_of(dataset, values, prefix, errors)
        if "name" not in values or not CORPORA[source.name].is_mixable or source.sources:
            errors.append(not_mixable(prefix, source.name if "name" in values else ""))
            continue
        errors += corpus_mistakes(source, prefix, values) + missing_files(source, prefix)
    return errors


def source_of(dataset: DatasetConfig, values: dict, prefix: str, errors: list[UserError]) -> SourceConfig:
    """Return a source: its own keys, and the inherited keys of the dataset; mistakes are added to `errors`."""
    built = build_section(SourceConfig, values, f"{prefix}.", errors)
    return with_inherited(dataset, {key: getattr(built, key) for key in values if hasattr(built, key)})


def not_mixable(prefix: str, name: str) -> UserError:
    what = f"{prefix} has no name"
    if name:
        own_vocabulary = CORPORA[name].has_own_vocabulary
        what = f"{prefix}.name={name} has its own vocabulary and cannot be mixed" if own_vocabulary else ""
    mixable = [corpus for corpus, kind in CORPORA.items() if kind.is_mixable]
    expected = f"name: {', '.join(mixable[:-1])} or {mixable[-1]}"
    return UserError(what or f"{prefix} is a mixture itself", expected=expected)


def check_tokenizer(tokenizer: TokenizerConfig, dataset: DatasetConfig) -> list[UserError]:
    """Check the keys that the kind of tokenizer restricts; an existing tokenizer.json has its own values."""
    if CORPORA[dataset.name].has_own_vocabulary and (tokenizer.path or tokenizer.name != TokenizerConfig().name):
        return [
            UserError(
                "tokenizer.path and other tokenizers than char do not apply to dataset.name=nanogpt",
                remedy="A nanoGPT folder has its own vocabulary: leave tokenizer at its defaults.",
            )
        ]
    if tokenizer.path:
        return []
    return [
        UserError(
            f"tokenizer.{key} contradicts tokenizer.name={tokenizer.name}",
            expected=expected,
            received=str(getattr(tokenizer, key)),
            remedy=f"The group tokenizer={tokenizer.name} sets suitable values.",
        )
        for key, expected, holds in KINDS[tokenizer.name].rules
        if not holds(tokenizer)
    ]


RULES: tuple[Rule, ...] = (check_dataset, check_tokenizer)
