"""Chat: a conversation with a model, in the terminal or over a pipe."""

import contextlib
import sys
from collections.abc import Iterator

from textzoo.common import progress
from textzoo.common.errors import UserError
from textzoo.common.terminal import TextConsole
from textzoo.config.schema import Config
from textzoo.pipeline.token_sources import TalkingModel
from textzoo.records.report import Report, SampleReport
from textzoo.records.tracking import Recorder
from textzoo.records.workspace import ROLES, Workspace
from textzoo.serving.conversation import Conversation
from textzoo.serving.terminal.display import Display
from textzoo.serving.terminal.keyboard import unread_keys_kept
from textzoo.serving.terminal.loop import converse
from textzoo.serving.terminal.reading import PROMPT, LineReader, Reader
from textzoo.serving.terminal.session import Session, counted
from textzoo.serving.transcripts import Transcript


def run(config: Config, workspace: Workspace, recorder: Recorder) -> Report:
    """Talk until the user leaves; a conversation that is a run is kept with its transcript.

    Raises:
        UserError: There is no such model, engine or template; or lines of a pipe were refused.
    """
    with contextlib.ExitStack() as stack:
        if has_editor():
            stack.enter_context(unread_keys_kept(sys.stdin.fileno()))
        session = stack.enter_context(opened(config, workspace))
        try:
            converse(session, reader_of(session, config))
        finally:
            if config.chat.track:
                keep(session, workspace, recorder)
    if session.mistakes and not session.stops_answers:
        raise UserError(f"{counted(session.mistakes, 'line')} could not be answered")
    return report_of(session)


def on_terminal() -> bool:
    """Return whether somebody types and reads here."""
    return all(stream and stream.isatty() for stream in (sys.stdin, sys.stdout))


def has_editor() -> bool:
    """Return whether texts are typed in an editor: on a terminal that can move its cursor."""
    return on_terminal() and not TextConsole().is_dumb_terminal


@contextlib.contextmanager
def opened(config: Config, workspace: Workspace) -> Iterator[Session]:
    """Open the model's engine and yield a session with it; what answers at the end is closed."""
    model = TalkingModel(config, workspace)
    chat, is_terminal = config.chat, on_terminal()
    template = model.template(chat.template)
    source = model.open(chat.engine, chat.serial_port)
    conversation = Conversation(
        source,
        template,
        model.sampling,
        chat.system,
        keeps_logits=False,
    )
    out = TextConsole()
    display = Display(out, out if is_terminal else progress.console)
    session = Session(model, conversation, display, serial_port=chat.serial_port, stops_answers=is_terminal)
    try:
        yield session
    finally:
        conversation.source.close()


def reader_of(session: Session, config: Config) -> Reader:
    """Return where messages come from: an editor on a terminal that can move its cursor, lines otherwise."""
    display = session.display
    if not session.stops_answers:
        return LineReader()
    display.note(f"{session.model.name}. /help lists the commands; Ctrl-D leaves.")
    if not has_editor():
        return LineReader(ask=lambda: display.out.print(PROMPT, end=""))
    from textzoo.serving.terminal.prompt import PromptReader, open_history  # others need no editor

    return PromptReader(session, open_history(config.chat.history))


def keep(session: Session, workspace: Workspace, recorder: Recorder) -> None:
    """Write the transcript to the run's folder and the tracker."""
    path = workspace.path(ROLES["conversation"])
    transcript = Transcript.of(session.conversation, session.model.name)
    transcript.save(path)
    transcript.save_page(path.with_suffix(".md"))
    for file in (path, path.with_suffix(".md")):
        recorder.artifact(file)


def report_of(session: Session) -> Report:
    """Return the answers as samples."""
    return Report(
        samples=[
            SampleReport(
                model=session.model.name,
                engine=turn.engine,
                prompt=turn.prompt,
                text=turn.text,
                tokens=len(turn.tokens),
                temperature=turn.sampling.temperature,
                top_k=turn.sampling.top_k,
                seed=turn.sampling.seed,
                seconds=turn.seconds,
            )
            for turn in session.conversation.turns
            if turn.sampling
        ]
    )
