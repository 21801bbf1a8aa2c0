"""`operation_mode=serve` as a user starts and ends it."""

import contextlib
import json
import signal
import socket
import subprocess
import urllib.request
from urllib.parse import urlsplit

import pytest

import startup
from served_program import GPT, served

PATIENCE = 100


def address_of(url):
    place = urlsplit(url)
    return place.hostname, place.port


def ask(url, **values):
    request = urllib.request.Request(url, json.dumps(values).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:
        return json.load(response)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_until_it_is_told_to_end_and_leaves_nothing(tmp_path, number):
    with served(tmp_path, "prediction.max_tokens=5") as program:
        with urllib.request.urlopen(f"{program.url}/models", timeout=PATIENCE) as response:
            name = json.load(response)["data"][0]["id"]
        assert name == "gpt_int8"
        answer = ask(f"{program.url}/completions", model=name, prompt="User: Hello")
        assert answer["usage"]["completion_tokens"] == 5
        program.process.send_signal(number)
        out, _ = program.process.communicate(timeout=PATIENCE)
        assert (program.process.returncode, out) == (0, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_it_ends_while_somebody_does_not_take_an_answer(tmp_path):
    body = b'{"model": "gpt_int8", "prompt": "User: Hello", "max_tokens": 4096, "stream": true}'
    with served(tmp_path) as program, socket.create_connection(address_of(program.url), PATIENCE) as link:
        link.sendall(
            b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )
        assert link.recv(100).startswith(b"HTTP/1.1 200 ")
        program.process.send_signal(signal.SIGINT)
        program.process.communicate(timeout=PATIENCE)
        assert program.process.returncode == 0


@pytest.mark.slow
def test_the_example_that_it_prints_is_answered(tmp_path):
    with served(tmp_path) as program:
        command = program.process.stderr.readline().partition("Try: ")[2]
        printed = subprocess.run(["sh", "-c", command], capture_output=True, check=True, timeout=PATIENCE).stdout
    assert json.loads(printed)["object"] == "text_completion"


@pytest.mark.slow
def test_it_listens_before_anything_large_is_imported(tmp_path):
    with served(tmp_path, python_options=["-X", "importtime"]) as program:
        modules = startup.IMPORT_LINE.findall(program.printed)
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
