"""Boards and their projects: every one renders and builds, budgets are kept, nothing of the user's is overwritten."""

import dataclasses
import json
import os
import re
import shlex
import shutil
import subprocess

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from toy_projects import TOY_SIZES, change_model, render_toy, toy_files

from compilers import need
from textzoo.common.errors import UserError, raise_all
from textzoo.common.paths import BOARD_FOLDER, CONFIGURATION, RUNTIME
from textzoo.compiler.packing.registry import VARIANTS
from textzoo.config import boards
from textzoo.config.boards import board_names, load_board
from textzoo.config.check import check
from textzoo.config.composing import register
from textzoo.targets.boards import Board, Budget
from textzoo.targets.emulators import build_image
from textzoo.targets.flash_tools import FLASH_TOOLS
from textzoo.targets.host import Host
from textzoo.targets.platforms import platform_of, render_project
from textzoo.targets.project import MARKER, program_of
from textzoo.targets.stm32.chips import Pin
from textzoo.targets.toolchains import TOOLS, first_complaints, missing_tools, require_tool, run_make

BOARDS = board_names()
STM32 = [name for name in BOARDS if load_board(name).platform == "stm32"]
TARGETS = ["host", *BOARDS]
# With an assumed number of cycles per instruction in place of a model.
WITHOUT_MODEL = {"Browser", "CIMv3", "ESP32", "ESP32P4", "ESP32S3", "STM32MP2"}


def setup_of(name, **changes):
    """A run's section of the configuration as the command line composes it for board=NAME, with these changes."""
    overrides = [f"board={name}", *(f"++{boards.SECTION}.{key}={value}" for key, value in changes.items())]
    register()
    with initialize_config_dir(str(CONFIGURATION), version_base="1.3"):
        composed = OmegaConf.to_container(compose("config", overrides=overrides), resolve=True)
    config, errors = check({**composed, "operation_mode": "deployment"})
    raise_all([error for error in errors if boards.SECTION in str(error)])
    return config.deployment.hardware_setup


def merged(facts, changes):
    return OmegaConf.to_container(OmegaConf.merge(facts, changes))


def tools_of(board):
    """What the image that `make` builds needs."""
    platform = platform_of(board)
    return [platform.compiler(board, platform.image), *platform.image_tools]


def images_of(name):
    """The images of a board that are built without a framework."""
    board = load_board(name)
    return sorted({platform_of(board).image, *(emulator.image for emulator in board.emulation.values())})


@pytest.fixture(scope="module")
def projects(tmp_path_factory):
    folder = tmp_path_factory.mktemp("projects")
    return {target: render_toy(target, folder / target) for target in TARGETS}


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_is_what_its_yaml_says(name):
    board = load_board(name)
    assert board.name == name
    assert board.title
    assert board.variant in VARIANTS
    assert board.clock_hz > 10**6
    assert (board.timing is None) == (name in WITHOUT_MODEL)
    if board.timing is None:
        assert 0.5 < board.cycles_per_instruction < 3
        assert "assumed" in board.cycles_note
    else:
        assert board.timing.core_error_percent < board.timing.error <= 50
        assert {memory.name for memory in board.timing.memories.values()} == set(board.memories)
    assert board.emulation
    platform_of(board).check(board)


@pytest.mark.parametrize("name", BOARDS)
def test_every_key_of_a_board_is_in_the_schema(name):
    known = {entry.name for entry in dataclasses.fields(Board)}
    assert set(boards.read_facts(name, BOARD_FOLDER)) <= known


@pytest.mark.parametrize("name", BOARDS)
def test_a_composed_configuration_gives_the_board(name):
    assert setup_of(name) == load_board(name)


def test_a_user_changes_facts_of_the_board():
    board = setup_of("STM32F4", clock_hz=84_000_000, **{"uart.baud": 921600})
    assert (board.clock_hz, board.uart.baud, board.uart.instance) == (84_000_000, 921600, "USART2")


def test_a_board_builds_upon_another():
    board, base = load_board("STM32H743"), load_board("STM32H7")
    assert (board.core, board.emulation) == (base.core, base.emulation)
    assert (board.uart.instance, board.power_supply) == ("USART3", "ldo")


def test_unknown_boards_are_refused_with_a_suggestion():
    with pytest.raises(UserError, match="Did you mean 'STM32H7"):
        load_board("STM32H8")


# change of the facts, what each mistake says
WRONG_FACTS = [
    ({"memories": None, "emulation": 3}, ["wrong type of .*: memories; expected a section", "wrong type of .*: emul"]),
    ({"colour": "green"}, ["unknown key .*: colour"]),
    ({"memories": {"FLASH": {"kind": "flsh"}}}, ["wrong value of .*FLASH.kind.*Did you mean 'flash'"]),
    ({"memories": {"SRAM": {"bytes": 0}, "CCM": {"bytes": -1}}}, ["SRAM.bytes is out of r", "CCM.bytes is out of r"]),
    ({"memories": {"SRAM": {"kind": "flash"}, "CCM": {"kind": "flash"}}}, ["no memory of kind ram"]),
    ({"memories": {"SRAM": {"size": 3}}}, ["unknown key .*: memories.SRAM.size"]),
    ({"memories": {"SRAM": 7}}, ["wrong type of .*: memories.SRAM; expected a section; received 7"]),
    ({"memories": {"NEW": {"kind": "ram"}}}, ["NEW.origin is missing; expected a whole n", "NEW.bytes is missing"]),
    ({"uart": {"speed": 2, "baud": "fast"}}, ["unknown key .*: uart.speed", "uart.baud; expected a whole number"]),
    ({"uart": None, "flash": {"tool": 3}}, ["wrong type of .*: uart; ", "flash; expected a section of texts"]),
    (
        {"emulation": {"mine": {"image": "twn", "code": {"origin": -1}, "data": 3, "exits_by_reset": 1}}},
        [
            "mine.machine is missing; expected text",
            "mine.image; expected one of board, emulated, twin, host",
            "mine.code.bytes is missing",
            "mine.code.origin is out of range",
            "mine.data; expected a section",
            "mine.exits_by_reset; expected true or false",
        ],
    ),
]


@pytest.mark.parametrize(("change", "messages"), WRONG_FACTS)
def test_every_wrong_fact_is_named(tmp_path, change, messages):
    facts = merged(yaml.safe_load((BOARD_FOLDER / "STM32F4.yaml").read_text()), change)
    (tmp_path / "MINE.yaml").write_text(yaml.safe_dump(facts | {"board": "MINE"}))
    with pytest.raises(UserError) as caught:
        load_board("MINE", tmp_path)
    errors = getattr(caught.value, "errors", [caught.value])
    assert len(errors) == len(messages)
    for message in messages:
        assert any(re.search(message, str(error)) for error in errors), message
    assert all("MINE.yaml: " in str(error) for error in errors)


SHELL = "$(shell touch /tmp/hacked)"
# change of the facts, keys that are named
WRONG_CHARACTERS = [
    ({"title": SHELL}, ["title"]),
    ({"title": "a */ int main(void) { /* b"}, ["title"]),
    ({"title": "two\nlines"}, ["title"]),
    ({"title": "goes on \\"}, ["title"]),
    ({"boot": "`id`", "cycles_note": "\ud800"}, ["boot", "cycles_note"]),
    ({"platform": "../stm32", "family": "x y", "core": "m4 -o /x", "variant": "dsp;x"}, 4 * [""]),
    ({"uart": {"instance": "USART2\n", "tx": "$(x)", "rx": "PA3;"}}, ["uart.instance", "uart.tx", "uart.rx"]),
    ({"power_supply": "ldo */"}, ["power_supply"]),
    ({"memories": {"A B": {"kind": "ram", "origin": 0, "bytes": 4}}}, ["memories"]),
    ({"memories": {"DATA": {"kind": "ram", "origin": 0, "bytes": 4}}}, ["memories.*are reserved"]),
    ({"memories": {"CCM_WEIGHTS": {"kind": "ram", "origin": 0, "bytes": 4}}}, ["memories.*are reserved"]),
    ({"memories": {"1RAM": {"kind": "ram", "origin": 0, "bytes": 4}}}, ["memories"]),
    ({"flash": {"st-flash": f"write {SHELL}"}}, ["flash.st-flash"]),
    ({"flash": {"st-flash": "write; id"}}, ["flash.st-flash"]),
    ({"flash": {"st-flash": 'write "{bin}'}}, ["flash.st-flash"]),
    ({"flash": {"st-flash": "{elf.__class__}"}}, ["flash.st-flash"]),
    ({"flash": {"st-flash": "{0}"}}, ["flash.st-flash"]),
    ({"flash": {"rm -rf": ""}}, ["flash"]),
    ({"emulation": {"a b": {"machine": "virt", "image": "board"}}}, ["emulation"]),
    ({"emulation": {"mine": {"machine": "virt,dumpdtb=/tmp/x", "image": "board"}}}, ["emulation.mine.machine"]),
    ({"emulation": {"mine": {"machine": SHELL, "note": SHELL, "image": "board"}}}, ["mine.machine", "mine.note"]),
    ({"title": SHELL, "uart": {"tx": "$"}, "clock_hz": 0, "cores": 3}, ["title", "uart.tx", "clock_hz", "cores"]),
    ({"cycles_per_instruction": float("nan"), "uart": {"baud": 10**9}}, ["cycles_per_instruction", "uart.baud"]),
    ({"timing": {"error": float("nan"), "anchor": SHELL}}, ["timing.error", "timing.anchor"]),
]


@pytest.mark.parametrize(("change", "named"), WRONG_CHARACTERS)
def test_facts_reach_no_other_place_than_theirs(tmp_path, change, named):
    facts = merged(yaml.safe_load((BOARD_FOLDER / "STM32F4.yaml").read_text()), change)
    (tmp_path / "MINE.yaml").write_text(yaml.safe_dump(facts | {"board": "MINE"}))
    with pytest.raises(UserError) as caught:
        load_board("MINE", tmp_path)
    errors = [str(error) for error in getattr(caught.value, "errors", [caught.value])]
    assert len(errors) == len(named)
    assert all(any(re.search(key, error) for error in errors) for key in named)


def test_a_board_is_no_path(tmp_path):
    facts = yaml.safe_load((BOARD_FOLDER / "STM32F4.yaml").read_text())
    (tmp_path / "MINE.yaml").write_text(yaml.safe_dump(facts | {"board": "../../elsewhere"}))
    with pytest.raises(UserError, match=r"board has characters.*elsewhere"):
        load_board("MINE", tmp_path)


def test_a_shell_in_a_boards_facts_does_not_run(tmp_path):
    """The example that ran: whoever gives it on the command line is refused before a project is written."""
    machine = f"'$(shell touch {tmp_path}/hacked)'"
    with pytest.raises(UserError, match=r"deployment.hardware_setup.emulation.mine.machine"):
        setup_of("STM32F4", emulation=f"{{mine: {{machine: {machine}, image: board}}}}")
    assert not (tmp_path / "hacked").exists()


def test_a_platform_that_there_is_not_is_named(tmp_path):
    board = dataclasses.replace(load_board("STM32F4"), platform="stm33")
    with pytest.raises(UserError, match=r"unknown platform 'stm33'.*Did you mean 'stm32'"):
        render_project(board, toy_files(), TOY_SIZES, [], tmp_path / "p")


# board, change of the facts, what is missing
INCOMPLETE = [
    (
        "STM32F4",
        {"emulation": {"mine": {"machine": "mps2-an386", "image": "twin"}}},
        "no code, constants, d",
    ),
    ("STM32F4", {"emulation": {"mps2-an386": {"timer_hz": 0}}}, "no timer_hz"),
    ("STM32F4", {"flash": {"picotool": "load {uf2}"}}, "picotool of STM32F4 names a file that is not"),
    ("STM32MP2", {"emulation": {"virt": {"code": None}}}, "no code"),
    ("STM32MP2", {"flash": {"scp": "{hex}"}}, "names a file that is not built"),
]


@pytest.mark.parametrize(("name", "change", "message"), INCOMPLETE)
def test_facts_that_a_project_needs_are_asked_for(name, change, message):
    facts = merged(boards.read_facts(name, BOARD_FOLDER), change)
    board = boards.board_from_facts(facts, "")
    with pytest.raises(UserError, match=message):
        platform_of(board).check(board)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"family": "stm32f5"}, "expected one of stm32f4, stm32f401, stm32g4"),
        ({"core": "cortex-m5", "timing": None, "cycles_per_instruction": 1.4}, "unknown core of STM32F4"),
        ({"family": "stm32h7", "uart": {"instance": "USART2"}}, "power_supply: ldo or smps"),
        ({"uart": {"instance": "USART1"}}, "unknown USART of stm32f4 'USART1'; expected one of USART2, USART3"),
        (
            {"family": "stm32f401", "clock_hz": 84000000, "uart": {"instance": "USART3"}},
            "unknown USART of stm32f401 'USART3'; expected one of USART2",
        ),
        ({"uart": {"tx": "A2"}}, "a port and a number"),
        ({"uart": {"rx": "PA16"}}, "a port and a number"),
    ],
)
def test_parts_that_the_platform_does_not_know_are_named(tmp_path, change, message):
    facts = merged(yaml.safe_load((BOARD_FOLDER / "STM32F4.yaml").read_text()), change)
    board = boards.board_from_facts(facts, "")
    with pytest.raises(UserError, match=message):
        render_project(board, toy_files(), TOY_SIZES, [], tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_pins():
    assert Pin.parse("PA9") == Pin(0, 9)
    assert Pin.parse("PE5") == Pin(4, 5)


def test_the_data_memory_is_the_first_that_is_large_enough():
    board = load_board("STM32H7")
    assert board.data_memory(100_000).name == "DTCM"
    assert board.data_memory(131_073).name == "AXISRAM"
    assert board.data_memory(10**7).name == "AXISRAM"


def test_a_budget_that_is_kept():
    budget = Budget(load_board("STM32F4"), {"weights": 420_000, "code": 20_000}, {"state": 98_304, "arena": 3_000})
    budget.check()
    assert budget.rows() == [("flash (FLASH)", 440_000, 1_048_576), ("RAM (SRAM)", 101_304, 131_072)]
    assert any("weights" in line and "420,000" in line for line in budget.table())


@pytest.mark.parametrize(
    ("flash", "ram", "named"),
    [
        ({"weights": 1_048_577}, {"state": 1}, ["flash (FLASH)", "1 TOO MANY"]),
        ({"weights": 1}, {"state": 131_000, "stack": 1_000}, ["RAM (SRAM)", "928 TOO MANY", "stack"]),
        ({"weights": 2_097_152}, {"state": 262_144}, ["flash (FLASH) and RAM (SRAM)", "1,048,576 TOO MANY"]),
    ],
)
def test_a_budget_that_is_not_kept_is_a_table(flash, ram, named):
    with pytest.raises(UserError) as caught:
        Budget(load_board("STM32F4"), flash, ram).check()
    for text in [*named, "STM32F405/407"]:
        assert text in str(caught.value)


@pytest.mark.quick(2)
@pytest.mark.parametrize("target", TARGETS)
def test_every_project_builds_with_make(projects, target):
    if target == "host":
        need("make", "host")
        assert build_image(projects[target]).exists()
        return
    board = load_board(target)
    need("make", *tools_of(board))
    image = build_image(projects[target], board)
    if board.platform == "browser":
        assert 5_000 < platform_of(board).image_sizes(board, image).flash.code < 25_000
        assert (projects[target] / "build" / "textzoo.html").stat().st_size < 60_000
        return
    if board.platform == "stm32":
        assert image.with_suffix(".bin").stat().st_size > 5_000
        assert image.with_suffix(".hex").read_text().startswith(":02")
    sections = section_bytes(projects[target])
    code, data = (30_000, 2_600) if board.platform == "mpu" else (20_600, 2_100)  # with libc
    assert sections[".text"] + sections[".rodata"] < code
    assert sections[".bss"] + sections[".data"] < data  # 1,024 of them for what arrives during an answer


def test_the_sizes_of_a_program_for_this_machine_are_those_of_its_sections(projects):
    need("make", "host")
    sizes = Host().image_sizes(None, build_image(projects["host"]))
    assert sizes.flash.code > 10_000
    assert sizes.ram > sizes.flash.weights == sizes.stack_reserved == 0


# Tool and its arguments -> what `make flash` runs, in a project whose program is called toy.
WRITERS = [(name, tool) for name in BOARDS for tool in load_board(name).flash]
# Tool -> the arguments that tell it the probe with a serial number, and behind which other one they stand.
CHOOSE_PROBE = {
    "STM32_Programmer_CLI": (["sn=066AFF"], "port=SWD"),
    "st-flash": (["--serial", "066AFF"], ""),
    "openocd": (["-c", "adapter serial 066AFF"], ""),
    "pyocd": (["--uid", "066AFF"], "flash"),
    "nrfjprog": (["--snr", "066AFF"], ""),
}
BUILD_IDF = ["-B", "build/idf", "-p", "/dev/tty USB0"]


def flash_command(project, tool, *variables):
    """The words of the line that runs the tool, and what make does before."""
    order = ["make", "-n", "--no-print-directory", "flash", f"FLASH_TOOL={tool}", *variables]
    said = subprocess.run(order, cwd=project, capture_output=True, text=True, check=True).stdout
    (line,) = [line for line in said.splitlines() if line.startswith(f"{tool} ")]
    return shlex.split(line), said.partition(line)[0]


@pytest.mark.parametrize(("name", "tool"), WRITERS)
def test_make_flash_runs_each_tool_of_the_board_with_the_files_of_the_project(tmp_path, name, tool):
    need("make", "arm")
    project = render_toy(name, tmp_path / "with blanks")
    words, before = flash_command(project, tool, "TARGET=board.local", "PORT=/dev/tty USB0")
    arguments = load_board(name).flash[tool].replace("$(TARGET)", "board.local")
    files = {ending: f"build/board/toy.{ending}" for ending in ("elf", "bin", "hex", "uf2")}
    expected = [tool, *(BUILD_IDF if tool == "idf.py" else []), *shlex.split(arguments.format(**files))]
    assert words == expected
    written = re.findall(r"{(\w+)}", load_board(name).flash[tool])
    assert all(files[ending] in before for ending in written)  # made before
    if tool in CHOOSE_PROBE:
        added, behind = CHOOSE_PROBE[tool]
        place = expected.index(behind) + 1 if behind else 1
        assert flash_command(project, tool, "PROBE=066AFF")[0] == [*expected[:place], *added, *expected[place:]]


def test_every_tool_of_a_board_says_how_it_is_installed():
    assert {tool for _, tool in WRITERS} == set(FLASH_TOOLS)


@pytest.mark.quick(2)
@pytest.mark.parametrize(("target", "image"), [(board, image) for board in BOARDS for image in images_of(board)])
def test_start_up_and_drivers_compile_without_a_warning(tmp_path, target, image):
    need("make", *tools_of(load_board(target)))
    project = render_toy(target, tmp_path / "p")
    flags = "APPLICATION_FLAGS=-Os -ffreestanding -pedantic -Werror -Wshadow"
    assert "-Werror -Wshadow" in run_make(project, "image", f"IMAGE={image}", "VERBOSE=1", flags)


def section_bytes(project):
    """`make size` as section -> bytes."""
    lines = run_make(project, "-s", "size").splitlines()
    return {line.split()[0]: int(line.split()[1]) for line in lines if line.startswith(".")}


@pytest.mark.parametrize("target", STM32)
def test_an_image_lies_in_the_memories_of_its_board(projects, target):
    need("make", "arm")
    board = load_board(target)
    image = build_image(projects[target], board)
    listing = subprocess.run(
        ["arm-none-eabi-objdump", "-h", str(image)], capture_output=True, text=True, check=True
    ).stdout
    places = {line.split()[1]: int(line.split()[3], 16) for line in listing.splitlines() if " ." in line}
    flash = board.memory("flash")
    assert places[".text"] == (flash.origin + 127) // 128 * 128
    assert any(memory.origin == places[".stack"] for memory in board.rams)
    assert flash.origin < places[".rodata"] < flash.origin + flash.bytes


def test_a_large_state_moves_to_the_larger_memory(tmp_path):
    sizes = dataclasses.replace(TOY_SIZES, state_bytes=200000)
    project = render_project(load_board("STM32H7"), toy_files(), sizes, [], tmp_path / "p")
    assert 'REGION_ALIAS("DATA", AXISRAM)' in (project / "board" / "memory.ld").read_text()


def test_what_does_not_fit_is_refused_by_the_linker_in_the_users_words(tmp_path):
    need("make", "arm")
    project = render_toy("STM32F4", tmp_path / "p")
    change_model(
        project,
        ("static uint32_t history;", "static uint32_t history;\nstatic volatile char large[200000];"),
        ("history = 1;", "history = 1;\n    large[0] = 1;"),
    )
    with pytest.raises(UserError, match="overflowed"):
        build_image(project, load_board("STM32F4"))


@pytest.mark.slow
@pytest.mark.parametrize("target", ["host", "STM32F4", "STM32N6", "PICO"])
def test_projects_build_with_cmake(projects, target, tmp_path):
    need("cmake", "host" if target == "host" else "arm")
    options = [] if target == "host" else [f"-DCMAKE_TOOLCHAIN_FILE={projects[target] / 'toolchain.cmake'}"]
    commands = [
        ["cmake", "-S", str(projects[target]), "-B", str(tmp_path), *options],
        ["cmake", "--build", str(tmp_path)],
    ]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    if target != "host":
        by_make = build_image(projects[target], load_board(target)).with_suffix(".bin")
        assert (tmp_path / "toy.bin").stat().st_size == pytest.approx(by_make.stat().st_size, abs=64)
    if target == "PICO":
        assert (tmp_path / "toy.uf2").stat().st_size > 2 * by_make.stat().st_size


def test_a_project_needs_nothing_outside_its_folder(projects, tmp_path):
    need("make", "arm")
    copy = tmp_path / "elsewhere"
    shutil.copytree(projects["STM32U5"], copy, ignore=shutil.ignore_patterns("build"))
    for path in copy.rglob("*"):
        if path.is_file() and path.name != MARKER:
            assert "textzoo/src" not in path.read_text()
            assert "/work" not in path.read_text()
    assert build_image(copy, load_board("STM32U5")).is_relative_to(copy)


def test_weights_in_external_flash(projects):
    need("make", "arm")
    project = projects["STM32N6"]
    (project / "model" / "weights.c").write_text("const signed char weights[5000] = {1};\n")
    model = project / "model" / "model.c"
    before = model.read_text()
    change_model(
        project,
        ("static uint32_t history;", "extern const signed char weights[5000];\nstatic uint32_t history;"),
        ("history = 1;", "history = (uint32_t)weights[0];"),
    )
    try:
        run_make(project, "WEIGHTS=external")
        folder = project / "build" / "board-external"
        listing = subprocess.run(
            ["arm-none-eabi-objdump", "-h", str(folder / "toy.elf")], capture_output=True, text=True, check=True
        ).stdout
        (weights,) = [line.split() for line in listing.splitlines() if " .weights " in line]
        assert (int(weights[2], 16), int(weights[3], 16)) == (
            5000,
            load_board("STM32N6").memory("external_flash").origin,
        )
        assert (folder / "toy.bin").stat().st_size < 20_000
    finally:
        model.write_text(before)
        (project / "model" / "weights.c").unlink()


@pytest.mark.parametrize("target", TARGETS)
def test_the_readme_of_a_project_says_how(projects, target):
    text = (projects[target] / "README.md").read_text()
    assert "TextZoo: toy, version 1, 0123456789ab" in text
    assert "make emulate" in text
    if target != "host":
        board = load_board(target)
        line = [] if board.platform == "browser" else [str(board.uart.baud)]
        for words in (board.title, board.boot, *line, *board.flash):
            assert words in text
    assert "{{" not in text


def test_flashing_without_a_tool_says_so(projects):
    need("make", "arm")
    build_image(projects["STM32F4"], load_board("STM32F4"))
    with pytest.raises(
        UserError, match=r"No tool .* Install one of: STM32_Programmer_CLI .*; st-flash \(Debian: sudo apt-"
    ):
        run_make(projects["STM32F4"], "flash", "FLASH_TOOL=")


def test_flashing_takes_the_first_tool_there_is(projects, tmp_path, monkeypatch):
    need("make", "arm")
    tool = tmp_path / "st-flash"
    tool.write_text('#!/bin/sh\necho "called with $*"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert "called with --reset write build/board/toy.bin 0x08000000" in run_make(projects["STM32F4"], "flash")


def test_a_project_replaces_an_earlier_one_as_a_whole(tmp_path):
    folder = render_toy("host", tmp_path / "p")
    (folder / "stale.c").write_text("")
    render_toy("STM32F4", folder)
    assert not (folder / "stale.c").exists()
    assert (folder / "board").is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


def test_a_folder_of_the_users_is_not_touched(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match="not a project made by TextZoo"):
        render_toy("host", tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def test_a_failed_rendering_leaves_the_earlier_project(tmp_path):
    folder = render_toy("host", tmp_path / "p")
    before = sorted(path.name for path in folder.rglob("*"))
    files = toy_files() | {"../outside.c": "int x;"}
    with pytest.raises(ValueError, match="outside"):
        render_project(None, files, TOY_SIZES, [], folder)
    assert sorted(path.name for path in folder.rglob("*")) == before
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


def test_the_marker_lists_every_file(tmp_path):
    folder = render_toy("STM32F4", tmp_path / "p")
    listed = json.loads((folder / MARKER).read_text())
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {MARKER}
    assert set(listed) == there


def test_kernels_keep_their_places(tmp_path):
    source = next(path for path in sorted(RUNTIME.rglob("*.c")))
    relative = source.relative_to(RUNTIME)
    for given in (source, relative):
        folder = render_project(None, toy_files(), TOY_SIZES, [given], tmp_path / "p")
        assert (folder / "runtime" / relative).read_bytes() == source.read_bytes()
        assert (folder / "runtime" / "include" / "textzoo" / "fixedpoint.h").exists()


def test_a_header_without_its_name_is_a_mistake_of_the_program(tmp_path):
    project = render_toy("host", tmp_path / "p")
    header = project / "model" / "model.h"
    header.write_text(header.read_text().replace("#define MODEL_NAME", "#define OTHER"))
    with pytest.raises(ValueError, match="MODEL_NAME"):
        program_of(project)


def test_the_sizes_of_the_toy_are_those_of_its_header():
    """They are stated beside it: there is no compiled model to take them from."""
    defines = dict(re.findall(r'^#define MODEL_(\w+) "?([^"\s]+)', toy_files()["model.h"], re.MULTILINE))
    others = ("further_ram_bytes", "has_commands", "has_second_core", "is_graph", "placement")
    names = [field.name for field in dataclasses.fields(TOY_SIZES) if field.name not in others]
    keys = {name: name.upper() for name in names} | {"image_bytes": "WEIGHTS_IMAGE_BYTES"}
    assert {name: str(getattr(TOY_SIZES, name)) for name in keys} == {name: defines[key] for name, key in keys.items()}


def test_missing_tools_name_their_package(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert len(missing_tools(list(TOOLS))) == len(TOOLS)
    with pytest.raises(UserError, match="sudo apt-get install qemu-system-arm"):
        require_tool("qemu")


def test_the_first_complaints_are_the_errors():
    output = "cc a.c\na.c:1: error: no\nmake: *** [all] Error 1\n"
    assert first_complaints(output) == "a.c:1: error: no"
    assert first_complaints("one\ntwo") == "one\ntwo"


def test_the_command_of_an_emulator():
    emulator = load_board("STM32F4").emulator("netduinoplus2")
    assert platform_of(load_board("STM32F4")).emulator_command(emulator) == [
        *("qemu-system-arm", "-M", "netduinoplus2", "-icount", "shift=6,sleep=off", "-display", "none"),
        *("-monitor", "none", "-serial", "null", "-serial", "stdio", "-no-reboot", "-kernel"),
    ]
    with pytest.raises(UserError, match="unknown emulator of STM32F4"):
        load_board("STM32F4").emulator("mps2")
