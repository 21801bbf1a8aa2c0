"""Cycles of our own kernels and of a small model's token: exact integers, which a change of either shows.

Where a kernel or the model has changed on purpose, the new figures belong here; the failing test's message has
them.
"""

import numpy as np
import pytest
from cycle_loops import board_of, measured

from compilers import need, need_exact
from textzoo.compiler.packing.registry import VARIANTS
from textzoo.config import pretrained
from textzoo.config.boards import load_board
from textzoo.pipeline.firmware import make_firmware
from textzoo.targets.cycles.measure import Place, Span, counting, places_of
from textzoo.targets.cycles.timing import CORES as MODELS
from textzoo.targets.cycles.timing import Level1, MemoryTiming, Timing
from textzoo.targets.emulators import build_image, run_program
from textzoo.targets.platforms import platform_of
from textzoo.testing.bare_metal import STAND_INS, cases
from textzoo.testing.bare_metal.attention_parts import random_part
from textzoo.testing.bare_metal.fully_connected import random_layer
from textzoo.testing.bare_metal.fully_connected_s16 import random_wide_layer
from textzoo.text.tokenizers.base import load_tokenizer

ROWS, COLUMNS = 48, 64
# Waits of code and constants: as STM32F4, STM32H7, STM32U5 and ESP32-C3 have them.
ART = {"stall": 5, "line": 16, "instruction_lines": 64, "data_lines": 8, "read_ahead": True}
# The flash of a Cortex-M0+ without buffers, at a clock that needs one wait state.
FLASH = {"m0plus": {"stall": 1, "line": 4}, "m4": ART, "m7": {"stall": 25, "cached": True}}
FLASH["m55"] = {"stall": 20, "cached": True}
FLASH["esp32c3"] = {"stall": 207, "line": 32, "instruction_lines": 512, "ways": 8, "shared": True}
FLASH["m33"] = {"stall": 6, "line": 16, "instruction_lines": 512, "ways": 2, "shared": True}
KERNELS = ("fully_connected_s8", "fully_connected_s8_w4", "fully_connected_s8_w2", "fully_connected_s16")
PARTS = ("dot_rows_s8", "weighted_sum_s8", "dot_rows_s16", "weighted_sum_s16")

# core -> kernel -> instructions, core cycles, cycles with waits for the code
KERNEL_CYCLES: dict[str, dict[str, tuple[int, int, int]]] = {
    "m55": {
        "fully_connected_s8": (820, 960, 1319),
        "fully_connected_s8_w4": (803, 963, 1303),
        "fully_connected_s8_w2": (842, 1160, 1480),
        "fully_connected_s16": (1673, 1870, 2310),
        "dot_rows_s8": (514, 517, 737),
        "weighted_sum_s8": (3056, 3139, 3419),
        "dot_rows_s16": (2749, 3403, 3623),
        "weighted_sum_s16": (2436, 2856, 3036),
    },
    "esp32c3": {
        "fully_connected_s8": (13891, 14769, 22221),
        "fully_connected_s8_w4": (11194, 11903, 17492),
        "fully_connected_s8_w2": (11331, 12082, 19948),
        "dot_rows_s8": (24220, 29365, 32884),
        "weighted_sum_s8": (16862, 19886, 23612),
        "dot_rows_s16": (38302, 44739, 46602),
        "weighted_sum_s16": (25922, 32579, 33407),
    },
    "m0plus": {
        "fully_connected_s8": (17152, 20854, 29752),
        "fully_connected_s8_w4": (17849, 22359, 31468),
        "fully_connected_s8_w2": (15262, 18938, 26685),
        "dot_rows_s8": (28056, 36577, 51251),
        "weighted_sum_s8": (19310, 23768, 33916),
        "dot_rows_s16": (53391, 76532, 103464),
        "weighted_sum_s16": (28215, 40666, 56320),
    },
    "m4": {
        "fully_connected_s8": (3222, 4955, 5151),
        "fully_connected_s8_w4": (4080, 5401, 6697),
        "fully_connected_s8_w2": (3046, 4148, 4321),
        "fully_connected_s16": (4819, 6897, 6974),
        "dot_rows_s8": (4448, 6537, 6650),
        "weighted_sum_s8": (6660, 9100, 9164),
        "dot_rows_s16": (5327, 9188, 9218),
        "weighted_sum_s16": (5349, 8221, 8285),
    },
    "m7": {
        "fully_connected_s8": (3329, 3041, 4419),
        "fully_connected_s8_w4": (4122, 3456, 5076),
        "fully_connected_s8_w2": (3065, 2238, 3302),
        "fully_connected_s16": (5035, 4909, 5462),
        "dot_rows_s8": (4457, 3761, 4515),
        "weighted_sum_s8": (6684, 6317, 6817),
        "dot_rows_s16": (5231, 5231, 5581),
        "weighted_sum_s16": (5353, 5863, 6137),
    },
    "m33": {
        "fully_connected_s8": (3217, 4887, 5463),
        "fully_connected_s8_w4": (4073, 5561, 6245),
        "fully_connected_s8_w2": (3040, 4485, 4908),
        "fully_connected_s16": (4869, 7403, 7648),
        "dot_rows_s8": (4432, 6154, 6468),
        "weighted_sum_s8": (6612, 8381, 8584),
        "dot_rows_s16": (5424, 8370, 8525),
        "weighted_sum_s16": (5352, 7604, 7711),
    },
}
# board -> instructions, core cycles, cycles with waits, over the tokens of the check at the start
TOKEN_CYCLES: dict[str, tuple[int, int, int]] = {
    "STM32F4": (1_580_135, 2_320_579, 2_354_512),
    "STM32H7": (1_621_959, 1_527_917, 1_531_642),
    "STM32U5": (1_579_847, 2_403_756, 2_405_492),
    "STM32N6": (669_383, 855_376, 1_812_696),
    "ESP32C3": (5_825_669, 6_228_756, 6_277_608),
}


def flash_of(core, names=("CODE",), data=("DATA",)):
    """The timing of a core: memories with waits, and others without."""
    memories = {name: MemoryTiming(name, "none", **FLASH[core]) for name in names}
    memories |= {name: MemoryTiming(name, "none") for name in data}
    return Timing(core=core, memories=memories, level1=Level1("none") if MODELS[core].has_l1 else None)


def need_tools(core):
    """Skip a test without what runs a core's programs, or with another compiler than that of the figures."""
    board = board_of(core)
    need(board.emulator, "host")
    need_exact(board.compiler)


def kernel_cases(variant):
    """One call of each kernel that a variant has, with random numbers."""
    random = np.random.default_rng(15)
    layers = [random_layer(random, ROWS, COLUMNS, kernel=kernel) for kernel in KERNELS[:-1]]
    layers.append(random_wide_layer(random, ROWS, COLUMNS))
    found = [layer.case(variant) for layer in layers if layer.kernel in VARIANTS[variant]]
    return found + [random_part(random, kernel, ROWS, COLUMNS).case() for kernel in PARTS]


@pytest.mark.quick(1)
@pytest.mark.parametrize("core", FLASH)
def test_cycles_of_kernels(core, tmp_path):
    need_tools(core)
    variant = board_of(core).variant
    program = cases.build_for_core(STAND_INS.get(core, core), variant, ("-O2",), tmp_path)
    cases.write_cases(kernel_cases(variant), tmp_path)
    spans = [Span(f"tz_{kernel}") for kernel in (*KERNELS, *PARTS)]
    calls = measured(program, core, flash_of(core), spans).calls
    costs = {call.name.removeprefix("tz_"): call.cost for call in calls if call.depth == 0}
    assert {name: cost.values()[:3] for name, cost in costs.items()} == KERNEL_CYCLES[core]


@pytest.mark.quick(1)
@pytest.mark.parametrize("board_name", TOKEN_CYCLES)
def test_cycles_of_the_tokens_of_a_small_model(board_name, tmp_path):
    """The program checks itself when it starts, by as many tokens as the model's file says."""
    folder, board = pretrained.FOLDER / "tiny_lm", load_board(board_name)
    core = board.timing.core
    need_tools(core)
    need("make")
    tokenizer = load_tokenizer(folder / pretrained.TOKENIZER)
    made = make_firmware(folder / "decode_static_wi8_ai8.tflite", tokenizer, board, tmp_path / "project")
    platform, emulator = platform_of(board), board.emulator()
    image = build_image(made.project, board, emulator)
    rams = [memory.name for memory in board.rams]
    timing = flash_of(core, [name for name in board.memories if name not in rams], rams)
    places = places_of(board, emulator, board.rams[0])
    with counting(image, timing, places, [Span("model_step")], qemu=platform.emulator_tool(emulator)) as counter:
        command = [*platform.emulator_command(emulator), str(image), *counter.options]
        with run_program(command, board_name, made.project):
            pass
        total = counter.result().total("model_step")
    assert total.values()[:3] == TOKEN_CYCLES[board_name]


def test_places_are_those_of_the_image():
    """The emulated image has the board's memories, one of them moved; a twin has its own, RAM behind each other."""
    board = load_board("STM32F4")
    ram = [Place("SRAM", 0x20000000, 128 << 10), Place("CCM", 0x20020000, 64 << 10)]
    own = places_of(board, board.emulator("netduinoplus2"), board.rams[0])
    assert own == [*ram, Place("FLASH", 0x08000000, 1 << 20)]
    twin = places_of(board, board.emulator("mps2-an386"), board.rams[0])
    assert twin == [*ram, Place("FLASH", 0, 4 << 20)]
    esp32c3 = load_board("ESP32C3")
    of_the_table = places_of(esp32c3, esp32c3.emulator(), esp32c3.rams[0])
    assert of_the_table == [Place("DRAM", 0x82000000, 224 << 10), Place("FLASH", 0x80001000, 16 << 20)]
