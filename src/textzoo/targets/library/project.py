"""A library's folder: two files of C, and what makes it one of Arduino, PlatformIO, ESP-IDF and Zephyr at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textzoo.common.paths import PROJECT, RUNTIME
from textzoo.compiler.artifacts.grammar_table import render_grammar
from textzoo.compiler.artifacts.tokenizer_tables import TokenizerTables, render_tokenizer, tokenizer_tables
from textzoo.compiler.backend.rendering import plain_text
from textzoo.compiler.backend.templates import template
from textzoo.compiler.compile import CompiledModel
from textzoo.targets.library.amalgamation import Amalgamation, SourceFile, needed_sources
from textzoo.targets.library.kernels import Kernels
from textzoo.targets.library.names import check_name, check_url
from textzoo.targets.project import copy_files, fresh_folder, render_all
from textzoo.text.tokenizers.base import Tokenizer

GROUP = "library"
HASH_BYTES = 10  # of the .tflite's SHA-256, in front of saved states
# {name}: the library's; template in deployment/platforms/library -> file in the folder.
FILES = {
    "library.properties": "library.properties",
    "library.json": "library.json",
    "keywords.txt": "keywords.txt",
    "idf_component.yml": "idf_component.yml",
    "CMakeLists.txt": "CMakeLists.txt",
    "README.md": "README.md",
    "zephyr_module.yml": "zephyr/module.yml",
    "zephyr_CMakeLists.txt": "zephyr/CMakeLists.txt",
    "zephyr_Kconfig": "zephyr/Kconfig",
    "sketch.ino": "examples/Talk/Talk.ino",
    "main.c": "examples/plain_c/main.c",
    "plain_c_Makefile": "examples/plain_c/Makefile",
    "esp_idf_CMakeLists.txt": "examples/esp_idf/CMakeLists.txt",
    "esp_idf_main_CMakeLists.txt": "examples/esp_idf/main/CMakeLists.txt",
    "esp_idf_main_component.yml": "examples/esp_idf/main/idf_component.yml",
    "esp_idf_main.c": "examples/esp_idf/main/main.c",
    "zephyr_sample_CMakeLists.txt": "examples/zephyr/CMakeLists.txt",
    "zephyr_prj.conf": "examples/zephyr/prj.conf",
    "zephyr_sample.yaml": "examples/zephyr/sample.yaml",
    "zephyr_main.c": "examples/zephyr/src/main.c",
}


@dataclass(frozen=True)
class LibraryFacts:
    """What a library is made of, beside its compiled model and its tokenizer.

    Attributes:
        name: Of its files, and before its functions.
        kernels: Those that the model was compiled for.
        prompt: What its examples continue, as the content of a C string.
        defaults: temperature, temperature_q16, top_k and seed that a model begins with.
        url: Of a web page about it; "" for none.
        stop: The text that ends an answer, as the content of a C string; "" for none.
        stop_bytes: Its length, at most MAX_STOP_BYTES.
    """

    name: str
    kernels: Kernels
    prompt: str
    defaults: Mapping[str, Any]
    url: str = ""
    stop: str = ""
    stop_bytes: int = 0


def render_library(compiled: CompiledModel, tokenizer: Tokenizer, facts: LibraryFacts, folder: Path) -> Path:
    """Write a library; an earlier one in the folder is replaced completely, or not at all.

    Args:
        compiled: A decode step, for the kernels of `facts`.
        tokenizer: The model's own.
        facts: Everything else.
        folder: The folder to write; must not exist, be empty, or be an earlier project.

    Returns:
        The folder.

    Raises:
        UserError: A name that cannot be one, a folder that holds something else, or a kind of tokenizer without C.
    """
    check_name(facts.name)
    check_url(facts.url)
    values = library_values(compiled, tokenizer_tables(tokenizer), facts)
    with fresh_folder(folder) as temporary:
        for name, text in amalgamated(compiled, tokenizer, values).items():
            path = temporary / "src" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        render_all(GROUP, FILES, values, temporary)
        copy_files(PROJECT, ["LICENSE"], temporary)
    return folder


def amalgamated(compiled: CompiledModel, tokenizer: Tokenizer, values: dict[str, Any]) -> dict[str, str]:
    """Return the two files of a library by name."""
    name = values["name"]
    generated = render_tokenizer(tokenizer) | render_grammar(tokenizer.vocabulary_size)
    generated |= {part: template(f"{GROUP}/{part}.j2").render(compiled.context) for part in ("model.h", "model.c")}
    generated["library.c"] = template(f"{GROUP}/library.c.j2").render(values)
    own = [SourceFile(part, generated[part]) for part in ("tokenizer.c", "model.c", "library.c")]
    kernels = [SourceFile.read(RUNTIME / source) for source in compiled.sources]
    whole = Amalgamation(name, generated)
    for unit in [*needed_sources([*own, SourceFile("", generated["tokenizer.h"])]), own[0], *kernels, *own[1:]]:
        whole.add(unit)
    labels = [unit.label for unit in whole.units]
    return {
        f"{name}.h": template(f"{GROUP}/library.h.j2").render(values),
        f"{name}.c": template(f"{GROUP}/amalgamation.c.j2").render(values, parts=whole.text(), labels=labels),
    }


def library_values(compiled: CompiledModel, tables: TokenizerTables, facts: LibraryFacts) -> dict[str, Any]:
    """Return the values of the templates."""
    context, plan = compiled.facts.context_length, compiled.plan
    state, arena = (max(size, 16) for size in (plan.state_bytes, plan.arena_bytes))
    recent = context // 2
    digest = bytes.fromhex(compiled.facts.sha256)[:HASH_BYTES]
    return {
        "name": facts.name,
        "url": facts.url,
        "NAME": facts.name.upper(),
        "title": facts.name.replace("_", " "),
        "model": plain_text(compiled.facts.name),
        "hash": compiled.facts.sha256,
        "hash_bytes": ", ".join(f"0x{byte:02x}" for byte in digest),
        "version": "1.0.0",
        "kernels": facts.kernels,
        "vocabulary_size": tables.vocabulary_size,
        "tokenizer_kind": tables.kind,
        "tokenizer_bytes": tables.table_bytes,
        "weight_bytes": compiled.flash.total,
        "context_length": context,
        "check_tokens": len(compiled.facts.check.tokens),
        # What library.c.j2 says of its struct, of saved states and of text; the C compiler checks all three.
        "ram_bytes": rounded((38 if facts.stop else 36) + 2 * recent) + rounded(state) + rounded(arena),
        "saved_bytes": 16 + 4 * (9 if facts.stop else 8) + 4 + 2 * recent + state + 4,
        "text_bytes": 3 * (3 + max(facts.stop_bytes - 1, 0) + tables.longest_token) + 1,
        "stop": facts.stop,
        "prompt": facts.prompt,
        **facts.defaults,
    }


def rounded(size: int) -> int:
    """Return the next multiple of 16."""
    return -(-size // 16) * 16
