"""Synthetic dialogues: the same for the same seed, no two alike, right where it can be checked, cached."""

import json
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textzoo.common.errors import UserError
from textzoo.text.corpora.conversation_topics import FAREWELLS, GREETINGS, THANKS, TOPICS, Topic, number, pick
from textzoo.text.corpora.conversations import (
    cached_conversations,
    conversations_text,
    dialogue_text,
    generator_digest,
    make_conversations,
)
from textzoo.text.corpora.loading import load_corpus
from textzoo.text.settings import DatasetConfig

SCRIPT = Path(__file__).parents[2] / "datasets" / "make_conversations.py"


@pytest.fixture(scope="module")
def made():
    return make_conversations(dialogues=3000, seed=1)


def test_dialogues_are_lines_of_user_and_bot_in_turn(made):
    for dialogue in made.dialogues:
        speakers = [line.partition(": ")[0] for line in dialogue.split("\n")]
        assert speakers == ["User", "Bot"] * (len(speakers) // 2)
        assert len(speakers) >= 2


def test_no_two_dialogues_are_alike_and_all_topics_occur(made):
    assert len(set(made.dialogues)) == 3000
    assert made.topics.keys() == {topic.name for topic in TOPICS}
    assert min(made.topics.values()) > 100


def test_a_small_alphabet_without_open_slots(made):
    text = conversations_text(made)
    assert re.fullmatch(r"[A-Za-z0-9 \n.,:!?'+*=-]+", text)
    assert "  " not in text
    assert not re.search(r" $", text, re.MULTILINE)


UNITS = {
    "metre": "100 centimetres", "centimetre": "10 millimetres", "kilometre": "1000 metres", "kilogram": "1000 grams",
    "litre": "1000 millilitres", "hour": "60 minutes", "minute": "60 seconds", "day": "24 hours", "week": "7 days",
    "year": "12 months", "byte": "8 bits",
}  # fmt: skip
# What a line says -> whether it is true.
CLAIMS = {
    r"Bot: One (\w+) has (\d+ \w+)\.": lambda large, small: UNITS[large] == small,
    r"Bot: (\d+) plus (\d+) is (\d+)\.": lambda a, b, c: int(a) + int(b) == int(c),
    r"Bot: (\d+) minus (\d+) is (\d+)\.": lambda a, b, c: int(a) - int(b) == int(c) >= 0,
    r"Bot: (\d+) times (\d+) is (\d+)[.,]": lambda a, b, c: int(a) * int(b) == int(c),
    r"Bot: (\d+) is larger than (\d+)\.": lambda a, b: int(a) > int(b),
    r"Bot: (\d+) is (even|odd)\.": lambda a, kind: (int(a) % 2 == 0) == (kind == "even"),
    r"Bot: ([A-Z](?:, [A-Z])+)\.\nUser: How many letters.*\nBot: \w+ has (\d+) letters": (
        lambda letters, count: len(letters.split(", ")) == int(count)
    ),
    r"It is (\d+) o'clock\. What time is it in (\d+) hours?\?\nBot: Then it is (\d+) o'clock": (
        lambda now, later, then: (int(now) + int(later) - int(then)) % 12 == 0 and 1 <= int(then) <= 12
    ),
}


@pytest.mark.parametrize(("pattern", "is_true"), CLAIMS.items())
def test_what_can_be_checked_is_right(made, pattern, is_true):
    claims = re.findall(pattern, conversations_text(made))
    assert len(claims) > 3
    assert all(is_true(*claim) for claim in claims)


def test_no_article_stands_before_the_wrong_sound(made):
    text = conversations_text(made).lower()
    assert not re.search(r"\ba [aeiou]", text)
    assert not re.search(r"\ban [^aeioul]", text)
    assert not re.search(r"\b1 (minute|second|hour|metre|day)s\b", text)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_sentence_of_a_topic_is_finished(topic: Topic):
    for seed in range(20):
        facts = topic.facts(Random(seed))
        for exchange in (topic.first, *topic.then):
            for sentence in (*exchange.ask, *exchange.answer):
                assert re.search(r"[.?!]$", sentence.format_map(facts))


def test_pleasantries_are_answered():
    for exchange in (GREETINGS, FAREWELLS, THANKS):
        assert all(re.search(r"[.?!]$", answer) for answer in exchange.answer)


@given(st.integers(0, 2**32), st.integers(-50, 50), st.integers(0, 50))
def test_draws_stay_within_their_bounds(seed, low, span):
    chooser = Random(seed)
    assert low <= number(chooser, low, low + span) <= low + span
    assert pick(chooser, range(low, low + span + 1)) in range(low, low + span + 1)


def test_seed_and_size():
    small, again, other = (make_conversations(size_bytes=5000, seed=seed) for seed in (3, 3, 4))
    assert small == again
    assert small.dialogues != other.dialogues
    larger = make_conversations(size_bytes=9000, seed=3)
    assert larger.dialogues[: len(small.dialogues)] == small.dialogues
    assert 5000 <= len(conversations_text(small)) < 5000 + 1000
    assert len(make_conversations(dialogues=7).dialogues) == 7


def test_the_first_dialogue_is_the_same_on_every_machine():
    assert make_conversations(dialogues=1, seed=0).dialogues[0] == dialogue_text_of_seed(0)


def dialogue_text_of_seed(seed: int) -> str:
    chooser = Random(seed)
    return dialogue_text(chooser, [pick(chooser, TOPICS) for _ in range(number(chooser, 1, 3))])


BAD_SIZES = [
    ({}, "either bytes or dialogues"),
    ({"size_bytes": 10, "dialogues": 10}, "either bytes or dialogues"),
    ({"size_bytes": 0}, "out of range"),
    ({"dialogues": -1}, "out of range"),
    ({"size_bytes": 1 << 40}, "out of range"),
]


@pytest.mark.parametrize(("sizes", "message"), BAD_SIZES)
def test_bad_sizes_are_refused(sizes, message):
    with pytest.raises(UserError, match=message):
        make_conversations(**sizes)


def test_more_dialogues_than_there_are(monkeypatch):
    monkeypatch.setattr("textzoo.text.corpora.conversations.TOPICS", TOPICS[:1])
    monkeypatch.setattr("textzoo.text.corpora.conversations.MAX_TOPICS", 1)
    for share in ("GREETING_SHARE", "THANKS_SHARE", "FAREWELL_SHARE"):
        monkeypatch.setattr(f"textzoo.text.corpora.conversations.{share}", 0.0)
    with pytest.raises(UserError, match="hardly more than"):
        make_conversations(dialogues=10**6)


def test_the_cache_is_used_while_it_is_intact(tmp_path):
    sizes = {"size_bytes": 3000, "dialogues": None, "seed": 5}
    documents, source = cached_conversations(tmp_path, **sizes)
    [path] = tmp_path.glob("*.txt")
    before = path.stat().st_mtime_ns
    assert cached_conversations(tmp_path, **sizes) == (documents, source)
    assert path.stat().st_mtime_ns == before
    for damage in (lambda: path.write_text("x"), path.unlink, path.with_suffix(".json").unlink):
        damage()
        assert cached_conversations(tmp_path, **sizes) == (documents, source)
    cached_conversations(tmp_path, **{**sizes, "seed": 6})
    assert len(list(tmp_path.glob("*.txt"))) == 2
    assert json.loads(path.with_suffix(".json").read_text())["generator"] == generator_digest()


def test_the_corpus_holds_out_whole_dialogues(tmp_path):
    dataset = DatasetConfig(
        name="conversations",
        cache_dir=str(tmp_path),
        conversations_bytes=20_000,
        split_mode="random",
        separator="\n#\n",
    )
    corpus = load_corpus(dataset)
    parts = [text.split("\n#\n") for text in (corpus.training, corpus.validation)]
    assert [part.pop() for part in parts] == ["", ""]
    assert sorted(parts[0] + parts[1]) == sorted(make_conversations(size_bytes=20_000).dialogues)
    assert not set(parts[0]) & set(parts[1])
    assert 0.08 < len(corpus.validation) / 20_000 < 0.15


def run(*arguments):
    command = [sys.executable, SCRIPT, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_script(tmp_path):
    path = tmp_path / "talk.txt"
    assert run("--output", path, "--dialogues", "20", "--seed", "3").returncode == 0
    assert path.read_text() == conversations_text(make_conversations(dialogues=20, seed=3))
    assert json.loads(path.with_suffix(".json").read_text())["dialogues"] == 20
    assert run("--output", tmp_path / "talk.md").returncode == 2
    refused = run("--output", path, "--bytes", "0")
    assert (refused.returncode, "out of range" in refused.stderr) == (2, True)
