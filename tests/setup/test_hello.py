"""`make hello`: the pretrained model really talks from the emulated board, and nothing large is imported for it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import startup
from compilers import need
from textzoo.config import pretrained
from textzoo.targets.toolchains import GROUPS

pytestmark = pytest.mark.slow

SCRIPT = startup.PROJECT / "scripts" / "hello.py"


def hello(folder, *options, path=os.environ["PATH"]):
    return subprocess.run(
        [sys.executable, *options, SCRIPT],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_chip_writes_the_text_of_the_card(tmp_path):
    need(*GROUPS["stm32"])
    done = hello(tmp_path, "-X", "importtime")
    assert done.returncode == 0, done.stderr
    sample = pretrained.card("gpt")["samples"]["static_wi8_ai8"]
    assert sample["prompt"] + sample["text"] in done.stdout
    assert "writes the same text with the same seed" in done.stdout
    speed = r"^[\d,]+ cycles per token by the model .*\n\d+% of them stalls: \d+ to \d+ tokens/s"
    assert re.search(speed, done.stdout, re.MULTILINE)
    assert "make demo" in done.stdout
    assert not startup.heavy_ones(startup.IMPORT_LINE.findall(done.stderr))
    project = tmp_path / "experiments_outputs" / "hello" / "STM32F4"
    assert f"make -C {project.relative_to(tmp_path)} emulate" in done.stdout
    assert (project / "Makefile").is_file()


def test_it_needs_no_compiler_but_the_arm_one(tmp_path):
    need(*GROUPS["stm32"])
    folder = tmp_path / "bin"
    folder.mkdir()
    for directory in map(Path, os.environ["PATH"].split(os.pathsep)):
        for program in [
            *directory.glob("arm-none-eabi-*"),
            *directory.glob("qemu-system-arm"),
            *directory.glob("make"),
        ]:
            # ccache looks for the compiler itself on the PATH.
            if program.resolve().name != "ccache" and not (folder / program.name).exists():
                (folder / program.name).symlink_to(program)
    for name in ("sh", "bash", "mkdir", "rm", "cp", "cat", "env", "awk", "sed", "tr", "dirname", "expr", "uname"):
        if found := shutil.which(name):
            (folder / name).symlink_to(found)
    done = hello(tmp_path, path=str(folder))
    assert done.returncode == 0, done.stderr
    assert "Cycles were not counted: the cycle model needs a C compiler" in done.stdout


def test_what_is_missing_is_told_before_anything_is_written(tmp_path):
    done = hello(tmp_path, path="/nowhere")
    assert done.returncode == 2
    assert "make tools-stm32" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    need(*GROUPS["stm32"])
    (tmp_path / "experiments_outputs").write_text("a file", encoding="utf-8")
    done = hello(tmp_path)
    assert done.returncode == 2
    assert "experiments_outputs" in done.stderr
    assert "Traceback" not in done.stderr
