"""Waits for memories: lines that no buffer holds cost what the timing says, others nothing."""

import pytest
from cycle_loops import Row, measure_rows, timing_of

from compilers import need
from textzoo.targets.cycles.timing import Level1, MemoryTiming, timing_mistakes

# 16 bytes of code: 4 cycles.
LINE_OF_CODE = "add.w r0, r0, r1; add.w r0, r0, r1; add.w r0, r0, r1; add.w r0, r0, r1"
LOOP = "1: add.w r0, r0, r1; add.w r0, r0, r1; subs.w r12, r12, #1; bne.w 1b"
STREAM = "1: ldmia.w r7!, {r0-r3}; subs.w r12, r12, #1; bne.w 1b"
SAME = "1: ldr.w r0, [r7]; subs.w r12, r12, #1; bne.w 1b"
TWO_LINES = "1: ldr.w r0, [r7]; ldr.w r1, [r7, #64]; subs.w r12, r12, #1; bne.w 1b"
# Lines of one set, more than its ways.
ONE_SET = "1: ldr.w r0, [r7]; add.w r7, r7, #4096; subs.w r12, r12, #1; bne.w 1b"
# The same with PLD, and 30 or 18 cycles of divisions; AHEAD asks for the line that has just been read.
AHEAD = "1: ldr.w r0, [r7]; pld [r7, #4]; add.w r7, r7, #4096; {work}; subs.w r12, r12, #1; bne.w 1b"
DIVISIONS = "; ".join(["sdiv r1, r2, r3"] * 5)
FEWER = "; ".join(["sdiv r1, r2, r3"] * 3)
PLD = "1: ldr.w r0, [r7]; add.w r7, r7, #4096; pld [r7]; {work}; subs.w r12, r12, #1; bne.w 1b"
BY_LIST = "1: ldmia.w r7!, {{r0-r3}}; ldmia.w r7!, {{r0-r3}}; pld [r7]; {work}; subs.w r12, r12, #1; bne.w 1b"
ACROSS = "1: ldr.w r0, [r7, #14]; ldr.w r1, [r7, #64]; ldr.w r2, [r7, #128]; subs.w r12, r12, #1; bne.w 1b"
IN_RAM = "1: ldr.w r0, [r8], #4; subs.w r12, r12, #1; bne.w 1b"
ART = {"stall": 5, "line": 16, "instruction_lines": 64, "data_lines": 8, "read_ahead": True}
PLAIN = {"stall": 5, "line": 16}
SHARED = {"stall": 6, "line": 16, "instruction_lines": 512, "ways": 2, "shared": True}
CACHED = {"stall": 25, "cached": True}
L1 = Level1("none")
SMALL = Level1("none", data_bytes=256, data_ways=4)
ONE_WAY = Level1("none", instruction_bytes=1024, instruction_ways=1, data_bytes=128, data_ways=1)

# core, memory of the code and of r7's data, caches, instructions, waits of a repetition without those of the start
ROWS = {
    "every line of code waits without a buffer": ("m4", PLAIN, None, Row("", LINE_OF_CODE, 4), 5),
    # The next line is there 5 + 1 cycles after the one before, and its 4 instructions take 4.
    "reading ahead hides the time of execution": (
        "m4",
        PLAIN | {"read_ahead": True},
        None,
        Row("", LINE_OF_CODE, 4),
        2,
    ),
    "the same without a core's difference": ("m33", PLAIN, None, Row("", LINE_OF_CODE, 4), 5),
    "a loop is in the buffer": ("m4", ART, None, Row("", LOOP, 5, is_loop=True), 0),
    # The jump leaves the line, and comes back to it: it is read again.
    "a loop without a buffer waits": ("m4", PLAIN, None, Row("", LOOP, 5, is_loop=True), 5),
    "LDM of 16 bytes: 5 + 5": ("m4", ART, None, Row("", STREAM, 8, is_loop=True), 5),
    "data in the buffer": ("m4", ART, None, Row("", SAME, 5, is_loop=True), 0),
    "data without a buffer": ("m4", ART | {"data_lines": 0}, None, Row("", SAME, 5, is_loop=True), 5),
    "two lines in one": ("m4", ART | {"data_lines": 1}, None, Row("", TWO_LINES, 6, is_loop=True), 10),
    "two lines in two": ("m4", ART | {"data_lines": 2}, None, Row("", TWO_LINES, 6, is_loop=True), 0),
    "an access across two lines": ("m4", ART | {"data_lines": 1}, None, Row("", ACROSS, 8, is_loop=True), 20),
    "data among lines of code": ("m33", SHARED, None, Row("", ONE_SET, 5, is_loop=True), 6),
    "shared lines keep data": ("m33", SHARED, None, Row("", SAME, 4, is_loop=True), 0),
    "a level-1 cache is filled line by line": ("m7", CACHED, L1, Row("", ONE_SET, 2, is_loop=True), 25),
    "a level-1 cache keeps lines": ("m7", CACHED, L1, Row("", TWO_LINES, 0, is_loop=True), 0),
    # Loads of one bank are a cycle apart anyway, which is part of the wait.
    "two lines of one set of one way": ("m7", CACHED, ONE_WAY, Row("", ACROSS.replace("14", "0"), 4, is_loop=True), 48),
    "PLD of the next line hides its wait": ("m7", CACHED, L1, Row("", PLD.format(work=DIVISIONS), 34, is_loop=True), 0),
    # 25 cycles from PLD to the line, and 1 from the load to PLD, in place of 22.
    "PLD hides what is done meanwhile": ("m7", CACHED, L1, Row("", PLD.format(work=FEWER), 22, is_loop=True), 4),
    "PLD behind LDM with write-back": (
        "m7",
        CACHED,
        SMALL,
        Row("", BY_LIST.format(work=DIVISIONS), 36, is_loop=True),
        0,
    ),
    # The load would have had a cycle to itself anyway.
    "PLD of a line that is there": ("m7", CACHED, L1, Row("", AHEAD.format(work=DIVISIONS), 33, is_loop=True), 24),
    "code that runs from RAM": ("m4", PLAIN | {"code": False}, None, Row("", LINE_OF_CODE, 4), 0),
    "its data waits all the same": ("m4", PLAIN | {"code": False}, None, Row("", SAME, 5, is_loop=True), 5),
    "a memory without waits": ("m4", ART, None, Row("", IN_RAM, 5, is_loop=True), 0),
}


@pytest.mark.parametrize("name", ROWS)
def test_lines_cost_their_waits(name, tmp_path):
    need("arm", "qemu", "host")
    core, memory, level1, row, waits = ROWS[name]
    timing = timing_of(core, MemoryTiming("CODE", "none", **memory), level1)
    costs = measure_rows([row], core, timing, tmp_path)
    assert costs.with_waits(0) - costs.of_one(0) == waits
    if row.cycles:
        assert costs.of_one(0) == row.cycles


# core of the board, what is wrong, text of the message
MISTAKES = [
    ("cortex-m4", {"stall": 5, "cached": True}, "cached needs timing.level1"),
    ("cortex-m4", {"line": 24}, "no power of two"),
    ("cortex-m4", {"shared": True, "data_lines": 4}, "no data_lines"),
    ("cortex-m4", {"instruction_lines": 6, "ways": 4}, "no multiple of its ways"),
    ("cortex-m7", {}, "another core"),
]


@pytest.mark.parametrize(("cpu", "memory", "text"), MISTAKES)
def test_contradictions_of_a_timing_are_named(cpu, memory, text):
    timing = timing_of("m4", MemoryTiming("CODE", "none", **memory))
    assert [text in str(error) for error in timing_mistakes(timing, ["CODE", "DATA"], cpu)] == [True]


def test_every_memory_of_a_board_needs_its_timing():
    errors = timing_mistakes(timing_of("m4"), ["DATA", "CCM"], "cortex-m4")
    assert [error.what for error in errors] == [
        "timing.memories.CODE is no memory of the board",
        "timing.memories.CCM is missing",
    ]
