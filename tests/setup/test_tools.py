"""What `make tools-...` installs is what the targets look for, and an error names the target of make."""

import subprocess
import sys
from pathlib import Path

import pytest

import install_tools
from textzoo.common.errors import UserError
from textzoo.config.boards import board_names, load_board
from textzoo.targets.boards import BOARD_IMAGE, HOST_IMAGE
from textzoo.targets.platforms import platform_of
from textzoo.targets.registry import HOST, PLATFORMS
from textzoo.targets.toolchains import GROUPS, PLATFORM_TOOLS, TEST_TOOLS, TOOLS, Tool, missing_tools, require_tool
from textzoo.targets.twins import TWINS, twin_of

SCRIPT = Path(install_tools.__file__)


def tools_looked_for(platform):
    """Keys of TOOLS that a platform asks for: for all images and emulators of all of its boards."""
    if platform == HOST:
        return {"make", platform_of(None).compiler(None, HOST_IMAGE)}
    names = {"make", *PLATFORMS.get(platform).image_tools}
    boards = [board for board in map(load_board, board_names()) if board.platform == platform]
    for board in boards:
        names.add(platform_of(board).compiler(board, BOARD_IMAGE))
        for emulator in board.emulation.values():
            names |= {platform_of(board).compiler(board, emulator.image), platform_of(board).emulator_tool(emulator)}
            if emulator.name in TWINS:  # sizes are read by this compiler's own `size`
                names.add(twin_of(emulator).compiler)
    return names


@pytest.mark.quick(1)
@pytest.mark.parametrize("platform", PLATFORMS.names())
def test_a_group_brings_what_its_platform_looks_for(platform):
    assert set(GROUPS[platform]) == tools_looked_for(platform)


def test_every_platform_has_a_group_and_every_tool_belongs_to_one():
    assert set(GROUPS) == set(PLATFORMS.names())
    assert {*PLATFORM_TOOLS, *TEST_TOOLS, "valgrind"} == set(TOOLS)  # which only benchmarks run
    assert {name for names in GROUPS.values() for name in names} == set(PLATFORM_TOOLS)


@pytest.mark.parametrize("group", [*GROUPS, "all", "test"])
def test_the_script_installs_the_programs_of_the_table(group):
    done = subprocess.run([sys.executable, SCRIPT, group, "--list"], capture_output=True, text=True, check=True)
    tests_own = TEST_TOOLS if group == "test" else ()
    names = [*GROUPS.get(group, PLATFORM_TOOLS), *tests_own]
    expected = [(TOOLS[name].programs, TOOLS[name].packages) for name in names]
    listed = [line.partition(": ") for line in done.stdout.splitlines()]
    assert sorted((tuple(programs.split("|")), packages) for programs, _, packages in listed) == sorted(expected)


# tool, what its error offers
OFFERS = [
    (
        "arm",
        "make tools-stm32 or make tools-rp2 or make tools-nrf52. Debian and Ubuntu: sudo apt-get install gcc-arm",
    ),
    ("xtensa", "make tools-esp32. "),
    ("aarch64", "make tools-mpu. "),
    ("riscv-c++", "make tools-cimv3. "),
    ("qemu-riscv", "make tools-esp32 or make tools-cimv3. "),
    ("host", "make tools-host or make tools-rp2. "),
    ("wasm", "make tools-browser. Debian and Ubuntu: sudo apt-get install lld clang wasi-libc libclang-rt-dev-wasm32"),
]


@pytest.mark.parametrize(("name", "offer"), OFFERS)
def test_what_is_missing_names_the_target_of_make(name, offer, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UserError) as error:
        require_tool(name)
    assert offer in str(error.value)


def test_without_make_no_target_of_make_is_offered(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    (error,) = missing_tools(["make"])
    assert "make tools-" not in str(error)


TOY = Tool(("a-gcc", "b-gcc"), "gcc-of-debian its-library", "a test")
# programs found, packages installed, what is to be installed
SITUATIONS = [
    ([], [], ["gcc-of-debian", "its-library"]),
    (["b-gcc"], ["gcc-of-debian"], ["its-library"]),
    (["a-gcc"], ["gcc-of-debian", "its-library"], []),
    ([], ["gcc-of-debian", "its-library"], []),  # not on the PATH
    (["a-gcc"], [], []),  # a vendor's compiler brings its own libraries
]


@pytest.mark.parametrize(("programs", "packages", "expected"), SITUATIONS)
def test_only_what_is_missing_is_installed(programs, packages, expected, monkeypatch):
    monkeypatch.setattr(install_tools.shutil, "which", lambda name: name if name in programs else None)
    monkeypatch.setattr(install_tools, "is_installed", lambda name: name in packages)
    assert install_tools.missing_packages(TOY) == expected


def test_who_may_not_install_is_told_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(install_tools, "way_to_root", lambda: None)
    assert install_tools.install(["gcc-arm-none-eabi"]) == 0
    assert "sudo apt-get install gcc-arm-none-eabi" in capsys.readouterr().err


def test_an_unknown_group_is_refused():
    done = subprocess.run([sys.executable, SCRIPT, "stm23"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "stm32" in done.stderr
