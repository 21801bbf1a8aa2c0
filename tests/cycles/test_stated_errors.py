"""What is stated of the models' errors follows from the comparison with silicon, by one rule."""

import math
import re

import pytest

import cycle_model
from textzoo.common.paths import PROJECT
from textzoo.targets.cycles.timing import CORES

FEWEST = 5  # counts for an estimate
WITH_FEWER, WITH_NONE = 10, 25  # percent
NAMES = {"M0": "m0", "M0+": "m0plus", "M4": "m4", "M7": "m7", "M33": "m33", "ESP32-C3": "esp32c3"}
ROW = re.compile(r"\| (M\d+\+?|ESP32-C3) \| (.+) \| [\d,.]+ \| ([\d,.]+) \| ([\d,.]+) \| ([+-][\d.]+) % \|")
SUMMARY = re.compile(r"\| (Cortex-M\d+\+?|ESP32-C3): .+ \| (\d+) \| ([\d.]+) % \| ([\d.]+) % \| ±(\d+) % \|")


def number(text):
    return float(text.replace(",", ""))


@pytest.fixture(scope="module")
def compared():
    """Core -> (what, cycles on silicon, cycles of the model, printed error) of each count in the table of results."""
    rows = {core: [] for core in CORES}
    for name, what, silicon, model, error in ROW.findall((PROJECT / "docs/lab_notes/results.md").read_text()):
        rows[NAMES[name]].append((what, number(silicon), number(model), float(error)))
    return rows


def errors_of(rows):
    return [abs(model / silicon - 1) * 100 for _, silicon, model, _ in rows]


def test_the_table_has_the_published_counts(compared):
    """All but those of networks, whose code on silicon another compiler made."""
    published = {
        (entry["core"], f"{entry['what']} per {entry['unit']}"): entry["cycles"]
        for entry in cycle_model.published_counts().values()
        if not entry.get("set")
    }
    table = {(core, what): silicon for core, rows in compared.items() for what, silicon, _, _ in rows}
    assert table == pytest.approx(published, abs=0.5)
    for rows in compared.values():
        assert [error for *_, error in rows] == [
            pytest.approx((model / real - 1) * 100, abs=0.051) for _, real, model, _ in rows
        ]


@pytest.mark.parametrize("core", CORES)
def test_the_stated_error_is_the_worst_of_the_counts(compared, core):
    errors = errors_of(compared[core])
    without = WITH_FEWER if errors else WITH_NONE
    assert CORES[core].error == (math.ceil(max(errors)) if len(errors) >= FEWEST else without)


def test_the_explanation_has_the_same_figures(compared):
    text = (PROJECT / "docs/explanations/cycles.md").read_text()
    found = {name.removeprefix("Cortex-"): figures for name, *figures in SUMMARY.findall(text)}
    expected = {}
    for name, core in NAMES.items():
        errors = errors_of(compared[core])
        figures = (len(errors), f"{sum(errors) / len(errors):.1f}", f"{max(errors):.1f}", CORES[core].error)
        expected[name] = [str(figure) for figure in figures]
    assert found == expected
