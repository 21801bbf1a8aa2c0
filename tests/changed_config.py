"""Frozen configurations with other values."""

import dataclasses


def changed(section, key, value):
    """A copy of a section, or of the whole configuration, in which a dotted key has another value."""
    name, _, rest = key.partition(".")
    inner = changed(getattr(section, name), rest, value) if rest else value
    return dataclasses.replace(section, **{name: inner})
