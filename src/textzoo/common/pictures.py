"""Figures with matplotlib's own defaults: no matplotlibrc of the user or of the current folder changes them.

With `text.usetex` in such a file, a run would need LaTeX.
"""

import matplotlib
from matplotlib.figure import Figure

matplotlib.rcdefaults()

__all__ = ["Figure"]
