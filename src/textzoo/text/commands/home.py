"""The sentences of Home Assistant, from the package home-assistant-intents, about the rooms and devices of a home."""

import importlib.metadata
import importlib.util
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.files import read_bytes
from textzoo.text.commands.fillers import AREAS, DEVICES, FLOORS
from textzoo.text.commands.templates import MISSING, read_yaml

PACKAGE = "home-assistant-intents"
MAX_BYTES = 1 << 24


@dataclass(frozen=True)
class Home:
    """What a home has.

    Attributes:
        areas: Names of rooms.
        floors: Names of floors, without the word floor.
        devices: Kind of device, as Home Assistant calls it (light, media_player) -> names.
    """

    areas: Sequence[str] = AREAS
    floors: Sequence[str] = FLOORS
    devices: Mapping[str, Sequence[str]] = field(default_factory=lambda: DEVICES)


def read_home(path: Path) -> Home:
    """Return the home of a YAML file: areas, floors and devices, each of which may be left out."""
    values = read_yaml(path)
    if not is_home(values):
        raise UserError(
            f"'{path}' is not a home",
            expected="areas: [kitchen, ...], floors: [first, ...], devices: {light: [desk lamp, ...], ...}",
        )
    own = Home()
    return Home(
        areas=values.get("areas") or own.areas,
        floors=values.get("floors") or own.floors,
        devices=values.get("devices") or own.devices,
    )


def is_home(values: Any) -> bool:
    if not isinstance(values, dict) or set(values) - {"areas", "floors", "devices"}:
        return False
    devices = values.get("devices") or {}
    lists = [values.get("areas") or [], values.get("floors") or []]
    return isinstance(devices, dict) and all(map(is_list_of_texts, [*lists, *devices.values()]))


def is_list_of_texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) and value.strip() for value in values)


def home_assistant(language: str, home: Home) -> tuple[dict[str, Any], Path]:
    """Return the templates of a language with the home's rooms, as parse_templates takes them, and their file."""
    specification = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    if specification is None or specification.origin is None:
        raise UserError(f"dataset=home_assistant needs the package {PACKAGE}", remedy=MISSING.remedy)
    folder = Path(specification.origin).parent / "data"
    path = folder / f"{language}.json"
    known = sorted(file.stem for file in folder.glob("*.json"))
    if language not in known:
        raise UserError(f"unknown dataset.language={language}", expected=", ".join(known))
    values = json.loads(read_bytes(path, MAX_BYTES))
    own = {"area": {"values": list(home.areas)}, "floor": {"values": list(home.floors)}}
    return {**values, "lists": {**values["lists"], **own}}, path


def version() -> str:
    """Return the version of the package, whose sentences change with it."""
    return importlib.metadata.version(PACKAGE)
