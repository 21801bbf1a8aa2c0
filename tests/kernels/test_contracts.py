"""The public headers of the runtime are contracts: every parameter is described, sizes are as planned.

A kernel is a declaration `tz_...(...)`; the comment above it describes its parameters as "name: ...", or names them in
the shape of another one, "rows: (count, length)". The kernel's own struct describes itself. A comment that begins with
"The same" adds to those of the kernels before, and so do kernels without a comment.
"""

import ctypes
import random
import re
import subprocess

import pytest

from textzoo.compiler.backend.kernels import RUNTIME
from textzoo.compiler.operators.attention import scratch_s8, scratch_s16
from textzoo.compiler.packing.registry import VARIANTS
from textzoo.targets.native import find_compiler

HEADERS = sorted((RUNTIME / "include" / "textzoo").glob("*.h"))
COMMENT = re.compile(r"/\*((?:(?!\*/).)*)\*/", re.DOTALL)
DECLARATION = re.compile(r"^(static inline )?\w[\w *]*?\b\*?(tz_\w+)\(([^)]*)\)(;?)", re.DOTALL | re.MULTILINE)
# "input, output: (rows) int8; scratch: ..."
DESCRIBED = re.compile(r"(?:^|[;.] |\band |\btake )((?!tz_)[a-z]\w*(?:, [a-z]\w*)*): ")
SHAPE = re.compile(r": \(([a-z]\w*(?:, [a-z]\w*)*)\)")
INCLUDED = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
PARAMETER = re.compile(r"(\w+)(?:\[\w*\])?\s*$")


def described_in(comment):
    """The names described, the names in their shapes."""
    text = re.sub(r"\s*\n \*\s*", " ", comment).strip()
    described, shapes = (
        {name for names in pattern.findall(text) for name in names.split(", ")} for pattern in (DESCRIBED, SHAPE)
    )
    return described, shapes


def parameters_of(declaration):
    """Names of all parameters, and of those that are structs of their own."""
    listed = {PARAMETER.search(text)[1]: text for text in re.split(r",\s*", declaration) if text != "void"}
    return set(listed), {name for name, text in listed.items() if re.match(r"const tz_\w+_t \*", text)}


def mistakes_in(text):
    """What comments describe that is no parameter; what no comment describes of the parameters of kernels."""
    unknown, missing, before = set(), set(), set()
    for block in text.split("\n\n"):
        declared = DECLARATION.findall(block)
        if not declared:
            continue
        head = block[: DECLARATION.search(block).start()]
        comment = (COMMENT.findall(head) or ["The same"])[-1]
        described, shapes = described_in(comment)
        parameters = [parameters_of(listed) for _, _, listed, _ in declared]
        names, structs = (set().union(*sets) for sets in zip(*parameters, strict=True))
        unknown |= described - names - {name.removeprefix("tz_") for _, name, _, _ in declared}
        if any(end for _, _, _, end in declared):
            before = described | shapes | (before if re.match(r"\s*The same", comment) else set())
            missing |= names - structs - before
    return unknown, missing


@pytest.mark.parametrize("path", HEADERS, ids=lambda path: path.name)
def test_a_header_describes_its_parameters_and_no_others(path):
    assert mistakes_in(path.read_text()) == (set(), set())


@pytest.mark.parametrize("path", HEADERS, ids=lambda path: path.name)
def test_a_header_stands_alone_and_includes_public_ones_only(path, tmp_path):
    assert all(name.startswith("textzoo/") for name in INCLUDED.findall(path.read_text()))
    (tmp_path / "only.c").write_text(f'#include "textzoo/{path.name}"\ntypedef int not_empty;\n')
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror", "-fsyntax-only"]
    subprocess.run([find_compiler(), *flags, f"-I{RUNTIME / 'include'}", "only.c"], cwd=tmp_path, check=True)


def test_no_program_includes_what_is_internal():
    outside = [
        path for folder in ("application", "platforms", "weight_file") for path in (RUNTIME.parent / folder).rglob("*")
    ]
    texts = [path.read_text(encoding="utf-8") for path in outside if path.suffix in (".c", ".h", ".cc", ".j2")]
    assert len(texts) > 80
    assert not any("internal/" in name for text in texts for name in INCLUDED.findall(text))


# Declarations behind a comment, what is wrong with them.
WRONG_HEADERS = [
    (
        "/* input: (rows); live: one. output: (rows) */\nvoid tz_f(const int8_t *input, int8_t *out);\n",
        {"live", "output"},
        {"out"},
    ),
    (
        "/* a: (rows) */\nvoid tz_f(const int8_t *a);\n\n/* The same. */\nvoid tz_g(const int8_t *a, int b);\n",
        set(),
        {"b"},
    ),
    (
        "/* input: (rows) */\nvoid tz_f(const int8_t *input);\n\n/* Another. */\nvoid tz_g(const int8_t *input);\n",
        set(),
        {"input"},
    ),
    ("/* bits: 1 to 8 */\nstatic inline int tz_f(int value)\n{\n    return value;\n}\n", {"bits"}, set()),
]


@pytest.mark.parametrize(("header", "unknown", "missing"), WRONG_HEADERS)
def test_the_check_finds_mistakes(header, unknown, missing):
    assert mistakes_in(header) == (unknown, missing)


def test_the_check_reads_the_kernels():
    kernels = {name for path in HEADERS for _, name, _, end in DECLARATION.findall(path.read_text()) if end}
    assert {path.stem.removeprefix("tz_") for path in RUNTIME.glob("generic/*.c")} <= {
        name.removeprefix("tz_") for name in kernels
    } | {"parallel"}


# (variant, kernel) -> function of scratch_bytes.h, its arguments behind rows and columns. Others need no scratch.
S8, S16, W4, W2 = "fully_connected_s8", "fully_connected_s16", "fully_connected_s8_w4", "fully_connected_s8_w2"
B3, SPARSE = "fully_connected_s8_b3", "fully_connected_s8_sparse"
SCRATCH = {
    **{(variant, B3): ("tz_scratch_bytes_b3",) for variant in ("generic", "mul32")},
    **{(variant, SPARSE): ("tz_scratch_bytes_sparse",) for variant in ("generic", "mul32")},
    ("mul32", S8): ("tz_scratch_bytes_mul32_s8",),
    ("mul32", W4): ("tz_scratch_bytes_mul32_w4",),
    ("mul32", W2): ("tz_scratch_bytes_mul32_w2",),
    ("cimv3", S8): ("tz_scratch_bytes_cimv3_s8",),
    **{("dsp", kernel): ("tz_scratch_bytes_dsp_s8",) for kernel in (S8, W4, W2)},
    ("dsp", S16): ("tz_scratch_bytes_dsp_s16",),
    ("dsp", "conv_2d_s8"): ("tz_scratch_bytes_dsp_conv_2d",),
    ("dsp", "lstm_s8"): ("tz_scratch_bytes_dsp_s8",),  # and the gates: see below
    **{("mve", kernel): ("tz_scratch_bytes_mve_conv_2d",) for kernel in ("conv_2d_s8", "lstm_s8")},
    **{("mve", kernel): ("tz_scratch_bytes_mve_s8", joined) for kernel, joined in ((S8, 1), (W4, 2), (W2, 4))},
    ("mve", S16): ("tz_scratch_bytes_mve_s16",),
    ("host", S8): ("tz_scratch_bytes_host_s8",),
    **{("host", kernel): ("tz_scratch_bytes_host_packed",) for kernel in (W4, W2)},
    ("host", S16): ("tz_scratch_bytes_host_s16",),
    ("neon", S8): ("tz_scratch_bytes_neon_s8",),
    ("neon", SPARSE): ("tz_scratch_bytes_neon_sparse",),
    ("wasm", S8): ("tz_scratch_bytes_wasm_s8",),
}
SIZES = [
    (1, 1),
    (7, 16),
    (128, 512),
    (129, 513),
    *((r.randint(1, 700), r.randint(1, 1100)) for r in [random.Random(1)] * 200),
]


@pytest.fixture(scope="module")
def functions(tmp_path_factory):
    """The functions of the headers by name."""
    folder = tmp_path_factory.mktemp("scratch")
    names = {*(row[0] for row in SCRATCH.values()), "tz_attention_s8_scratch_bytes", "tz_attention_s16_scratch_bytes"}
    lines = [f'#include "textzoo/{name}.h"' for name in ("attention_s16", "attention_s8", "scratch_bytes")]
    for name in names:
        count = 3 if name == "tz_scratch_bytes_mve_s8" else 2
        parameters = ", ".join(f"int32_t {letter}" for letter in "abc"[:count])
        lines.append(f"int32_t c{name}({parameters}) {{ return {name}({', '.join('abc'[:count])}); }}")
    (folder / "functions.c").write_text("\n".join([*lines, ""]))
    command = [find_compiler(), "-std=c99", "-shared", "-fPIC", f"-I{RUNTIME / 'include'}", "functions.c", "-o", "f.so"]
    subprocess.run(command, cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "f.so"))
    return {name: getattr(library, f"c{name}") for name in names}


@pytest.mark.parametrize(("variant", "kernel"), [(v, k) for v, layouts in VARIANTS.items() for k in layouts])
def test_scratch_is_what_the_header_says(variant, kernel, functions):
    name, *more = SCRATCH.get((variant, kernel), ("",))
    for rows, columns in SIZES:
        expected = functions[name](rows, columns, *more) if name else 0
        assert VARIANTS[variant][kernel].scratch_bytes(rows, columns) == expected, (rows, columns)


@pytest.mark.parametrize(("name", "planned"), [("s8", scratch_s8), ("s16", scratch_s16)])
def test_scratch_of_attention_is_what_its_header_says(name, planned, functions):
    for context, width in SIZES:
        assert planned(context, width) == functions[f"tz_attention_{name}_scratch_bytes"](context, width)
