"""Projects around the toy model, and its C as a library."""

import ctypes
from dataclasses import replace
from pathlib import Path

from toy import FOLDER, toy_define, toy_tokenizer

from compilers import need
from textzoo.common.paths import APPLICATION
from textzoo.compiler.artifacts.grammar_table import render_grammar
from textzoo.compiler.artifacts.tokenizer_tables import render_tokenizer
from textzoo.config.boards import load_board
from textzoo.engines.settings import PredictionConfig
from textzoo.grammars.table import GrammarTable
from textzoo.pipeline.device_defaults import render_defaults
from textzoo.targets.platforms import render_project
from textzoo.targets.project import ModelSizes
from textzoo.targets.registry import HOST
from textzoo.targets.toolchains import find_tool
from textzoo.testing import STRICT
from textzoo.testing.building import build_c
from textzoo.text.chat_templates import ChatTemplate
from textzoo.text.tokenizers.byte import ByteTokenizer

# What toy_model/model.h says of itself.
TOY_SIZES = ModelSizes(
    name="toy",
    version=1,
    hash=4 * "0123456789abcdef",
    weight_bytes=144,
    image_bytes=192,
    state_bytes=4,
    arena_bytes=24,
    check_tokens=7,
)


def toy_files(board: str = HOST, commands: ChatTemplate | None = None) -> dict[str, str]:
    """What the compiler would generate; with a template, of a project whose lines are commands."""
    model = {name: (FOLDER / name).read_text() for name in ("model.h", "model.c")}
    return (
        model
        | render_tokenizer(toy_tokenizer())
        | render_grammar(toy_tokenizer().vocabulary_size)
        | render_defaults(PredictionConfig(), board, commands)
    )


def render_toy(target: str, folder: Path, commands: ChatTemplate | None = None) -> Path:
    """The toy's project for a board, or for "host"."""
    board = None if target == "host" else load_board(target)
    sizes = replace(TOY_SIZES, has_commands=commands is not None)
    return render_project(board, toy_files(target, commands), sizes, [], folder)


def render_echo(folder: Path, defaults: PredictionConfig, grammar: GrammarTable | None = None) -> Path:
    """The project around echo_model.c and tokens of one byte."""
    project = render_toy("host", folder)
    header = (project / "model" / "model.h").read_text()
    for name, size in (("VOCABULARY_SIZE", 256), ("CONTEXT_LENGTH", 256)):
        header = header.replace(f"{name} {toy_define(f'MODEL_{name}')}", f"{name} {size}")
    files = {"model.h": header, "model.c": (FOLDER.parent / "echo_model.c").read_text()}
    files |= render_tokenizer(ByteTokenizer()) | render_defaults(defaults, 'a "board" of mine')
    files |= render_grammar(ByteTokenizer().vocabulary_size, grammar)
    for name, text in files.items():
        (project / "model" / name).write_text(text)
    return project


def change_model(project: Path, *changes: tuple[str, str]) -> None:
    """Replace texts of a project's model.c; each must be there."""
    path = project / "model" / "model.c"
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)


def compile_library(folder: Path, sources: list[Path], includes: list[Path], *flags: str) -> ctypes.CDLL:
    """C sources as a library of this machine; undefined operations end the process, where clang is installed."""
    compiler, traps = need("host"), []
    if clang := find_tool("clang"):  # whose traps need no library: this one is loaded by Python
        compiler, traps = clang, ["-fsanitize=undefined", "-fsanitize-trap=undefined"]
    folder.mkdir(parents=True, exist_ok=True)
    command = [str(compiler), *STRICT, *traps, "-O1", "-fPIC", *flags]
    command += [f"-I{path}" for path in [*includes, APPLICATION]]
    return ctypes.CDLL(str(build_c(command, sources, folder / "library.so", "-shared")))
