"""The prompt of a terminal: keys, completion, history; typed into a pipe, without a screen."""

import contextlib
import os
import re
import stat
import termios
import threading
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from talking_toys import Screen

from textzoo.serving.terminal.commands import COMMANDS
from textzoo.serving.terminal.keyboard import unread_keys_kept
from textzoo.serving.terminal.loop import converse, take
from textzoo.serving.terminal.prompt import (
    MAX_HISTORY_BYTES,
    CommandCompleter,
    PromptReader,
    make_private,
    open_history,
    status_line,
)
from textzoo.serving.terminal.values import VALUES


@contextlib.contextmanager
def prompt(history=None):
    """A reader whose keys come from a pipe, and that pipe."""
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        yield PromptReader(Screen().session, history or InMemoryHistory()), keys


# What is typed, the texts that are read.
TYPED = [
    ("ab\r", ["ab"]),
    ("ab\x1b\rc\r", ["ab\nc"]),  # Alt-Enter
    ('"""\rab\r\rc"""\r', ["ab\n\nc"]),
    ('"""ab"""\r', ["ab"]),
    ('"""\r/ab\r"""\r', ["//ab"]),
    ("\x1b[200~ab\nc\n\nd\x1b[201~\r", ["ab\nc\n\nd"]),  # pasted
    ("\x1b[200~/quit\nab\x1b[201~\r", ["/quit\nab"]),
    ("abc\x7f\r", ["ab"]),
    ("drop me\x03ab\r", ["ab"]),
    ("\x12ab\x03c\r", ["c"]),  # Ctrl-C ends a search
    ("/sta\t\r", ["/status"]),
    ("/set tempe\t 2\r", ["/set temperature 2"]),
    ("/set unknown u\t\r", ["/set unknown unk"]),
    ("/set template d\t\r", ["/set template dialogue"]),
    ("/mode s\t\r", ["/mode single"]),
    ("/engine o\t\r", ["/engine other"]),
    ("/help eng\t\r", ["/help engine"]),
    ("sta\t\r", ["sta"]),
    ("/se\tt\r", ["/set"]),  # of several, which are listed
    ("\t\r", [""]),
    ("é€😀\r", ["é€😀"]),
]


@pytest.mark.parametrize(("typed", "texts"), TYPED)
def test_what_is_typed_is_read(typed, texts):
    with prompt() as (reader, keys):
        keys.send_text(typed)
        assert [reader.read() for _ in texts] == texts


LEAVING = [("\x03\x03", KeyboardInterrupt), ("ab\x03\x03", KeyboardInterrupt), ("\x04", EOFError)]


@pytest.mark.parametrize(("typed", "kind"), LEAVING)
def test_keys_that_leave(typed, kind):
    with prompt() as (reader, keys):
        keys.send_text(typed)
        with pytest.raises(kind):
            reader.read()


def test_ctrl_c_behind_the_end_of_an_answer_keeps_the_session():
    with prompt() as (reader, keys):
        keys.send_text("\x03ab\r")
        assert reader.read() == "ab"
        assert "Another Ctrl-C leaves" in reader.session.display.notes.file.getvalue()
        take(reader.session, "ab")
        keys.send_text("\x03c\r")
        assert reader.read() == "c"
        reader.session.was_interrupted = True
        keys.send_text("\x03")
        with pytest.raises(KeyboardInterrupt):
            reader.read()


class Interrupted:
    """Texts of somebody who presses Ctrl-C, whose signal arrives while nothing runs."""

    def __init__(self, *texts):
        self.texts = list(texts)

    def read(self):
        text = self.texts.pop(0)
        if text is None:
            raise KeyboardInterrupt
        return text


@pytest.mark.parametrize(
    ("texts", "is_terminal", "leaves"),
    [
        ([None, "ab", None, "ab", "/quit"], True, False),
        (["ab", None, None], True, True),
        ([None], False, True),
    ],
)
def test_an_interruption_between_answers_ends_the_session_the_second_time(texts, is_terminal, leaves):
    session = Screen().session
    session.stops_answers = is_terminal
    with pytest.raises(KeyboardInterrupt) if leaves else contextlib.nullcontext():
        converse(session, Interrupted(*texts))
    assert len(session.conversation.turns) == 2 * texts.count("ab")


def test_an_interruption_before_an_answer_begins_keeps_the_session():
    session = Screen().session
    session.stops_answers = True
    ask = session.conversation.ask

    def interrupted(_):
        session.conversation.ask = ask
        raise KeyboardInterrupt

    session.conversation.ask = interrupted
    converse(session, Interrupted("ab", "ab", "/quit"))
    assert len(session.conversation.turns) == 2


def test_a_session_ends_with_ctrl_d_and_with_quit():
    for typed in ("ab\r/status\r\x04", "ab\r/status\r/quit\r"):
        with prompt() as (reader, keys):
            keys.send_text(typed)
            session = Screen().session
            converse(session, reader)
            assert [turn.text for turn in session.conversation.turns[::2]] == ["ab"]


def test_the_editor_of_the_user_is_opened(tmp_path, monkeypatch):
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf "of the editor\\nsecond" >> "$1"\n')
    editor.chmod(0o700)
    monkeypatch.setenv("VISUAL", str(editor))
    with prompt() as (reader, keys):
        keys.send_text("text \x07")
        read = []
        reader.editor.default_buffer.on_text_changed += lambda buffer: (
            keys.send_text("\r") if "second" in buffer.text and not read else None
        )
        read.append(reader.read())
    assert read == ["text of the editor\nsecond"]


# A shell script as the editor, or its name; what is wrong with it.
WRONG_EDITORS = [
    ("exit 3", "ended with 3, so the text stays as it was"),
    ("kill -9 $$", "ended with -9"),
    ("printf '\\377' > $1", "is not a text"),
    ("rm $1", "there is no file"),
    ("EDITOR=/nowhere/editor", "cannot start the editor '/nowhere/editor'"),
    ("EDITOR='", "cannot read the name of the editor"),
    ("EDITOR=", "there is no editor"),
]


@pytest.mark.parametrize(("script", "message"), WRONG_EDITORS)
def test_a_text_stays_if_the_editor_fails(script, message, tmp_path, monkeypatch):
    editor, given = tmp_path / "editor", script.removeprefix("EDITOR=")
    editor.write_text(f"#!/bin/sh\n{script}\n")
    editor.chmod(0o700)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", given if given != script else str(editor))
    if not given:
        monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with prompt() as (reader, keys):
        display, shown = reader.session.display, []
        display.error = lambda error: shown.append(str(error)) or keys.send_text("\r")
        keys.send_bytes(b"text\xff\x07")
        assert reader.read() == "text\udcff"
    assert re.search(message, shown[0])
    assert not list(tmp_path.glob("textzoo-chat-*"))


def test_what_a_text_may_become_is_listed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a\x1b[2J", "a\n", *(f"a{number}" for number in range(150))):
        (tmp_path / name).touch()
    with prompt() as (reader, keys):
        keys.send_text("/s\t\x03/read a\t\x03/quit\r")  # no Ctrl-C is taken for another program
        assert reader.read() == "/quit"
        shown = reader.session.display.out.file.getvalue()
    assert shown.split()[:6] == ["settings", "set", "status", "save", "system", "seed"]
    assert ("a\\x1b[2J" in shown, "a\\n" in shown) == (True, True)
    assert len(shown.split()) == 106
    assert "and 52 others" in reader.session.display.notes.file.getvalue()


def completed(text, session):
    found = CommandCompleter(session).get_completions(Document(text, len(text)), CompleteEvent())
    return [completion.text for completion in found]


def test_names_keys_and_files_are_completed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my notes.json").touch()
    session = Screen().session
    assert completed("/", session) == list(COMMANDS)
    assert completed("/se", session) == ["settings", "set", "seed"]
    assert completed("/set ", session) == [*VALUES, "template"]
    assert completed("/set seed ", session) == []
    assert completed("/set nothing ", session) == []
    assert completed("/nothing ", session) == []
    assert completed("/load my", session) == [" notes.json"]
    assert completed("/read my n", session) == ["otes.json"]
    assert completed("//se", session) == []
    assert completed("/se\n/se", session) == []
    assert completed("/engine toy ", session) == []


@pytest.mark.parametrize("typed", ["\x1b[A\x1b[A\r", "\x12a\r\r"])  # up, up; Ctrl-R searches
def test_earlier_texts_come_again(typed):
    with prompt(InMemoryHistory(["ab", "c"])) as (reader, keys):
        threading.Timer(0.3, keys.send_text, [typed]).start()  # the history is read behind the prompt
        assert reader.read() == "ab"


def test_history_lasts_and_is_private(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    path = tmp_path / "textzoo/chat_history"
    with prompt(open_history(True)) as (reader, keys):
        keys.send_text("first\r\x1b[200~two\nlines \x1b[201~\r")
        reader.read(), reader.read()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with prompt(open_history(True)) as (reader, keys):
        threading.Timer(0.3, keys.send_text, ["\x1b[A\x1b[A\x1b[A\r"]).start()  # two lines, then first
        assert reader.read() == "first"
    open_history(True).store_string("a\ud800")
    assert "a\\ud800" in path.read_text()


def test_history_can_be_switched_off(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with prompt(open_history(False)) as (reader, keys):
        keys.send_text("first\r")
        reader.read()
    assert list(tmp_path.iterdir()) == []


def test_a_history_that_others_could_read_is_made_private_and_a_long_one_emptied(tmp_path):
    path = tmp_path / "history"
    path.write_text("\n# 2026\n+a\n")
    path.chmod(0o644)
    make_private(path)
    assert (stat.S_IMODE(path.stat().st_mode), path.read_text()) == (0o600, "\n# 2026\n+a\n")
    path.write_bytes(b"+a\n" * (MAX_HISTORY_BYTES // 3 + 1))
    make_private(path)
    assert path.read_bytes() == b""


STRANGE = {
    "link": lambda path: path.symlink_to(path.parents[1] / "target"),
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
}


@pytest.mark.parametrize("kind", [*STRANGE, "no folder"])
def test_a_strange_history_is_left_alone(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    folder = tmp_path / "textzoo"
    (tmp_path / "target").write_text("other")
    if kind == "no folder":
        folder.write_text("")
    else:
        folder.mkdir()
        STRANGE[kind](folder / "chat_history")
    assert type(open_history(True)) is InMemoryHistory
    assert (tmp_path / "target").read_text() == "other"


def test_keys_are_kept_as_typed_and_the_terminal_is_what_it_was():
    ours, its = os.openpty()
    before = termios.tcgetattr(its)
    with unread_keys_kept(its):
        os.write(ours, b"a\rb\x04")
        assert os.read(its, 100) == b"a\rb\x04"
    assert termios.tcgetattr(its) == before
    os.write(ours, b"c\n")
    assert os.read(ours, 100) == b"c\r\n"  # the echo of this alone
    os.close(ours)
    with unread_keys_kept(its):  # nobody types any more
        pass
    os.close(its)


def test_what_is_no_terminal_is_left_alone():
    with Path("/dev/null").open() as file, unread_keys_kept(file.fileno()):
        pass


def test_the_status_line_has_no_control_characters():
    figures = {"engine": "a\x1b[2J", "mode": "chat", "context": "3/64", "cost": "12 instructions/token"}
    assert status_line(figures) == "a\\x1b[2J | chat | context 3/64 | 12 instructions/token"
