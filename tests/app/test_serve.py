"""`operation_mode=serve` as a user starts and ends it."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

import startup

PROGRAM = Path(__file__).resolve().parents[2] / "stm32ai_main.py"
GPT = ("operation_mode=serve", "model=gpt", "pretrained=true")
PATIENCE = 100


@contextlib.contextmanager
def served(folder, *arguments, python_options=()):
    """The program while it runs, its address, and what it printed before."""
    command = [sys.executable, *python_options, str(PROGRAM), *GPT, "serve.port=0", *arguments]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            lines = [""]
            while not (found := re.search(r"http://\S+/v1", lines[-1])):
                lines.append(process.stderr.readline())
                assert lines[-1], "it ended before it told its address"
            yield process, found[0], "".join(lines)
        finally:
            process.kill()


def ask(url, **values):
    request = urllib.request.Request(url, json.dumps(values).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:
        return json.load(response)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_until_it_is_told_to_end_and_leaves_nothing(tmp_path, number):
    with served(tmp_path, "prediction.max_tokens=5") as (process, url, _):
        with urllib.request.urlopen(f"{url}/models", timeout=PATIENCE) as response:
            name = json.load(response)["data"][0]["id"]
        assert name == "gpt_int8"
        answer = ask(f"{url}/completions", model=name, prompt="User: Hello")
        assert answer["usage"]["completion_tokens"] == 5
        process.send_signal(number)
        out, _ = process.communicate(timeout=PATIENCE)
        assert (process.returncode, out) == (0, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_example_that_it_prints_is_answered(tmp_path):
    with served(tmp_path) as (process, _, _):
        command = process.stderr.readline().partition("Try: ")[2]
        printed = subprocess.run(["sh", "-c", command], capture_output=True, check=True, timeout=PATIENCE).stdout
    assert json.loads(printed)["object"] == "text_completion"


@pytest.mark.slow
def test_it_listens_before_anything_large_is_imported(tmp_path):
    with served(tmp_path, python_options=["-X", "importtime"]) as (_, _, printed):
        modules = startup.IMPORT_LINE.findall(printed)
    assert "uvicorn" in modules
    assert startup.heavy_ones(modules) == []


@contextlib.contextmanager
def taken_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


MISTAKES = [
    (["serve.host=no.such.host.invalid"], "cannot listen on serve.host=no.such.host.invalid"),
    (["serve.host=192.0.2.1", "serve.port=0"], "this machine has no such address"),
    (["serve.host=''"], "serve.host"),
    (["serve.port=65536"], "serve.port"),
    (["serve.engine=gpu"], "serve.engine"),
    (["serve.port=0", "chat.template=no_such"], "chat template"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "text"), MISTAKES)
def test_mistakes(program, arguments, text):
    done = program(*GPT, *arguments)
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_port_that_is_taken(program):
    with taken_port() as port:
        done = program(*GPT, f"serve.port={port}")
    assert done.returncode == 2
    assert "another program listens there" in done.stderr
