"""Chips of published measurements that are no boards of TextZoo: their memories and waits, for modelled cycles.

The emulated twin of a board with the same core stands in: only what the model of cycles reads is the chip's own. Waits
follow from pairs of published measurements of MLPerf Tiny AD by Bosch HALE, from flash and from RAM of one chip.
"""

from dataclasses import replace

from textzoo.config.boards import load_board
from textzoo.targets.boards import FLASH, RAM, Board, Memory
from textzoo.targets.cycles.timing import Level1, MemoryTiming, Timing

KB = 1024
PAIR = "from the difference of HALE's measurements in flash and in RAM"


def stm32l4r5() -> Board:
    """Return NUCLEO-L4R5ZI's chip: 120 MHz, 2 MB of flash in lines of 64 bits, 640 KB of RAM."""
    twin, flash = load_board("STM32F4"), Memory("FLASH", FLASH, 0x08000000, 2048 * KB)
    waits = MemoryTiming("FLASH", PAIR, stall=4, line=8, instruction_lines=128, data_lines=32, read_ahead=True)
    return chip(
        "STM32L4R5",
        replace(twin, emulation={"mps2-an386": twin.emulation["mps2-an386"]}),
        120_000_000,
        [flash, Memory("SRAM", RAM, 0x20000000, 640 * KB)],
        Timing("m4", {"FLASH": waits, "SRAM": MemoryTiming("SRAM", "RM0432: no wait states")}),
    )


def stm32h7a3(with_dtcm: bool) -> Board:
    """Return NUCLEO-H7A3ZI-Q's chip: 280 MHz, 2 MB of flash and 1 MB of RAM on the AXI bus, 128 KB of DTCM."""
    memories = [Memory("FLASH", FLASH, 0x08000000, 2048 * KB), Memory("AXISRAM", RAM, 0x24000000, 1024 * KB)]
    waits = {
        "FLASH": MemoryTiming("FLASH", PAIR, stall=19, cached=True),
        "AXISRAM": MemoryTiming("AXISRAM", "from HALE's measurement in RAM", stall=10, cached=True),
    }
    if with_dtcm:
        memories.append(Memory("DTCM", RAM, 0x20000000, 128 * KB))
        waits["DTCM"] = MemoryTiming("DTCM", "Arm DDI 0489: no wait states")
    name = "STM32H7A3" if with_dtcm else "STM32H7A3 without DTCM"
    timing = Timing("m7", waits, Level1("RM0455: 16 KB of each"))
    return chip(name, load_board("STM32H7"), 280_000_000, memories, timing)


def chip(name: str, twin: Board, clock_hz: int, memories: list[Memory], timing: Timing) -> Board:
    named = {memory.name: memory for memory in memories}
    return replace(twin, board=name, title=name, clock_hz=clock_hz, memories=named, timing=timing)


def chips() -> dict[str, Board]:
    """Return name -> chip."""
    found = [stm32l4r5(), stm32h7a3(with_dtcm=True), stm32h7a3(with_dtcm=False)]
    return {board.name: board for board in found}
