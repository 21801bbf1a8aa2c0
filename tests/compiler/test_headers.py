"""The headers of the runtime say what there is: every parameter of a kernel is described, and no other."""

import re

import pytest

from textzoo.compiler.backend.kernels import RUNTIME

HEADERS = sorted((RUNTIME / "include" / "textzoo").glob("*.h"))
# A comment, then the declarations up to the next comment or empty line.
DOCUMENTED = re.compile(r"/\*((?:(?!\*/).)*)\*/\n((?:[^\n/#{}]+\n)+)", re.DOTALL)
DECLARATION = re.compile(r"^\w[\w *]*\b(tz_\w+)\(([^)]*)\);", re.DOTALL | re.MULTILINE)
# "input, output: (rows) int8; scratch: ..."
DESCRIBED = re.compile(r"(?:^|[;.] )([a-z]\w*(?:, [a-z]\w*)*): ")
PARAMETER = re.compile(r"(\w+)(?:\[\w*\])?\s*$")


def described_in(comment):
    text = re.sub(r"\s*\n \*\s*", " ", comment).strip()
    return {name for names in DESCRIBED.findall(text) for name in names.split(", ")}


def parameters_of(declaration):
    """Names; a kernel's own structure describes itself."""
    listed = [text for text in re.split(r",\s*", declaration) if text != "void"]
    return {PARAMETER.search(text)[1] for text in listed if not re.match(r"const tz_\w+_t \*", text)}


def declarations_in(text):
    """(what the comment describes, parameters of the kernels below it) of every group of kernels."""
    for comment, code in DOCUMENTED.findall(text):
        declared = DECLARATION.findall(code)
        kernels = {name.removeprefix("tz_") for name, _ in declared}
        if declared:
            yield described_in(comment) - kernels, set().union(*(parameters_of(listed) for _, listed in declared))


def mistakes_in(text):
    """What is described and is not there; what is there and no comment of the header has a word on, e.g. in a shape."""
    groups = list(declarations_in(text))
    words = {word for comment, _ in DOCUMENTED.findall(text) for word in re.findall(r"\w+", comment)}
    there = set().union(*(names for _, names in groups))
    return {name for names, parameters in groups for name in names - parameters}, there - words


@pytest.mark.parametrize("path", HEADERS, ids=lambda path: path.name)
def test_a_header_describes_its_parameters(path):
    assert mistakes_in(path.read_text()) == (set(), set())


def test_the_check_can_fail():
    header = (
        "/* input: (rows) int8; live: one element. output: (rows) */\nvoid tz_f(const int8_t *input, int8_t *out);\n"
    )
    assert mistakes_in(header) == ({"live", "output"}, {"out"})
    assert sum(len(list(declarations_in(path.read_text()))) for path in HEADERS) > 25
