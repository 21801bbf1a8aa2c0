"""The decoders know every instruction that compilers make of the kernels of a core, whether a test runs it or not."""

import pytest
from cycle_loops import board_of

from compilers import need
from textzoo.common.paths import RUNTIME
from textzoo.targets.cycles.elf import Elf
from textzoo.targets.cycles.run_file import instructions_of
from textzoo.targets.toolchains import compile_objects, require_tool
from textzoo.testing.bare_metal import INCLUDES


@pytest.mark.parametrize("core", ["m4", "m55", "esp32c3"])
def test_every_instruction_of_the_kernels_is_known(core, tmp_path):
    board = board_of(core)
    need(board.compiler)
    sources = sorted((RUNTIME / board.variant).glob("*.c"))
    command = [str(require_tool(board.compiler)), *board.flags, "-O2", "-fno-strict-aliasing", *INCLUDES]
    unknown = {}
    for source, target in zip(sources, compile_objects(command, sources, tmp_path), strict=True):
        known, others = instructions_of(Elf(target))
        unknown |= {source.name: others} if others or not known else {}
    assert not unknown
