"""The README tells the truth: its generated parts are those of the code as it stands."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("script", ["generate_readme.py", "generate_runtime_readme.py"])
def test_generated_parts_are_fresh(script):
    command = [sys.executable, str(PROJECT / "scripts" / script), "--check"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, f"run `make docs`: {answer.stderr}"


def test_links_and_pictures_exist():
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert targets
    assert [target for target in targets if not (PROJECT / target).exists()] == []
