"""Cycles of a token by the model of a board, as benchmarking reports them; and measured ones beside them."""

import contextlib
import dataclasses
import json
import re
import subprocess

import pytest
import yaml

from changed_config import changed
from compilers import need, need_exact_arm
from recorder import Recorder
from textzoo.common import processes
from textzoo.common.errors import UserError
from textzoo.common.paths import BOARD_FOLDER
from textzoo.config import pretrained
from textzoo.config.boards import load_board
from textzoo.config.schema import Config
from textzoo.pipeline.cycles import assumed, modelled, speed_range
from textzoo.pipeline.firmware import make_firmware
from textzoo.records.report import Range
from textzoo.records.workspace import Workspace
from textzoo.services import benchmarking
from textzoo.targets import toolchains
from textzoo.targets.emulators import build_image
from textzoo.targets.platforms import platform_of
from textzoo.targets.settings import DeploymentConfig
from textzoo.text.tokenizers.base import load_tokenizer

MODEL, RECIPE = "tiny_lm", "static_wi8_ai8"
FOLDER = pretrained.FOLDER / MODEL
DECODE_STEP = FOLDER / f"decode_{RECIPE}.tflite"


def firmware_for(board, folder, placement="auto"):
    tokenizer, settings = load_tokenizer(FOLDER / pretrained.TOKENIZER), DeploymentConfig(placement=placement)
    return make_firmware(DECODE_STEP, tokenizer, board, folder, name=MODEL, settings=settings)


# Board, deployment.placement -> cycles of the core, cycles with memories, means of a token; cycles at positions 0 and 1
EXACT = {
    ("STM32F4", "auto"): (72_541, 73_633, 73_732, 73_601),
    ("STM32F4", "flash"): (72_541, 89_387, 89_479, 89_244),
    ("STM32H7", "auto"): (47_257, 47_298, 50_182, 47_509),
    ("STM32H7", "flash"): (47_257, 56_007, 58_510, 56_173),
    ("STM32U5", "auto"): (75_121, 75_144, 76_190, 75_148),
    ("STM32U5", "flash"): (75_121, 94_498, 94_876, 94_474),
}


@pytest.mark.quick("STM32F4")
@pytest.mark.parametrize(("name", "placement"), EXACT)
def test_cycles_of_a_token_are_exact(name, placement, tmp_path):
    need("arm", "make", "qemu", "host")
    need_exact_arm()
    board = load_board(name)
    projected = modelled(firmware_for(board, tmp_path / name, placement))
    assert (projected.core_cycles, projected.cycles, *projected.by_position[:2]) == EXACT[name, placement]
    assert projected.core_cycles + projected.stall_cycles == projected.cycles
    assert len(projected.by_position) == 128
    # By operator, the image with marks runs, whose code lies elsewhere.
    assert sum(projected.by_kind.values()) == pytest.approx(projected.cycles, rel=0.02)
    assert set(projected.by_kind) == {"FULLY_CONNECTED", "QUANTIZE", "QUANTIZE ADD LOGISTIC MUL TANH SUB"}
    assert all(0 <= projected.stalls_by_kind[kind] < cost for kind, cost in projected.by_kind.items())
    stalls = sum(projected.stalls_by_kind.values())
    assert stalls == pytest.approx(projected.stall_cycles, abs=0.02 * projected.cycles)
    assert projected.stalls_by_kind["FULLY_CONNECTED"] > 0.9 * stalls or placement == "auto"
    low, high = projected.tokens_per_second
    assert low < board.clock_hz / projected.cycles < high
    assert "assumed" in projected.basis


@pytest.fixture
def config():
    """Benchmarking of the smallest model on STM32F4."""
    config = changed(Config(), "model.quantized_model_path", str(DECODE_STEP))
    config = changed(config, "deployment.hardware_setup", load_board("STM32F4"))
    config = changed(config, "benchmarking.tokens_checked", 2)
    return changed(config, "benchmarking.sample", False)


@pytest.mark.parametrize("case", ["off", "no compiler for the plugin"])
def test_without_the_model_the_report_says_why(case, config, tmp_path, monkeypatch):
    need("arm", "make", "qemu")
    monkeypatch.chdir(tmp_path)
    if case == "off":
        config, reason = changed(config, "benchmarking.cycles", "off"), "benchmarking.cycles=off"
    else:
        absent = dataclasses.replace(toolchains.TOOLS["host"], programs=("no-such-compiler",))
        monkeypatch.setitem(toolchains.TOOLS, "host", absent)
        reason = "needs a C compiler"
    recorder = Recorder()
    report = benchmarking.run(config, Workspace(tmp_path / "run"), recorder)
    assert report.benchmark.projected is None
    assert report.benchmark.instructions_per_token > 0
    assert [row.what for row in report.skipped] == ["cycles by the model"]
    assert reason in report.skipped[0].why
    assert not [name for name in recorder.values if name.startswith("projected")]


# per token, cycles per instruction, clock -> cycles, tokens per second; half as many or half again as many
ASSUMED = [
    (1000, 1.4, 168_000_000, 1400, Range(60_000.0, 180_000.0)),
    (333, 0.9, 1_000_000, 300, Range(1_670.0, 5_000.0)),
]


@pytest.mark.parametrize(("instructions", "constant", "clock", "cycles", "speeds"), ASSUMED)
def test_a_board_without_timing_projects_from_its_constant(instructions, constant, clock, cycles, speeds):
    facts = {"timing": None, "cycles_per_instruction": constant, "cycles_note": "a guess", "clock_hz": clock}
    projected = assumed(dataclasses.replace(load_board("STM32F4"), **facts), instructions)
    assert (projected.cycles, projected.tokens_per_second) == (cycles, speeds)
    assert (projected.core_cycles, projected.stall_cycles, projected.by_position) == (None, None, None)
    assert projected.basis == f"{constant} cycles per instruction, a guess"


# error in percent -> range of 168 MHz / 95,352 cycles = 1761.9 tokens per second
RANGES = [(6.0, (1660.0, 1870.0)), (20.0, (1410.0, 2110.0)), (0.01, (1760.0, 1760.0))]


@pytest.mark.parametrize(("error", "speeds"), RANGES)
def test_a_speed_is_a_range_of_three_digits(error, speeds):
    assert speed_range(168_000_000, 95_352, error) == speeds


NEITHER = {"timing": None}
BOTH = {"cycles_per_instruction": 1.4}
# what is changed of STM32F4.yaml, what the one message says
WRONG_TIMES = {
    "neither": (NEITHER, "a board has one of them.*received neither"),
    "both": (BOTH, "a board has one of them.*received both.*null removes"),
    "a memory without timing": ({"timing.memories.CCM": None}, "timing.memories.CCM"),
    "no source": ({"timing.memories.CCM.source": ""}, "timing.memories.CCM.source is missing.*where the numbers"),
    "another core": ({"timing.core": "m7"}, "timing.core is another core.*cortex-m4.*cortex-m7"),
    "no such core": ({"timing.core": "m5"}, "wrong value of .*timing.core.*m4, m7, m33"),
    "a negative wait": ({"timing.memories.FLASH.stall": -1}, "timing.memories.FLASH.stall is out of range"),
    "an unknown number": ({"timing.memories.FLASH.latency": 5}, "unknown key .*timing.memories.FLASH.latency"),
    "a harmful text": ({"timing.anchor": "$(rm)"}, "timing.anchor has characters that are not allowed"),
}


def board_with(changes, folder):
    """STM32F4's YAML with other values of dotted keys; None removes one."""
    facts = yaml.safe_load((BOARD_FOLDER / "STM32F4.yaml").read_text())
    for key, value in changes.items():
        *parents, last = key.split(".")
        section = facts
        for name in parents:
            section = section[name]
        section.pop(last, None)
        if value is not None:
            section[last] = value
    (folder / "MINE.yaml").write_text(yaml.safe_dump(facts | {"board": "MINE"}))
    return load_board("MINE", folder)


@pytest.mark.parametrize("case", WRONG_TIMES)
def test_what_a_board_says_of_time_is_checked(case, tmp_path):
    changes, message = WRONG_TIMES[case]
    with pytest.raises(UserError, match=f"(?s){message}"):
        board_with(changes, tmp_path)


def test_a_board_may_have_a_constant_instead(tmp_path):
    board = board_with({"timing": None, "cycles_per_instruction": 1.4}, tmp_path)
    assert (board.timing, board.cycles_per_instruction) == (None, 1.4)


def test_a_board_that_builds_upon_another_may_remove_its_timing(tmp_path):
    for name in ("STM32F4", "BASE"):
        (tmp_path / f"{name}.yaml").write_text((BOARD_FOLDER / "STM32F4.yaml").read_text())
    head = "# @package deployment.hardware_setup\ndefaults: [STM32F4, _self_]\nboard: MINE\n"
    (tmp_path / "MINE.yaml").write_text(f"{head}timing: null\ncycles_per_instruction: 2.0\n")
    assert load_board("MINE", tmp_path).timing is None


@contextlib.contextmanager
def board_on_a_line(made):
    """The emulated board behind a pseudo-terminal, which calls its counter that of cycles; yields its path."""
    port = made.project / "board" / "port_cortex.c"
    text = port.read_text()
    assert '? "instructions"' in text
    port.write_text(text.replace('? "instructions"', '? "cycles"'))
    emulator = made.board.emulator()
    image = build_image(made.project, made.board, emulator)
    command = [*platform_of(made.board).emulator_command(emulator, serial="pty"), str(image)]
    with processes.started(command, made.project, stdout=subprocess.PIPE, text=True) as process:
        yield re.search(r"/dev/\S+", process.stdout.readline())[0]


# Words that tell of who measured: ports, folders, names of machines.
PERSONAL = re.compile(r"/dev/|/home/|/tmp/|tty|pts", re.IGNORECASE)


@pytest.mark.slow
def test_what_a_board_measured_stands_beside_what_was_predicted(config, tmp_path, monkeypatch):
    pytest.importorskip("serial", reason="pyserial: not installed")
    need("arm", "make", "qemu", "host")
    need_exact_arm()
    monkeypatch.chdir(tmp_path)
    workspace = Workspace(tmp_path / "run")
    config = changed(config, "benchmarking.measured_by", "serial")
    with board_on_a_line(firmware_for(load_board("STM32F4"), tmp_path / "flashed")) as path:
        report = benchmarking.run(changed(config, "benchmarking.serial_port", path), workspace, Recorder())
    benchmark = report.benchmark
    core, cycles, *_ = EXACT["STM32F4", "auto"]
    assert (benchmark.projected.core_cycles, benchmark.projected.cycles) == (core, cycles)
    assert benchmark.projected.by_kind is None
    assert benchmark.instructions_per_token is None

    text = workspace.path("benchmark", "measured_STM32F4.json").read_text()
    assert not PERSONAL.search(text)
    values = json.loads(text)
    assert (values["board"], values["core"], values["clock_hz"]) == ("STM32F4", "cortex-m4", 168_000_000)
    assert values["model_sha256"] == pretrained.card(MODEL)["files"][DECODE_STEP.name]
    assert values["measured"] == {
        "cycles_per_token": benchmark.cycles_per_token,
        "cycles_by_position": benchmark.by_position,
    }
    assert values["predicted"]["cycles_by_position"] == benchmark.projected.by_position
    assert values["predicted"]["timing"]["memories"]["FLASH"]["stall"] == 5
    assert values["firmware"]["compiler"].startswith("GCC ")
    assert values["logits"] == {"checked_tokens": 2, "differing": 0}
