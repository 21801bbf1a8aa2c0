"""The commands of a session, one row each. A text that begins with a slash is a command; two slashes send it."""

import dataclasses
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from textzoo.common.errors import UserError
from textzoo.common.escaping import visible, visible_line
from textzoo.common.files import A_FILE, kind_of_path, read_bytes, user_path
from textzoo.common.registry import did_you_mean, unknown_name
from textzoo.grammars.grammar import SUFFIXES, read_grammar
from textzoo.grammars.settings import MAX_DEPTH
from textzoo.serving.answer import likeliest
from textzoo.serving.conversation import MODES
from textzoo.serving.terminal.reading import text_of_file
from textzoo.serving.terminal.session import Session, counted
from textzoo.serving.terminal.values import VALUES, with_value
from textzoo.serving.transcripts import MAX_BYTES, TITLE, Transcript, load_transcript
from textzoo.text.chat_templates import TEMPLATES
from textzoo.text.tokenizers.base import Tokenizer

SIGN = "/"
COMMAND = re.compile(r"(\S*)(.*)", re.DOTALL)  # name and argument
DEFAULT_TOP, MAX_TOP = 5, 100
NO_TEXT = "-"
TEMPLATE = "template"  # what /set changes beside the sampling
# What other programs call these commands.
OTHER_NAMES = {"?": "help", "h": "help", "q": "quit", "exit": "quit", "bye": "quit", "retry": "regen"}
SHOWN = 40  # characters of what was typed


def nothing(_session: Session, _given: str) -> Iterable[str]:
    """Complete nothing."""
    return ()


@dataclass(frozen=True)
class Command:
    """One row of the table.

    Attributes:
        name: Without the slash.
        arguments: What follows it, for the help.
        text: What it does.
        run: Does it, given what follows the name; raises UserError.
        words: Returns what the last argument may be, given the arguments before it.
        takes_file: Whether the argument is the name of a file.
    """

    name: str
    arguments: str
    text: str
    run: Callable[[Session, str], None]
    words: Callable[[Session, str], Iterable[str]] = nothing
    takes_file: bool = False


def run_command(session: Session, line: str) -> None:
    """Run a line that begins with a slash.

    Raises:
        UserError: There is no such command, or it cannot be done.
    """
    name, argument = COMMAND.fullmatch(line.removeprefix(SIGN)).groups()
    if name not in COMMANDS:
        meant = did_you_mean(OTHER_NAMES.get(name, name), COMMANDS)
        remedy = meant.replace("'", "'/", 1) or "/help lists all."
        raise UserError(
            f"there is no command '/{visible_line(name[:SHOWN])}'",
            remedy=f"{remedy} A message that begins with a slash has two: //{name[:SHOWN]}",
        )
    COMMANDS[name].run(session, argument.strip())


def show_help(session: Session, argument: str) -> None:
    name = argument.removeprefix(SIGN)
    if name and name not in COMMANDS:
        raise unknown_name("command", name, COMMANDS)
    rows = [COMMANDS[name]] if name else COMMANDS.values()
    session.display.table((f"{SIGN}{row.name} {row.arguments}", row.text) for row in rows)


def show_settings(session: Session, _: str) -> None:
    conversation = session.conversation
    rows = [
        (value.key, value.shown(conversation.sampling), value.limits(), value.entry.metadata["text"])
        for value in VALUES.values()
    ]
    session.display.table([*rows, (TEMPLATE, conversation.template.name, "", "How turns become text.")])


def set_value(session: Session, argument: str) -> None:
    key, _, text = argument.partition(" ")
    if key == TEMPLATE:
        session.conversation.template = session.model.template(text.strip() or None)
    elif key not in VALUES:
        raise unknown_name("setting", key, [*VALUES, TEMPLATE])
    else:
        session.conversation.sampling = with_value(session.conversation.sampling, key, text.strip())


def values_to_set(_session: Session, given: str) -> Iterable[str]:
    keys = {key: value.entry.metadata["choices"] for key, value in VALUES.items()} | {TEMPLATE: TEMPLATES}
    return keys.get(given, ()) if given else keys


def set_grammar(session: Session, argument: str) -> None:
    """Take the grammar of a file, or none; say which one is there."""
    conversation = session.conversation
    if argument == NO_TEXT:
        conversation.sampling = dataclasses.replace(conversation.sampling, grammar=None)
    elif argument:
        name, depth = file_and_depth(argument)
        grammar = read_grammar(named_file(name, *SUFFIXES), depth)
        conversation.sampling = dataclasses.replace(conversation.sampling, grammar=grammar)
    grammar = conversation.sampling.grammar
    session.display.lines([f"Answers obey {grammar.name}." if grammar else "There is no grammar."])


def file_and_depth(argument: str) -> tuple[str, int]:
    """Return the name of a grammar's file, and the depth behind it, 0 if there is none."""
    name, _, depth = argument.rpartition(" ")
    is_depth = name and depth.isdecimal() and len(depth) < 3 and int(depth) <= MAX_DEPTH
    return (name.strip(), int(depth)) if is_depth else (argument, 0)


def clear(session: Session, _: str) -> None:
    session.clear()


def reset(session: Session, _: str) -> None:
    session.reset()


def show_status(session: Session, _: str) -> None:
    session.display.table(session.figures().items())


def set_mode(session: Session, argument: str) -> None:
    if argument and argument not in MODES:
        raise unknown_name("mode", argument, MODES)
    session.conversation.mode = argument or session.conversation.mode
    session.display.lines([f"{session.conversation.mode}: {MEANINGS[session.conversation.mode]}"])


MEANINGS = dict(zip(MODES, ("the model reads what was said before in this mode", "every prompt alone"), strict=True))


def show_info(session: Session, _: str) -> None:
    source = session.conversation.source
    facts = {**session.model.facts(), "context": counted(source.context_length, "token")}
    session.display.table({**facts, "template": session.conversation.template.name}.items())


def load(session: Session, argument: str) -> None:
    transcript = load_transcript(named_file(argument, ".json"), session.model.tokenizer.vocabulary_size)
    session.load(transcript)
    for kind, name, own in (
        ("model", transcript.model, session.model.name),
        ("template", transcript.template, session.conversation.template.name),
    ):
        if name != own:
            session.display.note(f"It was written with the {kind} {visible_line(name[:SHOWN])}; this is {own}.")
    session.display.lines([f"{counted(len(transcript.turns), 'turn')} loaded."])


def save(session: Session, argument: str) -> None:
    path = named_file(argument, *WRITERS)
    refuse_other_file(path)
    WRITERS[path.suffix](Transcript.of(session.conversation, session.model.name), path)
    session.display.lines([f"Saved: {path}"])


WRITERS: dict[str, Callable[[Transcript, Path], None]] = {".json": Transcript.save, ".md": Transcript.save_page}


def named_file(argument: str, *endings: str) -> Path:
    """Return the path that an argument names; raise UserError without one of the endings."""
    path = user_path(argument)
    if not argument or "\0" in argument or path.suffix not in endings:
        raise UserError("which file?", expected=f"a name with {' or '.join(endings)}", received=argument or "nothing")
    return path


def refuse_other_file(path: Path) -> None:
    """Raise UserError if a path is taken by something else than a saved conversation."""
    kind = kind_of_path(path)
    if kind is None:
        return
    if kind == A_FILE:
        beginning = read_bytes(path, MAX_BYTES)[:200].decode("utf-8", "replace")
        if beginning.startswith(TITLE) or '"textzoo_conversation"' in beginning:
            return
        kind = "there and is no saved conversation"
    raise UserError(f"'{path}' is {kind}", remedy="Give another name.")


def set_system(session: Session, argument: str) -> None:
    if argument:
        session.conversation.system = "" if argument == NO_TEXT else argument
    session.display.lines([session.conversation.system or "There is no system text."])


def regenerate(session: Session, _: str) -> None:
    session.regenerate()


def set_seed(session: Session, argument: str) -> None:
    if argument:
        session.conversation.sampling = with_value(session.conversation.sampling, "seed", argument)
    session.display.lines([f"seed {session.conversation.sampling.seed}"])


def show_top(session: Session, argument: str) -> None:
    first, _, text = argument.partition(" ")
    count = int(first) if first.isdecimal() and len(first) < 10 else 0
    if first and not 1 <= count <= MAX_TOP:
        raise UserError("how many tokens?", expected=f"/top N, of 1 to {MAX_TOP}", received=first)
    logits = session.next_logits(text.strip())
    session.display.table(
        (f"{np.exp(value):8.4f}", f"{token:5d}", shown_token(session.model.tokenizer, token))
        for token, value in likeliest(logits, count or DEFAULT_TOP)
    )


def shown_token(tokenizer: Tokenizer, token: int) -> str:
    """Return a token's text in quotes, with escapes for all that cannot be seen; its bytes if they are no text."""
    if token == tokenizer.unknown_token:
        return tokenizer.tokens[token]
    content = tokenizer.token_bytes[token]
    try:
        return visible(repr(content.decode("utf-8")))
    except UnicodeDecodeError:
        return repr(content)


def switch_engine(session: Session, argument: str) -> None:
    if argument:
        session.switch(argument)
        return
    names = (
        f"{name}{' (answers now)' if name == session.conversation.source.name else ''}"
        for name in session.model.engines
    )
    session.display.lines(names)


def engines(session: Session, given: str) -> Iterable[str]:
    return () if given else session.model.engines


def read_file(session: Session, argument: str) -> None:
    if not argument:
        raise UserError("which file?", expected="/read FILE")
    text = text_of_file(user_path(argument))
    if not text:
        raise UserError(f"'{argument}' is empty")
    session.send(text)


def leave(session: Session, _: str) -> None:
    session.over = True


COMMANDS = {
    row.name: row
    for row in (
        Command(
            "help",
            "[COMMAND]",
            "list the commands, or tell about one",
            show_help,
            lambda _, given: () if given else COMMANDS,
        ),
        Command("settings", "", "show how answers are sampled", show_settings),
        Command("set", "KEY VALUE", "change one of these settings", set_value, values_to_set),
        Command(
            "grammar",
            "[FILE [DEPTH]|-]",
            "let answers obey a grammar (.gbnf), a JSON Schema (.json) or a list of answers (.txt), or none",
            set_grammar,
            takes_file=True,
        ),
        Command("clear", "", "forget what was said", clear),
        Command("reset", "", "forget what was said, and take the first settings", reset),
        Command("status", "", "show engine, context, speed and cost", show_status),
        Command(
            "mode",
            "[chat|single]",
            "remember what is said, or answer every prompt alone",
            set_mode,
            lambda _, given: () if given else MODES,
        ),
        Command("info", "", "tell about the model", show_info),
        Command("load", "NAME.json", "go on with a saved conversation", load, takes_file=True),
        Command("save", "NAME.json|NAME.md", "save the conversation, to load or to read", save, takes_file=True),
        Command("system", "[TEXT|-]", "set the text that never leaves the context, or remove it", set_system),
        Command("regen", "", "answer again, with the next seed", regenerate),
        Command("seed", "[N]", "set the seed: the same seed gives the same answers", set_seed),
        Command(
            "top", "[N] [TEXT]", "show the N likeliest next tokens, after the last answer or after a message", show_top
        ),
        Command("engine", "[NAME]", "let another engine answer, and compare its tokens", switch_engine, engines),
        Command("read", "FILE", "send the text of a file", read_file, takes_file=True),
        Command("quit", "", "leave (Ctrl-D does, too)", leave),
    )
}
