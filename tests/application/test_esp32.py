"""Projects for ESP-IDF: their files, and the arithmetic of the partition table."""

import csv
import itertools
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from toy_projects import TOY_SIZES, render_toy, toy_files

from compilers import need
from textzoo.common.errors import UserError
from textzoo.compiler.backend.weights_image import HEADER_BYTES
from textzoo.config.boards import board_names, boards_with_two_cores, load_board
from textzoo.targets.boards import Led, check_second_core
from textzoo.targets.esp32.partitions import PAGE, check_partitions, partitions_of
from textzoo.targets.placement import Copied, Placement
from textzoo.targets.platforms import platform_of, render_project
from textzoo.targets.project import SECOND_STACK_BYTES
from textzoo.targets.toolchains import run_make
from textzoo.testing import STRICT
from textzoo.text.chat_templates import COMMANDS

BOARDS = [name for name in board_names() if load_board(name).platform == "esp32"]
ESP_IDF = Path(__file__).parent / "esp_idf"
MEGABYTE = 1 << 20
SECTOR = 0x1000
TABLE_END = 0x9000  # boot loader, and the table itself at 0x8000
PROJECT_FILES = (
    *("CMakeLists.txt", "Makefile", "README.md", "partitions.csv", "sdkconfig.defaults"),
    *("main/CMakeLists.txt", "main/Kconfig.projbuild", "main/app_main.c", "main/port_esp32.c", "main/board.h"),
    *("components/textzoo/CMakeLists.txt", "components/textzoo/linker.lf"),
)


@pytest.fixture(scope="module")
def projects(tmp_path_factory):
    folder = tmp_path_factory.mktemp("esp32")
    return {board: render_toy(board, folder / board) for board in BOARDS}


def sizes_of(weight_bytes):
    return replace(TOY_SIZES, weight_bytes=weight_bytes, image_bytes=weight_bytes + HEADER_BYTES)


@pytest.mark.parametrize("name", BOARDS)
def test_a_project_is_what_the_framework_expects(projects, name):
    project, board = projects[name], load_board(name)
    assert [path for path in PROJECT_FILES if not (project / path).is_file()] == []
    top = (project / "CMakeLists.txt").read_text().split("\n")
    assert top.index("include($ENV{IDF_PATH}/tools/cmake/project.cmake)") < top.index("project(toy C)")
    settings = dict(re.findall(r"^CONFIG_(\w+)=(.*)$", (project / "sdkconfig.defaults").read_text(), re.MULTILINE))
    assert settings["IDF_TARGET"] == f'"{board.family}"'
    assert settings[f"ESP_DEFAULT_CPU_FREQ_MHZ_{board.clock_hz // 10**6}"] == "y"
    assert settings[f"ESPTOOLPY_FLASHSIZE_{board.memory('flash').bytes // MEGABYTE}MB"] == "y"
    assert settings["PARTITION_TABLE_CUSTOM_FILENAME"] == '"partitions.csv"'


@pytest.mark.parametrize("name", BOARDS)
def test_options_that_sources_ask_for_are_declared(projects, name):
    project = projects[name]
    declared = set(re.findall(r"^\s*config (\w+)", (project / "main" / "Kconfig.projbuild").read_text(), re.MULTILINE))
    texts = [path.read_text() for folder in ("main", "components") for path in (project / folder).rglob("*.*")]
    used = {option for text in texts for option in re.findall(r"\b(?:CONFIG_)?(TEXTZOO_[A-Z_]+)\b", text)}
    defines = {"TEXTZOO_WEIGHTS_MAPPED", "TEXTZOO_WEIGHTS", "TEXTZOO_BOARD_H", "TEXTZOO_PORT_ESP"}
    assert used - defines <= declared
    assert declared == {
        *("TEXTZOO_WEIGHTS_PARTITION", "TEXTZOO_WEIGHTS_EMBEDDED", "TEXTZOO_KERNELS_IN_IRAM", "TEXTZOO_PROFILE")
    }


def one_core():
    return toy_files(), TOY_SIZES


def with_second_core():
    """The toy's files and sizes, as if two cores shared its matrices."""
    files = toy_files()
    before = "#define MODEL_STATE_BYTES"
    files["model.h"] = files["model.h"].replace(before, f"#define MODEL_SECOND_CORE 1\n{before}", 1)
    return files, replace(TOY_SIZES, has_second_core=True)


def with_commands():
    """The toy's files and sizes, in a project whose lines are commands."""
    return toy_files(commands=COMMANDS), replace(TOY_SIZES, has_commands=True)


@pytest.mark.parametrize("board", [name for name in BOARDS if load_board(name).cores > 1])
def test_a_project_for_two_cores_has_what_runs_the_second_one(projects, board, tmp_path):
    kernels = ["mul32/fully_connected_s8.c", "generic/parallel.c"]
    two = render_project(load_board(board), *with_second_core(), kernels, tmp_path / "two")
    only = {path.relative_to(two) for path in two.rglob("*.c")} - {
        path.relative_to(projects[board]) for path in projects[board].rglob("*.c")
    }
    assert {str(path) for path in only} == {"main/second_core.c", *(f"runtime/{kernel}" for kernel in kernels)}
    # The framework's build takes main/second_core.c in place of the twin's parallel.c.
    assert 'EXCLUDE REGEX "/generic/parallel' in (two / "components/textzoo/CMakeLists.txt").read_text()
    assert "parallel" not in (two / "components/textzoo/linker.lf").read_text()
    assert f"#define BOARD_SECOND_STACK_BYTES {SECOND_STACK_BYTES}" in (two / "main/board.h").read_text()
    assert f"| stack of the second core's task | {SECOND_STACK_BYTES:,} |" in (two / "README.md").read_text()
    assert "deployment.second_core=true" in (projects[board] / "README.md").read_text()


@pytest.mark.parametrize("led", [None, Led("GPIO2"), Led("GPIO2", active_low=True)])
@pytest.mark.parametrize("model", [one_core, with_second_core, with_commands])
@pytest.mark.parametrize("weights", ["", "CONFIG_TEXTZOO_WEIGHTS_PARTITION"])
def test_the_boards_part_compiles_without_a_warning(model, led, weights, tmp_path):
    """Against stand-ins for the framework's headers: esp_idf/README.md."""
    project = render_project(replace(load_board("ESP32"), led=led), *model(), [], tmp_path / "p")
    assert ("BOARD_LED_PIN 2" in (project / "main" / "board.h").read_text()) == (
        model is with_commands and led is not None
    )
    (tmp_path / "sdkconfig.h").write_text(f"#define {weights}\n" if weights else "")
    includes = [tmp_path, ESP_IDF, *(project / name for name in ("main", "application", "model", "runtime/include"))]
    sources = sorted((project / "main").glob("*.c"))
    command = [need("host"), *STRICT, "-fsyntax-only", *(f"-I{path}" for path in includes)]
    done = subprocess.run([*command, *map(str, sources)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.quick(2)
@pytest.mark.parametrize("board", [None, *(name for name in board_names() if name not in ("ESP32", "ESP32S3"))])
def test_boards_of_one_core_refuse_a_second_one(board):
    with pytest.raises(UserError, match=r"second_core=true needs two cores.*expected one of ESP32, ESP32S3; received"):
        check_second_core(load_board(board) if board else None, True, boards_with_two_cores())


def test_kernels_are_placed_in_ram_by_their_files(tmp_path):
    kernels = ["mul32/fully_connected_s8.c", "generic/attention_s8.c"]
    project = render_project(load_board("ESP32"), toy_files(), TOY_SIZES, kernels, tmp_path / "p")
    placed = re.findall(r"^\s+(\w+) \(noflash_text\)$", (project / "components/textzoo/linker.lf").read_text(), re.M)
    assert placed == ["model", "attention_s8", "fully_connected_s8"]


@pytest.mark.parametrize("symbols", [(), ("first_weights", "first_bias")])
def test_copied_weights_are_built_in_and_placed_in_ram_by_their_names(symbols, tmp_path):
    placement = Placement({"DRAM": Copied(symbols, 1_024)} if symbols else {})
    sizes = replace(TOY_SIZES, placement=placement)
    project = render_project(load_board("ESP32C3"), toy_files(), sizes, [], tmp_path / "p")
    placed = re.findall(
        r"^\s+weights:(\w+) \(noflash_data\)$", (project / "components/textzoo/linker.lf").read_text(), re.M
    )
    assert placed == list(symbols)
    built_in = "CONFIG_TEXTZOO_WEIGHTS_EMBEDDED=y" in (project / "sdkconfig.defaults").read_text().splitlines()
    assert built_in == bool(symbols)
    assert ("| copies of weights | 1,024 |" in (project / "README.md").read_text()) == bool(symbols)


@pytest.mark.parametrize("name", BOARDS)
def test_the_partition_table_of_a_project_is_the_computed_one(projects, name):
    lines = (projects[name] / "partitions.csv").read_text().splitlines()
    rows = [[cell.strip() for cell in row] for row in csv.reader(lines) if not row[0].startswith("#")]
    table = partitions_of(sizes_of(144))
    assert [(row[0], int(row[3], 16), int(row[4], 16)) for row in rows] == [
        (part.name, part.offset, part.bytes) for part in table
    ]


@pytest.mark.quick(1)
@pytest.mark.parametrize("weight_bytes", [1, 65_488, 65_489, 470_000, 1_200_000])
def test_partitions_are_aligned_do_not_overlap_and_hold_what_belongs_there(weight_bytes):
    sizes = sizes_of(weight_bytes)
    table = partitions_of(sizes)
    assert table[0].offset >= TABLE_END
    for part, after in itertools.pairwise(table):
        assert part.end <= after.offset
    assert all(part.offset % SECTOR == 0 and part.bytes % SECTOR == 0 for part in table)
    program, weights = table[-2:]
    assert (program.kind, weights.name) == ("app", "weights")
    assert program.offset % PAGE == weights.offset % PAGE == 0
    assert sizes.image_bytes <= weights.bytes < sizes.image_bytes + PAGE
    assert program.bytes > weight_bytes
    for name in BOARDS:
        check_partitions(load_board(name), sizes)


def test_partitions_that_do_not_fit_are_a_table():
    with pytest.raises(UserError, match=r"(?s)do not fit the flash of ESP32.*4,194,304.*weights"):
        check_partitions(load_board("ESP32"), sizes_of(2_000_000))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"family": "esp32s4"}, "unknown family of ESP32"),
        ({"core": "cortex-m4"}, "invalid value: core"),
        ({"cores": 3}, "invalid value: cores"),
        ({"clock_hz": 100_000_000}, "invalid value: clock_hz"),
    ],
)
def test_facts_that_the_platform_does_not_know_are_named(change, message):
    board = replace(load_board("ESP32"), **change)
    with pytest.raises(UserError, match=message):
        platform_of(board).check(board)


@pytest.mark.parametrize("target", ["idf", "flash", "monitor", "flash-weights"])
def test_without_the_framework_it_is_named(projects, target, monkeypatch):
    need("make")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with pytest.raises(UserError, match=r"idf\.py is missing: install Espressif's ESP-IDF"):
        run_make(projects["ESP32"], target)
