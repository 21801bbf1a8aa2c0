"""Synthetic dialogues, generated from the tables of topics; the same for the same seed on every machine.

Each line of a dialogue begins with the speaker:

    User: Which day comes after Monday?
    Bot: After Monday comes Tuesday.

All dialogues of a corpus are different.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from textzoo.common.errors import UserError
from textzoo.common.files import file_digest, value_digest, write_json, write_text
from textzoo.common.untrusted_json import read_json_object
from textzoo.text.corpora import conversation_topics
from textzoo.text.corpora.cleaning import DOCUMENT_SEPARATOR, split_documents
from textzoo.text.corpora.conversation_topics import (
    FAREWELLS,
    GREETINGS,
    THANKS,
    TOPICS,
    Exchange,
    Facts,
    Topic,
)
from textzoo.text.corpora.reading import Source, printable, read_text
from textzoo.text.draws import number, pick

USER, BOT = "User: ", "Bot: "
# Share of dialogues with a greeting, a farewell, thanks; of topics with a follow-up; of questions typed carelessly.
GREETING_SHARE, FAREWELL_SHARE, THANKS_SHARE, FOLLOW_UP_SHARE, CARELESS_SHARE = 0.3, 0.2, 0.15, 0.4, 0.25
MAX_TOPICS = 3
# Generation stops with an error after so many repetitions in a row: there are no more different dialogues.
MAX_REPETITIONS = 1000
MAX_BYTES = 1 << 28
RECORD_BYTES = 1 << 16


@dataclass(frozen=True)
class MadeConversations:
    """Dialogues, and how often each topic occurs in them."""

    dialogues: list[str]
    topics: dict[str, int]


def make_conversations(
    *, size_bytes: int | None = None, dialogues: int | None = None, seed: int = 0
) -> MadeConversations:
    """Generate dialogues until a size or a number is reached.

    Args:
        size_bytes: Minimum size in bytes, including a blank line after each dialogue; the text is ASCII.
        dialogues: Or the exact number of dialogues. One of the two is given.
        seed: Seed of the generator; a larger corpus begins with the smaller one of the same seed.

    Raises:
        UserError: Both or neither size is given, one is not positive or too large, or there are too few dialogues.
    """
    check_size(size_bytes, dialogues)
    chooser = Random(seed)
    topics: Counter[str] = Counter()
    made: dict[str, None] = {}
    size = repetitions = 0
    while len(made) < dialogues if dialogues is not None else size < (size_bytes or 0):
        chosen = [pick(chooser, TOPICS) for _ in range(number(chooser, 1, MAX_TOPICS))]
        text = dialogue_text(chooser, chosen)
        if text in made:
            repetitions += 1
            check_repetitions(repetitions, len(made))
            continue
        repetitions = 0
        made[text] = None
        topics.update(topic.name for topic in chosen)
        size += len(text) + len(DOCUMENT_SEPARATOR)
    return MadeConversations(list(made), dict(sorted(topics.items())))


def check_size(size_bytes: int | None, dialogues: int | None) -> None:
    if (size_bytes is None) == (dialogues is None):
        raise UserError(
            "the size of the conversations is not clear",
            expected="either bytes or dialogues",
            received=f"bytes={size_bytes}, dialogues={dialogues}",
        )
    size = size_bytes if dialogues is None else dialogues
    if not 1 <= (size or 0) <= MAX_BYTES:
        raise UserError(
            "the size of the conversations is out of range", expected=f"1 to {MAX_BYTES:,}", received=str(size)
        )


def check_repetitions(repetitions: int, made: int) -> None:
    if repetitions > MAX_REPETITIONS:
        raise UserError(
            f"there are hardly more than {made:,} different dialogues", remedy="Ask for fewer, or add topics."
        )


def dialogue_text(chooser: Random, topics: list[Topic]) -> str:
    """Return one dialogue about some topics, line by line."""
    lines: list[str] = []
    if chooser.random() < GREETING_SHARE:
        lines += spoken(chooser, GREETINGS, {}, mark=pick(chooser, ("!", ".", "")))
    for topic in topics:
        facts = topic.facts(chooser)
        lines += spoken(chooser, topic.first, facts)
        if topic.then and chooser.random() < FOLLOW_UP_SHARE:
            lines += spoken(chooser, pick(chooser, topic.then), facts)
    if chooser.random() < THANKS_SHARE:
        lines += spoken(chooser, THANKS, {}, mark=pick(chooser, ("!", ".")))
    if chooser.random() < FAREWELL_SHARE:
        lines += spoken(chooser, FAREWELLS, {}, mark=pick(chooser, ("!", ".")))
    return "\n".join(lines)


def spoken(chooser: Random, exchange: Exchange, facts: Facts, mark: str = "") -> Iterator[str]:
    """Yield the user's line and the answer; some of the user's lines are in lower case without punctuation."""
    asked = capitalised(pick(chooser, exchange.ask).format_map(facts)) + mark
    if chooser.random() < CARELESS_SHARE:
        asked = asked.rstrip(" .?!").lower()
    yield USER + asked
    yield BOT + capitalised(pick(chooser, exchange.answer).format_map(facts))


def capitalised(sentence: str) -> str:
    """Return the sentence with a capital letter at its beginning."""
    return sentence[0].upper() + sentence[1:]


def conversations_text(made: MadeConversations) -> str:
    """Return the dialogues as one text, separated by blank lines."""
    return DOCUMENT_SEPARATOR.join(made.dialogues) + "\n"


def generator_digest() -> str:
    """Return a content hash of the tables and of the generator; a cached corpus is generated again if it changes."""
    return value_digest([file_digest(Path(str(module))) for module in (conversation_topics.__file__, __file__)])


def write_conversations(
    path: Path, *, size_bytes: int | None = None, dialogues: int | None = None, seed: int = 0
) -> dict[str, object]:
    """Generate a corpus, write it to `path` (.txt) and its record next to it (.json); return the record."""
    made = make_conversations(size_bytes=size_bytes, dialogues=dialogues, seed=seed)
    text = conversations_text(made)
    record = {
        "settings": {"size_bytes": size_bytes, "dialogues": dialogues, "seed": seed},
        "generator": generator_digest(),
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "bytes": len(text.encode()),
        "dialogues": len(made.dialogues),
        "topics": made.topics,
    }
    write_text(path, text)
    write_json(path.with_suffix(".json"), record)
    return record


def cached_conversations(
    folder: Path, *, size_bytes: int | None, dialogues: int | None, seed: int
) -> tuple[list[str], Source]:
    """Return the dialogues of a size and seed, generated unless `folder` holds them undamaged; and their source."""
    settings = {"size_bytes": size_bytes, "dialogues": dialogues, "seed": seed}
    key = hashlib.sha256(json.dumps([settings, generator_digest()], sort_keys=True).encode()).hexdigest()
    path = folder / f"conversations_{key[:16]}.txt"
    try:
        if not is_intact(path):
            write_conversations(path, **settings)
        text, source = read_text(path)
    except OSError:  # the folder cannot be written: use the text without storing it
        text, source = made_text(printable(path), **settings)
    documents = split_documents(text)
    return documents, Source(source.location, source.sha256, source.size_bytes, len(text), len(documents))


def made_text(location: str, *, size_bytes: int | None, dialogues: int | None, seed: int) -> tuple[str, Source]:
    """Return the text that write_conversations would write, and its source."""
    text = conversations_text(make_conversations(size_bytes=size_bytes, dialogues=dialogues, seed=seed))
    content = text.encode()
    return text, Source(location, hashlib.sha256(content).hexdigest(), len(content), len(text))


def is_intact(path: Path) -> bool:
    """Return whether the file exists and its content matches its record."""
    try:
        record = read_json_object(path.with_suffix(".json"), RECORD_BYTES)
        return path.is_file() and record.get("sha256") == file_digest(path)
    except UserError:
        return False
