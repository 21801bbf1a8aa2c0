"""What the page shows of a session.

Gradio takes it for HTML, also where it renders no Markdown, so that all text of users and models is escaped here.
"""

from typing import Any

from textzoo.common.escaping import html_text
from textzoo.serving.answer import INTERRUPTED, slides
from textzoo.serving.conversation import Turn
from textzoo.serving.figures import counted, figures_of
from textzoo.serving.web.session import PageSession
from textzoo.text.chat_templates import ASSISTANT, USER

HASH_DIGITS = 12


def messages(session: PageSession) -> list[dict[str, Any]]:
    """Return the turns as Gradio's messages, with a mark where text fell out of the context."""
    found: list[dict[str, Any]] = []
    for index, turn in enumerate([*session.turns, *session.running]):
        if session.left_out and index == session.left_out:
            found.append(mark(left_out_text(session.left_out)))
        found.append({"role": turn.role, "content": html_text(turn.text)})
        found += [mark(note) for note in notes(turn, session)]
    return found


def mark(text: str) -> dict[str, Any]:
    """Return a message of the page itself, which looks unlike what a model says."""
    return {"role": ASSISTANT, "content": marked(text)}


def marked(text: str) -> str:
    return f'<span class="mark">{html_text(text)}</span>'


def left_out_text(count: int) -> str:
    return f"The context is full: the {counted(count, 'turn')} above left it."


def notes(turn: Turn, session: PageSession) -> list[str]:
    """Return what there is to say about an answer."""
    if turn.sampling is None:
        return []
    slid = slides(turn.prompt_tokens + len(turn.tokens) - 1, session.conversation.source.context_length)
    told = ["The context was full: the answer went on with the last half of it."] if slid else []
    return [*told, *(["The answer was interrupted."] if turn.ended == INTERRUPTED else [])]


def one_text(session: PageSession) -> str:
    """Return the conversation with a model without roles as HTML: one text that both sides continue."""
    if not session.conversation:
        return ""
    template, parts = session.conversation.template, []
    for index, turn in enumerate([*session.turns, *session.running]):
        if session.left_out and index == session.left_out:
            parts.append(marked(left_out_text(session.left_out)))
        said = "said" if turn.role == USER else "made"
        parts.append(f'<span class="{said}">{html_text(template.turn(turn))}</span>')
        parts += map(marked, notes(turn, session))
    return f'<div class="one-text">{"".join(parts)}</div>'


def status(session: PageSession) -> str:
    """Return the status line and the notice as HTML."""
    lines = [f'<div class="figures">{html_text(status_text(session))}</div>'] if session.opened else []
    if session.notice:
        lines.append(f'<div class="notice" role="alert">{html_text(session.notice)}</div>')
    return "".join(lines)


def status_text(session: PageSession) -> str:
    """Return model, engine, context, speed, cost and seed in one line."""
    opened, figures = session.opened, figures_of(session.conversation)
    if session.job:
        before = session.waiting
        state = f"waits behind {counted(before, 'answer')}" if before else "answers"
        return f"{opened.name} on {opened.source.title} {state}"
    parts = [f"{opened.name} on {figures['engine']}", f"context {figures['context']}"]
    parts += [figures[key] for key in ("speed", "cost") if key in figures]
    if session.turns and session.turns[-1].sampling:
        parts.append(f"seed {session.turns[-1].sampling.seed}")
    return " · ".join([*parts, f"sha256 {opened.sha256[:HASH_DIGITS]}"])
