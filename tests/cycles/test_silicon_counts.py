"""benchmarks/cycle_model.py: what it says of a program, and of files that are wrong."""

import json

import pytest
from cycle_loops import DATA, START, assemble

import cycle_model
from compilers import need
from textzoo.common.errors import UserError

# 3 loads of 2 and 1 + 1, three additions, and the return: 4 + 3 + 3 = 10 cycles on a Cortex-M4.
SOURCE = """
    .type work, %function
    .thumb_func
work:
    ldr r0, [sp]
    ldr r1, [sp, #4]
    ldr r2, [sp, #8]
    adds r0, r1
    adds r0, r2
    adds r0, r0
    bx lr
    .size work, . - work
"""


def counts_of(cycles):
    return {"a": {"id": "a", "core": "m4", "what": "Work", "cycles": cycles, "unit": "call"}}


@pytest.fixture
def programs(tmp_path):
    need("arm", "qemu", "host")
    start = START.format(stack=0x20000000 + DATA, calls="    bl work\n    bl work")
    program = assemble(start + SOURCE, "m4", tmp_path)
    entry = {"elf": program.name, "core": "m4", "counts": [{"count": "a", "function": "work", "per": 2}]}
    path = tmp_path / "PROGRAMS.json"
    path.write_text(json.dumps({"programs": [entry]}))
    return path


@pytest.mark.parametrize(("silicon", "error", "status"), [(5.0, 0.0, 0), (5.05, 0.99, 0), (4.0, 25.0, 1)])
def test_the_error_is_that_of_the_model_against_silicon(programs, monkeypatch, capsys, silicon, error, status):
    monkeypatch.setattr(cycle_model, "published_counts", lambda: counts_of(silicon))
    found = programs.with_name("result.json")
    assert cycle_model.main([str(programs), "--json", str(found)]) == status
    result = json.loads(found.read_text())
    assert result["rows"][0]["model"] == 5.0
    assert result["rows"][0]["instructions"] == 3.5
    assert result["cores"] == {"m4": {"counts": 1, "mean_error_percent": error, "largest_percent": error}}
    assert "Work per call | 3.5" in capsys.readouterr().out


def test_a_chip_adds_the_waits_of_its_flash_and_networks_have_no_limit(programs, monkeypatch, capsys):
    """Twice 5 cycles and what the flash adds to them, so that the error is above any limit of a core."""
    published = {"a": {**counts_of(4.0)["a"], "set": "networks", "chip": "STM32L4R5"}}
    monkeypatch.setattr(cycle_model, "published_counts", lambda: published)
    content = json.loads(programs.read_text())
    content["programs"][0] |= {"chip": "STM32L4R5", "note": "from flash"}
    programs.write_text(json.dumps(content))
    found = programs.with_name("result.json")
    assert cycle_model.main([str(programs), "--json", str(found)]) == 0
    result = json.loads(found.read_text())
    assert result["cores"] == {}
    assert result["networks"]["STM32L4R5"]["counts"] == 1
    assert 5.0 < result["rows"][0]["model"] < 12.0
    assert "Work per call (from flash) | 3.5" in capsys.readouterr().out


WRONG = [
    ("[]", "no list of programs"),
    ("{", "no list of programs"),
    ('{"programs": [{"elf": "x", "core": "m4"}]}', "no list of programs"),
    ('{"programs": [{"elf": "x", "core": "m9", "counts": []}]}', "no model of m9"),
    ('{"programs": [{"elf": "x", "core": "m4", "chip": "STM32X", "counts": []}]}', "chip 'STM32X'|STM32X"),
    ('{"programs": [{"elf": "x", "core": "m4", "counts": [{"count": "aes", "function": "f"}]}]}', "published count"),
    (
        '{"programs": [{"elf": "x", "core": "m0", "counts": [{"count": "aes128_block", "function": "f"}]}]}',
        "another core",
    ),
]


@pytest.mark.parametrize(("content", "text"), WRONG)
def test_files_that_are_wrong_are_refused(tmp_path, content, text):
    (tmp_path / "PROGRAMS.json").write_text(content)
    with pytest.raises(UserError, match=text):
        cycle_model.main([str(tmp_path / "PROGRAMS.json")])


def test_published_counts_name_their_sources():
    counts = cycle_model.published_counts()
    assert len(counts) == len(json.loads(cycle_model.COUNTS.read_text())["counts"]) > 30
    for entry in counts.values():
        assert entry["core"] in cycle_model.LIMITS
        assert entry["cycles"] > 0
        assert all(entry[key] for key in ("what", "unit", "chip", "compiler", "source"))
