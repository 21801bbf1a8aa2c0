"""Figures with matplotlib's own defaults: no matplotlibrc of the user or of the current folder changes them.

With `text.usetex` in such a file, a run would need LaTeX.
"""

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from textzoo.common.files import atomic_path

matplotlib.rcdefaults()

__all__ = ["DOTS_PER_INCH", "Figure", "save_png"]

DOTS_PER_INCH = 150


def save_png(figure: Figure, path: Path, dots_per_inch: int = DOTS_PER_INCH) -> None:
    """Write a figure as PNG, whole or not at all."""
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=dots_per_inch)
