"""Commands, without a terminal: what they show and change, and what they refuse."""

import dataclasses
import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from talking_toys import ALPHABET, Screen, toy_source

from textzoo.common.errors import UserError
from textzoo.serving.conversation import Conversation
from textzoo.serving.sources import Sampling
from textzoo.serving.terminal.commands import COMMANDS, run_command
from textzoo.serving.terminal.loop import converse
from textzoo.serving.terminal.reading import LineReader
from textzoo.serving.terminal.values import VALUES, escaped, unescaped, with_value
from textzoo.text.chat_templates import DIALOGUE, PLAIN


@pytest.fixture
def screen():
    return Screen()


def test_an_unknown_command_is_answered_with_the_nearest_and_not_sent(screen):
    with pytest.raises(UserError, match=r"no command '/sttus'. Did you mean '/status'\? .* two: //sttus"):
        screen.type("/sttus")
    with pytest.raises(UserError, match="/help lists all"):
        screen.type("/xxxxxxxxxx")
    with pytest.raises(UserError, match="no command '/'"):
        screen.type("/")
    with pytest.raises(UserError, match=r"no command '/\*\\x1b'"):
        screen.type("/*\x1b\nint main(void)")
    assert screen.conversation.turns == []


def test_two_slashes_send_a_text_that_begins_with_one():
    screen = Screen(with_unknown=True, unknown="unk")
    screen.type("//ab", " ", "")
    assert [turn.text for turn in screen.conversation.turns[::2]] == ["/ab"]


def test_help_has_a_line_for_every_command(screen):
    shown = screen.type("/help")
    assert re.findall(r"^/(\w+)", shown, re.MULTILINE) == list(COMMANDS)
    assert screen.type("/help set").startswith("/set KEY VALUE")
    with pytest.raises(UserError, match="unknown command 'sat'"):
        screen.type("/help sat")


def test_answers_obey_a_grammar_until_it_is_taken_away(screen, tmp_path):
    (tmp_path / "g.gbnf").write_text('root ::= "yes" | "no"')
    (tmp_path / "wrong.gbnf").write_text("root ::= x")
    assert screen.type("/grammar") == "There is no grammar.\n"
    assert screen.type(f"/grammar {tmp_path}/g.gbnf") == "Answers obey the GBNF grammar.\n"
    screen.type("Hello")
    screen.type(f"/save {tmp_path}/c.json", "/regen", f"/load {tmp_path}/c.json", "Hi")
    assert {turn.text for turn in screen.conversation.turns[1::2]} <= {"yes", "no"}
    with pytest.raises(UserError, match="no rule 'x'"):
        screen.type(f"/grammar {tmp_path}/wrong.gbnf")
    with pytest.raises(UserError, match=r"a name with .gbnf or .json or .txt; received x.ebnf"):
        screen.type("/grammar x.ebnf")
    assert screen.type("/grammar -") == "There is no grammar.\n"
    screen.type("Hello")
    assert screen.conversation.turns[-1].text not in ("yes", "no")


# Command, key, what it is then.
SET = [
    ("/set temperature 0", "temperature", 0.0),
    ("/set temperature 1.5", "temperature", 1.5),
    ("/set top_k 3", "top_k", 3),
    ("/set max_tokens  5", "max_tokens", 5),
    ("/set seed 4294967295", "seed", 2**32 - 1),
    ("/seed 9", "seed", 9),
    (r"/set stop \n<end>", "stops", ("\n<end>",)),
    ("/set stop none", "stops", ()),
    ("/set stop", "stops", ()),
    ("/set unknown unk", "unknown", "unk"),
]


@pytest.mark.parametrize(("line", "key", "value"), SET)
def test_settings_are_changed(line, key, value, screen):
    screen.type(line)
    assert getattr(screen.conversation.sampling, key) == value


NOT_SET = [
    ("/set", "unknown setting ''; expected one of .*, template, "),
    ("/set temprature 1", "Did you mean 'temperature'"),
    ("/set temperature hot", "wrong type of temperature; expected a number"),
    ("/set temperature nan", "temperature is out of range"),
    ("/set temperature -1", "temperature is out of range"),
    ("/set top_k 1.5", "wrong type of top_k"),
    ("/set max_tokens 0", "max_tokens is out of range"),
    ("/set seed 4294967296", "seed is out of range"),
    ("/set seed ١²", "wrong type of seed"),
    ("/seed -1", "seed is out of range"),
    ("/set unknown drop", "one of error, unk"),
    (
        "/set template dialog",
        "expected plain, dialogue, commands, or the path of a chat_template.json. Did you mean 'dialogue'",
    ),
    ("/set template nowhere.json", "path of a chat_template.json.$"),
    (f"/set template {'a' * 5000}", "is not accessible"),
    ("/set template .", "is a folder"),
    ("/exit", "Did you mean '/quit'"),
    ("/?", "Did you mean '/help'"),
    ("/mode both", "unknown mode 'both'"),
    ("/top 0", "how many tokens"),
    ("/top 101", "how many tokens"),
    ("/top many", "how many tokens"),
    ("/top", "there is no answer yet"),
    ("/regen", "no answer to make again"),
    ("/engine keras", "needs another model"),
    ("/save", "which file"),
    ("/save notes.txt", r"\.json or \.md"),
    ("/load x.md", r"\.json"),
    ("/load nowhere.json", "there is no file"),
    ("/load \ud800.json", "there is no file"),
    ("/read", "which file"),
    ("/save a\0b.json", "which file"),
    (f"/save {'a' * 5000}.json", "is not accessible"),
    ("/save /dev/null/a.json", "the system refused"),
    ("/load ~nobody/a.json", "there is no file"),
    ("/read ~nobody/a", "there is no file"),
    ("/read nowhere", "there is no file"),
    ("/read /dev/zero", "is a device"),
    ("/read .", "is a folder"),
]


@pytest.mark.parametrize(("line", "message"), NOT_SET)
def test_what_commands_refuse_changes_nothing(line, message, screen):
    before = screen.conversation.sampling
    with pytest.raises(UserError, match=message):
        screen.type(line)
    assert (screen.conversation.sampling, screen.conversation.turns) == (before, [])


def test_settings_are_shown_as_they_are_set(screen):
    screen.type(r"/set stop \n\\", "/set template plain")
    shown = screen.type("/settings")
    assert re.search(r"^stop +\\n\\\\ ", shown, re.MULTILINE)
    assert re.search(r"^temperature  0.8 +>= 0.0 and <= 10.0", shown, re.MULTILINE)
    assert re.search(r"^template +plain ", shown, re.MULTILINE)


@given(st.text())
def test_escapes_are_undone(text):
    assert unescaped(escaped(text)) == text


@pytest.mark.parametrize("key", VALUES)
def test_what_is_shown_can_be_set(key):
    sampling = Sampling(stops=("\t\\n",), unknown="unk", top_k=4)
    assert with_value(Sampling(), key, VALUES[key].shown(sampling)) == VALUES[key].changed(
        Sampling(), VALUES[key].read(sampling)
    )


def test_clear_forgets_turns_and_reset_settings_too(screen):
    screen.type("ab", "/set top_k 2", "/system abc", "/mode single", "/set template plain", "/clear")
    assert screen.conversation.turns == []
    assert screen.conversation.sampling.top_k == 2
    screen.type("ab", "/reset")
    conversation = screen.conversation
    assert conversation.turns == []
    assert (conversation.sampling.top_k, conversation.system, conversation.mode) == (0, "", "chat")
    assert conversation.template == DIALOGUE


def test_system_text_is_set_shown_and_removed(screen):
    assert screen.type("/system") == "There is no system text.\n"
    assert screen.type("/system be kind") == "be kind\n"
    assert screen.type("/system\nbe\nkind") == "be\nkind\n"
    assert screen.type("/system\tbe kind") == "be kind\n"
    screen.type("a")
    assert screen.conversation.turns[1].prompt.startswith("be kind\nUser: a")
    screen.type("/system -")
    assert screen.conversation.system == ""


def test_an_answer_is_made_again_with_the_next_seed(screen):
    screen.type("ab")
    screen.type("/regen")
    assert screen.conversation.turns[-1].sampling.seed == 2
    assert len(screen.conversation.turns) == 2


def test_the_status_tells_engine_context_speed(screen):
    screen.type("ab")
    used = 8 + len("User: ab\nBot:")
    assert re.fullmatch(
        rf"engine   toy\nmode     chat\ncontext  {used}/64\nspeed    [\d,]+ tokens/s\n", screen.type("/status")
    )
    screen.type("/mode single")
    assert "context  0/64" in screen.type("/status")


def test_the_status_has_no_figures_of_another_engine(screen):
    screen.type("ab")
    turn = screen.conversation.turns[1]
    screen.conversation.turns[1] = dataclasses.replace(turn, cost=80)
    screen.conversation.source.counter = "cycles"
    assert re.search(r"speed .* tokens/s\ncost +10 cycles/token\n", screen.type("/status"))
    screen.type("/engine other")
    assert screen.type("/status").splitlines()[-1].startswith("context")


def test_likeliest_tokens_are_shown_with_probabilities(screen):
    shown = screen.type("/top 3 ab").splitlines()
    values = [float(line.split()[0]) for line in shown]
    assert len(values) == 3
    assert values == sorted(values, reverse=True)
    assert screen.conversation.turns == []
    whole = screen.type(f"/top {len(ALPHABET)} ab")
    assert r"'\n'" in whole
    assert sum(float(line.split()[0]) for line in whole.splitlines()) == pytest.approx(1, abs=0.01)
    screen.type("ab")
    turn = screen.conversation.turns[-1]
    prompt = screen.session.model.tokenizer.encode(turn.prompt).tolist()
    expected = toy_source().next_logits([*prompt, *turn.tokens]).argmax()
    assert int(screen.type("/top 1").split()[1]) == expected


def test_another_engine_makes_the_answers_again(screen):
    screen.type("ab", "c")
    first = screen.conversation.source
    assert screen.type("/engine").splitlines() == ["toy (answers now)", "other"]
    assert screen.type("/engine toy") == "toy answers now. Made again: 0 of 16 tokens differ.\n"
    assert first.closed
    differing = int(
        re.fullmatch(r"other answers now. Made again: (\d+) of 16 tokens differ.\n", screen.type("/engine other"))[1]
    )
    assert 0 < differing <= 16
    assert not screen.conversation.source.closed


def test_a_board_whose_port_is_ours_is_opened_anew(screen, monkeypatch):
    source = screen.conversation.source
    source.name, screen.session.model.engines = "serial", ("serial", "other")
    opened = screen.session.model.open

    def open_once(engine, serial_port=None):
        if engine == "serial" and not source.closed:
            raise UserError("the port is in use")
        return opened(engine, serial_port)

    monkeypatch.setattr(screen.session.model, "open", open_once)
    assert screen.type("ab", "/engine serial").endswith("serial answers now. Made again: 0 of 8 tokens differ.\n")


def test_what_to_do_about_a_device_that_fails_is_told(screen):
    def fail(_):
        raise UserError("the board closed the connection. Its last lines:\n  {}\n", remedy="Check the cable.")

    screen.conversation.source.engine.step_raw = fail
    with pytest.raises(UserError, match=r"Its last lines:\n  {}. Check the cable. /engine toy opens it anew."):
        screen.type("ab")


def test_an_engine_that_fails_is_closed_and_the_one_before_stays(screen, monkeypatch):
    screen.type("ab")
    before = screen.conversation.source
    monkeypatch.setattr(Conversation, "replay", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        screen.type("/engine other")
    assert screen.conversation.source is before
    assert (before.closed, screen.session.model.opened[-1].closed) == (False, True)


def test_a_conversation_is_saved_and_loaded(tmp_path, screen):
    path = tmp_path / "with spaces é.json"
    screen.type("ab", "/seed 5", f"/save {path}", f"/save {path.with_suffix('.md')}")
    turns = list(screen.conversation.turns)
    assert screen.type("/reset", f"/load {path}") == "2 turns loaded.\n"
    assert (screen.conversation.turns, screen.conversation.sampling.seed) == (turns, 5)
    screen.type(f"/save {path}")
    assert "**assistant** (toy, seed 1, 8 tokens, ended by length)" in path.with_suffix(".md").read_text()


def test_a_conversation_with_another_model_is_told(tmp_path, screen):
    path = tmp_path / "a.json"
    screen.type("ab", "/set template plain", f"/save {path}")
    path.write_text(path.read_text().replace("toy_int8", "gpt"))
    screen.type("/set template dialogue", f"/load {path}")
    assert "with the model gpt; this is toy_int8" in screen.notes.getvalue()
    assert "with the template plain; this is dialogue" in screen.notes.getvalue()
    assert screen.conversation.template != PLAIN
    path.write_text(path.read_text().replace('"gpt"', json.dumps("a\n" * 1000)))
    screen.type(f"/load {path}")
    assert "with the model a\\na\\n" in screen.notes.getvalue()
    assert max(map(len, screen.notes.getvalue().splitlines())) < 200


def test_what_falls_out_of_a_loaded_conversation_is_told_anew(tmp_path, screen):
    screen.type("ab", "ab", "ab", f"/save {tmp_path / 'a.json'}", "ab", "ab", f"/load {tmp_path / 'a.json'}")
    told = screen.notes.getvalue()
    screen.type("ab")
    assert screen.notes.getvalue() != told


@pytest.mark.parametrize("name", ["own.json", "own.md"])
def test_other_files_are_not_written_over(name, tmp_path, screen):
    (tmp_path / name).write_text('{"mine": 1}')
    with pytest.raises(UserError, match="is no saved conversation"):
        screen.type(f"/save {tmp_path / name}")
    assert json.loads((tmp_path / name).read_text()) == {"mine": 1}


def test_a_file_is_sent(tmp_path, screen):
    path = tmp_path / "text.txt"
    path.write_text("ab\nc\n")
    screen.type(f"/read {path}")
    assert screen.conversation.turns[0].text == "ab\nc"
    for content, message in ((b"", "is empty"), (b"\xff", "is not a text"), (b"a" * (2**20 + 1), "too large")):
        path.write_bytes(content)
        with pytest.raises(UserError, match=message):
            screen.type(f"/read {path}")


def test_unknown_characters_are_named_with_what_can_be_done():
    with pytest.raises(UserError, match=r"'Q' \(U\+0051\) at 1. Leave them out.$"):
        Screen().type("aQ")
    with pytest.raises(UserError, match="or replace them by <unk>: /set unknown unk"):
        Screen(with_unknown=True).type("aQ")
    with pytest.raises(UserError, match="this tokenizer has no <unk>"):
        Screen().type("/set unknown unk", "aQ")


def test_text_that_falls_out_of_the_context_is_marked(screen):
    screen.type("ab", "ab", "ab", "ab")
    assert "The context is full: the first 2 turns left it." in screen.notes.getvalue()
    assert screen.notes.getvalue().count("the first 2 turns") == 1
    screen.type("/clear", "/set template plain", "/set max_tokens 120", "ab")
    assert screen.notes.getvalue().count("[full again]") == 1


def test_what_a_model_writes_does_no_harm(screen, monkeypatch):
    monkeypatch.setattr(
        screen.session.model.tokenizer.__class__, "decode_stream", lambda *_: iter(["\x1b[2J", "\u202e"])
    )
    assert screen.type("ab") == "\\x1b[2J\\u202e\n"


def lines_of(text, with_unknown=False):
    """What a session shows of lines from a pipe, its notes and errors, and the session."""
    screen = Screen(with_unknown)
    converse(screen.session, LineReader(io.BytesIO(text)))
    return screen.out.getvalue(), screen.notes.getvalue(), screen.session


def test_each_line_of_a_pipe_is_a_message_and_errors_end_nothing():
    out, notes, session = lines_of(b"ab\r\n/nope\nQ\nb")
    assert len(out.splitlines()) >= 2
    assert notes.count("\n") == 2
    assert session.mistakes == 2
    assert [turn.text for turn in session.conversation.turns[::2]] == ["ab", "b"]


def test_fences_hold_one_message():
    _, _, session = lines_of(b'"""ab\n\nc\n"""\n"""\n/ab"""\n"""never closed\nc', with_unknown=True)
    assert session.conversation.turns[0].text == "ab\n\nc"
    _, notes, session = lines_of(b'"""\n/ab"""\n')
    assert "'/' (U+002F) at 0" in notes


def test_a_mark_at_the_beginning_of_a_file_is_no_text(tmp_path, screen):
    _, notes, session = lines_of(b"\xef\xbb\xbfab\n")
    assert (notes, session.conversation.turns[0].text) == ("", "ab")
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfab\n")
    screen.type(f"/read {tmp_path / 'a.txt'}")
    assert screen.conversation.turns[0].text == "ab"


def test_the_rest_of_a_pipe_is_not_read_after_quit():
    _, notes, session = lines_of(b"/quit\n/nope\n")
    assert (notes, session.over) == ("", True)


def test_bytes_that_are_no_utf8_are_named():
    _, notes, _ = lines_of(b"a\xff\n")
    assert "U+DCFF" in notes


def test_a_line_without_an_end_is_refused_and_the_next_one_answered():
    _, notes, session = lines_of(b"a" * (3 << 20) + b"\nab\n")
    assert "a line is too long" in notes
    assert [turn.text for turn in session.conversation.turns[::2]] == ["ab"]


def test_a_row_runs_with_its_name(screen):
    ran = []
    row = type("Row", (), {"run": staticmethod(lambda session, given: ran.append(given))})
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(COMMANDS, "own", row)
        run_command(screen.session, "/own  a b ")
    assert ran == ["a b"]
