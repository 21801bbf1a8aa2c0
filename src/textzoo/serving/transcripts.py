r"""Conversations as files: JSON to go on with, Markdown to read.

    {"format": "textzoo_conversation", "version": 1, "model": "gpt_int8", "template": "dialogue", "system": "",
     "mode": "chat", "sampling": {"temperature": 0.3, "top_k": 0, "max_tokens": 200, "seed": 1, "stops": [],
     "unknown": "error"},                   (and "grammar": {"kind": "gbnf", "content": "root ::= ...", "depth": 0};
                                             "input_text": "Hi" in an answer's, for spans of the input)
     "turns": [{"role": "user", "text": "Hello!"},
               {"role": "assistant", "text": "Hi.", "prompt": "User: Hello!\nBot:", "prompt_tokens": 17, ...}]}

An answer of another program has only role and text.
"""

import dataclasses
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError, collecting, raise_all
from textzoo.common.escaping import markdown_block, markdown_text
from textzoo.common.files import write_json, write_text
from textzoo.common.settings import build_section
from textzoo.common.untrusted_json import is_same, read_json_object
from textzoo.grammars.grammar import KINDS, Grammar
from textzoo.grammars.settings import MAX_DEPTH
from textzoo.serving.answer import INTERRUPTED, LENGTH, STOP
from textzoo.serving.conversation import MODES, SINGLE, Conversation, Turn
from textzoo.serving.sources import Sampling
from textzoo.text.chat_templates import ASSISTANT, USER
from textzoo.text.settings import SamplingConfig

HEADER = {"format": "textzoo_conversation", "version": 1}
TITLE = "# Conversation with "
MAX_BYTES = 1 << 24
MAX_COUNT = 2**63 - 1
MAX_MISTAKES = 10
# Each token of an answer is compared with every stop text.
MAX_STOPS, MAX_STOP = 100, 10_000
OPTIONAL = ("grammar", "input_text")
# Fields of an answer beside role and text.
ANSWER = tuple(entry.name for entry in dataclasses.fields(Turn) if entry.name not in ("role", "text"))


@dataclass(frozen=True)
class Transcript:
    """A conversation as a file holds it.

    Attributes:
        model: Name of the model.
        template: Name of the chat template.
        system: The system text.
        mode: "chat" or "single".
        sampling: How the next answer is sampled.
        turns: By turns of the user and of the model.
    """

    model: str
    template: str
    system: str
    mode: str
    sampling: Sampling
    turns: list[Turn]

    @classmethod
    def of(cls, conversation: Conversation, model: str) -> "Transcript":
        """Return a conversation with a model of this name."""
        return cls(
            model,
            conversation.template.name,
            conversation.system,
            conversation.mode,
            conversation.sampling,
            list(conversation.turns),
        )

    def restore(self, conversation: Conversation) -> None:
        """Let a conversation go on where this one ended; its source and template stay."""
        conversation.system, conversation.mode, conversation.sampling = self.system, self.mode, self.sampling
        conversation.turns = list(self.turns)

    def save(self, path: Path) -> None:
        """Write the JSON atomically."""
        values = {**dataclasses.asdict(self), "sampling": stored_sampling(self.sampling)}
        write_json(path, {**HEADER, **values, "turns": [stored(turn) for turn in self.turns]})

    def save_page(self, path: Path) -> None:
        """Write the Markdown atomically."""
        sampling = ", ".join(f"{key} {shown(value)}" for key, value in stored_sampling(self.sampling).items())
        lines = [
            f"{TITLE}{markdown_text(self.model)}",
            "",
            f"Template {markdown_text(self.template)}, {self.mode} mode.",
        ]
        lines += [f"Sampling: {markdown_text(sampling)}.", ""]
        if self.system:
            lines += ["**system**", "", *markdown_block(self.system), ""]
        for turn in self.turns:
            lines += [f"**{turn.role}**{markdown_text(told(turn))}", "", *markdown_block(turn.text), ""]
        write_text(path, "\n".join(lines))


def shown(value: Any) -> str:
    """Return a value of a sampling for a page; stop texts in quotation marks."""
    if isinstance(value, dict):
        return KINDS[value["kind"]].title
    if not isinstance(value, tuple):
        return str(value)
    return " or ".join(json.dumps(stop, ensure_ascii=False) for stop in value) or "none"


def told(turn: Turn) -> str:
    """Return how an answer came about, in a few words; "" for other turns."""
    if turn.sampling is None:
        return ""
    parts = [turn.engine, f"seed {turn.sampling.seed}", f"{len(turn.tokens)} tokens", f"ended by {turn.ended}"]
    parts += [f"without the first {turn.left_out} turns"] if turn.left_out else []
    parts += ["a prompt alone"] if turn.mode == SINGLE else []
    return f" ({', '.join(parts)})"


def stored(turn: Turn) -> dict[str, Any]:
    """Return a turn as JSON values; of a turn that no source has made only role and text."""
    if turn.sampling is None:
        return {"role": turn.role, "text": turn.text}
    return {**dataclasses.asdict(turn), "sampling": stored_sampling(turn.sampling)}


def stored_sampling(sampling: Sampling) -> dict[str, Any]:
    """Return a sampling as JSON values; without a grammar, or an input for its spans, it has no key for it."""
    values = dataclasses.asdict(sampling)
    return {key: value for key, value in values.items() if value is not None or key not in OPTIONAL}


def load_transcript(path: Path, vocabulary_size: int) -> Transcript:
    """Read and check an untrusted transcript.

    Args:
        path: A file that `Transcript.save` wrote, or another program.
        vocabulary_size: Of the model that goes on with it.

    Raises:
        UserError: It is not a transcript; what is wrong with it, up to MAX_MISTAKES.
    """
    values = read_json_object(path, MAX_BYTES)
    errors: list[UserError] = []
    found = Fields(values, f"'{path}': ", errors)
    for key, value in HEADER.items():
        found.take(key, repr(value), lambda given, value=value: is_same(given, value))
    transcript = Transcript(
        model=found.text("model"),
        template=found.text("template"),
        system=found.text("system"),
        mode=found.one_of("mode", MODES),
        sampling=sampling_of(values.get("sampling"), found.where + "sampling.", errors),
        turns=turns_of(values.get("turns"), found.where, errors, vocabulary_size),
    )
    found.taken |= {"sampling", "turns"}
    found.refuse_others()
    if len(errors) > MAX_MISTAKES:
        rest = UserError(f"'{path}': {len(errors) - MAX_MISTAKES:,} more mistakes")
        errors = [*errors[:MAX_MISTAKES], rest]
    raise_all(errors)
    return transcript


class Fields:
    """The checked values of a JSON object; mistakes are collected.

    Args:
        values: The object; anything else is a mistake.
        where: Text before a key in messages.
        errors: Gets the mistakes.
    """

    def __init__(self, values: Any, where: str, errors: list[UserError]) -> None:
        self.where, self.errors = where, errors
        if not isinstance(values, dict):
            errors.append(UserError(f"{where.rstrip('.: ')} is no object", received=repr(values)[:80]))
        self.values = values if isinstance(values, dict) else {}
        self.taken: set[str] = set()

    def take(self, key: str, expected: str, fits: Callable[[Any], bool]) -> Any:
        """Return a value, or None after a mistake."""
        self.taken.add(key)
        value = self.values.get(key)
        if fits(value):
            return value
        received = repr(value)[:80] if key in self.values else "nothing"
        self.errors.append(UserError(f"{self.where}wrong {key}", expected=expected, received=received))
        return None

    def text(self, key: str) -> str:
        return self.take(key, "a text", lambda value: isinstance(value, str))

    def one_of(self, key: str, values: tuple[str, ...]) -> str:
        return self.take(key, f"one of {', '.join(values)}", lambda given: given in values)

    def count(self, key: str, *, optional: bool = False) -> int:
        """Return a whole number of 0 or more, or None if it is optional."""
        return self.take(key, "a whole number", lambda value: (optional and value is None) or is_count(value))

    def refuse_others(self) -> None:
        """Note keys that were not taken."""
        unknown = sorted(self.values.keys() - self.taken)
        self.errors += [UserError(f"{self.where}unknown key {key[:80]!r}") for key in unknown]


def is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MAX_COUNT


def are_stops(values: Any) -> bool:
    return (
        type(values) is list
        and len(values) <= MAX_STOPS
        and all(type(stop) is str and len(stop) <= MAX_STOP for stop in values)
    )


def is_duration(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and value >= 0


def sampling_of(values: Any, where: str, errors: list[UserError]) -> Sampling:
    """Return a sampling whose numbers are in the ranges of the section `prediction`."""
    found = Fields(values, where, errors)
    stops = found.take("stops", f"a list of up to {MAX_STOPS} short texts", are_stops)
    grammar = grammar_of(found)
    input_text = found.text("input_text") if "input_text" in found.values else None
    names = {entry.name for entry in dataclasses.fields(Sampling)} - {"stops", *OPTIONAL}
    rest = {key: value for key, value in found.values.items() if key in names}
    found.taken |= names
    found.refuse_others()
    built = build_section(SamplingConfig, rest, where, errors)
    numbers = {name: getattr(built, name) for name in names}
    stop_texts = tuple(stop for stop in stops or () if stop)
    return Sampling(**numbers, stops=stop_texts, grammar=grammar, input_text=input_text)


def grammar_of(sampling: Fields) -> Grammar | None:
    """Return the grammar of a sampling; None without one, or after a mistake."""
    sampling.taken.add("grammar")
    if "grammar" not in sampling.values:
        return None
    errors = len(sampling.errors)
    found = Fields(sampling.values["grammar"], f"{sampling.where}grammar.", sampling.errors)
    kind, content = found.one_of("kind", tuple(KINDS)), found.text("content")
    depth = found.take("depth", f"0 to {MAX_DEPTH}", lambda value: is_count(value) and value <= MAX_DEPTH)
    found.refuse_others()
    if len(sampling.errors) > errors:
        return None
    grammar = Grammar(kind, content, depth)
    with collecting(sampling.errors):
        grammar.check()
    return grammar


def turns_of(values: Any, where: str, errors: list[UserError], vocabulary_size: int) -> list[Turn]:
    """Return the turns: of the user and of the model, one after the other."""
    if type(values) is not list:
        errors.append(UserError(f"{where}wrong turns", expected="a list", received=repr(values)[:80]))
        return []
    if len(values) % 2:
        errors.append(UserError(f"{where}wrong turns", expected="an answer to each message", received=str(len(values))))
    turns = []
    for index, value in enumerate(values):
        found = Fields(value, f"{where}turns[{index}].", errors)
        role = (USER, ASSISTANT)[index % 2]
        found.take("role", role, lambda given, role=role: given == role)
        turns.append(turn_of(found, role, vocabulary_size))
        found.refuse_others()
    return [
        turn
        for user, answer in zip(turns[::2], turns[1::2], strict=False)
        for turn in (dataclasses.replace(user, mode=answer.mode), answer)
    ]


def turn_of(found: Fields, role: str, vocabulary_size: int) -> Turn:
    text = found.text("text")
    if role == USER or not found.values.keys() & {*ANSWER}:
        return Turn(role, text)
    tokens = found.take("tokens", "tokens of the model", lambda given: are_tokens(given, vocabulary_size))
    found.taken.add("sampling")
    return Turn(
        role,
        text,
        mode=found.one_of("mode", MODES),
        prompt=found.text("prompt"),
        prompt_tokens=found.count("prompt_tokens"),
        sampling=sampling_of(found.values.get("sampling"), f"{found.where}sampling.", found.errors),
        tokens=tuple(tokens or ()),
        ended=found.one_of("ended", (STOP, LENGTH, INTERRUPTED)),
        engine=found.text("engine"),
        left_out=found.count("left_out"),
        seconds=found.take("seconds", "seconds", is_duration),
        cost=found.count("cost", optional=True),
    )


def are_tokens(values: Any, vocabulary_size: int) -> bool:
    return type(values) is list and all(type(token) is int and 0 <= token < vocabulary_size for token in values)
