"""Cortex-M cores: the compiler's flags for them."""

from textzoo.common.registry import unknown_name
from textzoo.targets.boards import Board

# Core -> flags of GCC and clang. One with caches asks for weights ahead of time (deployment/runtime/dsp/preload.h): two
# lines were best on an STM32H7 by the model of cycles.
CORES = {
    "cortex-m0": "-mcpu=cortex-m0 -mthumb -mfloat-abi=soft -DTZ_HALVES",
    "cortex-m0plus": "-mcpu=cortex-m0plus -mthumb -mfloat-abi=soft -DTZ_HALVES",
    "cortex-m4": "-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16",
    "cortex-m7": "-mcpu=cortex-m7 -mthumb -mfloat-abi=hard -mfpu=fpv5-d16 -DTEXTZOO_PRELOAD=64",
    "cortex-m33": "-mcpu=cortex-m33 -mthumb -mfloat-abi=hard -mfpu=fpv5-sp-d16",
    "cortex-m55": "-mcpu=cortex-m55 -mthumb -mfloat-abi=hard -mfpu=auto",
}


def core_flags(board: Board) -> str:
    """Return the compiler's flags for a board's core; raise UserError if the core is unknown."""
    if board.core not in CORES:
        raise unknown_name(f"core of {board.name}", board.core, CORES)
    return CORES[board.core]
