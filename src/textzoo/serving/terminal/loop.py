"""The loop of a session: a text is read, and is a message or a command."""

import signal

from textzoo.common import signals
from textzoo.common.errors import UserError, refused
from textzoo.serving.terminal.commands import SIGN, run_command
from textzoo.serving.terminal.reading import Reader
from textzoo.serving.terminal.session import Session

TWO_SIGNS = SIGN + SIGN


def converse(session: Session, reader: Reader) -> None:
    """Answer texts until the session is left, there are no more of them, or nobody reads the answers.

    Raises:
        KeyboardInterrupt: It was left by Ctrl-C.
    """
    while not session.over and not session.display.is_gone:
        try:
            take(session, reader.read())
        except EOFError:
            return
        except UserError as error:
            session.mistakes += 1
            session.display.error(error)
        except KeyboardInterrupt:
            if not goes_on(session):
                raise
            session.was_interrupted = True
            session.display.note("Interrupted. Another Ctrl-C leaves, and so does Ctrl-D.")


def goes_on(session: Session) -> bool:
    """Return whether a session goes on after an interruption: on a terminal after one Ctrl-C, which ended the rest."""
    is_first = session.stops_answers and not session.over and not session.was_interrupted
    return is_first and signals.heard() in (0, signal.SIGINT)  # 0: while the editor gives its handler back


def take(session: Session, text: str) -> None:
    """Answer a message, or run a command; raise UserError if that is impossible."""
    session.was_interrupted = False
    if not text.strip():
        return
    try:
        with signals.interruption_again():
            if text.startswith(SIGN) and not text.startswith(TWO_SIGNS):
                run_command(session, text)
            else:
                session.send(text.removeprefix(SIGN) if text.startswith(TWO_SIGNS) else text)
    except OSError as error:  # a full disk, no permission
        raise refused(error) from error
