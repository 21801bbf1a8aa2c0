"""What scripts/mutation.py changes, on made-up sources, and how it reads what pytest says."""

import pytest

import mutation
from code_metrics.mutants import c_mutants, python_mutants

# Source -> all texts that its mutants make of it.
PYTHON = {
    "a < b": ["(a <= b)"],
    "a < b < c": ["(a <= b < c)"],
    "a is not b": ["(a is b)"],
    "é = a + b * c": ["é = (a - b * c)", "é = a + (b + c)"],
    "a or b": ["(a and b)"],
    "a and not b": ["(a or not b)", "a and (b)"],
    "a = 1": ["a = 2"],
    "a = True": ["a = False"],
    "f(a)": ["pass"],
    "a += b": ["pass"],
    "def f(a=0):\n    return a": ["def f(a=1):\n    return a", "def f(a=0):\n    return None"],
    "raise ValueError(1 + 2)": ["pass"],
    '"""One."""': [],
    "a: Literal[1] = b": [],
    "def f(a: g(1)) -> g(2): ...": [],
    "@f(1)\ndef g(): ...": [],
    "logger.warning(a + 1)": [],
    "a = f'{b + 1}'": [],
    "zip(a, strict=True)": ["pass"],
    "return_nothing = -a": [],
}
C = {
    "if (a < b)": ["if (a <= b)"],
    "a = b - 1u;": ["a = b + 1u;", "a = b - 2u;"],
    "a && b": ["a || b"],
    "/* é */ a << 8": ["/* é */ a >> 8", "/* é */ a << 9"],
    "// 1 < 2\n/* 1\n< 2 */\n#if A < 1\n": [],
    "\"1 < 2\" '1'": [],
    "p->x1 = -q + 0x10 * 1.5f;": ["p->x1 = -q - 0x10 * 1.5f;"],
}


@pytest.mark.parametrize(
    ("change", "source", "mutants"),
    [(python_mutants, *row) for row in PYTHON.items()] + [(c_mutants, *row) for row in C.items()],
)
def test_mutants(change, source, mutants):
    assert sorted(mutant.apply(source) for mutant in change(source)) == sorted(mutants)


def test_a_mutant_knows_its_line_and_what_it_replaces():
    source = "a = b\nc = (d <\n     é)\n"
    (mutant,) = python_mutants(source)
    assert (mutant.line, mutant.before(source)) == (2, "d <\n     é")


@pytest.mark.parametrize(
    ("number", "lowest", "highest"), [(5, [0, 20, 40, 60, 80], [19, 39, 59, 79, 99]), (1, [0], [99])]
)
def test_places_are_drawn_evenly(number, lowest, highest):
    drawn = mutation.draw(range(100), number, seed=3)
    assert drawn == mutation.draw(range(100), number, seed=3)
    assert all(low <= place <= high for low, place, high in zip(lowest, drawn, highest, strict=True))


OUTPUTS = [
    (0, "3 passed", ("survived", "")),
    (5, "no tests ran", ("survived", "")),
    (None, "", ("undecided", "")),
    (1, "FAILED tests/a.py::test_b[c d] - assert 1 == 2", ("killed", "tests/a.py::test_b[c d]")),
    (1, "ERROR tests/a.py::test_b", ("killed", "tests/a.py::test_b")),
    (2, "ERROR tests/a.py - NameError: b", ("broken", "")),
]


@pytest.mark.parametrize(("exit_code", "output", "verdict"), OUTPUTS)
def test_verdicts(exit_code, output, verdict):
    assert mutation.judge(exit_code, output) == verdict


@pytest.mark.parametrize(("kind", "verdict"), [("c", ("broken", "")), ("python", ("killed", "tests/a.py::test_b"))])
def test_c_that_does_not_compile_counts_where_it_is_generated(kind, verdict):
    output = "kernel.c:3:4: error: expected ';'\nFAILED tests/a.py::test_b"
    assert mutation.judge(1, output, kind) == verdict


@pytest.mark.parametrize(("exit_code", "output"), [(4, "ERROR: file not found"), (1, "INTERNALERROR")])
def test_what_is_no_verdict_stops_the_run(exit_code, output):
    with pytest.raises(RuntimeError, match=output):
        mutation.judge(exit_code, output)


def test_score():
    verdicts = ["killed"] * 3 + ["survived", "broken", "undecided"]
    assert mutation.score(verdicts) == {"killed": 3, "survived": 1, "broken": 1, "undecided": 1, "score": 0.75}
    assert mutation.score([])["score"] is None


@pytest.mark.parametrize(
    ("file", "first", "also"),
    [
        ("src/textzoo/text/windows.py", "tests/text/test_windows.py", "tests/text/test_cleaning.py"),
        ("deployment/application/console.c", "tests/application/test_bad_lines.py", "tests/application/test_esp32.py"),
    ],
)
def test_tests_that_name_the_file_come_first(file, first, also):
    tests = mutation.tests_of(file)
    assert tests[0] == first
    assert also in tests
    assert len(set(tests)) == len(tests)


def test_every_room_has_tests():
    folders = (mutation.PROJECT / mutation.PACKAGE).iterdir()
    rooms = {f"{mutation.PACKAGE}/{folder.name}" for folder in folders if (folder / "__init__.py").is_file()}
    assert rooms == {room for room in mutation.TESTS if room.startswith(mutation.PACKAGE)}
    named = [mutation.PROJECT / "tests" / test for tests in mutation.TESTS.values() for test in tests]
    assert [path for path in named if not path.exists()] == []
