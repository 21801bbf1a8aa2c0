"""Projects for web browsers: a page that contains the module; Node.js runs the same module with its console."""

import base64
import hashlib
from pathlib import Path
from typing import Any

from textzoo.common.paths import PLATFORM_SOURCES
from textzoo.common.registry import unknown_name
from textzoo.targets.base import Platform
from textzoo.targets.boards import Board, Emulator
from textzoo.targets.browser.chat_template import chat_template
from textzoo.targets.browser.module_size import module_size
from textzoo.targets.image_size import ImageSize
from textzoo.targets.project import ModelSizes, copy_files, program_name, render_all
from textzoo.targets.toolchains import TOOLS

SOURCE = PLATFORM_SOURCES / "browser"
# Core -> flags of clang.
CORES = {"wasm32": "-msimd128 -mbulk-memory"}
# Of the stack in the module's memory; the browser has another one for what has no address.
STACK_BYTES = 65536
CODE_FILES = ("port.c", "page.c", "console.mjs")


class Browser(Platform):
    """Browsers with WebAssembly."""

    name = "browser"
    suffix = ".wasm"
    runs_graphs = False  # the page is one for texts

    def check(self, board: Board) -> None:
        if board.core not in CORES:
            raise unknown_name(f"core of {board.name}", board.core, CORES)

    def compiler(self, board: Board | None, image: str) -> str:
        return "wasm"

    def emulator_tool(self, emulator: Emulator) -> str:
        return "node"

    def emulator_command(self, emulator: Emulator, serial: str = "stdio") -> list[str]:
        return [TOOLS["node"].program, "board/console.mjs"]

    def image_sizes(self, board: Board | None, program: Path) -> ImageSize:
        return module_size(program, STACK_BYTES)

    def render(self, board: Board, sizes: ModelSizes, folder: Path) -> None:
        copy_files(SOURCE, list(CODE_FILES), folder / "board")
        values = {
            "board": board,
            "sizes": sizes,
            "model_name": program_name(sizes.name),
            "cpu_flags": CORES[board.core],
            "stack_bytes": STACK_BYTES,
            "packages": TOOLS["wasm"].packages,
            "chat_template": chat_template(folder / "model"),
        }
        names = {"Makefile": "Makefile", "README.md": "README.md", "page.html": "board/page.html"}
        render_all("browser", names, values | page_values(), folder)


def page_values() -> dict[str, Any]:
    """Return the page's script and styles with the hashes by which its Content-Security-Policy allows them."""
    values = {}
    for name, file in (("script", "page.js"), ("style", "page.css")):
        text = (SOURCE / file).read_text(encoding="utf-8")
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        values |= {name: text, f"{name}_hash": f"sha256-{digest}"}
    return values


PLATFORM = Browser()
