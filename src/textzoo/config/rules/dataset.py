"""Rules for corpora and mixtures of them."""

import dataclasses
from collections.abc import Collection

from textzoo.common.errors import UserError
from textzoo.config.keys import Rule, build_section
from textzoo.config.rules.run import missing_files
from textzoo.config.schema import Config, DatasetConfig, SourceConfig, with_inherited

# What each corpus does not take: keys, and the reason.
NO_FILES = ("it does not read files", ("training_path", "validation_path"))
NOT_TAKEN: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "python_docs": (NO_FILES,),
    "conversations": (NO_FILES,),
    "nanogpt": (("its text comes as tokens", ("separator",)),),
    "mixture": (("its sources have their own", ("training_path", "validation_path")),),
}


def check_dataset(config: Config) -> list[UserError]:
    keys = [entry.name for entry in dataclasses.fields(config.dataset)]
    return corpus_mistakes(config.dataset, "dataset", keys) + check_sources(config.dataset)


def corpus_mistakes(dataset: DatasetConfig, prefix: str, keys: Collection[str]) -> list[UserError]:
    """Contradictions within a dataset section, or within one source of a mixture, that concern certain keys."""
    name = f"{prefix}.name={dataset.name}"
    errors = [
        UserError(
            f"{prefix}.{key} is given, but {name} does not take it: {reason}",
            remedy="For your own text add dataset=text." if (reason, prefix) == (NO_FILES[0], "dataset") else "",
        )
        for reason, refused in NOT_TAKEN.get(dataset.name, ())
        for key in refused
        if key in keys and getattr(dataset, key)
    ]
    if dataset.name in ("text", "nanogpt") and not dataset.training_path:
        errors.append(UserError(f"{name} needs {prefix}.training_path", remedy="Give a file or a folder."))
    if dataset.separator == "" and "separator" in keys:
        errors.append(UserError(f"{prefix}.separator is empty", expected="a text, or null for a blank line"))
    return errors + size_mistakes(dataset, prefix, keys)


def size_mistakes(dataset: DatasetConfig, prefix: str, keys: Collection[str]) -> list[UserError]:
    """The made conversations have one size."""
    sizes = {key: getattr(dataset, key) for key in ("conversations_bytes", "conversations_dialogues")}
    if list(sizes.values()).count(None) == 1 or not set(sizes) & set(keys):
        return []
    return [
        UserError(
            f"{prefix}.conversations_bytes and {prefix}.conversations_dialogues contradict each other",
            expected="one of them, the other null",
            received=", ".join(f"{key}={size}" for key, size in sizes.items()),
            remedy="For a number give conversations_bytes=null conversations_dialogues=5000.",
        )
    ]


def check_sources(dataset: DatasetConfig) -> list[UserError]:
    """The sources of a mixture: keys, types, ranges, names, files and contradictions, each source by its number."""
    if dataset.name != "mixture":
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
        if "name" not in values or source.name in ("mixture", "nanogpt") or source.sources:
            errors.append(not_mixable(prefix, source.name if "name" in values else ""))
            continue
        errors += corpus_mistakes(source, prefix, values) + missing_files(source, prefix)
    return errors


def source_of(dataset: DatasetConfig, values: dict, prefix: str, errors: list[UserError]) -> SourceConfig:
    """A source: its own keys, the others but for the paths from the dataset; mistakes are added to `errors`."""
    built = build_section(SourceConfig, values, f"{prefix}.", errors)
    return with_inherited(dataset, {key: getattr(built, key) for key in values if hasattr(built, key)})


def not_mixable(prefix: str, name: str) -> UserError:
    reasons = {
        "": f"{prefix} has no name",
        "nanogpt": f"{prefix}.name=nanogpt brings its own vocabulary and cannot be mixed",
    }
    what = reasons.get(name, f"{prefix} is a mixture itself")
    return UserError(what, expected="name: python_docs, text, tinyshakespeare or conversations")


RULES: tuple[Rule, ...] = (check_dataset,)
