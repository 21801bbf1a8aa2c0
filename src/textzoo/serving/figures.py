"""What the faces tell about a conversation: engine, context, speed and cost; and how they count."""

from textzoo.serving.answer import context_used
from textzoo.serving.conversation import Conversation, Turn


def last_answer(conversation: Conversation) -> Turn | None:
    """Return the last answer of a conversation; None before the first."""
    return conversation.turns[-1] if conversation.turns else None


def used_of(conversation: Conversation) -> int:
    """Return the number of tokens that the model looks back on after the last answer."""
    remembered = conversation.remembered
    if not remembered:
        return 0
    last = remembered[-1]
    return context_used(last.prompt_tokens, len(last.tokens), conversation.source.context_length)


def figures_of(conversation: Conversation) -> dict[str, str]:
    """Return what a status line tells, the most important first."""
    source, last = conversation.source, last_answer(conversation)
    figures = {
        "engine": source.title,
        "mode": conversation.mode,
        "context": f"{used_of(conversation)}/{source.context_length}",
    }
    if not last or not last.tokens or last.engine != source.name:  # no figures of another engine
        return figures
    if last.seconds:
        figures["speed"] = f"{len(last.tokens) / last.seconds:,.0f} tokens/s"
    if last.cost is not None:
        figures["cost"] = f"{last.cost // len(last.tokens):,} {source.counter}/token"
    return figures


def counted(count: int, noun: str) -> str:
    """Return e.g. "1 turn", "1,000 turns"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
