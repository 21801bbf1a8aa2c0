"""Paths in what may be published: reports, logs and what is tracked leave this machine, its folders should not."""

import re
from pathlib import Path
from typing import Any

from textzoo.common.paths import PROJECT
from textzoo.config.schema import walk

ELSEWHERE = "..."
# Keys of paths that are read, of a folder that is written, and of what may be a path.
PATH_KEYS = frozenset(name for name, entry in walk() if entry.metadata.get("path"))
PATH_KEYS |= {"dataset.cache_dir", "chat.template"}
# Keys whose values may come from the environment: their passwords need not be in a file.
ADDRESSES = frozenset({"mlflow.uri"})
# A store on this machine by an absolute path: sqlite:////home/..., file:///home/..., /home/...
ABSOLUTE_STORE = re.compile(r"^(sqlite(?:\+\w+)?:///(?:file:)?|file:(?://)?|)(/[^?]*)")


def published(text: str, root: Path | None = None) -> str:
    """Return a text with the run's folder and the current one as ".", the project's as "<textzoo>", home as "~"."""
    shorts = {str(root or Path.cwd()): ".", str(Path.cwd()): ".", str(PROJECT): "<textzoo>", home(): "~"}
    for folder in sorted(shorts, key=len, reverse=True):
        if len(folder) > 1:  # not of the root of all folders
            text = re.sub(rf"{re.escape(folder)}(?![\w.-])", lambda _, short=shorts[folder]: short, text)
    return text


def home() -> str:
    """Return the user's home folder, "" for a user without one."""
    try:
        return str(Path.home())
    except RuntimeError:
        return ""


def published_values(values: dict[str, Any], root: Path | None = None) -> dict[str, Any]:
    """Return dotted key -> value with paths shortened; of those that lie elsewhere only the names are left."""
    return {name: published_setting(name, value, root) for name, value in values.items()}


def published_setting(name: str, value: Any, root: Path | None = None) -> Any:
    """Return the value of a dotted key, fit to be published but for passwords."""
    if name in ADDRESSES and isinstance(value, str):
        return ABSOLUTE_STORE.sub(lambda match: match[1] + published_value(match[2], root, is_path=True), value)
    return published_value(value, root, is_path=name in PATH_KEYS)


def published_value(value: Any, root: Path | None, *, is_path: bool) -> Any:
    """Return a value, or each of the values in it, with paths shortened."""
    if isinstance(value, list):
        return [published_value(item, root, is_path=is_path) for item in value]
    if isinstance(value, dict):
        return {key: published_value(item, root, is_path=f"dataset.{key}" in PATH_KEYS) for key, item in value.items()}
    if not isinstance(value, str) or not is_path:
        return value
    short = published(value, root)
    return f"{ELSEWHERE}/{Path(short).name}" if Path(short).is_absolute() else short
