"""A Ctrl-C is heard even where Python drops the exception that it raises."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from textzoo.common import signals
from textzoo.common.progress import progress_bar
from textzoo.runs import app
from textzoo.targets.console import Console, FileLink

PROGRAM = Path(__file__).resolve().parents[2] / "stm32ai_main.py"


@pytest.fixture
def listening():
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signals.listen()
    yield
    signals.heard()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_in_a_weak_references_callback_stops_the_next_step(listening, number):
    referred = set()
    reference = weakref.ref(referred, lambda _: signal.raise_signal(number))
    with progress_bar("work", 2) as advance:
        advance()
        del referred  # the callback's exception is dropped here
        assert reference() is None
        with pytest.raises(KeyboardInterrupt):
            advance()


@pytest.mark.parametrize(("raised", "told"), [(KeyboardInterrupt, False), (ZeroDivisionError, True)])
def test_only_of_an_interruption_that_python_drops_nothing_is_said(listening, capsys, monkeypatch, raised, told):
    monkeypatch.setattr(sys, "unraisablehook", signals.tell_dropped)  # pytest has one of its own

    def fail(_):
        raise raised

    referred = set()
    reference = weakref.ref(referred, fail)
    del referred
    assert reference() is None
    assert ("Exception ignored" in capsys.readouterr().err) == told


def test_an_interruption_before_the_run_began_leaves_nothing(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    with app.errors_to_exit_code(tmp_path / "a run") as outcome:
        raise KeyboardInterrupt
    assert (outcome.code, outcome.has_begun, capsys.readouterr().err) == (130, False, f"{app.NOT_BEGUN}\n")
    (tmp_path / "a run/.hydra").mkdir(parents=True)
    (tmp_path / "a run/.hydra/overrides.yaml").write_text("[]")
    with app.errors_to_exit_code(tmp_path / "a run") as outcome:
        raise KeyboardInterrupt
    assert (outcome.code, outcome.has_begun) == (130, True)
    assert "stm32ai_main.py 'general.resume=a run'\n" in capsys.readouterr().err


def test_what_is_saved_after_an_interruption_takes_its_steps(listening):
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    signals.heard()
    with progress_bar("saving", 1) as advance:
        advance()


def test_an_interruption_that_becomes_another_exception_is_one(listening, tmp_path, capsys):
    with app.errors_to_exit_code(tmp_path / "a run") as outcome:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("initialization failed") from None
    assert (outcome.code, capsys.readouterr().err) == (130, f"{app.NOT_BEGUN}\n")
    with app.errors_to_exit_code(tmp_path / "a run") as outcome:
        raise ImportError("no such module")
    assert outcome.code == app.PROGRAM_ERROR


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_is_held_back_until_an_import_has_ended(listening, number):
    done = []

    def import_it():
        with signals.held_back():
            signal.raise_signal(number)
            signal.raise_signal(number)
            done.append("imported")

    with pytest.raises(KeyboardInterrupt):
        import_it()
    assert done == ["imported"]
    assert signals.heard() == number
    with signals.held_back():
        pass
    assert signal.getsignal(number) == signals.interrupt


def test_another_thread_leaves_the_handlers_alone(listening):
    with ThreadPoolExecutor() as pool:
        assert pool.submit(signals.held_back().__enter__).result() is None
    assert signal.getsignal(signal.SIGINT) == signals.interrupt


def test_an_interruption_that_a_library_swallows_comes_again(listening, monkeypatch):
    monkeypatch.setattr(signals, "AGAIN_SECONDS", 0.05)
    with contextlib.suppress(BaseException):
        signal.raise_signal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        time.sleep(60)
    signals.heard()
    time.sleep(0.2)  # from now on there is quiet


def test_waiting_for_a_device_that_says_nothing_hears_an_interruption_that_was_lost(listening, monkeypatch):
    ours, theirs = os.pipe(), os.pipe()
    console = Console(FileLink(ours[0], theirs[1]), "the device")
    with contextlib.suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        console.ask({"command": "benchmark"}, timeout=600)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_what_a_background_job_ignores_it_goes_on_ignoring(listening, number):
    signal.signal(number, signal.SIG_IGN)
    signals.listen()
    signal.raise_signal(number)
    assert signal.getsignal(number) is signal.SIG_IGN
    signals.raise_if_interrupted()  # nor was it noted


def heed_interrupts():
    """A job in a shell's background inherits that Ctrl-C is ignored; a user's program in the foreground does not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def started(tmp_path, *options):
    """The program with its output in pipes, printing every import to stderr if the options ask for that."""
    command = [sys.executable, *options, str(PROGRAM), "operation_mode=describe"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=tmp_path, preexec_fn=heed_interrupts, **pipes)


def test_ctrl_c_while_the_program_starts_is_answered_in_one_line(tmp_path):
    with started(tmp_path, "-X", "importtime") as process:
        for line in process.stderr:
            if line.endswith("hydra.version\n"):  # far from the last import
                process.send_signal(signal.SIGINT)
                break
        said = [line for line in process.stderr if not line.startswith("import time")]
    assert (process.returncode, said) == (130, ["Interrupted.\n"])


def test_a_reader_that_has_gone_ends_a_table_quietly(tmp_path):
    with started(tmp_path) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == -signal.SIGPIPE
