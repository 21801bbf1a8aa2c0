"""The prompt of a terminal: an editor for one message, with history, completion and a status line."""

import contextlib
import os
import stat
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import (
    CompleteEvent,
    Completer,
    Completion,
    PathCompleter,
    get_common_complete_suffix,
)
from prompt_toolkit.document import Document
from prompt_toolkit.filters import is_searching
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from textzoo.common.errors import UserError, refused
from textzoo.common.escaping import visible_line, without_surrogates
from textzoo.serving.terminal.commands import COMMANDS, SIGN
from textzoo.serving.terminal.display import Display
from textzoo.serving.terminal.reading import PROMPT, is_open, without_fences
from textzoo.serving.terminal.session import Session
from textzoo.serving.terminal.text_editor import edited

CONTINUED = ". "
HISTORY = Path("textzoo/chat_history")
# A longer history is not read: the editor would begin late.
MAX_HISTORY_BYTES = 1 << 22


class PromptReader:
    """Texts typed at a prompt.

    Args:
        session: Whose figures the status line shows, and whose commands are completed.
        history: Texts of earlier sessions.
    """

    def __init__(self, session: Session, history: History) -> None:
        self.session = session
        self.editor: PromptSession[str] = PromptSession(
            history=history,
            multiline=True,
            prompt_continuation=lambda _width, _line, wraps: "" if wraps else CONTINUED,
            key_bindings=keys(session),
            bottom_toolbar=lambda: status_line(session.figures()),
            enable_suspend=True,
        )

    def read(self) -> str:
        return without_fences(self.editor.prompt(PROMPT))


def status_line(figures: dict[str, str]) -> str:
    """Return the figures in one line: names only where the value does not tell."""
    return visible_line(" | ".join(f"{key} {value}" if key == "context" else value for key, value in figures.items()))


def keys(session: Session) -> KeyBindings:
    """Return the keys beside those of the editor.

    Args:
        session: Left by a second Ctrl-C; its display shows what is wrong with $EDITOR.
    """
    bindings, in_editor = KeyBindings(), threading.Event()
    add_typing_keys(bindings, session)
    add_interrupt(bindings, session, in_editor)

    @bindings.add("c-g", filter=~is_searching)
    def _(event: KeyPressEvent) -> None:
        """Open the text in $EDITOR."""
        event.app.create_background_task(edit(event.current_buffer, in_editor, session.display))

    return bindings


def add_typing_keys(bindings: KeyBindings, session: Session) -> None:
    """Add the keys that end a text, complete it, or begin a new line of it."""
    completer = CommandCompleter(session)

    @bindings.add("enter", filter=~is_searching)
    def _(event: KeyPressEvent) -> None:
        """Send the text; within fences begin a new line."""
        buffer = event.current_buffer
        if is_open(buffer.text):
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @bindings.add("tab", filter=~is_searching)
    def _(event: KeyPressEvent) -> None:
        """Complete the text, or list what it may become."""
        complete(event.current_buffer, completer, session.display)

    @bindings.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        """Begin a new line."""
        event.current_buffer.insert_text("\n")


def add_interrupt(bindings: KeyBindings, session: Session, in_editor: threading.Event) -> None:
    """Add Ctrl-C, which does nothing while the text is in $EDITOR."""

    @bindings.add("c-c", filter=~is_searching)
    @bindings.add("<sigint>", filter=~is_searching)
    def _(event: KeyPressEvent) -> None:
        """Drop the text; at an empty prompt leave, the second time: an answer may have ended just before."""
        if in_editor.is_set() or event.app.future is None or event.app.is_done:
            return  # it is for $EDITOR, which gets it, too; or came right behind the Return
        if event.current_buffer.text:
            event.current_buffer.reset()
        elif session.was_interrupted:
            session.over = True
            event.app.exit(exception=KeyboardInterrupt, style="class:aborting")
        else:
            run_in_terminal(lambda: session.display.note("Another Ctrl-C leaves, and so does Ctrl-D."))
        session.was_interrupted = True


def complete(buffer: Buffer, completer: Completer, display: Display) -> None:
    """Complete a text at once, so that a Return right behind the Tab finds it; else list what it may become."""
    found = list(completer.get_completions(buffer.document, CompleteEvent(completion_requested=True)))
    if len(found) == 1:
        buffer.delete_before_cursor(-found[0].start_position)
        buffer.insert_text(found[0].text)
    elif common := get_common_complete_suffix(buffer.document, found):
        buffer.insert_text(common)
    elif found:
        run_in_terminal(lambda: display.names([word.display_text for word in found]))


async def edit(buffer: Buffer, in_editor: threading.Event, display: Display) -> None:
    """Let the user change a text in $EDITOR; it stays as it was if that fails.

    Args:
        buffer: The text.
        in_editor: Set meanwhile.
        display: Shows what is wrong with the editor.
    """
    in_editor.set()
    try:
        text = await run_in_terminal(lambda: edited(buffer.text), in_executor=True)
        buffer.document = Document(text, len(text))
    except (UserError, OSError) as error:
        message = error if isinstance(error, UserError) else refused(error)
        await run_in_terminal(lambda: display.error(message))
    finally:
        in_editor.clear()


class CommandCompleter(Completer):
    """Completes names of commands, what may follow them, and names of files."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.files = PathCompleter(expanduser=True)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Yield what the text before the cursor may become."""
        text = document.text_before_cursor
        if not text.startswith(SIGN) or "\n" in text:
            return
        name, space, argument = text.removeprefix(SIGN).partition(" ")
        if not space:
            yield from beginning_with(name, COMMANDS)
        elif name in COMMANDS and COMMANDS[name].takes_file:
            yield from self.files.get_completions(Document(argument, len(argument)), complete_event)
        elif name in COMMANDS:
            given, _, last = argument.rpartition(" ")
            yield from beginning_with(last, COMMANDS[name].words(self.session, given.strip()))


def beginning_with(begun: str, words: Iterable[str]) -> Iterator[Completion]:
    """Yield the words with a beginning."""
    return (Completion(word, -len(begun)) for word in words if word.startswith(begun))


class OwnHistory(FileHistory):
    """Texts of earlier sessions in a file; what UTF-8 cannot represent becomes escapes."""

    def store_string(self, string: str) -> None:
        """Append a text; a history that cannot be written any more is only kept in memory."""
        with contextlib.suppress(OSError):
            super().store_string(without_surrogates(string))


def open_history(is_kept: bool) -> History:
    """Return the history of the user's sessions, or an empty one if it is not kept or its file is not the user's own.

    The file is `textzoo/chat_history` in the user's state folder, and only the user can read it.
    """
    if not is_kept:
        return InMemoryHistory()
    try:
        path = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / HISTORY
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_private(path)
        return OwnHistory(str(path))
    except (OSError, RuntimeError):  # no home, no permission, or a link
        return InMemoryHistory()


def make_private(path: Path) -> None:
    """Create a file, or take one that is there, so that only its owner can read it; empty it if it is too long.

    Raises:
        OSError: It is a link, no plain file, or another user's.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(f"{path} is no plain file")
        os.fchmod(handle, 0o600)
        if found.st_size > MAX_HISTORY_BYTES:
            os.truncate(handle, 0)
    finally:
        os.close(handle)
