"""Documents tell the truth: their generated parts are those of the code as it stands, and what they link to exists."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PAGES = [*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md"), *(PROJECT / "deployment").rglob("*.md")]


@pytest.mark.parametrize("script", ["generate_docs.py"])
def test_generated_parts_are_fresh(script):
    command = [sys.executable, str(PROJECT / "scripts" / script), "--check"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, f"run `make docs`: {answer.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(PROJECT).as_posix())
def test_links_and_pictures_exist(page):
    targets = re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []
