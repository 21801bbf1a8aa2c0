"""Figures as matplotlib draws them by itself: a matplotlibrc of the user's, or of the current folder, changes none.

Such a file belongs to somebody's papers: with `text.usetex` in it, a run would need LaTeX.
"""

import matplotlib
from matplotlib.figure import Figure

matplotlib.rcdefaults()

__all__ = ["Figure"]
