"""Texts combined into one corpus, by the function and by datasets/combine_corpus.py."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from textzoo.common.errors import UserError
from textzoo.text.corpora import combining as combine

SCRIPT = Path(__file__).parents[2] / "datasets" / "combine_corpus.py"


@pytest.fixture
def inputs(write) -> list[Path]:
    first = write("first.txt", "One.\r\n\r\nTwo \u2013 cafe\u0301.\r\n\r\nOne.\r\n")
    write("more/b.txt", "Three.\n\n One.  \n")
    write("more/a.txt", "Four.\n")
    return [first, first.parent / "more"]


def test_merge_normalise_deduplicate(inputs, tmp_path):
    output = tmp_path / "out" / "all.txt"
    report = combine.combine_corpus(inputs, output, licence="CC0")
    assert output.read_text(encoding="utf-8") == "One.\n\nTwo \u2013 caf\u00e9.\n\nFour.\n\nThree.\n"
    assert json.loads(output.with_suffix(".json").read_text(encoding="utf-8")) == report
    assert report["licence"] == "CC0"
    assert [source["duplicates_left_out"] for source in report["sources"]] == [1, 0, 1]
    assert [source["documents"] for source in report["sources"]] == [3, 1, 2]
    assert report["sources"][0]["sha256"] == hashlib.sha256(inputs[0].read_bytes()).hexdigest()
    assert report["sources"][0]["normalised"] == {
        "CR LF or CR to LF": 5,
        "NFC: characters before": 25,
        "NFC: characters after": 24,
    }
    assert report["output"]["sha256"] == hashlib.sha256(output.read_bytes()).hexdigest()
    assert report["output"]["documents"] == 4
    assert report["output"]["characters"] == len(output.read_text(encoding="utf-8"))
    assert set(report["output"]["alphabet"]) == set(output.read_text(encoding="utf-8"))


def test_ascii_and_unicode_forms(inputs, tmp_path):
    output = tmp_path / "all.txt"
    combine.combine_corpus(inputs, output, ascii_only=True)
    assert "Two - cafe." in output.read_text()
    combine.combine_corpus(inputs, output, unicode_form="NFD")
    assert "cafe\u0301" in output.read_text(encoding="utf-8")


def test_duplicates_can_be_kept_and_documents_can_be_files(inputs, tmp_path):
    output = tmp_path / "all.txt"
    assert combine.combine_corpus(inputs, output, deduplicate=False)["output"]["documents"] == 6
    report = combine.combine_corpus([*inputs, inputs[0]], output, documents="files")
    assert report["output"]["documents"] == 3
    assert [source["duplicates_left_out"] for source in report["sources"]] == [0, 0, 0, 1]


def test_the_output_is_never_an_input(inputs, tmp_path):
    output = inputs[1] / "all.txt"
    combine.combine_corpus(inputs, output)
    content = output.read_bytes()
    with pytest.raises(UserError, match="one of the inputs"):
        combine.combine_corpus(inputs, output)
    assert output.read_bytes() == content
    with pytest.raises(UserError, match=r"ends in \.txt"):
        combine.combine_corpus(inputs, tmp_path / "all.json")


def run(*arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_script(inputs, tmp_path):
    done = run(*inputs, "--output", tmp_path / "all.txt", "--ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "4 documents from 3 files, 2 duplicates left out" in done.stdout
    assert (tmp_path / "all.json").is_file()
    assert "--keep-duplicates" in run("--help").stdout


def test_script_reports_user_errors_with_exit_code_2(write, tmp_path, capsys):
    bad = write("bad.txt", b"caf\xe9")
    for arguments, words in (
        ([bad, "--output", tmp_path / "all.txt"], "byte 0xE9 at byte offset 3"),
        ([tmp_path / "missing.txt", "--output", tmp_path / "all.txt"], "no file"),
        ([write("good.txt", "ab"), "--output", bad / "all.txt"], "File exists"),
    ):
        assert combine.main([*map(str, arguments)]) == 2
        assert words in capsys.readouterr().err
    assert not (tmp_path / "all.txt").exists()
