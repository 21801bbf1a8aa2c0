"""A conversation in a real terminal, also with the emulated board: what a person types, and sees."""

import re
import signal
import termios
import time
from pathlib import Path

import psutil
import pytest

from compilers import need
from terminal_screen import Terminal

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).resolve().parents[2] / "stm32ai_main.py"
GPT = ("operation_mode=chat", "model=gpt", "pretrained=true")
LONG = ("chat.template=plain", "prediction.max_tokens=1000000")
EMULATED = ("chat.engine=emulator", "board=STM32F4")
INTERRUPTED = "The answer was interrupted."
CTRL_C, CTRL_D, CTRL_G = "\x03", "\x04", "\x07"


@pytest.fixture
def start(tmp_path):
    """A function that starts a chat in a terminal; what is left of it is ended with the test."""
    started = []

    def start(*arguments, **environment):
        (tmp_path / "tmp").mkdir(exist_ok=True)
        places = {"XDG_STATE_HOME": str(tmp_path / "state"), "TMPDIR": str(tmp_path / "tmp")}
        terminal = Terminal([str(PROGRAM), *GPT, *arguments], tmp_path, **{**places, **environment})
        started.append(terminal)
        return terminal

    yield start
    for terminal in started:
        terminal.child.terminate(force=True)


def children_of(terminal):
    children = psutil.Process(terminal.child.pid).children(recursive=True)
    return [child for child in children if child.status() != psutil.STATUS_ZOMBIE]  # which have ended


def test_a_conversation(start, tmp_path):
    terminal = start()
    terminal.wait_for_prompt()
    terminal.wait_for("litert_ref | chat | context 0/128")
    terminal.say("What can you do?")
    assert "> What can you do?\nI can answer simple questions, count, spell words and set timers.\n>" in terminal.text
    terminal.wait_until(lambda shown: re.search(r"context 94/128 \| [\d,]+ tokens/s$", shown.text))
    terminal.say("/sta\t")
    assert re.search(r"^engine   litert_ref$", terminal.text, re.MULTILINE)
    terminal.say("/stat")
    assert "no command '/stat'. Did you mean '/status'?" in terminal.text
    terminal.say("\x1b[200~Thanks!\nBye!\x1b[201~")
    assert "> Thanks!\n. Bye!\n" in terminal.text
    terminal.say("/save talk.json")
    terminal.type(CTRL_D)
    assert terminal.exit_code() == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state", "talk.json", "tmp"]
    assert list((tmp_path / "tmp").iterdir()) == []
    assert (tmp_path / "state/textzoo/chat_history").stat().st_mode & 0o777 == 0o600


def test_history_of_an_earlier_session_and_the_editor(start, tmp_path):
    editor = tmp_path / "state" / "editor"
    first = start()
    first.wait_for_prompt()
    first.say("What is a square?")
    first.type("/quit\r")
    assert first.exit_code() == 0
    editor.write_text("#!/bin/sh\nprintf 'Hello!' > \"$1\"\n")
    editor.chmod(0o700)
    second = start(EDITOR=str(editor), VISUAL="")
    second.wait_for_prompt()
    second.wait_for("context 0/128")
    second.type("\x1b[A\x1b[A")
    second.wait_until(lambda shown: shown.line == "> What is a square?")
    second.type(f"{CTRL_C}{CTRL_G}")
    second.wait_until(lambda shown: shown.line == "> Hello!")
    second.type(f"{CTRL_C}{CTRL_C}")
    assert second.exit_code() == 130


def answering(terminal):
    """A terminal in the middle of a long answer."""
    terminal.wait_for_prompt()
    terminal.type("What\r")
    terminal.wait_until(lambda shown: len(shown.text) > 500)
    return terminal


def test_ctrl_c_stops_the_answer_and_keeps_the_session(start):
    terminal = answering(start(*LONG))
    terminal.type(CTRL_C)
    terminal.wait_for(INTERRUPTED)
    terminal.wait_for_prompt()
    terminal.say("/set max_tokens 10")
    terminal.say("/clear")
    terminal.say("User: Hi\nBot:")
    terminal.type(CTRL_C)
    terminal.wait_for("Another Ctrl-C leaves")
    terminal.wait_for_prompt()
    terminal.type(CTRL_C)
    assert terminal.exit_code() == 130


def test_a_second_ctrl_c_at_once_leaves(start):
    terminal = answering(start(*LONG))
    for _ in range(3):  # two signals at once are one
        terminal.type(CTRL_C)
        time.sleep(0.01)
    assert terminal.exit_code() == 130


def test_what_is_typed_during_an_answer_waits_for_the_prompt(start):
    terminal = answering(start(*LONG, "prediction.stop=null"))
    begun = len(terminal.written)
    terminal.type("Thanks!\x1b[200~Two\nlines\x1b[201~")
    terminal.wait_until(lambda shown: len(shown.written) > begun + 2000)
    assert "Thanks!" not in terminal.written[begun:]
    terminal.child.kill(signal.SIGINT)  # unlike the key, it drops nothing of what was typed
    terminal.wait_for(INTERRUPTED)
    terminal.wait_for("> Thanks!Two\n. lines")
    terminal.type(f"{CTRL_C}{CTRL_D}")
    assert terminal.exit_code() == 0


def test_a_suspended_answer_goes_on_without_an_echo(start):
    terminal = answering(start(*LONG, "prediction.stop=null"))
    terminal.child.kill(signal.SIGSTOP)
    shell = termios.tcgetattr(terminal.child.child_fd)
    shell[3] |= termios.ECHO | termios.ICANON
    termios.tcsetattr(terminal.child.child_fd, termios.TCSANOW, shell)
    terminal.child.kill(signal.SIGCONT)
    terminal.wait_until(lambda shown: not termios.tcgetattr(shown.child.child_fd)[3] & termios.ECHO)
    terminal.type(CTRL_C)
    terminal.wait_for(INTERRUPTED)
    terminal.wait_for_prompt()
    terminal.type(CTRL_D)
    assert terminal.exit_code() == 0


@pytest.mark.parametrize("text", ["gpt_int8", ""])
def test_ctrl_c_while_it_starts(start, text, tmp_path):
    terminal = start()
    if text:
        terminal.wait_for(text)
    else:
        terminal.read(1.0)
    terminal.type(CTRL_C)
    assert terminal.exit_code() == 130
    assert "Traceback" not in terminal.text
    assert list((tmp_path / "tmp").iterdir()) == []


def test_ctrl_c_ends_a_command(start):
    terminal = start()
    terminal.wait_for_prompt()
    terminal.type("/read /dev/stdin\r")
    terminal.wait_for("is a device")
    terminal.wait_for_prompt()
    need("arm", "make", "qemu")
    terminal.type("/engine emulator\r")
    terminal.wait_for("building")
    terminal.type(CTRL_C)
    terminal.wait_for("Interrupted.")
    terminal.wait_for_prompt()
    terminal.wait_until(lambda shown: children_of(shown) == [])  # one that had just begun ends on its own
    terminal.say("What can you do?")
    assert "I can answer simple questions" in terminal.text
    terminal.type(CTRL_D)
    assert terminal.exit_code() == 0


def stops_of(terminal):
    """How often a command was interrupted, or Ctrl-C came to the prompt behind it."""
    return len(re.findall(r"Interrupted\.|Another Ctrl-C", terminal.written))


def test_ctrl_c_while_a_library_is_imported_keeps_the_session(start):
    terminal = start()
    terminal.wait_for_prompt()
    terminal.say("What can you do?")
    for seconds in (0.5, 1.0, 1.5):
        before = stops_of(terminal)
        terminal.type("/engine keras\r")
        time.sleep(seconds)
        terminal.type(CTRL_C)
        terminal.wait_until(lambda shown, before=before: stops_of(shown) > before)
        terminal.wait_for_prompt()
    terminal.say("/engine keras")
    assert "keras answers now. Made again: 0 of 67 tokens differ." in terminal.text
    terminal.type(CTRL_D)
    assert terminal.exit_code() == 0


def test_the_emulated_board_talks_and_can_be_stopped(start, tmp_path):
    need("arm", "make", "qemu")
    terminal = start(*EMULATED)
    terminal.wait_for_prompt()
    terminal.wait_for("STM32F4 on netduinoplus2 | chat")
    emulator = children_of(terminal)
    assert any("qemu" in process.name() for process in emulator)
    terminal.say("What can you do?")
    assert "I can answer simple questions, count, spell words and set timers." in terminal.text
    terminal.wait_until(lambda shown: re.search(r"\| 1[45]\d,\d{3} instructions/token$", shown.text))
    terminal.say("/engine litert_ref")
    assert re.search(r"litert_ref answers now. Made again: 0 of 6\d tokens differ.", terminal.text)
    terminal.say("/engine emulator")
    assert re.search(r"netduinoplus2 answers now. Made again: 0 of 6\d tokens differ.", terminal.text)
    terminal.say("/set template plain")
    terminal.say("/set max_tokens 1000000")
    length = len(terminal.text)
    terminal.type("What\r")
    terminal.wait_until(lambda shown: len(shown.text) > length + 200)
    terminal.type(CTRL_C)
    terminal.wait_for(INTERRUPTED)
    terminal.wait_for_prompt()
    terminal.say("/reset")
    terminal.say("What is a square?")
    assert "A square has 4 equal sides." in terminal.text
    emulator = children_of(terminal)
    terminal.type(CTRL_D)
    assert terminal.exit_code() == 0
    assert psutil.wait_procs(emulator, 30)[1] == []
    assert list((tmp_path / "tmp").iterdir()) == []


def test_another_signal_ends_a_command_and_the_session(start):
    need("arm", "make", "qemu")
    terminal = start()
    terminal.wait_for_prompt()
    terminal.type("/engine emulator\r")
    terminal.wait_for("building")
    terminal.child.kill(signal.SIGTERM)
    assert terminal.exit_code() == 130


def test_ctrl_c_while_an_emulator_is_built(start, tmp_path):
    need("arm", "make", "qemu")
    terminal = start(*EMULATED)
    terminal.wait_for("building")
    terminal.type(CTRL_C)
    assert terminal.exit_code() == 130
    assert list((tmp_path / "tmp").iterdir()) == []


COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7])(?:;\d+)*m")


@pytest.mark.parametrize(
    ("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colours_are_left_out_where_they_are_not_wanted(environment, coloured, start):
    terminal = start(**environment)
    terminal.wait_until(lambda shown: shown.line == ">")
    terminal.type("/nothing\r")
    terminal.wait_for("no command")
    terminal.type("What can you do?\r")
    terminal.wait_for("set timers")
    terminal.wait_until(lambda shown: shown.line == ">")
    terminal.type(CTRL_D)
    assert terminal.exit_code() == 0
    assert bool(COLOUR.search(terminal.written)) == coloured
    assert ("\x1b" in terminal.written) == (environment.get("TERM") != "dumb")
