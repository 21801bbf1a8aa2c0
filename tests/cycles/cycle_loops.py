"""Assembly programs that repeat instructions under the cycle model: what one repetition costs.

A row's instructions are repeated a few times in one function and more often in another; the difference of their costs
is that of whole repetitions. All rows of a core are one program, which runs once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from textzoo.common import processes
from textzoo.targets.cycles.measure import Measurement, Place, Span, counting
from textzoo.targets.cycles.timing import Level1, MemoryTiming, Timing
from textzoo.targets.toolchains import require_tool, run_compiler
from textzoo.targets.twins import TWINS
from textzoo.testing.bare_metal import CORES, STAND_INS, Core, emulator_command

FEW, MANY = 12, 28
RUN_SECONDS = 120
# Where the data lies behind the beginning of RAM; the stack grows from twice that.
DATA = 0x10000
BEGIN = """
    .syntax unified
    .thumb
    .section .text
    .global _start
    .word {stack:#x}
    .word _start + 1
    .space 1016
    .type _start, %function
    .thumb_func
_start:
"""
FPU = """
    ldr r0, =0xE000ED88 @ CPACR: the FPU
    ldr r1, =0x00F00000
    str r1, [r0]
    dsb
    isb
"""
END = """
{calls}
    movs r0, #0x18 @ the program ends
    ldr r1, =0x20026
    bkpt 0xab
    .ltorg
    .size _start, . - _start
"""
START = BEGIN + FPU + END
# Armv6-M: no FPU to switch on, and lists of low registers only.
START_OF_M0 = BEGIN + END
FUNCTION_OF_M0 = """
    .balign 128
    .type {name}, %function
    .thumb_func
{name}:
    push {{r4-r7, lr}}
    ldr r5, ={data:#x}
    ldr r6, ={data:#x} + 0x1000
    ldr r7, ={code:#x}
    movs r0, #0
    movs r1, #1
    movs r2, #2
    movs r3, #3
    mov r8, r0
    mov r9, r1
    movs r4, #{repetitions}
    b 1f
    .ltorg
    .balign 128
1:
{body}
    b 1f
    .ltorg
1:
    pop {{r4-r7, pc}}
    .size {name}, . - {name}
"""
# r5, r8: aligned data; r9: its own address is stored there; r6, r11: further data; r7: code; the others: small numbers.
FUNCTION = """
    .balign 128 @ all begin alike in lines of memory
    .type {name}, %function
    .thumb_func
{name}:
    push {{r4-r11, lr}}
    ldr r8, ={data:#x}
    add r9, r8, #0x400
    str r9, [r9]
    add r11, r8, #0x800
    mov r5, r8
    add r6, r8, #0x1000
    ldr r7, ={code:#x}
    movs r0, #0
    movs r1, #1
    movs r2, #2
    movs r3, #3
    movs r4, #{repetitions}
    mov r10, #4
    mov r12, #{repetitions}
    vmov s0, r0
    vmov s1, r0
    vmov s2, r0
    isb
    b.w 1f
    .balign 128
1:
{body}
    b.w 1f
    .ltorg
1:
    pop {{r4-r11, pc}}
    .size {name}, . - {name}
"""
# RISC-V: a0 to a5 are small numbers, s0 and s1 aligned data, s2 counts.
START_OF_RISCV = """
    .option norelax
    .section .text
    .global _start
    .type _start, %function
_start:
    li sp, {stack:#x}
{calls}
    li a0, 0x20 # the program ends: SYS_EXIT_EXTENDED
    la a1, 1f
    .option push
    .option norvc
    .balign 16
    slli x0, x0, 31
    ebreak
    srai x0, x0, 7
    .option pop
    .balign 4
1:
    .word 0x20026, 0
    .size _start, . - _start
"""
FUNCTION_OF_RISCV = """
    .balign 128
    .type {name}, %function
{name}:
    addi sp, sp, -16
    sw ra, 0(sp)
    li s0, {data:#x}
    li s1, {data:#x} + 0x400
    li s3, {code:#x}
    li a0, 0
    li a1, 1
    li a2, 2
    li a3, 3
    li a4, 4
    li a5, 5
    li s2, {repetitions}
    j 1f
    .balign 128
1:
{body}
    lw ra, 0(sp)
    addi sp, sp, 16
    ret
    .size {name}, . - {name}
"""
# Core -> beginning, functions.
TEXTS = dict.fromkeys(("m0", "m0plus"), (START_OF_M0, FUNCTION_OF_M0))
TEXTS |= dict.fromkeys(("m4", "m7", "m33", "m55"), (START, FUNCTION))
TEXTS["esp32c3"] = (START_OF_RISCV, FUNCTION_OF_RISCV)
CALLS = {"esp32c3": "call"}  # in place of bl


@dataclass(frozen=True)
class Row:
    """Instructions, and what they cost each time.

    Attributes:
        rule: The rule that they show, as the source has it.
        body: The instructions, separated by ";".
        cycles: Of one repetition.
        is_loop: Whether the body is a loop that counts r4 or r12 down, in place of being written out repeatedly.
    """

    rule: str
    body: str
    cycles: int
    is_loop: bool = False

    def text(self, repetitions: int) -> str:
        """Return the instructions that are repeated so often."""
        lines = "\n".join(f"    {line.strip()}" for line in self.body.split(";"))
        return lines if self.is_loop else "\n".join([lines] * repetitions)


@dataclass
class Costs:
    """What the rows of a core cost: (row's number, repetitions) -> cycles without and with waits for memories."""

    core: dict[tuple[int, int], int] = field(default_factory=dict)
    cycles: dict[tuple[int, int], int] = field(default_factory=dict)

    def of_one(self, number: int) -> float:
        """Return the core cycles of one repetition of a row."""
        return (self.core[number, MANY] - self.core[number, FEW]) / (MANY - FEW)

    def with_waits(self, number: int) -> float:
        return (self.cycles[number, MANY] - self.cycles[number, FEW]) / (MANY - FEW)


def source_of(rows: list[Row], core: str) -> str:
    """Return the program."""
    ram = board_of(core).ram[0]
    names = {(number, times): f"row_{number}_{times}" for number in range(len(rows)) for times in (FEW, MANY)}
    # Twice, so that the second time all find in buffers what the others left.
    calls = "\n".join(f"    {CALLS.get(core, 'bl')} {name}" for name in [*names.values()] * 2)
    start, function = TEXTS[core]
    parts = [start.format(stack=ram + 2 * DATA, calls=calls)]
    for (number, times), name in names.items():
        body = rows[number].text(times)
        parts.append(function.format(name=name, body=body, data=ram + DATA, code=code_of(core), repetitions=times))
    return "\n".join(parts)


def board_of(core: str) -> Core:
    """Return the core of the emulated board that runs the programs of a core."""
    return CORES[STAND_INS.get(core, core)]


def code_of(core: str) -> int:
    """Return the address of the first instruction, or of the vectors."""
    board = board_of(core)
    return TWINS[board.twin].reset.origin if board.twin else board.code


def assemble(source: str, core: str, folder: Path) -> Path:
    """Assemble the program of a core."""
    path, program = folder / f"{core}.s", folder / f"{core}.elf"
    path.write_text(source, encoding="utf-8")
    link = ["-nostdlib", f"-Wl,--section-start=.text={code_of(core):#x}", "-Wl,-e,_start"]
    board = board_of(core)
    flags = [flag for flag in board.flags if not flag.startswith("--specs")]  # which bring a linker script
    run_compiler([str(require_tool(board.compiler)), *flags, *link, str(path), "-o", str(program)])
    return program


def timing_of(core: str, code: MemoryTiming | None = None, level1: Level1 | None = None) -> Timing:
    """Return a timing with a memory CODE and a memory DATA that never waits."""
    code = code or MemoryTiming("CODE", "none")
    return Timing(core=core, memories={"CODE": code, "DATA": MemoryTiming("DATA", "none")}, level1=level1)


def measured(program: Path, core: str, timing: Timing, spans: Sequence[Span], within: str = "") -> Measurement:
    """Run a program to its end on the emulated board of a core, and return what it cost."""
    board = board_of(core)
    places = [Place("CODE", code_of(core), 1 << 20), Place("DATA", board.ram[0], board.ram[1])]
    with counting(program, timing, places, spans, within, board.emulator) as counter:
        command = [*emulator_command(STAND_INS.get(core, core)), str(program), *counter.options]
        done = processes.run_text(command, program.parent, timeout=RUN_SECONDS)
        result = counter.result()
    assert done.returncode == 0, done.stderr
    return result


def measure_rows(rows: list[Row], core: str, timing: Timing, folder: Path) -> Costs:
    """Run the program of a core, and return what its rows cost."""
    program = assemble(source_of(rows, core), core, folder)
    spans = [Span(f"row_{number}_{times}") for number in range(len(rows)) for times in (FEW, MANY)]
    costs = Costs()
    for call in measured(program, core, timing, spans).calls:
        _, number, times = call.name.split("_")
        costs.core[int(number), int(times)] = call.cost.core_cycles
        costs.cycles[int(number), int(times)] = call.cost.cycles
    return costs
