"""Weights that are copied into RAM at the start: which ones, where they lie, and that nothing else changes."""

import dataclasses
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compilers import need
from textzoo.common.paths import PRETRAINED_MODELS
from textzoo.config.boards import board_names, load_board
from textzoo.pipeline.firmware import make_firmware, reference_logits
from textzoo.services.benchmarking import logits_after_reset
from textzoo.targets.boards import FLASH, TWIN_IMAGE
from textzoo.targets.emulators import build_image, emulate
from textzoo.targets.placement import ALIGNMENT, AUTO, IN_FLASH, place, wait
from textzoo.targets.platforms import platform_of
from textzoo.targets.settings import DeploymentConfig
from textzoo.targets.toolchains import tool_beside
from textzoo.text.tokenizers.base import load_tokenizer

BOARDS = {name: load_board(name) for name in board_names()}
TIMED = [name for name, board in BOARDS.items() if board.timing]
SMALL, LARGE = "tiny_lm", "pico_gpt"
# One case for each board; those of the first ones also with the larger model, whose state is too large for others.
LARGE_ON = ("ESP32C3", "STM32F4", "STM32H7", "STM32H743", "STM32U5")
# Boards whose images copy weights, and have RAM that makes the core wait less than their image's memory.
COPYING = [
    name
    for name in TIMED
    if platform_of(BOARDS[name]).copies_weights
    and any(
        wait(BOARDS[name].timing, ram.name) < wait(BOARDS[name].timing, BOARDS[name].memory(FLASH).name)
        for ram in BOARDS[name].rams
    )
]
CASES = [(SMALL, name) for name in COPYING] + [(LARGE, name) for name in LARGE_ON]
RAM_OF_RV32 = 0x82000000  # of the emulated board of an ESP32-C3
TOKENS = 40
SIZES = st.lists(st.integers(1, 200_000), max_size=40)


@pytest.mark.parametrize("name", TIMED)
@given(sizes=SIZES, ram_bytes=st.integers(0, 300_000))
def test_copies_fit_what_is_left_and_each_constant_is_copied_once(name, sizes, ram_bytes):
    board = BOARDS[name]
    sizes = {f"constant_{index}": size for index, size in enumerate(sizes)}
    placement = place(board, list(sizes.items()), ram_bytes)
    symbols = [symbol for copied in placement.copies.values() for symbol in copied.symbols]
    assert len(set(symbols)) == len(symbols)
    flash = wait(board.timing, board.memory(FLASH).name)
    for memory in board.rams:
        used = sum(aligned(sizes[symbol]) for symbol in copied_to(placement, memory.name))
        assert placement.bytes_in(memory.name) == used
        room = memory.bytes - (ram_bytes if memory is board.data_memory(ram_bytes) else 0)
        assert used == 0 or used <= room
        assert used == 0 or wait(board.timing, memory.name) < flash
        # What stayed behind has no room here.
        behind = [size for symbol, size in sizes.items() if symbol not in symbols]
        assert all(used + aligned(size) > room for size in behind) or wait(board.timing, memory.name) >= flash


def aligned(size):
    return -(-size // ALIGNMENT) * ALIGNMENT


def copied_to(placement, memory):
    return placement.copies[memory].symbols if memory in placement.copies else ()


def test_a_board_without_timing_copies_nothing():
    assert not place(dataclasses.replace(BOARDS[TIMED[0]], timing=None), [("c", 8)], 0).copies


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The firmware of a pretrained model on a board."""

    def make(model, name, placement):
        folder = PRETRAINED_MODELS / model
        return make_firmware(
            folder / "decode_static_wi8_ai8.tflite",
            load_tokenizer(folder / "tokenizer.json"),
            BOARDS[name],
            tmp_path_factory.mktemp("made") / name,
            tokens_checked=TOKENS,
            settings=DeploymentConfig(placement=placement),
        )

    return make


@pytest.mark.slow
@pytest.mark.parametrize(("model", "name"), CASES)
def test_logits_are_the_same_from_flash_and_from_copies(made, model, name):
    need_tools_of(BOARDS[name])
    tables = {}
    for placement in (AUTO, IN_FLASH):
        firmware = made(model, name, placement)
        tokens = [int(token) for token in firmware.tokens[:TOKENS]]
        with emulate(firmware.project, firmware.board) as console:
            assert console.ask({"command": "self_check"})["weights"]
            found = logits_after_reset(console, tokens, reference_logits(firmware.engine, tokens).dtype)
        assert (found == reference_logits(firmware.engine, tokens)).all()
        tables[placement] = firmware.sizes.placement.copies
    assert tables[AUTO]
    assert not tables[IN_FLASH]


@pytest.mark.slow
@pytest.mark.parametrize(("model", "name"), [case for case in CASES if case[0] == LARGE or case[1] not in LARGE_ON])
def test_the_copies_lie_where_the_plan_says(made, model, name):
    need_tools_of(BOARDS[name])
    firmware = made(model, name, AUTO)
    board, platform = firmware.board, platform_of(firmware.board)
    program = build_image(firmware.project, board)
    addresses = symbol_addresses(program, platform.compiler(board, platform.image))
    for memory, copied in firmware.sizes.placement.copies.items():
        first = RAM_OF_RV32 if platform.image == TWIN_IMAGE else board.memories[memory].origin
        assert all(first <= addresses[symbol] < first + board.memories[memory].bytes for symbol in copied.symbols)
    sizes = platform.image_sizes(board, program)
    planned = sum(firmware.sizes.placement.bytes_by_memory.values())
    assert 0 <= planned - sizes.copied_weights < ALIGNMENT * len(addresses)
    kept = made(model, name, IN_FLASH)
    assert 0 <= sizes.flash.weights - platform.image_sizes(board, build_image(kept.project, board)).flash.weights < 64


def need_tools_of(board):
    platform = platform_of(board)
    need(platform.compiler(board, platform.image), "make", platform.emulator_tool(board.emulator()))


def symbol_addresses(program, compiler):
    """Symbol -> address, as the toolchain's nm prints them."""
    printed = subprocess.run(
        [str(tool_beside(compiler, "nm")), str(program)], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    rows = [line.split() for line in printed.splitlines()]
    return {row[2]: int(row[0], 16) for row in rows if len(row) == 3}
