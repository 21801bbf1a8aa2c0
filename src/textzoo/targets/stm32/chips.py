"""Facts of STM32 chips that boards share: addresses of registers."""

import re
from dataclasses import dataclass, field

from textzoo.common.errors import UserError
from textzoo.common.registry import unknown_name
from textzoo.targets.boards import Board

GPIO_STRIDE = 0x400
POWER_SUPPLIES = {"ldo": 2, "smps": 4}
PIN = re.compile(r"P([A-Q])(\d{1,2})")


@dataclass(frozen=True)
class Pin:
    """A pin by its port (0 = A) and number in the port."""

    port: int
    number: int

    @classmethod
    def parse(cls, text: str) -> "Pin":
        match = PIN.fullmatch(text)
        if not match or int(match[2]) > 15:
            raise UserError("invalid name of a pin", expected="a port and a number, e.g. PA9", received=text)
        return cls(ord(match[1]) - ord("A"), int(match[2]))


@dataclass(frozen=True)
class Usart:
    """Address of a USART, address of its clock's enable register (0: defined in the family's file), bit in it.

    Attributes:
        interrupt: Its number in the chip's table of interrupts.
    """

    base: int
    enable_register: int
    clock_bit: int
    interrupt: int


@dataclass(frozen=True)
class Family:
    """A family of chips.

    Attributes:
        source: Its file in deployment/platforms/stm32.
        gpio_base: Address of GPIO port A.
        usart_generation: 1 = one data register (F4), 2 = separate registers (L4), 3 = with a FIFO (later ones).
        usarts: The USARTs that the family's file can initialize.
        defines: Additional macros of board.h.
        needs_power_supply: Whether the board must define how the core is supplied.
    """

    source: str
    gpio_base: int
    usart_generation: int
    usarts: dict[str, Usart]
    defines: dict[str, str] = field(default_factory=dict)
    needs_power_supply: bool = False


F4_USARTS = {"USART2": Usart(0x40004400, 0, 17, 38), "USART3": Usart(0x40004800, 0, 18, 39)}
F4_TIMER = {"BOARD_TIMER_COUNT": "REGISTER(0x40000024u) /* TIM2, where the core's own counter is missing */"}
L4_USARTS = {
    "USART1": Usart(0x40013800, 0x40021060, 14, 37),
    "USART2": Usart(0x40004400, 0x40021058, 17, 38),
    "USART3": Usart(0x40004800, 0x40021058, 18, 39),
}
FAMILIES = {
    "stm32f4": Family(
        source="family_stm32f4.c",
        gpio_base=0x40020000,
        usart_generation=1,
        usarts=F4_USARTS,
        defines=F4_TIMER | {"BOARD_CORE_MHZ": "168", "BOARD_FLASH_WAITS": "5u /* RM0090, 3.5.1 */"},
    ),
    "stm32f401": Family(
        source="family_stm32f4.c",
        gpio_base=0x40020000,
        usart_generation=1,
        usarts={"USART2": F4_USARTS["USART2"]},  # it has no USART3,
        defines=F4_TIMER | {"BOARD_CORE_MHZ": "84", "BOARD_FLASH_WAITS": "2u /* RM0368, 3.4.1 */"},
    ),
    "stm32g4": Family(
        source="family_stm32l4.c",
        gpio_base=0x48000000,
        usart_generation=3,
        usarts=L4_USARTS,
        defines={"BOARD_PLL_INPUT": "4u /* MHz */", "BOARD_CORE_MHZ": "170u", "BOARD_HAS_BOOST": "1"},
    ),
    "stm32h7": Family(
        source="family_stm32h7.c",
        gpio_base=0x58020000,
        usart_generation=3,
        usarts={
            "USART1": Usart(0x40011000, 0x580244F0, 4, 37),
            "USART2": Usart(0x40004400, 0x580244E8, 17, 38),
            "USART3": Usart(0x40004800, 0x580244E8, 18, 39),
        },
        needs_power_supply=True,
    ),
    "stm32l4": Family(
        source="family_stm32l4.c",
        gpio_base=0x48000000,
        usart_generation=2,
        usarts=L4_USARTS,
        defines={"BOARD_PLL_INPUT": "8u /* MHz */", "BOARD_CORE_MHZ": "80u"},
    ),
    "stm32n6": Family(
        source="family_stm32n6.c",
        gpio_base=0x56020000,
        usart_generation=3,
        usarts={"USART1": Usart(0x52001000, 0, 4, 159)},
    ),
    "stm32u5": Family(
        source="family_stm32u5.c",
        gpio_base=0x42020000,
        usart_generation=3,
        usarts={"USART1": Usart(0x40013800, 0, 14, 61)},
    ),
}


def check(board: Board) -> None:
    """Raise UserError if a board's chip, serial line or pins are not supported."""
    uart_values(board)
    family_defines(board)


def family_of(board: Board) -> Family:
    if board.family not in FAMILIES:
        raise unknown_name(f"family of {board.name}", board.family, FAMILIES)
    return FAMILIES[board.family]


def uart_values(board: Board) -> dict:
    """Return the addresses of the board's serial line for board.h."""
    family = family_of(board)
    if board.uart.instance not in family.usarts:
        raise unknown_name(f"USART of {board.family}", board.uart.instance, family.usarts)
    usart = family.usarts[board.uart.instance]
    return {
        "generation": family.usart_generation,
        "base": usart.base,
        "enable_register": usart.enable_register,
        "clock_bit": usart.clock_bit,
        "interrupt": usart.interrupt,
        "tx": pin_values(family, Pin.parse(board.uart.tx)),
        "rx": pin_values(family, Pin.parse(board.uart.rx)),
    }


def led_values(board: Board) -> dict:
    """Return the pin of the board's LED for board.h."""
    return {"pin": pin_values(family_of(board), Pin.parse(board.led.pin))}


def pin_values(family: Family, pin: Pin) -> dict[str, int]:
    return {"gpio": family.gpio_base + GPIO_STRIDE * pin.port, "number": pin.number, "port_index": pin.port}


def family_defines(board: Board) -> dict[str, str]:
    family = family_of(board)
    if not family.needs_power_supply:
        return family.defines
    if board.power_supply not in POWER_SUPPLIES:
        raise UserError(
            f"{board.name} does not define how its core is supplied",
            expected=f"power_supply: {' or '.join(POWER_SUPPLIES)}",
            received=board.power_supply or "nothing",
        )
    return family.defines | {"BOARD_POWER_SUPPLY": f"{POWER_SUPPLIES[board.power_supply]}u /* {board.power_supply} */"}
