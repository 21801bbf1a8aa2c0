"""CIMv3: a C++ project whose HAL has a function per mode, for the RV32 host core and for this machine."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.paths import PLATFORM_SOURCES
from textzoo.compiler.backend.planner import aligned
from textzoo.compiler.backend.rendering import array_lines, field_text
from textzoo.compiler.backend.templates import template
from textzoo.compiler.compile import CompiledModel
from textzoo.compiler.ir.program import Constant, Struct
from textzoo.targets.base import Platform
from textzoo.targets.boards import HOST_IMAGE, TWIN_IMAGE, Board, Emulator
from textzoo.targets.cimv3.blocks import decoder_of
from textzoo.targets.image_size import ImageSize
from textzoo.targets.project import ModelSizes, copy_files, program_name, render_all
from textzoo.targets.twins import render_machine, twin_command, twin_of, twin_sizes

SOURCE = PLATFORM_SOURCES / "cimv3"
VARIANT = "cimv3"
FILES = ("Makefile", "CMakeLists.txt", "README.md", "toolchain.cmake")
# Generated from the model, each by the template with the same path.
MODEL_FILES = ("include/pico_gpt/model_data.h", "src/pico_gpt/model_data.cc")
# The same for every model.
CODE_FILES = (
    *("include/pico_gpt/hal.h", "include/pico_gpt/cimv3_registers.h"),
    *("src/pico_gpt/model.cc", "src/hal_software.cc", "src/hal_registers.cc"),
)


class Cimv3(Platform):
    """CIMv3 with an RV32 host core."""

    name = "cimv3"
    image = TWIN_IMAGE
    is_built_by_cmake = True
    runs_graphs = False  # the accelerator's modes are those of pico_gpt's blocks
    without_passes = frozenset({"packed_tables"})  # the HAL adds rows of int8 embeddings directly from flash
    kernels = frozenset({"attention_s8", "attention_s8_p16"})  # hal_software.cc chooses one per block

    def check(self, board: Board) -> None:
        if board.variant != VARIANT:
            raise UserError(f"{board.name} has an invalid value: variant", expected=VARIANT, received=board.variant)
        twin_of(board.emulator())

    def compiler(self, board: Board | None, image: str) -> str:
        return "c++" if image == HOST_IMAGE else "riscv-c++"

    def emulator_tool(self, emulator: Emulator) -> str:
        return "cmake" if emulator.image == HOST_IMAGE else twin_of(emulator).emulator

    def emulator_command(self, emulator: Emulator, serial: str = "stdio") -> list[str]:
        return [] if emulator.image == HOST_IMAGE else twin_command(emulator, serial)

    def image_sizes(self, board: Board, program: Path) -> ImageSize:
        return twin_sizes(board.emulator(), program)

    def model_files(self, compiled: CompiledModel) -> Mapping[str, str | bytes]:
        """Return model.h and embedding.h as for other platforms, and the model's data and code for the HAL."""
        values = model_values(compiled)
        files: dict[str, str | bytes] = {name: (SOURCE / name).read_bytes() for name in CODE_FILES}
        files |= {name: template(f"cimv3/{name}.j2").render(values) for name in MODEL_FILES}
        header = template("common/model.h.j2").render(values)
        return {"model.h": header, "embedding.h": compiled.files["embedding.h"], **files}

    def model_sizes(self, compiled: CompiledModel) -> ModelSizes:
        return ModelSizes.of(model_values(compiled))

    def render(self, board: Board, sizes: ModelSizes, folder: Path) -> None:
        render_machine(board, sizes, folder / "twin")
        copy_files(PLATFORM_SOURCES / "host", ["port.c"], folder / "port")
        emulators = {
            name: {"command": " ".join(self.emulator_command(emulator)), "image": emulator.image}
            for name, emulator in board.emulation.items()
        }
        values = {
            "board": board,
            "sizes": sizes,
            "model_name": program_name(sizes.name),
            "twin": twin_of(board.emulator()),
            "emulators": emulators,
        }
        render_all("cimv3", {name: name for name in FILES}, values, folder)


def model_values(compiled: CompiledModel) -> dict[str, Any]:
    """Return the values of the model's templates: those of common/model.h.j2, sizes, functions for structs."""
    decoder = decoder_of(compiled.program, compiled.context["inputs"])
    matrices, attention = decoder.blocks[0].matrices, decoder.blocks[0].pipe.attention.struct.fields
    width, hidden = matrices[0].struct.fields["columns"], matrices[2].struct.fields["rows"]
    vocabulary, scratch = len(decoder.tokens.value), aligned(decoder.scratch_bytes)
    # model.cc has two rows, the logits and the scratch buffer; hal_software.cc the rows within a mode.
    arena = 2 * width + aligned(vocabulary) + scratch + 7 * width + aligned(hidden)
    return compiled.context | {
        "decoder": decoder,
        "steps": stages(len(decoder.blocks)),
        "plan": replace(compiled.plan, arena_bytes=arena),
        "tables": {},
        "sizes": {"heads": attention["heads"], "head_width": attention["width"], "context": attention["context"]}
        | {"width": width, "hidden": hidden, "vocabulary": vocabulary, "scratch": scratch},
        "aggregate": aggregate,
        "array_lines": aligned_array_lines,
    }


def stages(blocks: int) -> list[tuple[str, str]]:
    """Return (mode, name) of every stage of a token, in order."""
    modes = [(mode, f"{mode} of block {block}") for block in range(blocks) for mode in ("PIPE", "PARL", "LN")]
    return [("EMBEDDING", "embeddings"), *modes, ("LN", "final LN"), ("LOGITS", "logits")]


def aggregate(struct: Struct | None) -> str:
    """Return a struct's initializer in C++: `{/* rows */ 384, ...}`, in the order of its declaration."""
    if struct is None:
        return "{}"
    values = {
        name: aggregate(value) if isinstance(value, Struct) else field_text(value)
        for name, value in struct.fields.items()
    }
    return "{" + ", ".join(f"/* {name} */ {value}" for name, value in values.items()) + "}"


def aligned_array_lines(constant: Constant) -> list[str]:
    """Return the definition of a constant array, aligned because kernels read words of it."""
    comment, declaration, *lines = array_lines(constant.symbol, constant.values, constant.comment)
    return [comment, f"alignas(16) {declaration}", *lines]


PLATFORM = Cimv3()
