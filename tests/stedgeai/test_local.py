"""The installed ST Edge AI Core: found, its version checked, run, its reports read; on a stand-in of the program."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from plain_graphs import dense
from stand_in_stedgeai import KERNEL_FLASH, KERNEL_RAM, TOOLCHAIN_FLASH, calls, install, running
from textzoo.common.errors import UserError
from textzoo.config.boards import load_board
from textzoo.targets.stedgeai.local import program as programs
from textzoo.targets.stedgeai.local.jobs import Job
from textzoo.targets.stedgeai.local.measuring import footprints
from textzoo.targets.stedgeai.local.program import check_serves, find_program, installed

# Of `dense()`: two layers with int8 weights and int32 biases; 19 features, 24 hidden, 5 classes, each a byte.
WEIGHTS = 19 * 24 + 24 * 5 + 4 * (24 + 5)
ACTIVATIONS = 19 + 24 + 5
VERSIONS = ("2.1.0", "2.2.0", "3.0.0", "4.0.1")


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "-a model; $(touch x).tflite"
    path.write_bytes(dense())
    return path


@pytest.fixture
def job(tmp_path):
    """A function that returns a job of a stand-in with failures."""

    def make(version="4.0.1", family="stm32h7", seconds=30.0, **failures):
        program = installed(install(tmp_path / "bin", version, **failures))
        return Job(program, family, "balanced", seconds)

    return make


def options_of(call):
    return dict(zip(call[1::2], call[2::2], strict=True))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_says_what_the_file_holds(job, model, version):
    made = job(version)
    found = footprints(made, model, model, "the graph")
    for report in (found.model, found.window):
        assert report.version.startswith(version)
        assert report.weights_bytes == WEIGHTS
        assert report.flash_bytes == WEIGHTS + KERNEL_FLASH + TOOLCHAIN_FLASH
        assert report.ram_bytes == ACTIVATIONS + KERNEL_RAM
        assert report.st_macs == WEIGHTS + ACTIVATIONS
        assert (report.latency_ms, report.cycles, report.device) == (None, None, None)
    (row,) = found.model.validation
    assert (row.compared, row.metrics["cos"]) == ("X-cross #1", 0.999)
    assert list(found.missing) == ["latency of ST's runtime"]
    commands = calls(made.program.path)
    assert [call[0] for call in commands] == ["--version", "generate", "validate", "analyze"]
    assert all(options_of(call)["--model"] == str(model) for call in commands[1:])


def test_what_was_generated_is_not_left_behind(job, model, tmp_path):
    made = job()
    made.run("generate", model, "the graph")
    folders = [options_of(calls(made.program.path)[-1])[name] for name in ("--output", "--workspace")]
    assert not any(Path(folder).exists() for folder in folders)
    assert not list(tmp_path.glob("x"))


# Family -> target, accelerator's profile, whether this machine can run the code.
TARGETS = [
    ("stm32f401", "stm32f4", None, True),
    ("stm32h7", "stm32h7", None, True),
    ("stm32n6", "stm32n6", "default", False),
    ("stm32mp2", "stm32mp", None, False),
]


@pytest.mark.parametrize(("family", "target", "profile", "on_host"), TARGETS)
def test_the_target_is_the_series_of_the_board(job, model, family, target, profile, on_host):
    made = job("2.2.0", family)
    found = footprints(made, model, None, "the graph")
    assert found.model.weights_bytes == WEIGHTS
    commands = calls(made.program.path)
    given = options_of(commands[1])
    assert (given["--target"], given.get("--st-neural-art")) == (target, profile)
    assert ("validate" in [call[0] for call in commands]) is on_host
    assert ("validation of ST's code" in found.missing) is not on_host


def test_a_report_in_words_serves_where_there_is_no_other(job, model):
    report = job(generate="text only").run("generate", model, "the graph")
    assert (report.weights_bytes, report.activations_bytes) == (WEIGHTS, ACTIVATIONS)


# Failure of `generate` -> what the user reads.
FAILURES = [
    ("error", ["failed with code 1", "line 99", "BATCH_MATMUL \\x1b[31mis not supported"]),
    ("hangs", ["did not end within 1 s", "compiling, please wait", "tools.stm32ai.time_limit"]),
    ("no report", ["has written no report", "network_c_info.json"]),
    ("folder", ["has written no report"]),
    ("damaged report", ["network_c_info.json' is damaged"]),
    ("huge report", ["network_c_info.json' is too large"]),
    ("wrong report", ["weights is not what ST's report has there", "activations"]),
]


@pytest.mark.parametrize(("failure", "words"), FAILURES)
def test_a_failure_is_told_in_the_tools_own_words(job, model, failure, words):
    made = job(generate=failure, seconds=1.0 if failure == "hangs" else 30.0)
    with pytest.raises(UserError) as raised:
        footprints(made, model, None, "the graph")
    for text in words:
        assert text in str(raised.value)
    assert "\x1b" not in str(raised.value)
    assert "line 80" not in str(raised.value)


@pytest.mark.parametrize("failure", [name for name, _ in FAILURES if name != "hangs"])
def test_the_figures_stay_if_only_the_rest_fails(job, model, failure):
    """The validation and the window graph are left out, with the reason."""
    found = footprints(job(validate=failure, analyze=failure), model, model, "the decode step")
    assert found.model.weights_bytes == WEIGHTS
    assert (found.window, found.model.validation) == (None, ())
    assert dict(FAILURES)[failure][0] in found.missing["the window graph by ST Edge AI Core"]
    assert found.missing["validation of ST's code"]


@pytest.mark.usefixtures("plain_ctrl_c")
def test_ctrl_c_ends_the_program(job, model):
    made = job(generate="hangs", seconds=60)

    def interrupt():
        while len(calls(made.program.path)) < 2:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        made.run("generate", model, "the graph")
    assert not running(made.program.path)


def test_the_variable_counts_more_than_the_path(tmp_path):
    named, other = (install(tmp_path / name) for name in ("variable", "path"))
    environment = {"STM32_AI_EXE": str(named), "PATH": str(other.parent)}
    assert find_program(environment) == named
    assert find_program(environment | {"STM32_AI_EXE": ""}) == other


def test_what_was_named_is_not_looked_for_elsewhere(tmp_path):
    """A wrong path is a mistake even if there is a program on the PATH."""
    there = install(tmp_path / "bin")
    plain = tmp_path / "plain"
    plain.write_text("no program")
    for value, words in ((tmp_path / "gone", "does not exist"), (tmp_path, "a folder"), (plain, "not be executed")):
        with pytest.raises(UserError, match=f"^STM32_AI_EXE names.*{words}"):
            find_program({"STM32_AI_EXE": str(value), "PATH": str(there.parent)})


def test_a_program_that_is_missing_everywhere(tmp_path):
    with pytest.raises(UserError, match=r"STM32_AI_EXE.*tools.stm32ai.on_cloud=true"):
        find_program({"PATH": str(tmp_path)})


@pytest.mark.parametrize(
    ("failure", "words"), [("garbage", "failed with code 1; received .*no licence"), ("silent", "tells no version")]
)
def test_a_program_without_a_version(tmp_path, failure, words):
    with pytest.raises(UserError, match=words):
        installed(install(tmp_path, asked=failure))


def test_a_file_that_is_no_program_of_this_machine(tmp_path):
    path = tmp_path / "stedgeai"
    path.write_bytes(b"MZ\x90\0 of another system")
    path.chmod(0o755)
    with pytest.raises(UserError, match=r"--version' failed with code 1; received .*Exec format error"):
        installed(path)


def test_a_program_that_does_not_tell_its_version_in_time(tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "VERSION_SECONDS", 0.5)
    path = install(tmp_path, asked="hangs")
    with pytest.raises(UserError, match=r"did not end within 0\.5 s"):
        installed(path)
    assert not running(path)


# Version, board, wanted version; words of what is wrong, in order.
SERVED = [
    ("4.0.1", "STM32H7", "latest", []),
    ("2.2.0", "STM32MP2", "latest", []),
    ("3.0.0", "STM32MP2", "latest", ["no target for MPUs since 3.0"]),
    ("4.0.1", "STM32MP2", "latest", ["from 2.0 to below 3.0; received 4.0.1"]),
    ("1.0.0", "STM32H7", "latest", ["a version from 2.0"]),
    ("4.0.1", "ESP32", "latest", ["ESP32 is no board of ST"]),
    ("4.0.1", "STM32H7", "4.0.1", []),
    ("4.0.1", "STM32H7", "3.0.0", ["expected 3.0.0; received 4.0.1"]),
    ("4.0.1", "STM32MP2", "2.2.0", ["expected 2.2.0", "no target for MPUs"]),
]


@pytest.mark.parametrize(("version", "board", "wanted", "words"), SERVED)
def test_a_version_serves_a_board_or_says_why_not(tmp_path, version, board, wanted, words):
    program = installed(install(tmp_path / "bin", version))
    errors = check_serves(program, load_board(board).family, board, wanted)
    assert len(errors) == len(words)
    for error, word in zip(errors, words, strict=True):
        assert word in str(error)


# What programs print, and the version in it; the first one as ST's, without anything behind, and others.
TEXTS = [
    ("ST Edge AI Core v2.1.0-20194 329b0e98d", "2.1.0"),
    ("ST Edge AI Core v4.0", "4.0"),
    ("stedgeai 3.0.0", "3.0.0"),
    ("ST Edge AI Core", None),
    ("build 20240101", None),
    ("v99999.1.1", None),
]


@pytest.mark.parametrize(("text", "version"), TEXTS)
def test_versions_in_words(text, version):
    found = programs.VERSION.search(text)
    assert (found and found[1]) == version
