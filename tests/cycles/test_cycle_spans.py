"""What is measured: calls of functions, and of others within them; and what happens where nothing can be measured."""

import os
import stat

import pytest
from cycle_loops import DATA, START, assemble, measured, timing_of

from compilers import need
from textzoo.common.errors import UserError
from textzoo.targets.cycles import build
from textzoo.targets.cycles.build import CyclesUnavailableError, cache_folder, plugin_for
from textzoo.targets.cycles.elf import Elf
from textzoo.targets.cycles.measure import Cost, Place, Span, counting
from textzoo.targets.cycles.run_file import instructions_of
from textzoo.targets.cycles.timing import CORES as MODELS
from textzoo.targets.cycles.timing import MemoryTiming
from textzoo.testing.bare_metal import CORES, STAND_INS

FUNCTIONS = """
    .type leaf, %function
    .thumb_func
leaf: @ 3 + 1 instructions
    adds r0, #1
    adds r0, #1
    adds r0, #1
    bx lr
    .size leaf, . - leaf
    .type tail, %function
    .thumb_func
tail: @ 1, then those of leaf
    b leaf
    .size tail, . - tail
    .type looping, %function
    .thumb_func
looping: @ its first instruction is that of its loop: 5 times 2, and 1
    subs r4, #1
    bne looping
    bx lr
    .size looping, . - looping
    .type recursive, %function
    .thumb_func
recursive: @ a chain of three calls: 5 or 2 more for each
    push {r5, lr}
    subs r5, #1
    beq 1f
    bl recursive
1:  pop {r5, pc}
    .size recursive, . - recursive
    .type outer, %function
    .thumb_func
outer: @ 1 + 3 * (1 + 4) + 1 + 5 + 1
    push {r4, lr}
    bl leaf
    bl leaf
    bl tail
    pop {r4, pc}
    .size outer, . - outer
    .type second, %function
    .thumb_func
second:
    push {lr}
    bl leaf
    pop {pc}
    .size second, . - second
    .type begin_region, %function
    .thumb_func
begin_region:
    bx lr
    .size begin_region, . - begin_region
    .type end_region, %function
    .thumb_func
end_region:
    bx lr
    .size end_region, . - end_region
    .type odd, %function
    .thumb_func
odd:
    nop
    .inst.w 0xEF000D40 @ vadd.f32 q0, q0, q0 of Helium, which a Cortex-M4 does not have
    bx lr
    .size odd, . - odd
    .type helium, %function
    .thumb_func
helium:
    .inst.w 0xEF000D40
    .size helium, . - helium
"""
CALLS = "bl outer; movs r4, #5; bl looping; movs r5, #3; bl recursive; bl second; bl begin_region; nop; bl end_region"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    need("arm", "qemu", "host")
    start = START.format(stack=0x20000000 + 2 * DATA, calls=CALLS.replace("; ", "\n    "))
    return assemble(start + FUNCTIONS, "m4", tmp_path_factory.mktemp("spans"))


def calls_of(program, *spans, within=""):
    """Return (name, depth, instructions) of each call."""
    found = measured(program, "m4", timing_of("m4"), spans, within).calls
    return [(call.name, call.depth, call.cost.instructions) for call in found]


OUTER = 1 + 5 + 5 + 6 + 1
# spans, function outside of which nothing is measured, calls in the order of their ends
SPANS = [
    ([Span("leaf")], "", [("leaf", 0, 4)] * 4),
    ([Span("tail")], "", [("tail", 0, 5)]),
    ([Span("outer")], "", [("outer", 0, OUTER)]),
    ([Span("outer"), Span("leaf")], "", [("leaf", 1, 4)] * 3 + [("outer", 0, OUTER), ("leaf", 0, 4)]),
    ([Span("leaf")], "outer", [("leaf", 0, 4)] * 3),
    ([Span("leaf")], "second", [("leaf", 0, 4)]),
    ([Span("looping")], "", [("looping", 0, 11)]),
    ([Span("recursive")], "", [("recursive", 2, 4), ("recursive", 1, 9), ("recursive", 0, 14)]),
    # From the first instruction of one function to that of another.
    ([Span("begin_region", until="end_region")], "", [("begin_region", 0, 3)]),
]


@pytest.mark.parametrize(("spans", "within", "calls"), SPANS)
def test_calls_are_measured_from_their_first_instruction_to_their_return(program, spans, within, calls):
    assert calls_of(program, *spans, within=within) == calls


def test_runs_are_alike_and_symbols_are_parts_of_the_whole(program):
    timing = timing_of("m4", MemoryTiming("CODE", "none", stall=5, instruction_lines=2, read_ahead=True))
    first, second = (measured(program, "m4", timing, [Span("outer")]) for _ in range(2))
    assert first == second
    total = first.total("outer")
    assert sum(first.symbols.values(), Cost()) == total
    assert {name: cost.instructions for name, cost in first.symbols.items()} == {"outer": 5, "tail": 1, "leaf": 12}
    assert total.cycles == total.core_cycles + total.stalls
    assert total.instruction_stalls > 0


def test_waits_for_objects_are_told_apart(tmp_path):
    """A loop over two arrays in the memory of the code: each line of 16 bytes waits once."""
    need("arm", "qemu", "host")
    start = START.format(stack=0x20000000 + 2 * DATA, calls="    bl read")
    source = """
    .type read, %function
    .thumb_func
read:
    ldr r1, =small
    ldr r2, =large
    ldmia r1!, {r3, r4, r5, r6}
    ldmia r2!, {r3, r4, r5, r6}
    ldmia r2!, {r3, r4, r5, r6}
    bx lr
    .ltorg
    .size read, . - read
"""
    for name, size in (("small", 16), ("large", 32)):
        source += f"    .balign 16\n    .type {name}, %object\n{name}: .space {size}\n    .size {name}, {size}\n"
    program = assemble(start + source, "m4", tmp_path)
    timing = timing_of("m4", MemoryTiming("CODE", "none", stall=5, data_lines=8, instruction_lines=8))
    objects = measured(program, "m4", timing, [Span("read")]).objects
    assert {name: (reads.misses, reads.stalls) for name, reads in objects.items()} == {
        "small": (1, 5),
        "large": (2, 10),
    }


def test_an_unknown_instruction_is_an_error_that_names_it(tmp_path):
    """QEMU refuses it, too; but the plugin is told before it is executed."""
    need("arm", "qemu", "host")
    start = START.format(stack=0x20000000 + 2 * DATA, calls="    bl odd")
    program = assemble(start + FUNCTIONS, "m4", tmp_path)
    expected = r"does not know an instruction of odd; received 0xef00 0x0d40 at 0x0000"
    with pytest.raises(UserError, match=expected):
        measured(program, "m4", timing_of("m4"), [Span("odd")])


def test_a_program_that_does_not_end_has_no_result(program):
    with (
        counting(program, timing_of("m4"), [], [Span("outer")]) as counter,
        pytest.raises(UserError, match="QEMU ended before"),
    ):
        counter.result()


# What is asked for, text of the message
WRONG = [
    ({"spans": [Span("nowhere")]}, "no symbol nowhere"),
    ({"spans": [Span("outer", until="nowhere")]}, "no symbol nowhere"),
    ({"within": "nowhere"}, "no symbol nowhere"),
    ({"spans": [Span("helium")]}, "first instruction of helium"),
    ({"places": [Place("SRAM9", 0, 16)]}, "no timing of the memory SRAM9"),
]


@pytest.mark.parametrize(("asked", "text"), WRONG)
def test_what_does_not_exist_is_named(program, asked, text):
    given = {"places": [], "spans": [Span("outer")]} | asked
    with pytest.raises(UserError, match=text), counting(program, timing_of("m4"), **given):
        pass


def test_a_program_for_another_machine_is_refused(program, tmp_path):
    content = bytearray(program.read_bytes())
    content[18:20] = (94).to_bytes(2, "little")  # Xtensa
    (tmp_path / "other.elf").write_bytes(content)
    with pytest.raises(UserError, match="does not know the instructions of"):
        instructions_of(Elf(tmp_path / "other.elf"))


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"\x7fELF\x01\x01" + b"\xff" * 60, b"MZ" * 100])
def test_files_that_are_no_elf_are_refused(tmp_path, content):
    (tmp_path / "program").write_bytes(content)
    with pytest.raises(UserError, match="no ELF"):
        Elf(tmp_path / "program")


def test_a_program_without_symbols_is_refused(tmp_path, program):
    import subprocess

    from textzoo.targets.toolchains import tool_beside

    subprocess.run([str(tool_beside("arm", "strip")), str(program), "-o", str(tmp_path / "bare")], check=True)
    with pytest.raises(UserError, match="no symbols"):
        Elf(tmp_path / "bare")


def test_an_emulator_without_plugins_is_a_reason(tmp_path, monkeypatch):
    emulator = tmp_path / "qemu-system-arm"
    emulator.write_text("#!/bin/sh\necho 'usage: -kernel FILE'\n")
    emulator.chmod(emulator.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(CyclesUnavailableError, match="takes no plugins"):
        plugin_for("qemu")


def test_a_machine_without_a_compiler_is_a_reason(monkeypatch):
    need("qemu")
    monkeypatch.setattr(build, "find_compiler", missing_compiler)
    with pytest.raises(CyclesUnavailableError, match="needs a C compiler"):
        plugin_for("qemu")


def missing_compiler():
    from textzoo.targets.toolchains import MissingToolError

    raise MissingToolError("no compiler")


@pytest.mark.parametrize("interface", [1, 2])
def test_the_plugin_is_compiled_once(tmp_path, monkeypatch, interface):
    need("qemu", "host")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(build, "interface_of", lambda program: interface)
    path = plugin_for("qemu")
    made = path.stat().st_mtime_ns
    assert path.parent == cache_folder() == tmp_path / "textzoo" / "cycles"
    assert plugin_for("qemu") == path
    assert path.stat().st_mtime_ns == made
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_cache_that_cannot_be_written_is_a_reason(tmp_path, monkeypatch):
    need("qemu", "host")
    (tmp_path / "textzoo").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(CyclesUnavailableError, match="cannot be compiled"):
        plugin_for("qemu")


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_the_plugin_compiles_without_warnings(tmp_path, compiler):
    """With the warnings of the project's C, for both compilers."""
    from textzoo.targets.toolchains import run_compiler
    from textzoo.testing import STRICT

    sources = [str(path) for path in build.plugin_files() if path.suffix == ".c"]
    flags = [*STRICT, *build.FLAGS, "-Wconversion", "-Wshadow", "-DTZ_QEMU_API=1", *build.LINKING]
    plugin = tmp_path / "plugin.so"
    run_compiler([need(compiler), *flags, *sources, "-o", str(plugin)])
    assert plugin.read_bytes().startswith(b"\x7fELF")


def test_cores_have_their_emulated_boards():
    assert {STAND_INS.get(core, core) for core in MODELS} <= set(CORES)
