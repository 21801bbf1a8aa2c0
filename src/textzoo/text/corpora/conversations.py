"""Made-up conversations: dialogues from the tables of topics, the same for the same seed on every machine.

A dialogue is a text of lines that begin with who speaks:

    User: Which day comes after Monday?
    Bot: After Monday comes Tuesday.

No two dialogues of a corpus are alike.
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
    number,
    pick,
)
from textzoo.text.corpora.reading import Source, printable, read_text

USER, BOT = "User: ", "Bot: "
# How often a dialogue opens with a greeting, closes, says thanks; how often a topic is followed up, a line is careless.
GREETING_SHARE, FAREWELL_SHARE, THANKS_SHARE, FOLLOW_UP_SHARE, CARELESS_SHARE = 0.3, 0.2, 0.15, 0.4, 0.25
MAX_TOPICS = 3
# Asked for more dialogues than there are, the maker would never end: so many repetitions in a row are enough.
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
    """Make dialogues until a size or a number is reached.

    Args:
        size_bytes: At least so many bytes, a blank line after each dialogue counted in; the text is ASCII.
        dialogues: Or exactly so many dialogues. One of the two is given.
        seed: Another seed, other dialogues; a larger corpus begins with the smaller one of the same seed.

    Raises:
        UserError: Both or none of the sizes, one that is not positive or too large, or more dialogues than there are.
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
    """One dialogue about some topics, line by line."""
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
    """The user's line and the answer. Users sometimes type carelessly: small letters, no mark at the end."""
    asked = capitalised(pick(chooser, exchange.ask).format_map(facts)) + mark
    if chooser.random() < CARELESS_SHARE:
        asked = asked.rstrip(" .?!").lower()
    yield USER + asked
    yield BOT + capitalised(pick(chooser, exchange.answer).format_map(facts))


def capitalised(sentence: str) -> str:
    """The sentence with a capital letter at its beginning."""
    return sentence[0].upper() + sentence[1:]


def conversations_text(made: MadeConversations) -> str:
    """The dialogues as one text, blank lines in between."""
    return DOCUMENT_SEPARATOR.join(made.dialogues) + "\n"


def generator_digest() -> str:
    """Content hash of the tables and of the maker itself: what is cached is made anew when either changes."""
    return value_digest([file_digest(Path(str(module))) for module in (conversation_topics.__file__, __file__)])


def write_conversations(
    path: Path, *, size_bytes: int | None = None, dialogues: int | None = None, seed: int = 0
) -> dict[str, object]:
    """Make a corpus, write it to `path` (.txt) and its record beside it (.json); return the record."""
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
    """The dialogues of a size and seed, made where `folder` does not hold them already, intact; and their source."""
    settings = {"size_bytes": size_bytes, "dialogues": dialogues, "seed": seed}
    key = hashlib.sha256(json.dumps([settings, generator_digest()], sort_keys=True).encode()).hexdigest()
    path = folder / f"conversations_{key[:16]}.txt"
    try:
        if not is_intact(path):
            write_conversations(path, **settings)
        text, source = read_text(path)
    except OSError:  # a folder that cannot be written: they are made for this run alone
        text, source = made_text(printable(path), **settings)
    documents = split_documents(text)
    return documents, Source(source.location, source.sha256, source.size_bytes, len(text), len(documents))


def made_text(location: str, *, size_bytes: int | None, dialogues: int | None, seed: int) -> tuple[str, Source]:
    """The text as write_conversations would write it, and where that would be."""
    text = conversations_text(make_conversations(size_bytes=size_bytes, dialogues=dialogues, seed=seed))
    content = text.encode()
    return text, Source(location, hashlib.sha256(content).hexdigest(), len(content), len(text))


def is_intact(path: Path) -> bool:
    """Whether a file lies there with the content that its record names."""
    try:
        record = read_json_object(path.with_suffix(".json"), RECORD_BYTES)
        return path.is_file() and record.get("sha256") == file_digest(path)
    except UserError:
        return False
