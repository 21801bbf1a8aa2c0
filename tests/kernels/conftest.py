"""Kernels are tested with what measures them: makes benchmarks/bare_metal importable as `bare_metal`."""

import importlib.util
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "bare_metal"

_spec = importlib.util.spec_from_file_location(
    "bare_metal", FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)]
)
sys.modules["bare_metal"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sys.modules["bare_metal"])


@pytest.fixture(scope="session")
def program_of(tmp_path_factory):
    """A function: target -> its program, built once."""
    programs = {}

    def build(target):
        if target not in programs:
            programs[target] = target.build(tmp_path_factory.mktemp(target.name))
        return programs[target]

    return build
