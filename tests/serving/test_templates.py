"""Chat templates, of which a file may come from anywhere."""

import json
from types import SimpleNamespace

import pytest
from talking_toys import characters

from textzoo.common.errors import UserError
from textzoo.pipeline.inputs import keep_tokenizer, template_of
from textzoo.records.workspace import Workspace
from textzoo.text.chat_templates import DIALOGUE, FILE, HEADER, PLAIN, TEMPLATES, Message, find_template, load_template
from textzoo.text.corpora.registry import CORPORA
from textzoo.text.settings import DatasetConfig

VALUES = {**HEADER, "name": "d", "system": ["", "\n"], "user": ["U: ", "\n"], "assistant": ["B: ", "\n"], "stop": "\n"}
HOSTILE = [
    (b"", "damaged|JSON"),
    (b"[]", "a JSON object"),
    (b"\xff{}", "damaged"),
    (b'{"name": "a", "name": "b"}', "given twice"),
    (b"[" * 60_000, "damaged"),
    (b" " * 70_000 + b"{}", "too large"),
]
CHANGES = [
    ({"format": "other"}, "wrong format"),
    ({"version": 2}, "wrong version"),
    ({"version": True}, "wrong version"),
    ({"version": 1.0}, "wrong version"),
    ({"user": "U: "}, "wrong user"),
    ({"user": ["a"]}, "wrong user"),
    ({"assistant": ["a", 1]}, "wrong assistant"),
    ({"system": ["a" * 1001, ""]}, "wrong system"),
    ({"stop": None}, "wrong stop"),
    ({"name": 3}, "wrong name"),
    ({"program": "x"}, "unknown key 'program'"),
    ({"name": "\ud800"}, None),
    ({"name": "Ωλ", "user": ["🤖 ", "\n"]}, None),
]


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=list(TEMPLATES))
def test_a_saved_template_is_loaded_again(template, tmp_path):
    assert load_template(template.save(tmp_path)) == template


@pytest.mark.parametrize(("content", "message"), HOSTILE, ids=range(len(HOSTILE)))
def test_files_that_are_no_template(content, message, tmp_path):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(UserError, match=message):
        load_template(tmp_path / FILE)


@pytest.mark.parametrize(("change", "message"), CHANGES, ids=range(len(CHANGES)))
def test_every_field_is_checked(change, message, tmp_path):
    (tmp_path / FILE).write_text(json.dumps({**VALUES, **change}))
    if message is None:
        assert load_template(tmp_path / FILE).name == change["name"]
    else:
        with pytest.raises(UserError, match=message):
            load_template(tmp_path / FILE)


def test_a_template_lies_beside_the_tokenizer(tmp_path):
    assert find_template(None, tmp_path / "tokenizer.json") == PLAIN
    DIALOGUE.save(tmp_path)
    assert find_template(None, tmp_path / "tokenizer.json") == DIALOGUE
    assert find_template("plain", tmp_path / "tokenizer.json") == PLAIN
    assert find_template(str(tmp_path / FILE), None) == DIALOGUE


@pytest.mark.parametrize("name", ["dialog", "", "/nowhere/chat_template.json", "\ud800", "a\0b"])
def test_an_unknown_template_is_named(name):
    with pytest.raises(UserError, match="unknown chat template"):
        find_template(name, None)


def test_turns_become_text():
    said = [Message("system", ""), Message("user", "Hi"), Message("assistant", "Hello."), Message("user", "Bye")]
    assert DIALOGUE.prompt(said) == "User: Hi\nBot: Hello.\nUser: Bye\nBot:"
    assert DIALOGUE.prompt([Message("system", "Be kind."), Message("user", "Hi")]) == "Be kind.\nUser: Hi\nBot:"
    assert PLAIN.prompt(said) == "HiHello.\nBye"


def test_templates_of_corpora_exist():
    assert {kind.chat_template for kind in CORPORA.values()} - {None} <= {*TEMPLATES}
    assert template_of(DatasetConfig("conversations")) == DIALOGUE
    assert template_of(DatasetConfig("python_docs")) is None
    mixed = [{"name": "python_docs", "weight": 3.0}, {"name": "conversations"}]
    assert template_of(DatasetConfig("mixture", sources=mixed)) == DIALOGUE


def test_a_template_is_kept_with_the_tokenizer_and_goes_with_its_corpus(tmp_path):
    data, workspace = SimpleNamespace(tokenizer=characters(), commands=None), Workspace(tmp_path)
    keep_tokenizer(data, DatasetConfig("conversations"), workspace)
    assert find_template(None, tmp_path / "models/tokenizer.json") == DIALOGUE
    keep_tokenizer(data, DatasetConfig("python_docs"), workspace)
    assert find_template(None, tmp_path / "models/tokenizer.json") == PLAIN
    assert not (tmp_path / "models" / FILE).exists()
    keep_tokenizer(data, DatasetConfig("python_docs"), workspace, DIALOGUE)  # that of a model that is quantized
    assert find_template(None, tmp_path / "models/tokenizer.json") == DIALOGUE
