"""The ledger of a run's folder: inputs, outputs and reports of its finished steps.

The file is not trusted: it may be damaged or edited, and reading it never fails because of its content.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.files import A_FILE, kind_of_path, value_digest, write_json
from textzoo.common.untrusted_json import read_json_object

LEDGER = "steps.json"
MAX_LEDGER_BYTES = 16 << 20
# "1_training", "2_quantization", ...
NAME_OF_STEP = re.compile(r"([1-9][0-9]?)_[a-z]+", re.ASCII)
# Group of a step's inputs -> how messages describe an input of the group.
GROUPS = {
    "settings": "{}",
    "contents": "the content of {}",
    "texts": "the text of the {}",
    "files": "{}",
}
MAX_SHOWN = 32  # characters
MAX_TOLD = 4
MAX_REASON = 160
MAX_NUMBER = 2**63

# Group of GROUPS -> name -> [sha256, the value if it is short and may be published, else ""].
Ingredients = dict[str, dict[str, list[str]]]


@dataclass
class FinishedStep:
    """One row of the ledger: a step's inputs, outputs and report."""

    key: str
    outputs: dict[str, str] = field(default_factory=dict)  # path in the folder -> sha256
    report: dict[str, Any] = field(default_factory=dict)
    made_from: Ingredients = field(default_factory=dict)  # empty in rows of earlier versions

    def content(self) -> dict[str, Any]:
        """Return the row as it is written, without its digest."""
        values = {"key": self.key, "outputs": self.outputs, "report": self.report}
        return {**values, "made_from": self.made_from} if self.made_from else values

    def digest(self, step: str) -> str:
        """Return the content hash of a step's row, which detects accidental edits but is not a signature."""
        return value_digest([step, *self.content().values()])


@dataclass(frozen=True)
class Ledger:
    """The content of a ledger.

    Attributes:
        rows: Step -> row, if it is unchanged.
        edited: Step -> row, if it is well-formed but was changed.
        damaged: Name of a row -> why it is not used.
        damage: Why the whole file is not used; "" if it can be read, or does not exist.
    """

    rows: dict[str, FinishedStep] = field(default_factory=dict)
    edited: dict[str, FinishedStep] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)
    damage: str = ""

    def outputs_not_before(self, step: str) -> set[str]:
        """Return outputs of only this step or later ones, which did not exist when this step read its inputs."""
        before: set[str] = set()
        after: set[str] = set()
        for name, row in (self.rows | self.edited).items():
            (before if number_of(name) < number_of(step) else after).update(row.outputs)
        return after - before

    def with_row(self, step: str, row: FinishedStep) -> "Ledger":
        """Return the ledger with the row of a step; rows that cannot be believed are left out of it."""
        return Ledger({**self.rows, step: row})

    def write(self, folder: Path) -> None:
        """Write the rows into a run's folder."""
        write_json(
            folder / LEDGER, {name: {**row.content(), "digest": row.digest(name)} for name, row in self.rows.items()}
        )


def number_of(step: str) -> int:
    """Return the number of a step in its chain: 1 of "1_training"."""
    return int(step.partition("_")[0])


def read_ledger(folder: Path) -> Ledger:
    """Read the ledger of a run's folder; of a damaged one, the reasons and the undamaged rows.

    Raises:
        UserError: The path is not a plain file, which a run cannot replace.
    """
    path = folder / LEDGER
    kind = kind_of_path(path)
    if kind is None:
        return Ledger()
    if kind != A_FILE:
        raise UserError(f"'{path}' is {kind}", expected="a file", remedy="Remove it, or set another hydra.run.dir.")
    try:
        values = read_json_object(path, MAX_LEDGER_BYTES)
    except UserError as error:
        return Ledger(damage=" ".join((error.received or error.what).split())[:200])
    ledger = Ledger()
    for name, row in values.items():
        add_row(ledger, name, row)
    return ledger


def add_row(ledger: Ledger, name: str, values: Any) -> None:
    """Add a row that was read, with the reason if it cannot be used."""
    try:
        row = row_of(name, values)
        is_unchanged = row is not None and values["digest"] == row.digest(name)
    except RecursionError:
        row, is_unchanged = None, False
    if row is None:
        ledger.damaged[name] = f"its row in {LEDGER} is malformed"
    elif is_unchanged:
        ledger.rows[name] = row
    else:
        ledger.edited[name] = row
        ledger.damaged[name] = f"its row in {LEDGER} was changed after it was written"


def row_of(name: str, values: Any) -> FinishedStep | None:
    """Return the row with these values; None if they are malformed."""
    if not NAME_OF_STEP.fullmatch(name) or not isinstance(values, dict):
        return None
    made_from = values.get("made_from", {})
    if {*values} - {"made_from"} != {"key", "outputs", "report", "digest"} or not isinstance(values["key"], str):
        return None
    good = holds_texts(values["outputs"]) and isinstance(values["report"], dict) and is_finite(values["report"])
    if not good or not are_ingredients(made_from):
        return None
    return FinishedStep(values["key"], values["outputs"], values["report"], made_from)


def holds_texts(values: Any) -> bool:
    return isinstance(values, dict) and all(isinstance(text, str) for text in values.values())


def is_finite(value: Any) -> bool:
    """Return whether all nested numbers are finite and fit 64 bits; 1e999 is read as infinity, which JSON lacks."""
    if isinstance(value, int | float):
        return abs(value) < MAX_NUMBER if isinstance(value, int) else math.isfinite(value)
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return all(map(is_finite, parts))


def are_ingredients(values: Any) -> bool:
    if not isinstance(values, dict) or not {*values} <= {*GROUPS}:
        return False
    return all(isinstance(group, dict) and all(map(is_ingredient, group.values())) for group in values.values())


def is_ingredient(pair: Any) -> bool:
    return isinstance(pair, list) and [type(part) for part in pair] == [str, str]


def ingredient(value: Any, shown: str = "") -> list[str]:
    """Return a value's entry in the ledger: its sha256, and its text if it may be shown and is short."""
    return [value_digest(value), shown if len(shown) <= MAX_SHOWN else ""]


def changes(before: Ingredients, now: Ingredients) -> Iterator[str]:
    """Yield the differences in words: 'prediction.seed changed (1 -> 2)', 'the text of the corpus changed'."""
    for group, words in GROUPS.items():
        if group not in now:
            continue
        old, new = before.get(group, {}), now[group]
        for name in dict.fromkeys([*new, *old]):
            pair = old.get(name), new.get(name)
            if pair[0] is None or pair[1] is None:
                yield f"{words.format(name)} is {'new' if pair[0] is None else 'gone'}"
            elif pair[0][0] != pair[1][0]:
                yield f"{words.format(name)} changed{shown_change(pair[0][1], pair[1][1])}"


def shown_change(old: str, new: str) -> str:
    fits = old and new and old != new and len(old) <= MAX_SHOWN
    return f" ({old} -> {new})" if fits else ""


def shortened(text: str) -> str:
    return text if len(text) <= MAX_REASON else f"{text[:MAX_REASON]}..."


def told(reasons: list[str]) -> str:
    """Join reasons to one line: "a changed, b changed and 3 more"; long reasons are shortened."""
    further = len(reasons) - MAX_TOLD
    short = [shortened(reason) for reason in reasons[:MAX_TOLD]]
    return ", ".join(short) + (f" and {further} more" if further > 0 else "")
