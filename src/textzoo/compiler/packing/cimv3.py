"""For CIMv3: rows as they are in the model file, 8 bits always; see deployment/runtime/cimv3."""

from textzoo.compiler.packing.base import Layout
from textzoo.compiler.packing.generic import PLAIN
from textzoo.compiler.packing.order import round_up

COLUMNS = 4


def scratch_s8(rows: int, columns: int) -> int:
    return 4 * round_up(columns, COLUMNS)


LAYOUTS = {"fully_connected_s8": Layout(PLAIN, scratch_s8, -127)}
