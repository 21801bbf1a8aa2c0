"""Every counter of scripts/measure_code.py on synthetic sources, and the limits that the project already keeps."""

import ast
import json
import sys
from pathlib import Path

import pytest

import measure_code
from code_metrics.assertions import constant_assertions, without_assertion
from code_metrics.c_code import comment_lines, functions
from code_metrics.duplicates import c_lines, duplicates, python_lines, shapes
from code_metrics.import_graph import cycles, graph_of_subpackages, import_graph, import_metrics, layers_of
from code_metrics.python_code import d401_violations, functions_of, number_of_comments, private_imports, python_metrics
from code_metrics.sources import Spread, files_longer_than, folders_with_more_files_than

PROJECT = Path(__file__).resolve().parents[2]


def written(folder: Path, files: dict[str, str]) -> Path:
    """Write files below a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def statements(first: int, last: int) -> str:
    return "".join(f"value_{number} = {number}\n" for number in range(first, last))


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], Spread(0, 0, 0)),
        ([7], Spread(7, 7, 7)),
        ([4, 1, 3, 2], Spread(2.5, 4, 4)),
        ([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], Spread(5.5, 9, 10)),
        ([5] * 9 + [100] * 2, Spread(5, 100, 100)),
    ],
)
def test_median_p90_and_maximum(sizes, expected):
    assert Spread.of(sizes) == expected


FUNCTIONS = {
    "blank lines do not count": ("def f():\n\n    a = 1\n\n    return a\n", [3]),
    "decorators do": ("@first\n@second(\n    1,\n)\ndef f():\n    return 1\n", [6]),
    "blank lines of a docstring do not": ('def f():\n    """One.\n\n    Two.\n    """\n', [4]),
    "a nested function counts in both": ("def f():\n    def g():\n        return 1\n\n    return g\n", [4, 2]),
    "methods and coroutines": ("class A:\n    def f(self): ...\n\n    async def g(self): ...\n", [1, 1]),
    "a lambda is none": ("f = lambda: 1\n", []),
}


@pytest.mark.parametrize(("source", "lines"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_lines_of_functions(source, lines):
    assert [function.lines for function in functions_of("m.py", source, ast.parse(source))] == lines


@pytest.mark.parametrize(
    ("source", "typed", "public", "documented"),
    [
        ("def f(a: int, *b: int, c: int = 1, **d: int) -> None: ...", True, True, False),
        ("def f(a) -> None: ...", False, True, False),
        ("def f(*a) -> None: ...", False, True, False),
        ("def f(**a) -> None: ...", False, True, False),
        ("def f(*, a) -> None: ...", False, True, False),
        ("def f(a: int): ...", False, True, False),
        ("class A:\n    def f(self, a: int) -> int:\n        'Text.'", True, True, True),
        ("class A:\n    def __init__(self) -> None: ...", True, False, False),
        ("class _A:\n    def f(self) -> None: ...", True, False, False),
        ("def _f() -> None:\n    'Text.'", True, False, True),
    ],
)
def test_what_is_known_of_a_function(source, typed, public, documented):
    (function,) = functions_of("m.py", source, ast.parse(source))
    assert (function.typed, function.public, function.documented) == (typed, public, documented)


def test_a_function_in_a_function_is_not_public():
    source = "def f():\n    class A:\n        def g(self): ..."
    assert [function.public for function in functions_of("m.py", source, ast.parse(source))] == [True, False]


@pytest.mark.parametrize(
    ("docstring", "violations"),
    [("Return the sum.", 0), ("Returns the sum.", 1), ("The sum.", 1), ("Count what is there.", 0)],
)
def test_docstrings_in_the_imperative(tmp_path, docstring, violations):
    written(tmp_path, {"m.py": f'def f():\n    """{docstring}"""\n'})
    assert d401_violations(tmp_path) == violations


def test_docstrings_that_d401_leaves_out_are_not_among_the_imperative_ones(tmp_path):
    names = ["def test_f():", "@property\ndef f():", "def g():", "def h():"]
    source = "\n".join(f'{name}\n    """{text}."""\n' for name, text in zip(names, ["A"] * 3 + ["Run"], strict=True))
    metrics = python_metrics(written(tmp_path, {"m.py": source}), tmp_path)
    assert (metrics.docstrings, metrics.d401_violations, metrics.imperative_percent) == (4, 1, 50.0)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("from textzoo.a import _b, c", ["textzoo.a._b"]),
        ("from textzoo._a import b", ["textzoo._a.b"]),
        ("import hydra._internal.utils", ["hydra._internal.utils"]),
        ("from . import _a", [".._a"]),
        ("from __future__ import annotations", []),
        ("from a import __version__", []),
        ("def f():\n    from a import _b", ["a._b"]),
    ],
)
def test_private_imports(source, names):
    assert list(private_imports(ast.parse(source))) == names


@pytest.mark.parametrize(
    ("source", "number"), [("a = 1  # one\n# two\n", 2), ('a = "# none"\n', 0), ('"""\n# none\n"""\n', 0)]
)
def test_comments_of_python(source, number):
    assert number_of_comments(source) == number


IMPORTS = {
    "none": ({"a.py": "import b", "b.py": ""}, []),
    "two modules": ({"a.py": "from p import b", "b.py": "import p.a"}, [["p.a", "p.b"]]),
    "inside functions": ({"a.py": "from p.b import x", "b.py": "def f():\n    from p.a import y"}, [["p.a", "p.b"]]),
    "relative": ({"a.py": "from .b import x", "b.py": "from . import a"}, [["p.a", "p.b"]]),
    "relative from a folder": ({"a/__init__.py": "from ..b import x", "b.py": "from . import a"}, [["p.a", "p.b"]]),
    "for type checkers": (
        {"a.py": "from p import b", "b.py": "if TYPE_CHECKING:\n    from p import a"},
        [["p.a", "p.b"]],
    ),
    "of three": (
        {"a.py": "import p.b", "b.py": "import p.c", "c.py": "import p.a", "d.py": "import p.a"},
        [["p.a", "p.b", "p.c"]],
    ),
    "two cycles": (
        {"a.py": "import p.b", "b.py": "import p.a, p.c", "c.py": "import p.d", "d.py": "import p.c"},
        [["p.a", "p.b"], ["p.c", "p.d"]],
    ),
    "a module of itself": ({"a.py": "import p.a"}, []),
}


@pytest.mark.parametrize(("files", "expected"), IMPORTS.values(), ids=IMPORTS)
def test_cycles_between_modules(tmp_path, files, expected):
    package = written(tmp_path / "p", {"__init__.py": "", **files})
    assert cycles(import_graph(package)) == expected


def test_what_type_checkers_alone_import_closes_no_cycle_at_run_time(tmp_path):
    lazy = "if TYPE_CHECKING:\n    import p.a\nelse:\n    import p.c"
    package = written(tmp_path / "p", {"a.py": "import p.b", "b.py": lazy, "c.py": ""})
    metrics = import_metrics(package)
    assert metrics.module_cycles == [["p.a", "p.b"]]
    assert metrics.module_cycles_at_run_time == []
    assert import_graph(package, run_time=True)["p.b"] == {"p.c"}


def test_subpackages_their_layers_and_their_cycles(tmp_path):
    files = {
        "errors.py": "",
        "low/one.py": "from p.errors import E",
        "low/two.py": "from p.low import one",
        "left/one.py": "from p.low import two\nimport p.right.one",
        "right/one.py": "",
        "right/two.py": "import p.left.one",
        "top.py": "import p.right.two, p.errors",
    }
    metrics = import_metrics(written(tmp_path / "p", files))
    assert metrics.subpackages == {"errors": 0, "low": 1, "left": 2, "right": 2, "top": 3}
    assert (metrics.layers, metrics.subpackage_imports) == (4, 6)
    assert metrics.module_cycles == []
    assert metrics.subpackage_cycles == [["left", "right"]]


def test_a_layer_is_the_longest_path_down():
    assert layers_of({"a": {"b", "d"}, "b": {"c"}, "c": {"d"}, "d": set()}) == {"a": 3, "b": 2, "c": 1, "d": 0}
    assert graph_of_subpackages({"p": set(), "p.a.x": {"p", "p.a.y"}, "p.a.y": set()}) == {"p": set(), "a": {"p"}}


C_SOURCES = {
    "a function": ("int f(int a)\n{\n\n    return a;\n}\n", [(1, 5)]),
    "its head over two lines": ("static void\nf(int a,\n  int b) {\n}\n", [(1, 4)]),
    "a comment above it does not count": ("/* f { */\n// f() {\nint f(void) { return 0; }\n", [(3, 3)]),
    "a declaration is none": ("int f(int a);\nstruct s { int (*f)(int); };\n", []),
    "nor a table": ("static const int t[2][1] = {{F(1)}, {2}};\nint f(void) {\n}\n", [(2, 3)]),
    "braces in literals": ('char f(void) {\n    return \'{\' + "}\\"{"[0];\n}\nint g(void) {\n}\n', [(1, 3), (4, 5)]),
    "braces in macros": ("#define F(a) \\\n    g(a) {\nint f(void) {\n}\n", [(3, 4)]),
    "blocks within it": ("int f(void) {\n    if (a) {\n    }\n    for (;;) { }\n}\n", [(1, 5)]),
    "C++ groups": ('extern "C" {\nnamespace a::b {\nstruct S {\n  int f() const {\n  }\n};\n}\n}\n', [(4, 5)]),
    "a structure returned": ("struct s f(void) {\n    struct s a = {1};\n}\n", [(1, 3)]),
}


@pytest.mark.parametrize(("source", "places"), C_SOURCES.values(), ids=C_SOURCES)
def test_functions_of_c(source, places):
    assert list(functions(source)) == places


@pytest.mark.parametrize(
    ("source", "number"),
    [("int a; /* one\n\n   two */\nint b; // three\n", 3), ('char *a = "// none";\n', 0), ("int a;\n", 0)],
)
def test_lines_with_comments_of_c(source, number):
    assert comment_lines(source) == number


TESTS = {
    "an assertion": ("def test_a():\n    assert f()\n", []),
    "none": ("def test_a():\n    f()\n", ["test_a.py:1 test_a"]),
    "none in a coroutine": ("async def test_a():\n    f()\n", ["test_a.py:1 test_a"]),
    "an error that is awaited": ("def test_a():\n    with pytest.raises(ValueError):\n        f()\n", []),
    "a program that must end well": ("def test_a():\n    run(['x'], check=True)\n", []),
    "a program that need not": ("def test_a():\n    run(['x'], check=False)\n", ["test_a.py:1 test_a"]),
    "a library's function": ("def test_a():\n    np.testing.assert_array_equal(a, b)\n", []),
    "a function": ("def test_a():\n    g()\n\n\ndef g():\n    h()\n\n\ndef h():\n    assert a\n", []),
    "a function without": ("def test_a():\n    g()\n\n\ndef g():\n    h()\n", ["test_a.py:1 test_a"]),
    "a fixture": ("def g():\n    yield\n    assert a\n\n\ndef test_a(g):\n    f()\n", []),
    "a method of a test class": ("class TestA:\n    def test_a(self):\n        f()\n", ["test_a.py:2 test_a"]),
}


@pytest.mark.parametrize(("source", "expected"), TESTS.values(), ids=TESTS)
def test_tests_without_an_assertion_are_found(tmp_path, source, expected):
    assert without_assertion(written(tmp_path, {"test_a.py": source})) == expected


def test_what_is_no_test_needs_no_assertion(tmp_path):
    assert without_assertion(written(tmp_path, {"a.py": "def test_a():\n    f()\n"})) == []


@pytest.mark.parametrize(
    ("assertion", "is_found"),
    [
        ("assert a", False),
        ("assert a.b or c()", False),
        ("assert True", True),
        ("assert 1 == 1", True),
        ("assert a or True", True),
        ("assert a and 1", False),
        ("assert 'text'", True),
        ("assert a in (1, 2)", False),
    ],
)
def test_assertions_that_nothing_decides_are_found(assertion, is_found):
    assert bool(constant_assertions(assertion)) == is_found


SIX, FIVE = statements(0, 6), statements(0, 5)
DUPLICATES = {
    "six lines": ({"a": SIX, "b": SIX}, ["a:1-6 ~ b:1-6 (6 lines)"]),
    "five lines": ({"a": FIVE + "x = 1\n", "b": FIVE + "y = 1\n"}, []),
    "nine are one": (
        {"a": "x = 1\n" + statements(0, 9), "b": statements(0, 9)},
        ["a:2-10 ~ b:1-9 (9 lines)"],
    ),
    "three places": (
        {"a": SIX, "b": SIX, "c": SIX},
        ["a:1-6 ~ b:1-6 (6 lines)", "a:1-6 ~ c:1-6 (6 lines)", "b:1-6 ~ c:1-6 (6 lines)"],
    ),
    "in one file": ({"a": SIX + "x = 1\n" + SIX}, ["a:1-6 ~ a:8-13 (6 lines)"]),
    "a place and itself": ({"a": "x = 1\n" * 11}, []),
    "one after another": (
        {"a": SIX * 3},
        ["a:1-6 ~ a:13-18 (6 lines)", "a:1-6 ~ a:7-12 (6 lines)", "a:7-12 ~ a:13-18 (6 lines)"],
    ),
    "lines that say nothing between": (
        {"a": SIX, "b": statements(0, 3) + "\n# why\n(\n)\nfrom a import (\n    b,\n)\n" + statements(3, 6)},
        ["a:1-6 ~ b:1-13 (6 lines)"],
    ),
    "lines that say nothing do not count": ({"a": FIVE + "# one\nimport a\n", "b": FIVE + "# one\nimport a\n"}, []),
    "indentation and comments": (
        {"a": SIX, "b": "if x:\n" + "".join(f"    {line}  # why\n" for line in SIX.splitlines())},
        ["a:1-6 ~ b:2-7 (6 lines)"],
    ),
    "two stretches": (
        {"a": SIX + "x = 1\n" + statements(6, 12), "b": SIX + "y = 1\n" + statements(6, 12)},
        ["a:1-6 ~ b:1-6 (6 lines)", "a:8-13 ~ b:8-13 (6 lines)"],
    ),
}


@pytest.mark.parametrize(("files", "expected"), DUPLICATES.values(), ids=DUPLICATES)
def test_duplicates(files, expected):
    found = duplicates({name: python_lines(text) for name, text in files.items()})
    assert [str(each) for each in found] == expected


def test_duplicates_of_c():
    plain = "".join(f"a{number} = {number};\n" for number in range(6))
    noted = '#include "a.h"\n/* a0 = 0;\n */\n' + plain.replace("a3", "\n{\n}\na3").replace(";\n", "; // why\n")
    found = duplicates({"a.c": c_lines(plain), "b.c": c_lines(noted)})
    assert [str(each) for each in found] == ["a.c:1-6 ~ b.c:4-12 (6 lines)"]


def test_what_c_includes_is_no_duplicate():
    includes = "".join(f"#include <a{number}.h>\n" for number in range(6))
    assert duplicates({"a.c": c_lines(includes), "b.c": c_lines(includes)}) == []


SHAPE = ["a = 1", "f(a)", "if a:", 'return "a"', "b.c = d[0]", "for a in b:"]
OTHER = ["x = 250", "g(y)", "if z:", "return 'other'", "k.l = m[7]", "for n in o:"]


@pytest.mark.parametrize(
    ("one", "other", "number"),
    [
        (SHAPE, OTHER, 1),
        (SHAPE, [*OTHER[:5], "while n in o:"], 0),
        (["a = 1"] * 6, ["b = 2"] * 6, 0),
    ],
    ids=["names, numbers and strings differ", "a keyword differs", "rows of tables"],
)
def test_duplicates_of_the_same_shape(one, other, number):
    sources = {"a": list(enumerate(one, 1)), "b": list(enumerate(other, 1))}
    assert len(duplicates(shapes(sources), different=6)) == number
    assert duplicates(sources) == []


def test_long_files_and_full_folders(tmp_path):
    written(tmp_path, {"a/one.py": "x\n" * 5, "a/two.py": "x\n" * 4, "b/three.py": "x\n" * 7})
    paths = sorted(tmp_path.rglob("*.py"))
    assert files_longer_than(paths, 4, tmp_path) == ["b/three.py 7", "a/one.py 5"]
    assert folders_with_more_files_than(paths, 1, tmp_path) == ["a 2"]


@pytest.mark.parametrize(
    ("lines", "counts"),
    [
        (["== 1 failed, 20 passed, 2 skipped in 3.10s =="], {"failed": 1, "passed": 20, "skipped": 2}),
        (["3 passed in 200.00s (0:03:20)"], {"passed": 3}),
        (["test_that_2 passed", "no tests ran in 0.01s"], {}),
        (["1 passed in 0.1s", "2 passed in 0.1s", "make: done"], {"passed": 2}),
    ],
)
def test_counts_of_a_run(lines, counts):
    assert measure_code.outcome_counts(lines) == counts


TINY = {
    "README.md": "# Tiny\n",
    "docs/page.md": "",
    "src/textzoo/a.py": 'def f() -> None:\n    """Do nothing."""\n',
    "tests/test_a.py": "def test_a(): ...\n\n\ndef helper(): ...\n",
    "tests/helpers.py": "def test_b(): ...\n",
    "deployment/runtime/a.c": "int f(void) {\n    return 0;\n}\n",
    "deployment/runtime/build/b.c": "int f(void) {\n}\n",
    "Makefile": "test:\n\t@echo 5 passed in 0.01s\n\t@exit 3\n",
}


def test_the_numbers_of_a_tiny_project(tmp_path, monkeypatch, capsys):
    root, numbers = written(tmp_path / "tiny", TINY), tmp_path / "numbers.json"
    monkeypatch.setattr(sys, "argv", ["measure_code.py", "--root", str(root), "--json", str(numbers), "--tests"])
    assert measure_code.main() == 1, "a target that fails makes the script fail"
    told = json.loads(numbers.read_text(encoding="utf-8"))
    assert told["documents"] == {"readme_bytes": 7, "pages": 1}
    assert told["tests"] == {"files": 1, "functions": 1}
    assert told["python"]["src"]["public_with_docstring_percent"] == 100
    assert told["python"]["scripts"]["files"] == 0
    assert told["c"]["deployment"]["function_lines"] == {"median": 3, "p90": 3, "maximum": 3}
    (run,) = told["runs"]
    assert (run["target"], run["counts"]) == ("test", {"passed": 5})
    assert run["exit_code"] != 0
    assert "README.md" in capsys.readouterr().out


@pytest.mark.slow
def test_functions_of_the_project_are_small():
    lines = python_metrics(PROJECT / "src", PROJECT).function_lines
    assert lines.median <= 7
    assert lines.p90 <= 20


def test_no_module_or_subpackage_leads_back_to_itself():
    graph = import_graph(PROJECT / measure_code.PACKAGE)
    assert cycles(graph) == []
    assert cycles(graph_of_subpackages(graph)) == []


@pytest.mark.slow
def test_every_test_asserts_something():
    assert without_assertion(PROJECT / "tests") == []


def test_no_assertion_is_decided_beforehand():
    sources = {path: path.read_text(encoding="utf-8") for path in (PROJECT / "tests").rglob("*.py")}
    assert [str(path) for path, source in sources.items() if constant_assertions(source)] == []


def test_the_first_page_is_short():
    assert (PROJECT / "README.md").stat().st_size <= 15_000
