"""Sections of the configuration as dataclasses: keys with type, default, range, unit and description; their checks."""

import copy
import dataclasses
import math
import types
import typing
from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.files import A_FILE, A_FOLDER, kind_of_path
from textzoo.common.registry import did_you_mean, nearest

# What a setting with `path` may point to.
FILE_ONLY, FOLDER_ONLY, FILE_OR_FOLDER = (A_FILE,), (A_FOLDER,), (A_FILE, A_FOLDER)

# A rule checks what types and ranges cannot express, such as contradictions between keys, and returns the errors found.
# Its parameters are named after the sections that it reads; `services` is the set of services of the run.
Rule = Callable[..., list[UserError]]


def setting(
    default: Any,
    text: str,
    *,
    unit: str = "",
    choices: tuple[str, ...] = (),
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
    path: tuple[str, ...] = (),
    required: bool = False,
) -> Any:
    """Return a dataclass field with its description.

    Args:
        default: Default value; lists and sections are copied per instance.
        text: One sentence for the user.
        unit: Unit of the value, e.g. "tokens".
        choices: The allowed values, if there are few.
        low: Smallest allowed value.
        high: Largest allowed value.
        above: Lower bound that is itself not allowed.
        below: Upper bound that is itself not allowed.
        path: What must exist at the path before anything runs: FILE_ONLY, FOLDER_ONLY or FILE_OR_FOLDER; () for a
            value that is not a path.
        required: Whether a value must be given if the section is used.
    """
    metadata = {
        "text": text,
        "unit": unit,
        "choices": choices,
        "low": low,
        "high": high,
        "above": above,
        "below": below,
        "path": path,
        "required": required,
    }
    if isinstance(default, list | dict):
        return field(default_factory=lambda: copy.deepcopy(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def walk(section: Any, prefix: str = "") -> list[tuple[str, dataclasses.Field]]:
    """Return every key below a section class, as (dotted name, field), in order."""
    keys: list[tuple[str, dataclasses.Field]] = []
    for entry in dataclasses.fields(section):
        name = f"{prefix}{entry.name}"
        if dataclasses.is_dataclass(entry.type):
            keys += walk(entry.type, f"{name}.")
        else:
            keys.append((name, entry))
    return keys


def build_section(section: Any, values: Any, prefix: str, errors: list[UserError], **given: Any) -> Any:
    """Return an instance of a dataclass; a wrong value adds an error and leaves the default, or None without one.

    Args:
        section: The dataclass; its fields give keys and types, their metadata ranges and choices (see `setting`).
        values: Key -> value; nested for a field that is a dataclass itself.
        prefix: Text before a key in messages.
        errors: List that receives the errors.
        given: Values of fields that are not keys of the configuration.
    """
    fields = {entry.name: entry for entry in dataclasses.fields(section) if entry.name not in given}
    chosen = {name: None for name, entry in fields.items() if is_required(entry)}
    if not isinstance(values, dict):
        errors.append(UserError(f"wrong type of {prefix.rstrip('.')}", expected="a section", received=repr(values)))
        return section(**given, **chosen)
    errors += [
        UserError(f"{prefix}{name} is missing", expected=type_text(fields[name]))
        for name in chosen
        if name not in values
    ]
    for key, value in values.items():
        if key not in fields:
            errors.append(unknown_key(f"{prefix}{key}", fields, prefix))
        else:
            chosen[key] = convert(fields[key], value, f"{prefix}{key}", errors)
    return section(**given, **chosen)


def is_required(entry: dataclasses.Field) -> bool:
    return entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING


def section_of(annotation: Any, value: Any) -> Any:
    """Return the dataclass that a value is to be an instance of, or None; a value of None may be allowed instead."""
    kinds = allowed_types(annotation)
    if value is None and type(None) in kinds:
        return None
    return next((kind for kind in kinds if dataclasses.is_dataclass(kind)), None)


def part_of(annotation: Any) -> Any:
    """Return the dataclass X of dict[str, X]; None for other types."""
    arguments = typing.get_args(annotation)
    return arguments[1] if len(arguments) == 2 and dataclasses.is_dataclass(arguments[1]) else None


def build_parts(part: Any, values: Any, name: str, errors: list[UserError]) -> dict[str, Any]:
    """Return name -> instance of a dataclass that has a field `name`; mistakes are added to `errors`."""
    if not isinstance(values, dict):
        errors.append(UserError(f"wrong type of {name}", expected="a section", received=repr(values)))
        return {}
    return {
        str(key): build_section(part, facts, f"{name}.{key}.", errors, name=str(key)) for key, facts in values.items()
    }


def unknown_key(name: str, fields: dict[str, Any], prefix: str) -> UserError:
    key = name.rpartition(".")[2]
    match = nearest(key, fields)
    remedy = f"Did you mean '{prefix}{match}'?" if match else f"Known here: {', '.join(sorted(fields))}."
    return UserError(f"unknown key {name}", remedy=remedy)


def convert(entry: dataclasses.Field, value: Any, name: str, errors: list[UserError]) -> Any:
    """Return the value in the field's type, or the field's default after adding to `errors`."""
    if (inner := section_of(entry.type, value)) is not None:
        return build_section(inner, value, f"{name}.", errors)
    if (part := part_of(entry.type)) is not None:
        return build_parts(part, value, name, errors)
    allowed = allowed_types(entry.type)
    if isinstance(value, int) and not isinstance(value, bool) and float in allowed and int not in allowed:
        value = float_of(value)
    if not fits(value, allowed):
        errors.append(UserError(f"wrong type of {name}", expected=type_text(entry), received=received_text(value)))
        return default_of(entry)
    problem = outside(entry, value)
    if problem:
        errors.append(problem(name))
        return default_of(entry)
    return value


def float_of(value: int) -> float:
    """Return the number as a float; infinity, which no range contains, if it is too large."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def allowed_types(annotation: Any) -> tuple[Any, ...]:
    if isinstance(annotation, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)


def fits(value: Any, allowed: tuple[Any, ...]) -> bool:
    """Return whether the value is of one of the types; a bool is not an int here, lists hold texts or sections."""
    if isinstance(value, dict) and dict[str, str] in allowed:
        return all(type(text) is str for text in value.values())
    if isinstance(value, list):
        kinds = [kind for kind in (str, dict) if list[kind] in allowed]
        return any(all(type(item) is kind for item in value) for kind in kinds)
    return type(value) in allowed


def type_text(entry: dataclasses.Field) -> str:
    """Return the field's type in words, for messages, e.g. "a whole number (steps)"."""
    words = {
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        str: "text",
        list[str]: "a list of texts",
        list[dict]: "a list of sections",
        dict: "a section",
        dict[str, str]: "a section of texts",
        type(None): "null",
    }
    text = " or ".join(words.get(kind, "a section") for kind in allowed_types(entry.type))
    unit = entry.metadata.get("unit")
    return f"{text} ({unit})" if unit else text


def type_name(entry: dataclasses.Field) -> str:
    """Return the field's type as in Python, for tables, e.g. "int (steps)" or "str or null"."""
    names = {type(None): "null", list[str]: "list[str]", list[dict]: "list[dict]"}
    text = " or ".join(names.get(kind, getattr(kind, "__name__", "dict")) for kind in allowed_types(entry.type))
    unit = entry.metadata.get("unit")
    return f"{text} ({unit})" if unit else text


def received_text(value: Any) -> str:
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", dict: "section"}
    return f"{value!r} ({names.get(type(value), type(value).__name__)})"


def default_of(entry: dataclasses.Field) -> Any:
    """Return a field's default; None if it has none."""
    if is_required(entry):
        return None
    return entry.default if entry.default is not dataclasses.MISSING else entry.default_factory()


def range_text(entry: dataclasses.Field) -> str:
    """Return the field's range as text, e.g. ">= 1 and <= 64", or an empty string."""
    signs = {"low": ">=", "above": ">", "high": "<=", "below": "<"}
    bounds = [(sign, entry.metadata.get(key)) for key, sign in signs.items()]
    return " and ".join(f"{sign} {bound:,}" for sign, bound in bounds if bound is not None)


def outside(entry: dataclasses.Field, value: Any) -> Callable[[str], UserError] | None:
    """Return a function from the key's name to the error if the value is outside the field's choices or range."""
    choices = entry.metadata.get("choices")
    if choices and value is not None and value not in choices:
        expected = f"one of {', '.join(choices)}"
        hint = did_you_mean(str(value), choices)
        return lambda name: UserError(f"wrong value of {name}", expected=expected, received=repr(value), remedy=hint)
    if isinstance(value, int | float) and not isinstance(value, bool) and not within(entry.metadata, value):
        expected = range_text(entry) if is_finite(value) else f"a finite number {range_text(entry)}".rstrip()
        return lambda name: UserError(f"{name} is out of range", expected=expected, received=str(value))
    return None


def is_finite(value: float) -> bool:
    """Return whether the number is finite; every int is, even one that is too large for a float."""
    return isinstance(value, int) or math.isfinite(value)


def within(bounds: Any, value: float) -> bool:
    """Return whether a number is finite and within its field's bounds."""
    if not is_finite(value):
        return False
    tests = {
        "low": lambda bound: value >= bound,
        "high": lambda bound: value <= bound,
        "above": lambda bound: value > bound,
        "below": lambda bound: value < bound,
    }
    return all(test(bounds[key]) for key, test in tests.items() if bounds.get(key) is not None)


def missing_files(section: Any, prefix: str) -> list[UserError]:
    """Return errors for paths of a section that do not exist or are of the wrong type; nothing is opened."""
    errors = []
    for entry in dataclasses.fields(section):
        value = getattr(section, entry.name)
        if entry.metadata.get("path") and value is not None:
            paths = value if isinstance(value, list) else [value]
            expected = entry.metadata["path"]
            name = f"{prefix}.{entry.name}"
            errors += [error for path in paths if (error := path_mistake(name, path, expected))]
    return errors


def path_mistake(name: str, path: str, expected: tuple[str, ...]) -> UserError | None:
    """Return the error for a path that a key names, or None if it is as expected."""
    kind = kind_of_path(Path(path))
    if kind in expected:
        return None
    if kind is None:
        return UserError(f"{name}: there is no file or folder '{path}'", remedy="Check the path.")
    return UserError(f"{name}: '{path}' is {kind}", expected=" or ".join(expected), remedy="Check the path.")
