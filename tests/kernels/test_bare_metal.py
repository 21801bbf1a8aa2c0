"""The bench on which kernels are tested can fail: it counts, it fences, it guards, it names what is missing."""

import pytest

from compilers import need
from textzoo.targets.toolchains import MissingToolError
from textzoo.testing.bare_metal import CORES, build, run

PROGRAM = """
#include "board.h"
int main(void)
{
    uint8_t *guarded = board_allocate(5, 3, 0);
    volatile uint8_t *fenced = board_allocate(7, 0, 1);
    board_counter_start();
    __asm__ volatile(".rept 1000\\n nop\\n .endr");
    const uint32_t count = board_counter_stop();
    board_print(count > 998 && count < 1002 ? "counted " : "miscounted ");
    guarded[WRITTEN] = 1;
    board_print(board_intact() ? "intact " : "broken ");
    (void)fenced[READ];
    board_print("read");
    return 0;
}
"""


def output(core, folder, program=PROGRAM, **defines):
    source = folder / "program.c"
    source.write_text(program, encoding="utf-8")
    need(CORES[core].compiler, CORES[core].emulator)
    return run(build([source], core, folder / "program.elf", defines), core, folder)


@pytest.mark.parametrize("core", CORES)
class TestBoard:
    def test_counts_instructions_and_leaves_memory_alone(self, core, tmp_path):
        assert output(core, tmp_path, WRITTEN=4, READ=6).split() == ["counted", "intact", "read"]

    @pytest.mark.parametrize("place", [-1, 5])
    def test_finds_bytes_written_beside_a_buffer(self, core, place, tmp_path):
        assert "broken" in output(core, tmp_path, WRITTEN=place, READ=0)

    def test_reading_behind_the_fence_is_a_fault(self, core, tmp_path):
        with pytest.raises(RuntimeError, match=r"ended with 3[\s\S]*fault"):
            output(core, tmp_path, WRITTEN=0, READ=7)


@pytest.mark.parametrize("core", ["m0", "m0plus"])
def test_an_unaligned_access_is_a_fault_on_armv6m(core, tmp_path):
    aligned = "(fenced - 57)"  # 64 bytes before the end
    text = PROGRAM.replace("(void)fenced[READ];", f"(void)*(volatile uint32_t *)({aligned} + READ);")
    assert output(core, tmp_path, text, WRITTEN=0, READ=0).split()[-1] == "read"
    with pytest.raises(RuntimeError, match=r"ended with 3[\s\S]*fault"):
        output(core, tmp_path, text, WRITTEN=0, READ=1)


def test_a_missing_tool_is_named_with_its_package(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match="apt-get install qemu-system-arm"):
        run(tmp_path / "program.elf", "m4", tmp_path)
