"""Commands: their answers, the corpora that they come from, and how they are divided."""

import json
import random
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from textzoo.common.errors import UserError
from textzoo.grammars.grammar import Grammar
from textzoo.text.commands.command import NONE, Command, compact, understood
from textzoo.text.commands.variation import with_typos
from textzoo.text.corpora.loading import load_corpus
from textzoo.text.settings import DatasetConfig

TEMPLATES = {
    "language": "en",
    "intents": {
        "turn_on": [
            "(turn|switch) on [the] {room} lamp",
            "[the] {room} lamp on",
            "light up [the] {room}",
            "{room} light",
        ],
        "set_timer": [
            "set a timer for {minutes} minutes [called {label}]",
            "{minutes} minute timer",
            "wake me in {minutes} minutes",
            "count {minutes} minutes",
        ],
        "dim": {"data": [{"sentences": ["dim to {1..9:level}", "level {1..9:level}"], "slots": {"domain": "light"}}]},
    },
    "lists": {
        "room": ["kitchen", {"in": "(bed|sleeping )room", "out": "bedroom"}],
        "minutes": {"range": {"from": 1, "to": 60}},
        "label": {"wildcard": True, "examples": ["tea", "sweet potatoes", "laundry", "eggs", "bread", "naps"]},
    },
}
VALUES = st.one_of(
    st.text(max_size=12),
    st.integers(-(2**31), 2**31 - 1),
    st.lists(st.text(max_size=6), min_size=1, max_size=3).map(tuple),
)
SLOTS = st.dictionaries(st.text(max_size=5).filter(lambda name: name != "intent"), VALUES, max_size=4)


def corpus_of(tmp_path: Path, **settings):
    path = tmp_path / "commands.yaml"
    path.write_text(yaml.safe_dump(settings.pop("templates", TEMPLATES)))
    return load_corpus(DatasetConfig("commands", training_path=str(path), **{"examples": 500, **settings}))


@given(st.text(max_size=8), SLOTS)
def test_an_answer_is_compact_json_that_is_understood(intent, slots):
    command = Command("do it", intent, tuple(slots.items()))
    assert json.loads(command.answer) == json.loads(json.dumps({"intent": intent, **slots}))
    assert command.answer == json.dumps(json.loads(command.answer), ensure_ascii=False, separators=(",", ":"))
    assert understood(command.answer) == Command("", intent, tuple(slots.items()))


@given(SLOTS)
def test_pieces_are_prompt_and_answer_with_copied_values_apart(slots):
    command = Command("do it", "x", tuple(slots.items()))
    prompt, *parts = command.pieces(frozenset(("x", name) for name in slots))
    assert (prompt, "".join(parts)) == ("do it\n", f"{command.answer}\n")
    texts = [
        text
        for value in slots.values()
        if not isinstance(value, int)
        for text in (value if isinstance(value, tuple) else (value,))
    ]
    assert parts[1::2] == [json.dumps(text, ensure_ascii=False)[1:-1] for text in texts]


@pytest.mark.parametrize(
    "answer", ["", "{", "[]", "1", '{"area":"x"}', '{"intent":1}', '{"intent":"x","a":null}', '{"intent":"x","a":{}}',
               '{"intent":"x","a":[1]}', '{"intent":"x","a":1.5}', '{"intent":"x","a":true}',
               '{"intent":"x","intent":"y"}'],
)  # fmt: skip
def test_other_json_is_not_understood(answer):
    assert understood(answer) is None


def test_sentences_of_templates_have_their_slots(tmp_path):
    commands = corpus_of(tmp_path, typos=0.0).commands
    for command in [*commands.training, *commands.test]:
        slots, sentence = dict(command.slots), command.sentence.lower()
        if command.intent == "turn_on":
            assert any(word in sentence for word in {"kitchen": ["kitchen"], "bedroom": ["room"]}[slots["room"]])
        elif command.intent == "set_timer":
            assert 1 <= slots["minutes"] <= 60
            assert slots.get("label", "") in sentence
        elif command.intent == "dim":
            assert slots["domain"] == "light"
            assert 1 <= slots["level"] <= 9
        else:
            assert (command.intent, command.slots) == (NONE, ())
    assert commands.copied == {("set_timer", "label")}


def test_no_wording_and_no_filler_of_the_test_was_trained_on(tmp_path):
    commands = corpus_of(tmp_path, held_out_wordings=0.3).commands
    trained, tested = ({command.wording for command in part} for part in (commands.training, commands.test))
    assert not trained & tested
    assert len(tested) >= 3
    labels = [
        {dict(command.slots).get("label") for command in part} - {None} for part in (commands.training, commands.test)
    ]
    assert not labels[0] & labels[1]


def test_without_held_out_wordings_other_sentences_are_tested(tmp_path):
    commands = corpus_of(tmp_path, held_out_wordings=0.0).commands
    assert {command.sentence for command in commands.test}
    assert not {command.sentence for command in commands.test} & {command.sentence for command in commands.training}


def test_the_same_seed_gives_the_same_commands(tmp_path):
    first, second, other = (corpus_of(tmp_path, commands_seed=seed) for seed in (1, 1, 2))
    assert first.sha256 == second.sha256 != other.sha256
    assert first.commands == second.commands


def test_shares_of_typos_and_of_sentences_that_are_no_command(tmp_path):
    plain, mixed = (corpus_of(tmp_path, typos=typos, out_of_scope=0.5).commands.training for typos in (0.0, 1.0))
    share = sum(command.intent == NONE for command in plain) / len(plain)
    assert 0.4 < share < 0.6
    assert len({command.sentence for command in mixed}) > len({command.sentence for command in plain})


def test_the_schema_allows_every_answer_and_little_else(tmp_path):
    commands = corpus_of(tmp_path, examples=2000).commands
    grammar = Grammar("json_schema", compact(commands.schema))
    grammar.expression()
    check = jsonschema.Draft202012Validator(commands.schema)
    assert all(check.is_valid(json.loads(command.answer)) for command in [*commands.training, *commands.test])
    for answer in (
        '{"intent":"turn_on","room":"cellar"}',
        '{"intent":"turn_on"}',
        '{"intent":"set_timer","minutes":61}',
    ):
        assert not check.is_valid(json.loads(answer))


@given(st.integers(0, 2), st.integers(0, 2**32))
def test_typos_leave_copied_words_short_words_and_digits_alone(count, seed):
    sentence = "please remind me to water the tall plants at 10 30"
    command = Command(sentence, "remind", (("what", "water the tall plants"),))
    slipped = with_typos(command, {("remind", "what")}, count, random.Random(seed)).sentence.split()
    changed = [old for old, new in zip(sentence.split(), slipped, strict=True) if old != new]
    assert len(changed) == count
    assert set(changed) <= {"please", "remind"}


def with_intents(**intents):
    return {**TEMPLATES, "intents": intents}


def test_wordings_of_the_same_sentence_are_trained_on(tmp_path):
    """Which of them is held out does not matter: the sentence is not tested with, and making commands ends."""
    templates = {"intents": {"go": ["go now"] * 4}}
    commands = corpus_of(tmp_path, templates=templates, out_of_scope=0.0, typos=0.0, held_out_wordings=0.5).commands
    assert {command.sentence for command in commands.training} >= {"go now"}
    assert commands.test == []


@pytest.mark.parametrize(
    ("entry", "value"),
    [("on", "on"), ({"in": "(on)"}, "on"), ({"in": "on", "out": True}, "True"), ({"in": "on", "out": 7}, 7),
     ({"in": "on", "out": 1.5}, "1.5")],
)  # fmt: skip
def test_values_of_lists_are_texts_or_whole_numbers(tmp_path, entry, value):
    templates = {"intents": {"go": ["go {way} now"]}, "lists": {"way": {"values": [entry]}}}
    commands = corpus_of(tmp_path, templates=templates, out_of_scope=0.0, typos=0.0).commands
    assert {command.slots for command in commands.training} == {(("way", value),)}


@pytest.mark.parametrize(
    ("templates", "said"),
    [
        ([], "is not a file of commands"),
        ({}, "is not a file of commands"),
        ({"intents": {}}, "has no templates"),
        (with_intents(go=["("]), "is not a file of commands"),
        (with_intents(go=["{nowhere}"]), "names an unknown list; received nowhere"),
        (with_intents(go=["<nothing>"]), "names an unknown rule; received nothing"),
        ({**with_intents(go=["<a>"]), "expansion_rules": {"a": "[on] <a>"}}, "contains itself"),
        ({**with_intents(go=["on {a}"]), "lists": {"a": {"range": {"from": 5, "to": 1}}}}, "is not a file of commands"),
        ({**with_intents(go=["on {a}"]), "lists": {"a": {}}}, "is not a file of commands"),
        ({**with_intents(go=["on {a}"]), "lists": {"a": {"values": [{"in": 5}]}}}, "is not a file of commands"),
        ({**with_intents(go=["on {a}"]), "lists": {"a": {"values": []}}}, "list without values"),
        (with_intents(go=["on {room:intent}"]), "is named intent"),
    ],
)
def test_mistakes_in_templates_are_told(tmp_path, templates, said):
    with pytest.raises(UserError, match=said):
        corpus_of(tmp_path, templates=templates)


SNIPS = {
    "train": {
        "Play": [
            [{"text": "play  "}, {"text": f"sång {number}", "entity": "track"}, {"text": " by "},
             {"text": "Björk", "entity": "artist"}]
            for number in range(150)
        ],
        "Rate": [[{"text": "rate "}, {"text": f"book {number}", "entity": "name"}, {"text": " "},
                  {"text": str(number % 5), "entity": "stars"}, {"text": " and "}, {"text": "it", "entity": "name"}]
                 for number in range(150)],
    },
    "validate": {
        "Play": [[{"text": "play it"}]],
        "Rate": [[{"text": "five for "}, {"text": "Emma", "entity": "name"}]],
    },
}  # fmt: skip


@pytest.fixture
def snips(tmp_path):
    for part, intents in SNIPS.items():
        for intent, rows in intents.items():
            name = f"train_{intent}_full.json" if part == "train" else f"validate_{intent}.json"
            content = json.dumps({intent: [{"data": row} for row in rows]}, ensure_ascii=False)
            (tmp_path / name).write_text(content, encoding="latin-1" if intent == "Play" else "utf-8")
    return tmp_path


def test_snips_has_its_own_test_and_more_sentences_made_from_its_values(snips):
    commands = load_corpus(DatasetConfig("snips", training_path=str(snips), examples=400)).commands
    assert [(command.sentence, command.slots) for command in commands.test] == [
        ("play it", ()),
        ("five for Emma", (("name", "Emma"),)),
    ]
    assert len(commands.validation) == 200
    assert 100 < len(commands.training) <= 400
    for command in commands.training:
        for text in (text for _, value in command.slots for text in (value if isinstance(value, tuple) else [value])):
            assert text in command.sentence
    assert any(value[1:] == ("it",) for command in commands.training for name, value in command.slots if name == "name")
    assert any(command.sentence.startswith("play sång ") for command in commands.training)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("other.json", "{}", "is not a folder of SNIPS"),
        ("train_Play_full.json", "{", "is not a file of SNIPS"),
        ("train_Play_full.json", '{"Play": [{}]}', "is not a file of SNIPS"),
    ],
)
def test_other_folders_than_snips_are_refused(tmp_path, name, content, said):
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=said):
        load_corpus(DatasetConfig("snips", training_path=str(tmp_path)))


def test_sentences_of_home_assistant_name_the_devices_of_a_home(tmp_path):
    home = tmp_path / "home.yaml"
    home.write_text("areas: [Bücherei]\nfloors: [obere]\ndevices: {light: [Ständerlampe]}\n")
    commands = load_corpus(DatasetConfig("home_assistant", language="de", home=str(home), examples=400)).commands
    values = {
        (name, value)
        for command in commands.training
        for name, value in command.slots
        if name in ("area", "name", "floor") and (command.intent, name) not in commands.copied
    }
    assert values == {("area", "Bücherei"), ("floor", "obere"), ("name", "Ständerlampe")}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "is not a home"),
        ("rooms: [a]", "is not a home"),
        ("areas: [1]", "is not a home"),
        ("devices: {light: lamp}", "is not a home"),
        ("a: [", "cannot be read"),
    ],
)
def test_other_yaml_than_a_home_is_refused(tmp_path, content, said):
    (tmp_path / "home.yaml").write_text(content)
    with pytest.raises(UserError, match=said):
        load_corpus(DatasetConfig("home_assistant", home=str(tmp_path / "home.yaml"), examples=100))


def test_an_unknown_language_is_refused_with_those_there_are():
    with pytest.raises(UserError, match=r"dataset.language=xx; expected af, .* en, "):
        load_corpus(DatasetConfig("home_assistant", language="xx", examples=100))
