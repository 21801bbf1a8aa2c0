"""docs/add_your_own_model.md, followed to the letter in a copy of the project."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[2]
PAGE = "docs/add_your_own_model.md"
COPIED = ("src", "conf", "docs", "stm32ai_main.py")


def code_blocks(language):
    text = (PROJECT / PAGE).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def copied_project(folder):
    for name in COPIED:
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "pictures"))
        else:
            shutil.copy(PROJECT / name, folder)
    (folder / "deployment").symlink_to(PROJECT / "deployment")
    return folder


def shell(command, folder):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(folder / "src")}
    answer = subprocess.run(
        ["bash", "-euc", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_page_leads_to_a_model_that_runs(tmp_path):
    project = copied_project(tmp_path)
    copy_template, run_model = code_blocks("bash")
    (row,) = code_blocks("python")
    (yaml,) = code_blocks("yaml")
    shell(copy_template, project)
    registry = project / "src/textzoo/models/registry.py"
    registry.write_text(registry.read_text().replace("ARCHITECTURES = {\n", "ARCHITECTURES = {\n" + row))
    (project / "conf/model/my_model.yaml").write_text(yaml)
    shell(run_model, project)
    (report,) = project.glob("experiments_outputs/*/report.json")
    content = json.loads(report.read_text())
    assert (content["status"], content["model"]["name"]) == ("FINISHED", "my_model")
    rows = {row["model"]: row for row in content["evaluation"]}
    assert rows["int8"]["engine"] == "native"
    assert abs(rows["int8"]["loss_nats"] - rows["float"]["loss_nats"]) < 0.1
