"""Projects for ESP-IDF: their files, and the arithmetic of the partition table."""

import csv
import itertools
import re
from dataclasses import replace

import pytest
from toy_projects import need, render_toy, toy_files

from textzoo.compiler.weights_image import HEADER_BYTES
from textzoo.errors import UserError
from textzoo.targets.boards import board_names, load_board
from textzoo.targets.esp32.partitions import PAGE, check_partitions, partitions_of
from textzoo.targets.platforms import platform_of, render_project
from textzoo.targets.project import ModelSizes
from textzoo.targets.toolchains import run_make

BOARDS = [name for name in board_names() if load_board(name).platform == "esp32"]
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
    return replace(
        ModelSizes.of(toy_files()["model.h"]), weight_bytes=weight_bytes, image_bytes=weight_bytes + HEADER_BYTES
    )


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


def test_kernels_are_placed_in_ram_by_their_files(tmp_path):
    kernels = ["mul32/fully_connected_s8.c", "generic/attention_s8.c"]
    project = render_project(load_board("ESP32"), toy_files(), kernels, tmp_path / "p")
    placed = re.findall(r"^\s+(\w+) \(noflash_text\)$", (project / "components/textzoo/linker.lf").read_text(), re.M)
    assert placed == ["model", "attention_s8", "fully_connected_s8"]


@pytest.mark.parametrize("name", BOARDS)
def test_the_partition_table_of_a_project_is_the_computed_one(projects, name):
    lines = (projects[name] / "partitions.csv").read_text().splitlines()
    rows = [[cell.strip() for cell in row] for row in csv.reader(lines) if not row[0].startswith("#")]
    table = partitions_of(sizes_of(144))
    assert [(row[0], int(row[3], 16), int(row[4], 16)) for row in rows] == [
        (part.name, part.offset, part.bytes) for part in table
    ]


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
        ({"core": "cortex-m4"}, "wrong fact: core"),
        ({"clock_hz": 100_000_000}, "wrong fact: clock_hz"),
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
