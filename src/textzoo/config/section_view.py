"""What a service sees of the configuration: the sections and keys that it declares, and nothing else.

The same declaration gives the key by which a finished step is reused, so a result cannot depend on what the key lacks.
"""

from collections.abc import Collection
from typing import Any, NoReturn, cast

from textzoo.config.chains import SERVICES
from textzoo.config.schema import Config


class UndeclaredReadError(RuntimeError):
    """A service reads what it does not declare: a mistake of the program."""


class SectionView:
    """A configuration, or a section of it, that can only be read, and of that only what is declared.

    Args:
        values: The configuration or section.
        service: Who reads it, for the error's message.
        declared: Names of whole sections, and dotted keys.
        read: Gets those that are read.
        prefix: The section's dotted name and a dot; "" for the whole configuration.
    """

    def __init__(
        self, values: object, service: str, declared: Collection[str], read: set[str], prefix: str = ""
    ) -> None:
        vars(self).update(_values=values, _service=service, _declared=frozenset(declared), _read=read, _prefix=prefix)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # Python's own protocols ask for such names
            raise AttributeError(name)
        key = f"{self._prefix}{name}"
        if key in self._declared:
            self._read.add(key)
            return getattr(self._values, name)
        if any(entry.startswith(f"{key}.") for entry in self._declared):
            return SectionView(getattr(self._values, name), self._service, self._declared, self._read, f"{key}.")
        raise UndeclaredReadError(
            f"the service {self._service} reads {key}, which its row in textzoo.config.chains.SERVICES does not declare"
        )

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"the service {self._service} cannot set {self._prefix}{name}: the configuration is fixed")


def view_of(config: Config, kind: str) -> Config:
    """Return the configuration as the service of that name in SERVICES sees it; typed as what it shows."""
    service = SERVICES[kind]
    return cast(Config, SectionView(config, kind, (*service.sections, *service.consulted), read=set()))


def names_read(view: Config) -> frozenset[str]:
    """Return which of the sections and keys that it declares a service has read from its view so far."""
    return frozenset(vars(view)["_read"])
