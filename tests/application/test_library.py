"""Libraries: two files of C that write the same text as Python, in any compiler's C and C++, and in every ecosystem."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir
from library_cases import CASES, NAME, Case, case_header, library_of, text_of
from omegaconf import OmegaConf

from compilers import need, need_sanitizers
from textzoo.common.errors import UserError
from textzoo.common.paths import CONFIGURATION
from textzoo.config.boards import load_board
from textzoo.config.check import check
from textzoo.config.composing import register
from textzoo.engines.settings import PredictionConfig
from textzoo.services.deployment import not_in_library
from textzoo.targets.library.amalgamation import Amalgamation, SourceFile
from textzoo.targets.library.c_names import names_of
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


def write_and_compare(library: Path, case: Case, compiler: str, folder: Path) -> None:
    """Let library_program.c run under the sanitizers, and compare its text with Python's."""
    write_case(folder, case)
    sources = [HERE / "library_program.c", BOARD / "board_host.c", library / "src" / f"{NAME}.c"]
    command = [need_sanitizers(compiler), *STRICT, "-O1", "-g", "-fno-strict-aliasing"]
    command += ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    command += [f"-I{folder}" for folder in (folder, BOARD, library / "src")]
    subprocess.run([*command, *map(str, sources), "-o", str(folder / "program")], check=True)
    subprocess.run([str(folder / "program")], cwd=folder, check=True)
    assert (folder / "text").read_bytes() == text_of(case)


def compile_only(program: str, flags: list[str], library: Path, folder: Path) -> None:
    command = [program, *flags, f"-I{library / 'src'}", "-c"]
    for source in (library / "src").glob("*.c"):
        subprocess.run([*command, str(source), "-o", str(folder / "object.o")], check=True)


@pytest.mark.quick(2)
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_text_is_that_of_python_and_the_header_keeps_its_promises(libraries, case, compiler, tmp_path):
    """Under the sanitizers: errors, saved states that go on identically, states that are damaged on purpose."""
    write_and_compare(libraries(case), case, compiler, tmp_path)


# Where in the text that a case writes the stop text begins, and its characters.
STOPS = [(0.5, 1), (0.5, 3), (0.0, 2)]


def stop_of(text: str, begin: float, size: int) -> str:
    """Characters of a text from about there on, all of which a stop text can have."""
    starts = range(int(begin * len(text)), len(text) - size)
    return next(text[start : start + size] for start in starts if "\ufffd" not in text[start : start + size])


@pytest.mark.quick(2)
@pytest.mark.parametrize(("begin", "size"), STOPS)
@pytest.mark.parametrize("case", [CASES[0], CASES[4]], ids=str)
def test_an_answer_ends_at_the_stop_text(case, begin, size, tmp_path):
    whole = text_of(case).decode()
    case = replace(case, stop=stop_of(whole, begin, size))
    assert text_of(case).decode() == whole.partition(case.stop)[0] != whole
    library = library_of(case, tmp_path / NAME)
    write_and_compare(library, case, "gcc", tmp_path)
    for program, flags in (("g++", CPP17), ("clang", C99)):
        compile_only(program, flags, library, tmp_path)


def test_a_library_says_that_it_has_no_grammar():
    (skipped,) = not_in_library(PredictionConfig(grammar="json.gbnf", stop="."))
    assert skipped.what == "prediction.grammar in the library"
    assert not_in_library(PredictionConfig(stop=".")) == []


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
    """Every name outside of the files begins with the library's; of the C library four functions are needed."""
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
        listed = subprocess.run(
            ["nm", "-u", f"{name}.o"], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout
        assert {line.split()[-1] for line in listed.splitlines()} <= {"memcmp", "memcpy", "memmove", "memset"}
    program = "".join(f'#include "{name}.h"\n' for name in names)
    program += "int main(void) { return my_model_unknown(0, 0) + other_model_unknown(0, 0) != 0; }\n"
    (tmp_path / "two.cc").write_text(program)
    includes = [f"-I{libraries(case, name) / 'src'}" for name, case in zip(names, CASES, strict=False)]
    command = [need("c++"), *includes, "two.cc", "my_model.o", "other_model.o", "-o", "two"]
    subprocess.run(command, cwd=tmp_path, check=True)
    subprocess.run([str(tmp_path / "two")], check=True)


def as_simavr_shows(text: bytes) -> bytes:
    """Text on a serial line with dots for control characters; simavr ends lines where it likes, which is left out."""
    return re.sub(rb"[\x00-\x1f]", b".", text)


def shown(output: bytes) -> bytes:
    """What simavr printed on its error output, the serial line, without colours and its own ends of lines."""
    return COLOURS.sub(b"", output).replace(b"\n", b"")


# Models of which weights, tables and state fit into 16 KB of RAM.
ON_AVR = [
    CASES[1],
    CASES[3],
    CASES[4],
    Case("gpt", "char", "static_wi8_ai8", "abc"),
    Case("tiny_lm", "char", "static_wi4_ai8", "é"),
]


@pytest.mark.quick(1)
@pytest.mark.parametrize("case", ON_AVR, ids=str)
def test_an_int_of_16_bits_is_enough(case, tmp_path):
    compiler, emulator = need("avr"), need("simavr")
    library = library_of(case, tmp_path / NAME)
    write_case(tmp_path, case)
    command = [compiler, "-mmcu=atmega1284p", "-std=gnu99", "-Os", *WARNINGS, f"-I{tmp_path}", f"-I{library / 'src'}"]
    sources = [HERE / "library_on_avr.c", library / "src" / f"{NAME}.c"]
    subprocess.run([*command, *map(str, sources), "-o", str(tmp_path / "program.elf")], check=True)
    run = [emulator, "-m", "atmega1284p", "-f", "16000000", "program.elf"]
    done = subprocess.run(
        run, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=300, check=False
    )
    assert as_simavr_shows(text_of(case) + b"\n") == shown(done.stderr)


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
    expected = as_simavr_shows(case.prompt.encode() + text_of(case) + b"\r\n")
    command.append(str(built_sketch(library, tmp_path)))
    output = b""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        while len(shown(output)) < len(expected) and (line := process.stderr.readline()):
            output += line
        process.kill()
    assert shown(output) == expected


def properties(path: Path) -> dict[str, str]:
    """A library.properties."""
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


# Keys that the specification of Arduino's libraries requires, beside those that may be empty.
REQUIRED_PROPERTIES = {"name", "version", "author", "maintainer", "sentence", "paragraph", "category", "architectures"}
CATEGORIES = {
    *("Display", "Communication", "Signal Input/Output", "Sensors", "Device Control", "Timing", "Data Storage"),
    *("Data Processing", "Other"),
}
SEMANTIC_VERSION = r"\d+\.\d+\.\d+"
# Keys of module.yml and of its section build that this kind of module may have (Zephyr's documentation of modules).
MODULE_KEYS, BUILD_KEYS = {"name", "build", "samples"}, {"cmake", "kconfig"}


def check_arduino(library: Path) -> None:
    facts = properties(library / "library.properties")
    assert all(facts[key] for key in REQUIRED_PROPERTIES)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}", facts["name"])
    assert re.fullmatch(SEMANTIC_VERSION, facts["version"])
    assert facts["category"] in CATEGORIES
    assert (library / "src" / facts["includes"]).is_file()
    for line in (library / "keywords.txt").read_text().splitlines():
        word, kind = line.split("\t")
        assert kind in ("KEYWORD1", "KEYWORD2", "LITERAL1")
        assert word in (library / f"src/{NAME}.h").read_text()


def check_platformio(library: Path) -> None:
    facts = json.loads((library / "library.json").read_text())
    assert (facts["name"], facts["frameworks"], facts["platforms"]) == (NAME, "*", "*")
    assert re.fullmatch(SEMANTIC_VERSION, facts["version"])
    assert (library / facts["build"]["srcDir"] / facts["headers"]).is_file()
    for example in facts["examples"]:
        assert all((library / example["base"] / file).is_file() for file in example["files"])


def check_esp_idf(library: Path) -> None:
    facts = yaml.safe_load((library / "idf_component.yml").read_text())
    assert set(facts) == {"version", "description", "license", "dependencies"}
    assert re.fullmatch(SEMANTIC_VERSION, facts["version"])
    assert list(facts["dependencies"]) == ["idf"]
    main = library / "examples/esp_idf/main"
    used = yaml.safe_load((main / "idf_component.yml").read_text())["dependencies"][NAME]
    assert (main / used["override_path"]).resolve() == library.resolve()


def check_zephyr(library: Path) -> None:
    facts = yaml.safe_load((library / "zephyr/module.yml").read_text())
    assert set(facts) <= MODULE_KEYS
    assert set(facts["build"]) <= BUILD_KEYS
    assert (library / facts["build"]["cmake"] / "CMakeLists.txt").is_file()
    assert f"config {NAME.upper()}\n" in (library / facts["build"]["kconfig"]).read_text()
    for sample in facts["samples"]:
        assert f"CONFIG_{NAME.upper()}=y" in (library / sample / "prj.conf").read_text()
        assert yaml.safe_load((library / sample / "sample.yaml").read_text())["tests"]


@pytest.mark.parametrize("check", [check_arduino, check_platformio, check_esp_idf, check_zephyr])
def test_manifests_say_what_is_there(libraries, check):
    check(libraries(CASES[0]))


def test_manifests_name_the_page_of_a_library(libraries, tmp_path):
    page = "https://example.org/~me/my_model?lang=en&x=1#top"
    for library, expected in (
        (libraries(CASES[0]), None),
        (library_of(CASES[0], tmp_path / NAME, library_url=page), page),
    ):
        assert properties(library / "library.properties").get("url") == expected
        assert json.loads((library / "library.json").read_text()).get("homepage") == expected
        assert yaml.safe_load((library / "idf_component.yml").read_text()).get("url") == expected


def test_a_tensor_called_as_a_function_of_the_library_is_refused():
    units = {
        "a.c": "int shared(void) { return 0; }\n",
        "b.c": "#define my_model_shared 1\nint other(void) { return shared(); }\n",
    }
    whole = Amalgamation(NAME, {})
    for label, text in units.items():
        whole.add(SourceFile(label, text))
    with pytest.raises(UserError, match="a function of the library: my_model_shared"):
        whole.text()


def test_a_prompt_ends_no_comment_and_no_string(tmp_path):
    case = replace(CASES[2], prompt='*/ int x; /* "); ```\n\\ ??/ é')
    library = library_of(case, tmp_path / NAME)
    compile_only(need("gcc"), [*C99, "-trigraphs"], library, tmp_path)
    subprocess.run(["make", "-s"], cwd=library / "examples/plain_c", check=True)
    said = subprocess.run(["./talk"], cwd=library / "examples/plain_c", capture_output=True, check=True).stdout
    assert said.startswith(case.prompt.encode())


def test_the_examples_of_c_programs_run(libraries, tmp_path):
    """The Makefile's own, and one that takes the folder as a part of another project of CMake."""
    case = CASES[1]
    need("make", "cmake", "host")
    library = Path(shutil.copytree(libraries(case), tmp_path / NAME))
    example = library / "examples/plain_c"
    subprocess.run(["make", "-s"], cwd=example, check=True)
    command = ["./talk", case.prompt, str(case.tokens), str(case.seed)]
    said = subprocess.run(command, cwd=example, capture_output=True, check=True).stdout
    assert said == case.prompt.encode() + text_of(case) + b"\n"
    refused = subprocess.run(["./talk", ""], cwd=example, capture_output=True, check=False)
    assert (refused.returncode, refused.stdout) == (2, b"")
    (tmp_path / "CMakeLists.txt").write_text(
        f"cmake_minimum_required(VERSION 3.18)\nproject(mine C)\nadd_subdirectory({NAME})\n"
        f"add_executable(mine {NAME}/examples/plain_c/main.c)\ntarget_link_libraries(mine PRIVATE {NAME})\n"
    )
    for step in (["-S", ".", "-B", "build"], ["--build", "build"]):
        subprocess.run(["cmake", *step], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    command[0] = "build/mine"
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout == said


def test_examples_of_frameworks_compile(libraries, tmp_path):
    """Against stand-ins for the frameworks' headers: esp_idf/README.md, and one function of Zephyr's."""
    compiler, library = need("gcc"), libraries(CASES[0])
    (tmp_path / "zephyr/sys").mkdir(parents=True)
    (tmp_path / "zephyr/sys/printk.h").write_text("void printk(const char *format, ...);\n")
    includes = [f"-I{folder}" for folder in (tmp_path, HERE / "esp_idf", library / "src")]
    for source in ("esp_idf/main/main.c", "zephyr/src/main.c"):
        path = library / "examples" / source
        subprocess.run([compiler, *C99, "-c", *includes, str(path), "-o", str(tmp_path / "object.o")], check=True)


# Overrides of the command line, what each mistake says
REFUSED = [
    (["deployment.library_name=Model"], ["library_name cannot begin.*received 'Model'"]),
    (["deployment.library_name=../x", "deployment.weight_files=true"], ["library_name cannot", "weight_files=true"]),
    (["deployment.library_kernels=board", "board=CIMv3"], ["unknown kernels of a library 'cimv3'"]),
    (["deployment.library_url='https://a b'"], ["library_url is no address of a web page.*received 'https://a b'"]),
    (["deployment.second_core=true"], ["second_core=true needs two cores"]),
    (["model=graph"], ["is for language models"]),
    (["operation_mode=benchmarking"], ["makes no program that could be measured"]),
]


@pytest.mark.parametrize(("overrides", "messages"), REFUSED)
def test_mistakes_are_named(overrides, messages):
    register()
    overrides = ["operation_mode=deployment", "deployment.target=library", *overrides]
    with initialize_config_dir(str(CONFIGURATION), version_base="1.3"):
        composed = OmegaConf.to_container(compose("config", overrides=overrides), resolve=True)
    errors = [str(error) for error in check(composed)[1]]
    for message in messages:
        assert any(re.search(message, error) for error in errors), (message, errors)


# C, its own names, those that it shares, its macros
SOURCES = [
    ("static int a(void);\nstatic int a(void)\n{\n    return b(c);\n}\n", {"a"}, set(), set()),
    ("int f(int x);\nint f(int x) { int y = x; return y; }\n", set(), {"f"}, set()),
    ("typedef struct {\n    int member, other;\n} type_t;\nstruct tag { int m; };", {"type_t", "tag"}, set(), set()),
    ("enum { A, B = 1 << 2, C };\nextern const int x[];\n", {"A", "B", "C"}, set(), set()),
    ("static const int t[2][2] = {{1, 2}, {3, 4}}, u = 1;\nconst int x[] = {1};\n", {"t", "u"}, {"x"}, set()),
    ("static __attribute__((noinline)) void g(void)\n{\n}\n", {"g"}, set(), set()),
    ("typedef int function_t(const int *p, int n);\n/* int no(void) {} */\n", {"function_t"}, set(), set()),
    ("#define K name\n#define M(x) \\\n    (x)\nvoid K(int x) { M(x); }\n", set(), {"name"}, {"K", "M"}),
    ('static const char *s = "; int no = 1; {";\nstatic int one = \'{\';\n', {"s", "one"}, set(), set()),
]  # fmt: skip


@pytest.mark.parametrize(("source", "own", "shared", "macros"), SOURCES)
def test_names_that_c_defines(source, own, shared, macros):
    found = names_of(source)
    assert (found.own, found.shared, set(found.macros)) == (own, shared, macros)
