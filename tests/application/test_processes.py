"""Programs that TextZoo starts end with it, however it ends, and see nothing of the user's other variables."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from toy_projects import render_toy

from compilers import need
from textzoo.common import processes, signals
from textzoo.config.boards import load_board
from textzoo.records.tracking import git_commit
from textzoo.targets.emulators import build_image

WAITING_SECONDS = 30
# What a shell may hold for other purposes; each once broke a build, or made another one.
FOREIGN = {
    **dict.fromkeys(("CC", "CXX", "LD", "CROSS", "CROSS_COMPILE", "CMAKE_TOOLCHAIN_FILE"), "/nonexistent"),
    **dict.fromkeys(("CFLAGS", "CXXFLAGS", "CPPFLAGS", "ASMFLAGS", "LDFLAGS", "FLAGS"), "-fno-such-option"),
    **dict.fromkeys(("APPLICATION_FLAGS", "KERNEL_FLAGS", "CPU", "LINK", "WARNINGS"), "-fno-such-option"),
    **dict.fromkeys(("PROFILE", "SANITIZE", "WEIGHTS", "EMULATOR", "BOARD", "HAL", "TARGET", "FLASH_TOOL"), "dev"),
    **dict.fromkeys(("CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH"), "/usr/include"),
    **dict.fromkeys(("LIBRARY_PATH", "GCC_EXEC_PREFIX", "COMPILER_PATH"), "/nonexistent/"),
    "IMAGE": "my/app:latest",
    "NAME": "other name",
    "BUILD": "/nonexistent/build",
    "ELF": "x.elf",
    "V": "1",
    "CMAKE_GENERATOR": "Nonsense",
    "IDF_PATH": "/nonexistent",
    "LC_ALL": "xx_XX",
    "LANG": "tr_TR.ISO-8859-9",
}
# Of make itself: what runs inside of another make inherits them. A person who types make has chosen them.
FOREIGN_TO_MAKE = {"MAKEFLAGS": "n", "GNUMAKEFLAGS": "-n", "MAKELEVEL": "3", "MAKEFILES": "/nonexistent.mk"}
# What somebody has chosen who types make in a project: TextZoo asks for images of its own.
CHOSEN_BY_HAND = {
    "TZ_PROFILE": "1",
    "TZ_SANITIZE": "1",
    "TZ_IMAGE": "board",
    "TZ_WEIGHTS": "external",
    "TZ_HAL": "registers",
    "TZ_EMULATOR": "other",
}
# target, tools, where its image lies
IMAGES = [
    ("host", ["host"], "build/host/toy"),
    ("STM32F4", ["arm"], "build/board/toy.elf"),
    ("STM32MP2", ["aarch64"], "build/board/toy.elf"),
    ("ESP32C3", ["riscv"], "build/twin/toy.elf"),
]


def gone(pid):
    """Whether a process has ended; one that nobody has asked about yet has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def all_gone(pids):
    deadline = time.monotonic() + WAITING_SECONDS
    while not all(map(gone, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return all(map(gone, pids))


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
STARTS = """
import subprocess, sys, threading
from textzoo.common.processes import started

def work():
    with started(["sh", "-c", {script!r}], stdout=subprocess.PIPE) as process:
        print(process.pid, process.stdout.readline().decode(), end="", flush=True)
        {rest}

{call}
"""
# how the program starts its child and goes on, and whether it ends by itself
PARENTS = [
    ("process.wait()", "work()", False),
    ("threading.Event().wait()", "threading.Thread(target=work).start(); threading.Event().wait()", False),
    ("import os; os._exit(0)", "work()", True),
]


@needs_proc
@pytest.mark.parametrize(("rest", "call", "ends"), PARENTS)
def test_children_end_with_their_starter(rest, call, ends):
    """They, and what they have started: here one that ignores being asked."""
    script = "trap '' TERM HUP; sleep 1000 & echo $$ $!; wait; wait; sleep 1000"
    code = STARTS.format(script=script, rest=rest, call=call)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        pids = [int(number) for number in parent.stdout.readline().split()]
        assert len(pids) == 3
        assert ends or not any(map(gone, pids))
        parent.kill()
    assert all_gone(pids)


@pytest.mark.skipif(sys.platform != "linux", reason="a service of Linux")
def test_a_program_ends_with_what_watches_over_it():
    with processes.started(["sh", "-c", "echo $$; exec sleep 1000"], stdout=subprocess.PIPE) as process:
        pid = int(process.stdout.readline())
        process.kill()
        assert all_gone([pid])


def test_an_end_of_the_thread_that_started_it_does_not_end_a_program():
    found = []
    with contextlib.ExitStack() as stack:

        def start():
            found.append(stack.enter_context(processes.started(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)))

        thread = threading.Thread(target=start)
        thread.start()
        thread.join()
        found[0].stdin.write(b"alive\n")
        found[0].stdin.flush()
        assert found[0].stdout.readline() == b"alive\n"
    assert found[0].returncode is not None


@pytest.mark.slow
@needs_proc
def test_an_emulator_ends_with_its_starter(tmp_path):
    need("make", "arm", "qemu")
    project = render_toy("STM32F4", tmp_path / "p")
    build_image(project, load_board("STM32F4"), load_board("STM32F4").emulator())
    code = f"""
from pathlib import Path
from textzoo.config.boards import load_board
from textzoo.targets.emulators import emulate
with emulate(Path({str(project)!r}), load_board("STM32F4")) as console:
    print(console.ask({{"command": "info"}})["model"], flush=True)
    for reply in console.command({{"command": "generate", "prompt": "abc", "max_tokens": 2000000000}}):
        pass
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout.readline() == "toy\n"
        pids = [int(path.name) for path in Path("/proc").iterdir() if works_in(path, project)]
        assert len(pids) == 2  # the emulator, and what ends it
        parent.kill()
    assert all_gone(pids)


def works_in(process, folder):
    with contextlib.suppress(OSError):
        return process.name.isdecimal() and (process / "cwd").resolve() == folder.resolve()
    return False


@pytest.mark.parametrize("code", [0, 3])
def test_codes_and_words_of_a_program_arrive(code, tmp_path):
    done = processes.run(["sh", "-c", f"pwd; echo no >&2; exit {code}"], tmp_path, timeout=60, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (code, f"{tmp_path}\n", "no\n")


# What is asked of a program whose answer has an é in UTF-8, and a byte that is none; all of it is a tool's output.
SPEAKING = """
import sys
from pathlib import Path
from textzoo.targets.image_size import section_sizes
from textzoo.targets.toolchains import run_make
folder = Path(sys.argv[1])
print(ascii([run_make(folder), section_sizes(folder / "program", folder / "size")]))
"""


@pytest.mark.parametrize("locale", [{"LC_ALL": "C"}, {"LC_ALL": "C.UTF-8"}, {"LC_ALL": "en_US.ISO-8859-1"}])
def test_what_a_program_says_is_utf8_in_every_locale(locale, tmp_path):
    need("make")
    (tmp_path / "Makefile").write_bytes(b"all:\n\t@printf '\\303\\251\\377\\n'\n")
    (tmp_path / "size").write_text("#!/bin/sh\nprintf '\\303\\251\\377:\\n.text\\303\\251 16 0\\n'\n")
    (tmp_path / "size").chmod(0o755)
    environment = {**os.environ, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", **locale}
    command = [sys.executable, "-c", SPEAKING, str(tmp_path)]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert answer.stdout == r"['\xe9\ufffd\n', {'.text\xe9': 16}]" + "\n", answer.stderr


def test_the_commit_is_that_of_the_folder_whatever_git_is_told(tmp_path, monkeypatch):
    """Inside of a hook of git's, GIT_DIR names the repository that the hook belongs to."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    commits = []
    for name in ("ours", "theirs"):
        subprocess.run(["git", "init", "-q", str(tmp_path / name)], check=True)
        commit = [*git, "-C", str(tmp_path / name), "commit", "-q", "--allow-empty", "-m", name]
        subprocess.run(commit, check=True)
        commits.append(git_commit(tmp_path / name))
    assert commits[0] != commits[1]
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "theirs" / ".git"))
    assert git_commit(tmp_path / "ours") == commits[0]
    assert git_commit(tmp_path) == "unknown"


def test_a_program_reads_what_it_is_given_however_slowly():
    given = b"0123456789" * 100_000
    done = processes.run(["sh", "-c", "sleep 1.2; wc -c; sleep 0.7"], timeout=60, given=given)
    assert done.stdout.split() == [b"1000000"]
    assert processes.run(["cat"], timeout=60).stdout == b""


def test_a_killed_program_is_told_from_one_that_failed():
    done = processes.run(["sh", "-c", "kill -SEGV $$"], timeout=60)
    assert done.returncode == -signal.SIGSEGV


def test_a_program_that_takes_too_long_is_ended():
    with pytest.raises(subprocess.TimeoutExpired):
        processes.run(["sleep", "1000"], timeout=0.6)


@pytest.fixture
def foreign(monkeypatch):
    for name, value in (FOREIGN | FOREIGN_TO_MAKE | CHOSEN_BY_HAND).items():
        monkeypatch.setenv(name, value)


def test_programs_see_a_clean_environment(foreign, monkeypatch):
    monkeypatch.setenv("TZ_CC", "mine")
    seen = dict(line.split("=", 1) for line in processes.run(["env"], timeout=60, text=True).stdout.splitlines())
    names = {name for name in seen if not name.startswith(processes.PASSED_PREFIXES)} | {"TZ_CC"}
    assert names <= {*processes.PASSED, *processes.FIXED, "TZ_CC", "PWD", "_", "SHLVL"}
    assert (seen["PATH"], seen["TZ_CC"], seen["LC_ALL"]) == (os.environ["PATH"], "mine", "C.UTF-8")


@pytest.mark.quick(1)
@pytest.mark.parametrize(("target", "tools", "image"), IMAGES)
def test_other_variables_of_the_user_change_no_build(target, tools, image, foreign, tmp_path):
    need("make", *tools)
    project = render_toy(target, tmp_path / "p")
    board = None if target == "host" else load_board(target)
    assert build_image(project, board) == project / image
    assert programs_in(project) == [image]


@pytest.mark.slow
@pytest.mark.parametrize(("target", "tools", "image"), IMAGES)
def test_nor_one_that_is_typed_by_hand(target, tools, image, tmp_path):
    need("make", *tools)
    project = render_toy(target, tmp_path / "p")
    environment = {**os.environ, **FOREIGN}
    subprocess.run(["make"], cwd=project, env=environment, check=True, capture_output=True, timeout=300)
    assert programs_in(project) == [image]
    folder, program = image.rsplit("/", 1)
    environment |= {"TZ_PROFILE": "1"}
    subprocess.run(["make"], cwd=project, env=environment, check=True, capture_output=True, timeout=300)
    assert programs_in(project) == [f"{folder}-profile/{program}", image]


def programs_in(project):
    found = [path for path in project.glob("build/*/toy*") if path.suffix in ("", ".elf")]
    return sorted(path.relative_to(project).as_posix() for path in found)


@pytest.mark.parametrize("target", ["STM32F4", "STM32MP2", "ESP32C3"])
def test_an_image_that_there_is_not_is_named(target, tmp_path):
    need("make")
    project = render_toy(target, tmp_path / "p")
    answer = subprocess.run(["make", "IMAGE=my/app:latest"], cwd=project, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert "IMAGE is" in answer.stderr
    assert not (project / "build").exists()


def test_an_interruption_that_was_lost_ends_waiting(monkeypatch):
    monkeypatch.setattr(signals, "_pending", signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        processes.run(["sleep", "1000"], timeout=500)
