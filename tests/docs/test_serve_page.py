"""docs/how_to/serve.md is followed against a running server: what it shows is what comes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pages import PROJECT, RUN_BY, blocks_of

from served_program import served

PAGE = PROJECT / "docs/how_to/serve.md"
ADDRESS = "http://127.0.0.1:8080/v1"
# What differs from answer to answer.
OTHER_EACH_TIME = ("id", "created", "seconds")


def shown():
    """The blocks of the page that this test runs, each with the block below it, which shows what comes."""
    blocks = list(blocks_of(PAGE))
    return [(block, blocks[index + 1].text) for index, block in enumerate(blocks) if block.kind == RUN_BY]


def steady(text):
    """A text, or an object of JSON without what differs from answer to answer."""
    if not text.startswith("{"):
        return text
    return json.loads(
        text, object_hook=lambda values: {key: values[key] for key in values if key not in OTHER_EACH_TIME}
    )


@pytest.mark.slow
def test_what_the_page_shows_is_what_comes(tmp_path):
    (start, greeting), *rest = shown()
    assert start.text.split()[1:] == ["stm32ai_main.py", "operation_mode=serve", "model=gpt", "pretrained=true"]
    binaries = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}", "LLM_USER_PATH": str(tmp_path)}
    with served(tmp_path) as program:
        assert (program.printed + program.process.stderr.readline()).replace(program.url, ADDRESS) == greeting
        for block, expected in rest:
            text = block.text.replace(ADDRESS, program.url)
            command = [sys.executable, "-c", text] if block.language == "python" else ["bash", "-ec", text]
            ways = {"env": environment, "stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
            done = subprocess.run(command, **ways, check=True, timeout=300)
            assert steady(done.stdout) == steady(expected), block.place
