"""Libraries: two files of C that write the same text as Python, in any compiler's C and C++, and in every ecosystem."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from library_cases import CASES, NAME, Case, case_header, library_of, text_of

from compilers import need, need_sanitizers
from textzoo.config.boards import load_board
from textzoo.testing import STRICT, bare_metal

HERE = Path(__file__).parent
BOARD = Path(bare_metal.__file__).parent
FUZZED_STATES = 400
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
C99 = ["-std=c99", *WARNINGS]
CPP17 = ["-x", "c++", "-std=c++17", *WARNINGS]
# A key of TOOLS, the program beside it, flags
COMPILERS = [
    ("gcc", "gcc", [*C99, "-O2", "-Wconversion"]),
    ("gcc", "gcc", [*C99, "-O0", "-DMY_MODEL_KEEP_OPTIONS"]),
    ("clang", "clang", [*C99, "-O2", "-Wconversion"]),
    ("c++", "g++", [*CPP17, "-O2"]),
    ("clang", "clang++", [*CPP17, "-O2"]),
    ("arm", "arm-none-eabi-gcc", [*C99, "-Os", "-mcpu=cortex-m0plus", "-mthumb"]),
    ("arm", "arm-none-eabi-g++", [*CPP17, "-Os", "-mcpu=cortex-m0plus", "-mthumb"]),
]
# Board whose kernels a library has, core that it runs on, the compiler's options for another core
CORES = [
    ("STM32F4", "m4", "cortex-m3"),
    ("STM32N6", "m55", "cortex-m4"),
    (None, "m33", None),
    ("ESP32C3", "rv32", None),
]
# Debian's core for AVR and compiler for AVR are of different years.
ARDUINO = Path("/usr/share/arduino/hardware")
MISSING_IN_ITS_CORE = "compiler.cpp.extra_flags=-DDECIMAL_DIG=__DECIMAL_DIG__"
MEGA = "arduino:avr:mega:cpu=atmega2560"
SKETCH_TOKENS = 200
COLOURS = re.compile(rb"\x1b\[\d+m")


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    """A function: case, name -> its library, made once."""
    made = {}

    def library(case, name=NAME):
        if (case, name) not in made:
            made[case, name] = library_of(case, tmp_path_factory.mktemp("library") / name, name)
        return made[case, name]

    return library


def write_case(folder: Path, case: Case, fuzzed_states: int = FUZZED_STATES) -> None:
    (folder / "case.h").write_text(case_header(case, fuzzed_states))


def compile_only(program: str, flags: list[str], library: Path, folder: Path) -> None:
    command = [program, *flags, f"-I{library / 'src'}", "-c"]
    for source in (library / "src").glob("*.c"):
        subprocess.run([*command, str(source), "-o", str(folder / "object.o")], check=True)


@pytest.mark.quick(2)
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_text_is_that_of_python_and_the_header_keeps_its_promises(libraries, case, compiler, tmp_path):
    """Under the sanitizers: errors, saved states that go on identically, states that are damaged on purpose."""
    write_case(tmp_path, case)
    sources = [HERE / "library_program.c", BOARD / "board_host.c", libraries(case) / "src" / f"{NAME}.c"]
    command = [need_sanitizers(compiler), *STRICT, "-O1", "-g", "-fno-strict-aliasing"]
    command += ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    command += [f"-I{folder}" for folder in (tmp_path, BOARD, libraries(case) / "src")]
    subprocess.run([*command, *map(str, sources), "-o", str(tmp_path / "program")], check=True)
    subprocess.run([str(tmp_path / "program")], cwd=tmp_path, check=True)
    assert (tmp_path / "text").read_bytes() == text_of(case)


@pytest.mark.parametrize(("tool", "program", "flags"), COMPILERS)
def test_compilers_have_nothing_to_say(libraries, tool, program, flags, tmp_path):
    need(tool)
    for case in CASES:
        compile_only(program, flags, libraries(case), tmp_path)


@pytest.mark.parametrize(("board", "core", "other"), CORES)
def test_kernels_of_a_board_write_the_same_text_on_its_core(board, core, other, tmp_path):
    need(bare_metal.CORES[core].compiler, bare_metal.CORES[core].emulator)
    case = CASES[0]
    settings = {"library_kernels": "board", "hardware_setup": load_board(board)} if board else {}
    library = library_of(case, tmp_path / NAME, **settings)
    write_case(tmp_path, case, fuzzed_states=4)
    sources = [HERE / "library_program.c", library / "src" / f"{NAME}.c"]
    flags = ["-O2", "-fno-strict-aliasing", f"-I{tmp_path}", f"-I{library / 'src'}"]
    bare_metal.run(bare_metal.build(sources, core, tmp_path / "program.elf", flags=flags), core, tmp_path)
    assert (tmp_path / "text").read_bytes() == text_of(case)
    if other:
        with pytest.raises(subprocess.CalledProcessError):
            compile_only("arm-none-eabi-gcc", [f"-mcpu={other}", "-mthumb"], library, tmp_path)


def test_two_models_are_linked_into_one_program(libraries, tmp_path):
    """Every name outside of the files begins with the library's."""
    compiler = need("gcc")
    names = ("my_model", "other_model")
    for name, case in zip(names, CASES[:2], strict=True):
        source = libraries(case, name) / "src" / f"{name}.c"
        subprocess.run([compiler, "-c", "-O2", str(source), "-o", str(tmp_path / f"{name}.o")], check=True)
        listed = subprocess.run(
            ["nm", "-g", "--defined-only", f"{name}.o"], cwd=tmp_path, capture_output=True, text=True
        )
        defined = [line.split()[-1] for line in listed.stdout.splitlines()]
        assert f"{name}_open" in defined
        assert [symbol for symbol in defined if not symbol.startswith(f"{name}_")] == []
    program = "".join(f'#include "{name}.h"\n' for name in names)
    program += "int main(void) { return my_model_unknown(0, 0) + other_model_unknown(0, 0) != 0; }\n"
    (tmp_path / "two.cc").write_text(program)
    includes = [f"-I{libraries(case, name) / 'src'}" for name, case in zip(names, CASES, strict=False)]
    command = [need("c++"), *includes, "two.cc", "my_model.o", "other_model.o", "-o", "two"]
    subprocess.run(command, cwd=tmp_path, check=True)
    subprocess.run([str(tmp_path / "two")], check=True)


def shown_by_simavr(text: bytes) -> bytes:
    """What simavr shows of a serial line: control characters as dots, and lines end behind that of a newline."""
    return re.sub(rb"[\x00-\x1f]", lambda match: b".\n" if match[0] == b"\n" else b".", text)


def built_sketch(library: Path, folder: Path) -> Path:
    """The example of a library, built as Arduino does; a program for the ATmega2560."""
    (folder / "build").mkdir()
    command = [need("arduino"), "-compile", "-hardware", str(ARDUINO), "-hardware", "/usr/share/arduino-builder"]
    command += ["-tools", "/usr/bin", "-libraries", str(library.parent), "-fqbn", MEGA]
    command += ["-prefs", MISSING_IN_ITS_CORE, "-build-path", str(folder / "build"), "-warnings", "all"]
    sketch = library / "examples/Talk/Talk.ino"
    built = subprocess.run([*command, str(sketch)], capture_output=True, text=True, check=True)
    assert [line for line in built.stderr.splitlines() if library.name in line] == []
    return folder / "build/Talk.ino.elf"


def test_a_sketch_talks_on_an_emulated_arduino(tmp_path):
    """The model of 8 bits on a core of 8 bits, whose int has 16: 5 KB of weights and tables in 8 KB of RAM."""
    case = replace(CASES[1], tokens=SKETCH_TOKENS)
    command = [need("simavr"), "-m", "atmega2560", "-f", "16000000"]
    library = library_of(case, tmp_path / "libraries" / NAME)
    expected = shown_by_simavr(case.prompt.encode() + text_of(case) + b"\r\n")
    command.append(str(built_sketch(library, tmp_path)))
    shown = b""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        while len(shown) < len(expected) and (line := process.stdout.readline()):
            shown += COLOURS.sub(b"", line)
        process.kill()
    assert shown == expected
