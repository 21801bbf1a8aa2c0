"""operation_mode=chat over a pipe: what it prints, how it ends, what it leaves."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import PROGRAM, environment

from textzoo.config.check import check
from textzoo.config.command_line import SingleRun
from textzoo.runs import app

pytestmark = pytest.mark.slow

GPT = ("operation_mode=chat", "model=gpt", "pretrained=true")
ANSWER = "I can answer simple questions, count, spell words and set timers.\n"


def test_lines_are_answered_and_nothing_is_left(program, tmp_path):
    done = program(*GPT, input="What can you do?\n\n/seed\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{ANSWER}seed 1\n", "")
    assert list(tmp_path.iterdir()) == []


def test_mistakes_are_told_and_the_next_line_is_answered(program, tmp_path):
    done = program(*GPT, input="/quit now?\n".replace("quit", "qit") + "Ω?\nWhat can you do?\n" + "a" * 200 + "\n")
    assert (done.returncode, done.stdout) == (2, ANSWER)
    assert "no command '/qit'. Did you mean '/quit'?" in done.stderr
    assert "'Ω' (U+03A9) at 0" in done.stderr
    assert "the message is longer than the model's context" in done.stderr
    assert done.stderr.endswith("3 lines could not be answered.\n")
    assert list(tmp_path.iterdir()) == []


# Settings, a part of the message.
MISTAKES = [
    (["chat.template=dialog"], "unknown chat template 'dialog'"),
    (["chat.template=nowhere/chat_template.json"], "unknown chat template"),
    (["chat.engine=emulatr"], "wrong value of chat.engine"),
    (["chat.engine=serial", "chat.serial_port=/dev/ttyNowhere"], "no serial port '/dev/ttyNowhere'"),
    (["chat.engine=native", "model.quantized_model_path=null"], "the engine native needs a quantized model"),
    (["pretrained=false"], "operation_mode=chat needs a trained model"),
    (["pretrained=false"], "pretrained=true takes one of pretrained_models/"),
    (["-m"], "is one conversation, and -m starts several runs"),
    (["chat.system=Ω"], "not in the vocabulary"),
]


@pytest.mark.parametrize(("settings", "message"), MISTAKES)
def test_mistakes_end_with_2_and_leave_nothing(settings, message, program, tmp_path):
    done = program(*GPT, *settings, input="Hi\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_program_error_ends_with_1(monkeypatch, capsys):
    def fail(*_):
        raise RuntimeError("no such thing")

    monkeypatch.setattr(app, "service_function", lambda _: fail)
    monkeypatch.setattr(app.signals, "listen", lambda: None)
    monkeypatch.setattr(app.console, "stderr", False)
    monkeypatch.setattr(app.losses, "text_is_all", True)
    config, _ = check({"operation_mode": "chat"})
    assert app.run_composed(SingleRun(None, config)) == app.PROGRAM_ERROR
    assert "TextZoo failed: RuntimeError: no such thing" in capsys.readouterr().err


@pytest.fixture
def start(tmp_path):
    """A function that starts a chat over pipes."""

    def start(*arguments, **options):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        command = [sys.executable, str(PROGRAM), *GPT, *arguments]
        return subprocess.Popen(command, cwd=tmp_path, env=environment(os.environ["PATH"]), **pipes)

    return start


def test_an_interruption_ends_with_130(start, tmp_path):
    with start() as process:
        process.stdin.write(b"What can you do?\n")
        process.stdin.flush()
        assert process.stdout.readline() == ANSWER.encode()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read() == b"Interrupted.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_long_answer_is_interrupted(number, start):
    with start("chat.template=plain", "prediction.max_tokens=1000000") as process:
        process.stdin.write(b"What\n")
        process.stdin.flush()
        assert process.stdout.read(10)
        process.send_signal(number)
        process.stdout.read()
        assert process.wait(60) == 130


def test_a_closed_pipe_ends_quietly(start):
    reading, writing = os.pipe()
    with start("chat.template=plain", "prediction.max_tokens=1000000", stdout=writing) as process:
        os.close(writing)
        process.stdin.write(b"What\n")
        process.stdin.flush()
        assert os.read(reading, 1)
        os.close(reading)
        assert process.wait(60) == -signal.SIGPIPE
        assert process.stderr.read() == b""


def test_a_closed_input_has_no_lines(tmp_path):
    command = [sys.executable, str(PROGRAM), *GPT]
    done = subprocess.run(
        ["sh", "-c", f"{shlex.join(command)} <&-"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_full_disk_is_told(start):
    with Path("/dev/full").open("wb") as full, start(stdout=full) as process:
        _, errors = process.communicate(b"What can you do?\nHi\n")
        assert process.returncode == 2
        assert b"The standard output cannot be written: No space left on device." in errors


def test_a_kept_conversation_is_a_run(program, tmp_path, store):
    options = ("chat.track=true", "mlflow.system_metrics=false", f"mlflow.uri={store}", "hydra.run.dir=run")
    done = program(*GPT, *options, input="What can you do?\nThanks!\n")
    assert (done.returncode, done.stdout) == (0, f"{ANSWER}With pleasure.\n")
    values = json.loads((tmp_path / "run/conversation.json").read_text())
    assert [turn["role"] for turn in values["turns"]] == ["user", "assistant"] * 2
    assert "With pleasure." in (tmp_path / "run/conversation.md").read_text()
    report = json.loads((tmp_path / "run/report.json").read_text())
    assert report["status"] == "FINISHED"
    assert [sample["text"] for sample in report["samples"]] == [ANSWER.strip(), "With pleasure."]
    resumed = (f"mlflow.uri={store}", "general.resume=run", "chat.track=true")
    again = program(*GPT, *resumed, input="/load run/conversation.json\n")
    assert again.returncode == 0, again.stderr
    assert again.stdout == "4 turns loaded.\n"
    assert "it comes out differently every time" in again.stderr
    before = sorted(path.name for path in (tmp_path / "run").iterdir())
    untracked = program(*GPT, "general.resume=run", "chat.track=false", input="Thanks!\n")
    assert (untracked.returncode, untracked.stdout) == (0, "With pleasure.\n")
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == before


def test_an_interrupted_conversation_is_kept_too(start, tmp_path, store):
    options = ("chat.track=true", "mlflow.system_metrics=false", f"mlflow.uri={store}", "hydra.run.dir=run")
    with start(*options) as process:
        process.stdin.write(b"What can you do?\n")
        process.stdin.flush()
        assert process.stdout.readline() == ANSWER.encode()
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 130
    assert json.loads((tmp_path / "run/conversation.json").read_text())["turns"][1]["text"] == ANSWER.strip()
    assert json.loads((tmp_path / "run/report.json").read_text())["status"] == "KILLED"


def test_a_folder_that_cannot_be_written_is_enough(program, tmp_path):
    tmp_path.chmod(0o500)
    try:
        assert program(*GPT, input="What can you do?\n").stdout == ANSWER
    finally:
        tmp_path.chmod(0o700)


def test_a_word_model_talks(program):
    done = program("operation_mode=chat", "model=tiny_bert_generator", "pretrained=true", input="Hello!\nxyzzy\n")
    assert done.returncode == 2
    assert re.fullmatch(r"[A-Z].*\n", done.stdout)
    assert "'xyzzy' at 0. Leave them out, or replace them by <unk>: /set unknown unk." in done.stderr


def test_a_model_of_a_run_talks_by_its_own_template(warm_program, program, tmp_path, toy_options):
    corpus = ("dataset=conversations", "dataset.conversations_bytes=20000")
    rest = [option for option in toy_options if not option.startswith("dataset")]
    made = warm_program("operation_mode=chain_tqe", *corpus, *rest, "model.context_length=64", "hydra.run.dir=run")
    assert made.returncode == 0, made.stderr
    assert json.loads((tmp_path / "run/models/chat_template.json").read_text())["name"] == "dialogue"
    files = (f"model.quantized_model_path={next((tmp_path / 'run/models').glob('decode_*'))}",)
    for model in (["general.resume=run"], files):
        done = program("operation_mode=chat", *model, input="Hi\n/info\n")
        assert done.returncode == 0, done.stderr
        assert re.search(r"^template +dialogue$", done.stdout, re.MULTILINE)
    quantized = warm_program(
        "operation_mode=quantization", *corpus, *rest, "model.context_length=64", "hydra.run.dir=again",
        "model.float_model_path=run/models/float.keras",
    )  # fmt: skip
    assert quantized.returncode == 0, quantized.stderr
    assert (tmp_path / "again/models/chat_template.json").is_file()
