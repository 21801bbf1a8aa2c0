"""Raspberry Pi's RP2040 and RP2350: a bare-metal project with an image in the format UF2."""

from typing import Any

from textzoo.targets.boards import Board
from textzoo.targets.cortex_m.platform import CortexM
from textzoo.targets.rp2 import chips


class Rp2(CortexM):
    """RP2040 and RP2350."""

    name = "rp2"
    image_tools = ("host",)  # for the program that writes UF2
    oscillator = "its crystal"
    led_file = "led_rp2.c"

    def check_chip(self, board: Board) -> None:
        chips.uart_values(board)

    def chip_files(self, board: Board) -> list[str]:
        return ["serial_pl011.c", "family_rp2.c", chips.chip_of(board).boot_file]

    def header_values(self, board: Board) -> dict[str, Any]:
        return {"chip": chips.chip_of(board), "uart": chips.uart_values(board)}

    def led_values(self, board: Board) -> dict[str, Any]:
        return {"pin": chips.output_number(board.led.pin)}

    def uf2_family(self, board: Board) -> int | None:
        return chips.chip_of(board).uf2_family

    def boot_bytes(self, board: Board) -> int:
        return chips.chip_of(board).boot_bytes


PLATFORM = Rp2()
