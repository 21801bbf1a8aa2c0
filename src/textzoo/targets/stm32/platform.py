"""STM32 microcontrollers: a bare-metal project."""

from typing import Any

from textzoo.targets.boards import Board
from textzoo.targets.cortex_m.platform import CortexM
from textzoo.targets.stm32 import chips


class Stm32(CortexM):
    """STM32 microcontrollers."""

    name = "stm32"
    oscillator = "its internal oscillator"
    led_file = "led_stm32.c"

    def check_chip(self, board: Board) -> None:
        chips.check(board)

    def chip_files(self, board: Board) -> list[str]:
        return ["serial_usart.c", chips.family_of(board).source]

    def header_values(self, board: Board) -> dict[str, Any]:
        return {"uart": chips.uart_values(board), "family_defines": chips.family_defines(board)}

    def led_values(self, board: Board) -> dict[str, Any]:
        return chips.led_values(board)


PLATFORM = Stm32()
