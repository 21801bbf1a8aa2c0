"""Nordic's nRF52840 and nRF52833: a bare-metal project. Both have the same registers (their product specifications)."""

import re
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.registry import unknown_name
from textzoo.targets.boards import Board
from textzoo.targets.cortex_m.platform import CortexM

FAMILIES = ("nrf52833", "nrf52840")
UARTS = ("UART0",)
PIN = re.compile(r"P([01])\.(\d{2})")
# Pins of port 0, and of port 1.
PINS = (32, 16)
PORT_STRIDE = 32


class Nrf52(CortexM):
    """nRF52840 and nRF52833."""

    name = "nrf52"
    oscillator = "its crystal"
    led_file = "led_nrf52.c"

    def check_chip(self, board: Board) -> None:
        if board.family not in FAMILIES:
            raise unknown_name(f"family of {board.name}", board.family, FAMILIES)
        if board.uart.instance not in UARTS:
            raise unknown_name(f"UART of {board.family}", board.uart.instance, UARTS)
        self.header_values(board)

    def chip_files(self, board: Board) -> list[str]:
        return ["serial_nrf52.c", "family_nrf52.c"]

    def header_values(self, board: Board) -> dict[str, Any]:
        return {
            "tx": pin_number(board.uart.tx),
            "rx": pin_number(board.uart.rx),
            "rate": rate(board.uart.baud),
        }

    def led_values(self, board: Board) -> dict[str, Any]:
        ground = board.led.ground
        return {"pin": pin_number(board.led.pin), "ground": pin_number(ground) if ground else None}


def pin_number(text: str) -> int:
    """Return the number of a pin in registers: P1.08 -> 40."""
    match = PIN.fullmatch(text)
    if not match or int(match[2]) >= PINS[int(match[1])]:
        raise UserError("invalid name of a pin", expected="a port and a number, e.g. P0.06 or P1.08", received=text)
    return int(match[1]) * PORT_STRIDE + int(match[2])


def rate(baud: int) -> int:
    """Return the UART's number for a speed: baud / 16 MHz with 32 fraction bits, of which 20 are used.

    Raises:
        UserError: The UART has no such speed.
    """
    if not 1200 <= baud <= 1_000_000:
        raise UserError(f"UART0 has no speed of {baud} baud", expected="1200 to 1000000 baud", received=str(baud))
    return (baud * 2**32 // 16_000_000 + 0x800) & 0xFFFFF000


PLATFORM = Nrf52()
