"""Code for ARMv6-M on QEMU's BBC micro:bit of 2016, whose Cortex-M0 has no other instructions: nRF51822, 16 KB of RAM.

Its serial line is that of an nRF52, so that it runs a board's own image: serial driver, interrupts and SysTick, too.
"""

import dataclasses

import pytest

from compilers import need
from textzoo.common.paths import PRETRAINED_MODELS
from textzoo.config.boards import load_board
from textzoo.pipeline.firmware import make_firmware
from textzoo.services.benchmarking import mismatches
from textzoo.targets.boards import Emulator, Memory
from textzoo.targets.emulators import emulate
from textzoo.text.tokenizers.base import load_tokenizer

TOKENS = 24
MACHINE = "microbit"


@pytest.fixture
def board():
    return dataclasses.replace(
        load_board("MICROBIT"),
        core="cortex-m0",
        variant=load_board("PICO").variant,
        timing=None,
        cycles_per_instruction=1.0,
        memories={
            "FLASH": Memory("FLASH", "flash", 0x00000000, 256 << 10),
            "SRAM": Memory("SRAM", "ram", 0x20000000, 16 << 10),
        },
        emulation={MACHINE: Emulator(MACHINE, machine=MACHINE, image="board", exits_by_reset=True)},
    )


def test_a_cortex_m0_computes_the_logits_of_litert(board, tmp_path):
    need("make", "arm", "qemu")
    folder = PRETRAINED_MODELS / "tiny_lm"
    made = make_firmware(
        folder / "decode_static_wi8_ai8.tflite",
        load_tokenizer(folder / "tokenizer.json"),
        board,
        tmp_path / "project",
        tokens_checked=TOKENS,
    )
    with emulate(made.project, board) as console:
        check = console.ask({"command": "self_check"})
        assert (check["weights"], check["kernels"]) == (True, True)
        assert mismatches(made, console, TOKENS) == 0
        assert list(console.command({"command": "benchmark"}))[-1]["counter"] == "cycles"
