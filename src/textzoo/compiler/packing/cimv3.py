"""For CIMv3: rows as they are in the model file, 8 bits always; see deployment/runtime/cimv3."""

import numpy as np

from textzoo.compiler.packing.base import Layout, round_up
from textzoo.compiler.packing.order import Order

COLUMNS = 4


def scratch_s8(rows: int, columns: int) -> int:
    return 4 * round_up(columns, COLUMNS)


LAYOUTS = {"fully_connected_s8": Layout(np.ravel, scratch_s8, -127, order=Order())}
