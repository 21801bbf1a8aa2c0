"""The table of passes, in their order."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from textzoo.common.errors import raise_all
from textzoo.common.registry import unknown_name

PACKAGE = "textzoo.compiler.passes"


@dataclass(frozen=True)
class Pass:
    """One transformation.

    Attributes:
        name: Its module.
        text: What it does, for the report.
        on_program: Whether it works on statements instead of the graph.
    """

    name: str
    text: str
    on_program: bool = False

    def function(self) -> Callable[..., Any]:
        return importlib.import_module(f"{PACKAGE}.{self.name}").run


def chosen_passes(without: frozenset[str]) -> list[Pass]:
    """Return all passes but those named; UserError for names that are none."""
    names = [entry.name for entry in TABLE]
    raise_all([unknown_name("pass", name, names) for name in sorted(without) if name not in names])
    return [entry for entry in TABLE if entry.name not in without]


TABLE = (
    Pass("constant_folding", "constants computed now"),
    Pass("attention_fusion", "attention over the valid positions as one kernel"),
    Pass("lut_fusion", "int8 functions of one value as tables, chains of them as one"),
    Pass("layer_norm_fusion", "LayerNorm as one kernel"),
    Pass("dead_code", "nodes that are not read left out"),
    Pass("state_in_place", "new states computed in the memory of the old ones"),
    Pass("packed_tables", "tables of few values packed, look-ups unpack them"),
    Pass("buffer_aliasing", "reshapes, splits, slices and look-ups of one row without copies"),
    Pass("folded_biases", "zero points and row sums folded into biases", on_program=True),
    Pass("elementwise_fusion", "loops over the same elements joined", on_program=True),
)
