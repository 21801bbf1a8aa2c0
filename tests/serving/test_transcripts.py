"""Saved conversations: what is written is loaded again, and what somebody else wrote is checked."""

import dataclasses
import html
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from talking_toys import toy_source

from textzoo.common.errors import UserError
from textzoo.serving.answer import INTERRUPTED, LENGTH, STOP
from textzoo.serving.conversation import MODES, Conversation, Turn
from textzoo.serving.sources import Sampling
from textzoo.serving.transcripts import TITLE, Transcript, load_transcript
from textzoo.text.chat_templates import ASSISTANT, DIALOGUE, USER

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=20)  # lone surrogates too
SAMPLINGS = st.builds(
    Sampling,
    temperature=st.floats(0, 10),
    top_k=st.integers(0, 65535),
    max_tokens=st.integers(1, 10**6),
    seed=st.integers(0, 2**32 - 1),
    stops=st.lists(st.text(st.characters(exclude_categories=[]), min_size=1), max_size=3).map(tuple),
    unknown=st.sampled_from(["error", "unk"]),
    input_text=st.none() | ANY_TEXT,
)
COUNTS = st.integers(0, 2**63 - 1)
ANSWERS = st.builds(
    Turn,
    role=st.just(ASSISTANT),
    text=ANY_TEXT,
    mode=st.sampled_from(MODES),
    prompt=ANY_TEXT,
    prompt_tokens=COUNTS,
    sampling=SAMPLINGS,
    tokens=st.lists(st.integers(0, 31), max_size=5).map(tuple),
    ended=st.sampled_from([STOP, LENGTH, INTERRUPTED]),
    engine=ANY_TEXT,
    left_out=COUNTS,
    seconds=st.floats(0, 1e9),
    cost=st.none() | COUNTS,
)
ASKED = st.tuples(ANY_TEXT, ANSWERS | st.builds(Turn, st.just(ASSISTANT), ANY_TEXT))
PAIRS = ASKED.map(lambda asked: (Turn(USER, asked[0], asked[1].mode), asked[1]))
TRANSCRIPTS = st.builds(
    Transcript,
    model=ANY_TEXT,
    template=ANY_TEXT,
    system=ANY_TEXT,
    mode=st.sampled_from(MODES),
    sampling=SAMPLINGS,
    turns=st.lists(PAIRS, max_size=3).map(lambda pairs: [turn for pair in pairs for turn in pair]),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("transcripts")


@given(TRANSCRIPTS)
def test_what_is_saved_is_loaded(folder, transcript):
    transcript.save(folder / "a.json")
    assert load_transcript(folder / "a.json", 32) == transcript


@given(TRANSCRIPTS)
def test_a_page_shows_every_text_and_no_control_character(folder, transcript):
    transcript.save_page(folder / "a.md")
    page = (folder / "a.md").read_text(encoding="utf-8")
    assert page.startswith(TITLE)
    assert page.count("**user**") >= len(transcript.turns) // 2
    assert not {"\x1b", "\x07", "\u202e"} & set(page)


def test_a_page_tells_how_answers_are_sampled(folder):
    sampling = Sampling(temperature=0.0, stops=("\n<é>", "`"))
    Transcript("toy", "plain", "", "chat", sampling, []).save_page(folder / "c.md")
    told = "temperature 0.0, top_k 0, max_tokens 200, seed 1, stops &quot;\\n<é>&quot; or &quot;`&quot;, unknown error."
    assert html.unescape(told) in html.unescape((folder / "c.md").read_text(encoding="utf-8"))
    Transcript("toy", "plain", "", "chat", Sampling(), []).save_page(folder / "c.md")
    assert "stops none" in (folder / "c.md").read_text()


def conversation():
    talking = Conversation(toy_source(), DIALOGUE, Sampling(max_tokens=5))
    list(talking.ask("a"))
    return talking


def test_a_loaded_conversation_goes_on(folder):
    first = conversation()
    Transcript.of(first, "toy").save(folder / "b.json")
    second = Conversation(toy_source(), DIALOGUE, Sampling())
    load_transcript(folder / "b.json", 32).restore(second)
    for talking in (first, second):
        list(talking.ask("b"))
    assert [turn.tokens for turn in second.turns] == [turn.tokens for turn in first.turns]
    assert second.replay(toy_source()) == [0, 0]


NO_TRANSCRIPT = [b"", b"[]", b"{", b"\xff", b'{"turns": NaN}', b"[" * 300_000, b'{"a": 1, "a": 2}']


@pytest.mark.parametrize("content", NO_TRANSCRIPT, ids=range(len(NO_TRANSCRIPT)))
def test_files_that_are_no_transcript(content, tmp_path):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(UserError):
        load_transcript(tmp_path / "a.json", 32)


# Where in a transcript, what stands there instead, the message.
CHANGES = [
    (["format"], "pickle", "wrong format"),
    (["version"], 1.0, "wrong version"),
    (["version"], True, "wrong version"),
    (["mode"], "both", "wrong mode"),
    (["mode"], ["chat"], "wrong mode"),
    (["system"], None, "wrong system"),
    (["program"], "rm", "unknown key 'program'"),
    (["turns"], {}, "wrong turns"),
    (["turns"], [3], r"turns\[0\] is no object"),
    (["turns", 0, "role"], "assistant", "wrong role"),
    (["turns", 0, "role"], "system", "wrong role"),
    (["turns", 0, "extra"], 1, "unknown key 'extra'"),
    (["turns", 1, "text"], 5, "wrong text"),
    (["turns", 1, "tokens"], [32], "wrong tokens"),
    (["turns", 1, "tokens"], [-1], "wrong tokens"),
    (["turns", 1, "tokens"], [1.0], "wrong tokens"),
    (["turns", 1, "tokens"], "abc", "wrong tokens"),
    (["turns", 1, "mode"], "both", r"turns\[1\].wrong mode"),
    (["turns", 1, "prompt"], None, "wrong prompt"),
    (["turns", 1, "prompt_tokens"], -1, "wrong prompt_tokens"),
    (["turns", 1, "left_out"], 2**63, "wrong left_out"),
    (["turns", 1, "seconds"], -0.5, "wrong seconds"),
    (["turns", 1, "seconds"], True, "wrong seconds"),
    (["turns", 1, "ended"], "never", "wrong ended"),
    (["turns", 1, "cost"], "much", "wrong cost"),
    (["turns", 1, "sampling"], None, "sampling is no object"),
    (["turns", 1, "sampling", "seed"], 2**32, r"sampling.seed is out of range"),
    (["sampling", "temperature"], 11, "sampling.temperature is out of range"),
    (["sampling", "temperature"], "hot", "wrong type of .*sampling.temperature"),
    (["sampling", "max_tokens"], 0, "sampling.max_tokens is out of range"),
    (["sampling", "unknown"], "ignore", "wrong value of .*sampling.unknown"),
    (["sampling", "stops"], "\n", "wrong stops"),
    (["sampling", "stops"], ["a"] * 101, "wrong stops"),
    (["sampling", "stops"], ["a" * 10_001], "wrong stops"),
    (["sampling", "num_samples"], 3, "unknown key 'num_samples'"),
]


@pytest.mark.parametrize(("place", "value", "message"), CHANGES, ids=range(len(CHANGES)))
def test_every_field_is_checked(place, value, message, tmp_path):
    path = tmp_path / "a.json"
    Transcript.of(conversation(), "toy").save(path)
    values = json.loads(path.read_text())
    inner = values
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    path.write_text(json.dumps(values))
    with pytest.raises(UserError, match=message):
        load_transcript(path, 32)


def test_not_every_mistake_of_many_is_told(tmp_path):
    path = tmp_path / "a.json"
    Transcript.of(conversation(), "toy").save(path)
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "turns": [{"role": "rm"}] * 5_000}))
    with pytest.raises(UserError) as refused:
        load_transcript(path, 32)
    *_, tenth, last = str(refused.value).splitlines()
    assert "wrong text" in tenth
    assert last == f"* '{path}': 9,990 more mistakes."


def test_a_missing_field_and_an_odd_number_of_turns_are_named(tmp_path):
    path = tmp_path / "a.json"
    transcript = Transcript.of(conversation(), "toy")
    dataclasses.replace(transcript, turns=transcript.turns[:1]).save(path)
    values = json.loads(path.read_text())
    del values["model"]
    path.write_text(json.dumps(values))
    with pytest.raises(UserError) as refused:
        load_transcript(path, 32)
    assert "wrong model; expected a text; received nothing" in str(refused.value)
    assert "expected an answer to each message; received 1" in str(refused.value)
