"""The overrides of a command line: text is taken literally, and everything that cannot be read is found at once."""

import functools
import re
import shlex
from collections.abc import Iterator
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Quote, QuotedString
from hydra.errors import HydraException

from textzoo.common.errors import UserError
from textzoo.common.settings import allowed_types
from textzoo.config.publishing import ADDRESSES
from textzoo.config.schema import walk

# Text in the schema, but names of tables: a list of them without -m is a forgotten -m.
NAMES = {"operation_mode", "deployment.hardware_setup.board"}
BETWEEN_COMMAS = re.compile(r"""(?:"[^"]*"|'[^']*'|[^,])+""")
IN_QUOTES = re.compile(r"""(["']).*\1""", re.DOTALL)


@functools.cache
def text_keys() -> dict[str, tuple[Any, ...]]:
    """Return the keys of free text and of paths, in which signs and numbers mean nothing, with the types allowed."""
    kinds = {name: allowed_types(entry.type) for name, entry in walk() if not entry.metadata["choices"]}
    texts = {str, list[str], type(None)}
    return {
        name: allowed for name, allowed in kinds.items() if str in allowed and name not in NAMES and {*allowed} <= texts
    }


def with_literal_text(override: str, *, sweeping: bool) -> str:
    """Return an override as Hydra reads it, where the shell has taken the quotes of `key="some text"` away.

    Args:
        override: `key=value` as it comes from the shell.
        sweeping: Whether -m is given; values with commas are then Hydra's, which wants quotes around each text.

    Returns:
        The override with its value in quotes, spaces at its ends included, if the key's value is text; the same
        override if it is not, or if the value is null, in quotes of its own, or a list where the key takes one. Of
        such a list that Hydra cannot read, every text is put in quotes. `${` refers to something in addresses only.
    """
    key, _, value = override.partition("=")
    allowed = text_keys().get(key.lstrip("+"), ())
    if not allowed or "=" not in override or value.lower() == "null" or (sweeping and "," in value):
        return override
    if list[str] in allowed and value.startswith("[") and value.endswith("]"):
        return f"{key}=[{each_quoted(value[1:-1])}]" if parse([override])[1] else override
    if value.startswith(('"', "'")) and not parse([override])[1]:
        return override
    refers = key.lstrip("+") in ADDRESSES and "${" in value
    return f"{key}={QuotedString(value, Quote.double).with_quotes() if refers else quoted(value)}"


def quoted(text: str) -> str:
    """Return the text in Hydra's quotes; `${` in it is no interpolation."""
    escaped = re.sub(r"(\\*)\$\{", r"\1\1\\${", text)
    return QuotedString(escaped, Quote.double).with_quotes()


def each_quoted(values: str) -> str:
    """Return values between commas, each in Hydra's quotes, whether or not it has quotes of its own."""
    texts = [match.group().strip() for match in BETWEEN_COMMAS.finditer(values)]
    return ",".join(quoted(text[1:-1] if IN_QUOTES.fullmatch(text) else text) for text in texts)


def parse(texts: list[str]) -> tuple[list[Override], list[UserError]]:
    """Return the overrides that can be read, and a mistake for each that cannot."""
    parser = OverridesParser.create()
    overrides: list[Override] = []
    errors: list[UserError] = []
    for text in texts:
        try:
            override = parser.parse_override(text)
        except (HydraException, ValueError, RecursionError) as error:
            errors.append(unreadable(text, error))
            continue
        if override.key_or_group:
            overrides.append(override)
        else:
            errors.append(UserError(f"'{text}' names no key", expected="key=value", remedy="Write a key before '='."))
    return overrides, errors


def choices(override: Override) -> Iterator[Override]:
    """Yield the override itself; of a sweep, one override for each of its values.

    Raises:
        HydraException, ValueError: The values cannot be listed.
    """
    if not override.is_sweep_override():
        yield override
        return
    parser = OverridesParser.create()
    for text in override.sweep_string_iterator():
        yield parser.parse_override(f"{override.get_key_element()}={text}")


def unreadable(text: str, error: Exception) -> UserError:
    """Return what is wrong with one override, and how it is written instead."""
    if "=" not in text:
        return UserError(f"the command line cannot be read: '{text}'", expected="key=value")
    reason = str(error).splitlines()[0].partition(" expecting ")[0]
    remedy = f"A text with such signs in it needs quotes twice: {shlex.quote(with_quotes(text))}"
    if text.partition("=")[0].lstrip("+") in {name for name, _ in walk()} - text_keys().keys():
        remedy = "Write one value; with -m several: 1,2 or range(1,5)."
    return UserError(f"the command line cannot be read: {reason}", received=f"'{text}'", remedy=remedy)


def with_quotes(text: str) -> str:
    """Return an override that cannot be read, with its texts in quotes: of a list, or of a sweep, each of them."""
    key, _, value = text.partition("=")
    if value.startswith("[") and value.endswith("]"):
        return f"{key}=[{each_quoted(value[1:-1])}]"
    return f"{key}={each_quoted(value) if ',' in value else quoted(value)}"


def single_value(override: Override | None, purpose: str) -> Any:
    """Return the value of an override, None where there is none.

    Raises:
        UserError: It has several, which the purpose rules out.
    """
    if override is None:
        return None
    if override.is_sweep_override():
        raise UserError(
            f"{override.key_or_group} has several values",
            expected=f"one value with {purpose}",
            received=f"'{override.input_line}'",
            remedy="Start the program once for each.",
        )
    return override.value()
