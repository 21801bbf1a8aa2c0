"""The tools that write an image to a board: how they are installed, and which of those in its YAML is taken."""

import re
import shutil
from dataclasses import dataclass

from textzoo.common.errors import UserError
from textzoo.common.registry import unknown_name
from textzoo.targets.boards import Board
from textzoo.targets.serial_ports import SerialPort
from textzoo.targets.usb_adapters import J_LINK

# A value that only the user knows, as in "{elf} root@$(TARGET):/usr/local/bin/".
FROM_USER = "$("
# Serial numbers that can be part of a command line; the first ST-LINK/V2 have bytes that cannot be printed.
PLAIN_NUMBER = re.compile(r"[A-Za-z0-9]{1,64}")
# The variable of the project's Makefile with the serial number of the debug probe.
PROBE = "$(PROBE)"


@dataclass(frozen=True)
class FlashTool:
    """A tool that writes images.

    Attributes:
        install: Where it comes from, for a message.
        probe: Its option for the debug probe with a serial number; "" if it takes none.
        behind: Which of its arguments that option follows; "" for the first place.
        takes_port: Whether it writes over the serial line, whose path it has to be told.
    """

    install: str
    probe: str = ""
    behind: str = ""
    takes_port: bool = False


# Sources of the options: STM32CubeProgrammer: ST's UM2237, connect command, sn=; st-flash: its manual page, --serial;
# OpenOCD: its manual, Debug Adapter Configuration, `adapter serial`, since 0.12; nrfjprog: Nordic's nRF Command Line
# Tools, --snr; pyOCD: its documentation, Command Reference, --uid (also -u, and --probe).
FLASH_TOOLS = {
    "STM32_Programmer_CLI": FlashTool(
        "STM32CubeProgrammer of st.com, with its folder bin on the PATH", f"sn={PROBE}", "port=SWD"
    ),
    "st-flash": FlashTool("Debian: sudo apt-get install stlink-tools", f"--serial {PROBE}"),
    "openocd": FlashTool("Debian: sudo apt-get install openocd", f'-c "adapter serial {PROBE}"'),
    "pyocd": FlashTool("pip install pyocd", f"--uid {PROBE}", "flash"),
    "nrfjprog": FlashTool("nRF Command Line Tools of nordicsemi.com", f"--snr {PROBE}"),
    "picotool": FlashTool("github.com/raspberrypi/picotool, or copy the .uf2 to the drive of the boot ROM instead"),
    "idf.py": FlashTool("ESP-IDF of Espressif, with its export.sh sourced", takes_port=True),
    "scp": FlashTool("Debian: sudo apt-get install openssh-client"),
}
UNKNOWN_TOOL = FlashTool("see its own documentation")


def flash_tool(board: Board, chosen: str | None = None) -> str:
    """Return a tool that writes a board's image.

    Args:
        board: The board.
        chosen: deployment.flash_tool; None for the first tool of the board's YAML that is installed.

    Raises:
        UserError: There is none, or the board is not written by a tool alone.
    """
    tools = [name for name, arguments in board.flash.items() if FROM_USER not in arguments]
    if not tools:
        raise UserError(
            f"deployment.flash=true: no tool writes an image to {board.name} by itself",
            received=", ".join(board.flash) or "no `flash` in the board's YAML",
            remedy=board.boot,
        )
    if chosen is not None and chosen not in tools:
        raise unknown_name(f"tool that writes an image to {board.name} (deployment.flash_tool)", chosen, tools)
    wanted = tools if chosen is None else [chosen]
    found = next((name for name in wanted if shutil.which(name)), None)
    if found is None:
        raise UserError(
            f"deployment.flash=true: nothing is installed that writes an image to {board.name}",
            expected=f"one of {', '.join(tools)} on the PATH" if chosen is None else f"{chosen} on the PATH",
            remedy=f"Install {' or '.join(map(installation, wanted))}.",
        )
    return found


def installation(name: str) -> str:
    """Return how a tool is installed."""
    return f"{name} ({FLASH_TOOLS.get(name, UNKNOWN_TOOL).install})"


def with_probe(name: str, arguments: str) -> str:
    """Return a tool's arguments in a Makefile, with the option for the probe if PROBE is set there."""
    tool = FLASH_TOOLS.get(name, UNKNOWN_TOOL)
    if not tool.probe or tool.behind not in arguments:
        return arguments
    if not tool.behind:
        return f"$(if $(PROBE),{tool.probe} ){arguments}"
    before, behind, after = arguments.partition(tool.behind)
    return f"{before}{behind}$(if $(PROBE), {tool.probe}){after}"


def variables(name: str, port: SerialPort) -> list[str]:
    """Return the variables of `make flash` that tell a tool which board is meant."""
    number = port.number.lstrip("0") if port.adapter.kind == J_LINK else port.number  # those are numbers
    has_number = port.adapter.is_probe and PLAIN_NUMBER.fullmatch(number)
    return [
        f"FLASH_TOOL={name}",
        *([f"PORT={port.path}"] if FLASH_TOOLS.get(name, UNKNOWN_TOOL).takes_port else []),
        *([f"PROBE={number}"] if has_number else []),
    ]
