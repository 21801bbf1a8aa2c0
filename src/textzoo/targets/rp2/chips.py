"""Facts of RP2040 and RP2350: addresses of registers (their datasheets; both have the same blocks)."""

import re
from dataclasses import dataclass

from textzoo.common.errors import UserError
from textzoo.common.registry import unknown_name
from textzoo.targets.boards import Board

PIN = re.compile(r"GP(\d{1,2})")
UARTS = ("UART0", "UART1")
UART_STRIDE = 0x8000
PINS = 30


@dataclass(frozen=True)
class Chip:
    """A chip.

    Attributes:
        boot_file: What its boot ROM looks for, in deployment/platforms/rp2.
        boot_bytes: Of the second stage of its boot, in front of the program; 0 if it has none.
        uf2_family: Its number in UF2 files.
        clocks, resets, pins, pads, crystal, pll, uart: Addresses; `uart` of UART0.
        pins_reset, pads_reset, pll_reset, uart_reset: Bits of the reset register; `uart_reset` of UART0.
        interrupt: Number of UART0's.
        divider: 750 MHz divided by the clock.
        output_set, output_clear, output_enable: Addresses of the registers that switch pins (single-cycle IO).
    """

    boot_file: str
    boot_bytes: int
    uf2_family: int
    clocks: int
    resets: int
    pins: int
    pads: int
    crystal: int
    pll: int
    uart: int
    pins_reset: int
    pads_reset: int
    pll_reset: int
    uart_reset: int
    interrupt: int
    divider: int
    output_set: int
    output_clear: int
    output_enable: int


CHIPS = {
    "rp2040": Chip(
        boot_file="boot_rp2040.c",
        boot_bytes=256,
        uf2_family=0xE48BFF56,
        clocks=0x40008000,
        resets=0x4000C000,
        pins=0x40014000,
        pads=0x4001C000,
        crystal=0x40024000,
        pll=0x40028000,
        uart=0x40034000,
        pins_reset=5,
        pads_reset=8,
        pll_reset=12,
        uart_reset=22,
        interrupt=20,
        divider=6,
        output_set=0xD0000014,
        output_clear=0xD0000018,
        output_enable=0xD0000024,
    ),
    "rp2350": Chip(
        boot_file="boot_rp2350.c",
        boot_bytes=0,
        uf2_family=0xE48BFF59,
        clocks=0x40010000,
        resets=0x40020000,
        pins=0x40028000,
        pads=0x40038000,
        crystal=0x40048000,
        pll=0x40050000,
        uart=0x40070000,
        pins_reset=6,
        pads_reset=9,
        pll_reset=14,
        uart_reset=26,
        interrupt=33,
        divider=5,
        output_set=0xD0000018,
        output_clear=0xD0000020,
        output_enable=0xD0000038,
    ),
}


def chip_of(board: Board) -> Chip:
    """Return a board's chip; raise UserError if it is unknown."""
    if board.family not in CHIPS:
        raise unknown_name(f"family of {board.name}", board.family, CHIPS)
    return CHIPS[board.family]


def uart_values(board: Board) -> dict[str, int]:
    """Return address, bits and pins of the board's serial line; raise UserError if there is no such line."""
    chip = chip_of(board)
    if board.uart.instance not in UARTS:
        raise unknown_name(f"UART of {board.family}", board.uart.instance, UARTS)
    index = UARTS.index(board.uart.instance)
    return {
        "base": chip.uart + index * UART_STRIDE,
        "reset": chip.uart_reset + index,
        "interrupt": chip.interrupt + index,
        "tx": pin_number(board.uart.tx, index, 0),
        "rx": pin_number(board.uart.rx, index, 1),
    }


def output_number(text: str) -> int:
    """Return the number of any pin."""
    match = PIN.fullmatch(text)
    if match is None or int(match[1]) >= PINS:
        raise UserError("invalid name of a pin", expected=f"GP0 to GP{PINS - 1}", received=text or "nothing")
    return int(match[1])


def pin_number(text: str, index: int, place: int) -> int:
    """Return the number of a pin that can carry a UART's line.

    Args:
        text: E.g. GP0.
        index: Of the UART. Groups of four pins (TX, RX and two more) belong to UART 0, 1, 1, 0, 0, 1, 1, 0.
        place: In the group: 0 = TX, 1 = RX.
    """
    match = PIN.fullmatch(text)
    number = int(match[1]) if match else -1
    if match is None or number >= PINS or number % 4 != place or (number + 4) // 8 % 2 != index:
        usable = [f"GP{pin}" for pin in range(place, PINS, 4) if (pin + 4) // 8 % 2 == index]
        what = f"{UARTS[index]} has no such {('TX', 'RX')[place]} pin"
        raise UserError(what, expected=" or ".join(usable), received=text or "nothing")
    return number
