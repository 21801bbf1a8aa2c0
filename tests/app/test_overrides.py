"""Text on the command line arrives as it was typed, whatever signs are in it."""

import shlex

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from textzoo.config.overrides import choices, parse, quoted, with_literal_text

PROMPT = "prediction.prompt"

# what the shell hands over, whether -m is given, the values that arrive
TEXTS = [
    (f"{PROMPT}=The ", False, ["The "]),
    (f"{PROMPT}= To be, or not", False, [" To be, or not"]),
    (f"{PROMPT}=What's up", False, ["What's up"]),
    (f"++{PROMPT}=Hello!", True, ["Hello!"]),
    (f"{PROMPT}=123", False, ["123"]),
    (f"{PROMPT}=true", False, ["true"]),
    (f"{PROMPT}=f(x)", False, ["f(x)"]),
    (f"{PROMPT}=[a=b", False, ["[a=b"]),
    (f"{PROMPT}=${{x}} \\", False, ["${x} \\"]),
    (f"{PROMPT}=", False, [""]),
    (f"{PROMPT}=null", False, [None]),
    (f"{PROMPT}='null'", False, ["null"]),
    (f'{PROMPT}="The "', False, ["The "]),
    (f'{PROMPT}="Yes" and "no"', False, ['"Yes" and "no"']),
    (f"{PROMPT}='tis", False, ["'tis"]),
    (f'{PROMPT}="The ","To be, "', True, ["The ", "To be, "]),
    (f"{PROMPT}=The,A", True, ["The", "A"]),
    ("model.float_model_path=run (1), best/float.keras", False, ["run (1), best/float.keras"]),
    ("prediction.seed=3", False, [3]),
    ("mlflow.uri=sqlite:///${oc.env:PLACE}/(1), x.db", False, ["sqlite:///here/(1), x.db"]),
    ("+mlflow.uri=${oc.env:PLACE}", False, ["here"]),
    ("dataset.training_path=[a.txt,b.txt]", False, [["a.txt", "b.txt"]]),
    ('compare.runs=[日本,"a,b"]', False, [["日本", "a,b"]]),
    ("compare.runs=[ é (1) , 'x, y',plain]", False, [["é (1)", "x, y", "plain"]]),
    ("compare.runs=[日本", False, ["[日本"]),
    ("dataset.training_path=[v2] my.txt", False, ["[v2] my.txt"]),
    ("dataset.training_path=my text (1).txt", False, ["my text (1).txt"]),
    ("operation_mode=training,evaluation", True, ["training", "evaluation"]),
]


def arriving(override):
    """What the program sees of an override that Hydra reads."""
    values = [choice.value() for choice in choices(override)]
    return OmegaConf.to_container(OmegaConf.create({"values": values}), resolve=True)["values"]


@pytest.mark.parametrize(("text", "sweeping", "values"), TEXTS)
def test_text_arrives_as_it_was_typed(monkeypatch, text, sweeping, values):
    monkeypatch.setenv("PLACE", "here")
    (override,), errors = parse([with_literal_text(text, sweeping=sweeping)])
    assert errors == []
    assert arriving(override) == values


# what cannot be read, the values that arrive with the remedy that is shown
REMEDIES = [
    ("hydra.run.dir=f(x)", ["f(x)"]),
    ("hydra.run.dir=it's (1)", ["it's (1)"]),
    (f'{PROMPT}=日,"a,b"', ["日", "a,b"]),
    (f"{PROMPT}=日本,it's", ["日本", "it's"]),
    ("hydra.searchpath=[日本,'a,b']", [["日本", "a,b"]]),
]


@pytest.mark.parametrize(("text", "values"), REMEDIES)
def test_the_remedy_works_when_it_is_pasted(text, values):
    _, (error,) = parse([with_literal_text(text, sweeping=True)])
    (pasted,) = shlex.split(error.remedy.partition("twice: ")[2])
    (override,), errors = parse([with_literal_text(pasted, sweeping=True)])
    assert errors == []
    assert arriving(override) == values


@given(st.text(st.one_of(st.sampled_from("\\${}'\",=()[] "), st.characters(exclude_categories=["Cs"]))))
def test_any_text_can_be_quoted(text):
    (override,), _ = parse([f"{PROMPT}={quoted(text)}"])
    assert arriving(override) == [text]


def test_a_number_that_is_too_long_is_named():
    overrides, errors = parse(["model.n_layers=" + "9" * 5000])
    assert overrides == []
    assert "cannot be read: Exceeds the limit" in str(errors[0])


# an override that cannot be read, how it is written instead
UNREADABLE = [
    ("training.steps=1,,2", "Write one value; with -m several: 1,2 or range(1,5)."),
    ("training.steps=[1", "Write one value; with -m several: 1,2 or range(1,5)."),
    (f'{PROMPT}="a,', f'A text with such signs in it needs quotes twice: \'{PROMPT}="\\"a"\''),
]


@pytest.mark.parametrize(("override", "remedy"), UNREADABLE)
def test_the_remedy_fits_the_key(override, remedy):
    assert [error.remedy for error in parse([override])[1]] == [remedy]


def test_flags_may_stand_behind_and_between_overrides(program):
    answer = program(
        "model=tiny_lm", "++pretrained=true", "--cfg", "job", "operation_mode=prediction", f"{PROMPT}=Well, $ "
    )
    assert answer.returncode == 0, answer.stderr
    values = yaml.safe_load(answer.stdout)
    assert values["prediction"]["prompt"] == "Well, $ "
    assert values["model"]["float_model_path"].endswith("tiny_lm/float.keras")
