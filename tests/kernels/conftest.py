"""Kernels are tested with what measures them: makes benchmarks/bare_metal importable as `bare_metal`."""

import importlib.util
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "bare_metal"

_spec = importlib.util.spec_from_file_location(
    "bare_metal", FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)]
)
sys.modules["bare_metal"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sys.modules["bare_metal"])
