"""The ledger of a run's folder: what serves again, what does not, and how the plan says why."""

import json
import os

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from changed_config import changed
from textzoo.common.errors import UserError
from textzoo.common.files import file_digest, value_digest, write_json, write_text
from textzoo.config.schema import Config
from textzoo.records.ledger import LEDGER, FinishedStep, Ledger, changes, read_ledger, told
from textzoo.records.workspace import ROLES, Workspace
from textzoo.runs.planning import make_plan, plan_lines
from textzoo.runs.sources import sources_of

SAMPLE = {"model": "float", "engine": "keras", "prompt": "The ", "text": "a", "tokens": 1, "temperature": 0.0}
REPORT = {"samples": [{**SAMPLE, "top_k": 0, "seed": 1, "seconds": 0.5}]}


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "run")


@pytest.fixture
def config(tmp_path):
    """A prediction with a model file that no step of these tests reads."""
    model = tmp_path / "float.keras"
    model.write_text("weights")
    config = Config(operation_mode="prediction")
    return changed(config, "model.float_model_path", str(model))


def finish(config, workspace, report=REPORT, **changes_of_row):
    """Write what a prediction leaves behind."""
    (step,) = make_plan(config, workspace).steps
    write_text(workspace.path(ROLES["samples"]), "The a\n")
    sources = sources_of(config, step, workspace, "", workspace.ledger())
    row = FinishedStep(
        sources.key(), workspace.digests(["samples"]), report, sources.ingredients(workspace.root), **changes_of_row
    )
    workspace.finish(step.name, row, workspace.ledger())
    return row


def plan_of(config, workspace):
    return "\n".join(plan_lines(config, make_plan(config, workspace), workspace))


def row_on_disk(workspace, edit, name="1_prediction"):
    rows = json.loads(workspace.path(LEDGER).read_text())
    edit(rows[name])
    write_json(workspace.path(LEDGER), rows)


def without_ingredients(row):
    """As an earlier version wrote it."""
    del row["made_from"]
    row["digest"] = value_digest(["1_prediction", row["key"], row["outputs"], row["report"]])


def test_a_finished_step_serves_again(config, workspace):
    row = finish(config, workspace)
    (step,) = make_plan(config, workspace).steps
    assert step.reused == row
    plan = plan_of(config, workspace)
    assert "1_prediction    reuse" in plan
    assert "again" not in plan
    assert "replaced" not in plan


def test_a_row_of_an_earlier_version_serves_again(config, workspace):
    finish(config, workspace)
    row_on_disk(workspace, without_ingredients)
    assert "1_prediction    reuse" in plan_of(config, workspace)
    config = changed(config, "prediction.prompt", "A ")
    assert "again, because its inputs changed (steps.json does not say which);" in plan_of(config, workspace)


# what is changed in the folder or the configuration, why the plan says that the step runs again
CHANGES = {
    "prompt": (lambda c, w: vars(c.prediction).update(prompt="A "), 'prediction.prompt changed ("The " -> "A ")'),
    "number": (lambda c, w: vars(c.prediction).update(max_tokens=7), "prediction.max_tokens changed (200 -> 7)"),
    "null": (lambda c, w: vars(c.prediction).update(stop="."), 'prediction.stop changed (null -> ".")'),
    "long": (lambda c, w: vars(c.prediction).update(prompt="A" * 40), "prediction.prompt changed;"),
    "several": (
        lambda c, w: vars(c.prediction).update(seed=2, top_k=3),
        "prediction.top_k changed (0 -> 3), prediction.seed changed (1 -> 2);",
    ),
    "many": (
        lambda c, w: vars(c.prediction).update(seed=2, top_k=3, stop="a", temperature=1.0, num_samples=2),
        "(1 -> 2) and 1 more;",
    ),
    "content": (
        lambda c, w: write_text(w.root.parent / "float.keras", "other"),
        "the content of model.float_model_path changed;",
    ),
    "input": (
        lambda c, w: write_text(w.path(ROLES["quantized_model"].replace("*", "a")), "model"),
        "models/decode_a.tflite is new;",
    ),
    "output": (lambda c, w: write_text(w.path("samples.txt"), "other"), "samples.txt is missing or was changed"),
    "loss": (lambda c, w: row_on_disk(w, lambda row: row["report"].update(a=1)), "was changed after it was written"),
    "digest": (lambda c, w: row_on_disk(w, lambda row: row.update(digest="0")), "was changed after it was written"),
    "no digest": (lambda c, w: row_on_disk(w, lambda row: row.pop("digest")), "its row in steps.json is malformed"),
    "field": (lambda c, w: row_on_disk(w, lambda row: row.update(colour=1)), "its row in steps.json is malformed"),
    "outputs": (lambda c, w: row_on_disk(w, lambda row: row.update(outputs={"a": 3})), "is malformed"),
    "report": (lambda c, w: row_on_disk(w, lambda row: row.update(report=[])), "is malformed"),
    "key": (lambda c, w: row_on_disk(w, lambda row: row.update(key=7)), "is malformed"),
    "ingredients": (lambda c, w: row_on_disk(w, lambda row: row.update(made_from={"files": 3})), "is malformed"),
    "infinity": (
        lambda c, w: w.path(LEDGER).write_text(w.path(LEDGER).read_text().replace("0.5", "1e999")),
        "is malformed",
    ),
    "row": (lambda c, w: write_json(w.path(LEDGER), {"1_prediction": 3}), "its row in steps.json is malformed"),
    "ledger": (lambda c, w: w.path(LEDGER).write_text("{"), "steps.json is damaged;"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_plan_says_why_a_step_runs_again_and_what_is_replaced(config, workspace, name):
    change, reason = CHANGES[name]
    finish(config, workspace)
    write_text(workspace.path("report.md"), "earlier")
    change(config, workspace)
    plan = plan_of(config, workspace)
    assert "1_prediction    run " in plan
    assert f"again, because {reason}" in plan or reason in plan.partition("again, because ")[2]
    assert "; the earlier samples.txt is replaced" in plan
    assert "The earlier report.md is replaced." in plan


def test_what_lies_in_the_way_is_named_without_a_ledger(config, workspace):
    finish(config, workspace)
    workspace.path(LEDGER).unlink()
    plan = plan_of(config, workspace)
    assert "  the earlier samples.txt is replaced" in plan
    assert "again" not in plan


@pytest.mark.parametrize("report", [{"samples": [{"text": 3}]}, {"samples": [{**REPORT["samples"][0], "tokens": "a"}]}])
def test_a_report_of_another_form_means_that_the_step_runs_again(config, workspace, report):
    finish(config, workspace, report)
    assert "again, because its report has another form" in plan_of(config, workspace)


def test_later_steps_say_that_an_earlier_one_runs_again(workspace, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("The model reads a token. " * 40)
    config = Config(operation_mode="chain_tqe")
    config = changed(config, "dataset.name", "text")
    config = changed(config, "dataset.training_path", str(text))
    for name in ("models/float.keras", "models/tokenizer.json", "models/decode_static_wi8_ai8.tflite"):
        write_text(workspace.path(name), name)
    plan = make_plan(config, workspace)
    for step in plan.steps:
        sources = sources_of(config, step, workspace, plan.corpus_sha256, workspace.ledger())
        outputs = workspace.digests(step.service.outputs)
        row = FinishedStep(sources.key(), outputs, {}, sources.ingredients(workspace.root))
        workspace.finish(step.name, row, workspace.ledger())
    assert plan_of(config, workspace).count(" reuse ") == 3
    config = changed(config, "evaluation.max_tokens", 7)
    assert [bool(step.reused) for step in make_plan(config, workspace).steps] == [True, True, False]
    text.write_text("The model writes a token. " * 40)
    first, second, third = make_plan(config, workspace).steps
    assert first.reasons == ["the content of dataset.training_path changed", "the text of the corpus changed"]
    assert first.replaced == ["models/float.keras", "models/tokenizer.json"]
    assert first.set_aside == ["models/decode_static_wi8_ai8.tflite"]
    assert second.reasons[0] == third.reasons[0] == "1_training runs again"
    assert "evaluation.max_tokens changed (20000 -> 7)" in third.reasons
    assert second.replaced == ["models/tokenizer.json"]
    lines = plan_of(config, workspace)
    assert "; the earlier models/decode_static_wi8_ai8.tflite is moved to earlier/" in lines


def test_what_is_not_read_of_a_folder_of_texts_does_not_matter(workspace, tmp_path):
    folder = tmp_path / "texts"
    write_text(folder / "a.txt", "The model reads a token. " * 40)
    config = Config(operation_mode="statistics")
    config = changed(config, "dataset.name", "text")
    config = changed(config, "dataset.training_path", str(folder))
    (step,) = (plan := make_plan(config, workspace)).steps
    before = sources_of(config, step, workspace, plan.corpus_sha256, workspace.ledger()).key()
    write_text(folder / "notes.md", "other")
    os.mkfifo(folder / "b.txt")
    assert sources_of(config, step, workspace, plan.corpus_sha256, workspace.ledger()).key() == before
    write_text(folder / "c.txt", "other")
    assert sources_of(config, step, workspace, plan.corpus_sha256, workspace.ledger()).key() != before


# what steps.json holds, what the plan says of it
DAMAGED = {
    "empty": (b"", "steps.json is damaged (Expecting value: line 1 column 1 (char 0))"),
    "cut off": (b"{", "steps.json is damaged (Expecting property name"),
    "list": (b"[]", "steps.json is damaged (list)"),
    "null": (b"null", "steps.json is damaged (NoneType)"),
    "zeros": (b"\0" * 100, "steps.json is damaged (Expecting value"),
    "no UTF-8": (b'{"a": "\xff"}', "steps.json is damaged ('utf-8' codec can't decode"),
    "deep": (b'{"a": ' * 100_000, "steps.json is damaged (maximum recursion depth"),
    "many": (b'{"a": [' + b"[]," * 300_000, "steps.json is damaged (300,002 brackets, of at most"),
    "long number": (b'{"a": ' + b"9" * 10_000 + b"}", "steps.json is damaged (Exceeds the limit"),
    "huge": (b" " * (17 << 20), "steps.json is damaged (17,825,792)"),
    "twice": (b'{"a": 1, "a": 2}', "steps.json is damaged (a key is given twice)"),
    "row": (b'{"1_prediction": 3}', "again, because its row in steps.json is malformed"),
    "null row": (b'{"1_prediction": null}', "again, because its row in steps.json is malformed"),
    "other row": (b'{"2_nothing": 3}', "steps.json is damaged: it is not believed about 2_nothing."),
    "no step": (b'{"' + b"9" * 5000 + b'_a": {}}', f"it is not believed about {'9' * 32}."),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_the_plan_says_that_the_ledger_is_damaged_and_a_finished_step_mends_it(config, workspace, name):
    content, told = DAMAGED[name]
    workspace.path(LEDGER).write_bytes(content)
    plan = plan_of(config, workspace)
    assert told in plan
    assert "1_prediction    run " in plan
    row = finish(config, workspace)
    assert read_ledger(workspace.root) == Ledger({"1_prediction": row})


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"values": 3, "contents": {}, "corpus_sha256": ""}'])
def test_the_plan_says_that_the_record_of_a_training_is_damaged(config, workspace, content):
    config = changed(config, "general.resume", str(workspace.root))
    assert "made_from.json" not in plan_of(config, workspace)
    workspace.path("made_from.json").write_text(content)
    assert "made_from.json is damaged: whether these are the settings" in plan_of(config, workspace)


@pytest.mark.parametrize(("make", "kind"), [(os.mkdir, "a folder"), (os.mkfifo, "a pipe")])
def test_a_ledger_that_no_run_can_replace_is_refused_before_anything_runs(config, workspace, make, kind):
    make(workspace.path(LEDGER))
    with pytest.raises(UserError, match=f"steps.json' is {kind}; expected a file"):
        make_plan(config, workspace)


def test_rows_that_are_not_believed_are_left_out_of_the_next_ledger(config, workspace):
    write_json(workspace.path(LEDGER), {"1_training": {"unknown": 1}})
    row = finish(config, workspace)
    assert list(json.loads(workspace.path(LEDGER).read_text())) == ["1_prediction"]
    assert read_ledger(workspace.root).rows == {"1_prediction": row}


def test_what_later_steps_wrote_is_told_apart(workspace):
    workspace.finish("1_training", FinishedStep("key", {"tokenizer": "digest"}), workspace.ledger())
    workspace.finish(
        "2_quantization", FinishedStep("key", {"tokenizer": "digest", "quantized": "digest"}), workspace.ledger()
    )
    for edit in (lambda row: None, lambda row: row.update(key="edited")):
        row_on_disk(workspace, edit, "2_quantization")
        ledger = workspace.ledger()
        assert ledger.outputs_not_before("1_training") == {"tokenizer", "quantized"}
        assert ledger.outputs_not_before("2_quantization") == {"quantized"}
        assert ledger.outputs_not_before("3_evaluation") == set()


# names of outputs that no row may have believed, with the digest that each is given
STRANGE_OUTPUTS = ["../other", "/etc/passwd", "a\0b", "\ud800", "a" * 5000, ".", ""]


@pytest.mark.parametrize("name", STRANGE_OUTPUTS)
def test_an_output_elsewhere_is_not_believed(workspace, tmp_path, name):
    (tmp_path / "other").write_text("")
    row = FinishedStep("key", {name: file_digest(tmp_path / "other")})
    assert workspace.missing(row).endswith("is missing or was changed")


def test_the_ledger_holds_no_secret_and_no_folder_of_this_machine(tmp_path, workspace):
    config = Config(operation_mode="compare")
    config = changed(config, "mlflow.uri", "postgresql://me:hunter2@host/store?sslkey=private")
    config = changed(config, "compare.runs", str(tmp_path))
    (step,) = make_plan(config, workspace).steps
    before = sources_of(config, step, workspace, "", workspace.ledger()).ingredients(workspace.root)
    config = changed(config, "mlflow.uri", config.mlflow.uri.replace("hunter2", "hunter3"))
    after = sources_of(config, step, workspace, "", workspace.ledger()).ingredients(workspace.root)
    assert before == after  # not even a hash of the password
    write_json(workspace.path(LEDGER), before)
    assert "hunter2" not in workspace.path(LEDGER).read_text()
    config = Config(operation_mode="prediction")
    config = changed(config, "model.float_model_path", str(tmp_path / "float.keras"))
    config = changed(config, "dataset.cache_dir", str(tmp_path / "cache"))
    config = changed(config, "dataset.sources", [{"name": "text", "training_path": str(tmp_path / "a.txt")}])
    (step,) = make_plan(config, workspace).steps
    text = json.dumps(sources_of(config, step, workspace, "", workspace.ledger()).ingredients(workspace.root))
    assert '".../float.keras"' in json.loads(text)["settings"]["model.float_model_path"][1]
    assert str(tmp_path) not in text


def test_changes_are_told_group_by_group():
    before = {"settings": {"a": ["1", "1"], "b": ["1", "1"]}, "files": {"x": ["1", ""], "gone": ["1", ""]}}
    now = {"settings": {"a": ["1", "1"], "b": ["2", ""], "c": ["1", ""]}, "files": {"x": ["2", ""]}}
    expected = ["b changed", "c is new", "x changed", "gone is gone"]
    assert list(changes(before, now)) == expected


# the store of the configuration, what the resumed folder keeps, whether the plan names it
STORES = [
    ("sqlite:////data/x.db", ["mlflow.uri=sqlite:////data/x.db"], None, True),
    ("sqlite:////data/x.db", ["+mlflow.uri='sqlite:////data/x.db'"], None, True),
    ("sqlite:////data/x.db", [], {"mlflow": {"uri": "sqlite:////data/x.db"}}, True),
    ("sqlite:////data/x.db", ["mlflow.uri=sqlite:////data/y.db"], None, False),
    ("sqlite:///mlruns/mlflow.db", ["mlflow.uri=sqlite:///mlruns/mlflow.db"], None, False),
    (None, [], None, False),
    ("sqlite:////data/x.db", ["mlflow.uri=[a", 3, "mlflow.uri=a,b", "~mlflow.uri"], {"mlflow": 3}, False),
    ("sqlite:////data/x.db", "mlflow.uri=sqlite:////data/x.db", [], False),
]


@pytest.mark.parametrize(("uri", "overrides", "values", "is_named"), STORES)
def test_a_store_that_the_resumed_folder_chose_is_named(config, workspace, uri, overrides, values, is_named):
    config = changed(config, "mlflow.uri", uri)
    config = changed(config, "general.resume", str(workspace.root))
    write_text(workspace.path(".hydra/overrides.yaml"), yaml.safe_dump(overrides))
    if values is not None:
        write_text(workspace.path(".hydra/values.yaml"), yaml.safe_dump(values))
    assert (f"Tracked in mlflow.uri={uri}, which the resumed folder names" in plan_of(config, workspace)) == is_named
    config = changed(config, "general.resume", None)
    assert "Tracked" not in plan_of(config, workspace)


def test_long_and_many_reasons_stay_one_short_line():
    assert told(["a", "b"]) == "a, b"
    assert told(["a" * 5000, *"bcdef"]) == f"{'a' * 160}..., b, c, d and 2 more"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(["1_prediction", "2_prediction", "0_a", "99_z", "_", "1_", "\u0661_a", "1" * 5000]) | st.text()
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "key": st.text(max_size=4) | JSON,
        "outputs": st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3) | JSON,
        "report": st.dictionaries(st.sampled_from(["samples", "model", "skipped"]), JSON, max_size=3) | JSON,
        "made_from": st.dictionaries(st.sampled_from(["settings", "files"]), JSON, max_size=2) | JSON,
        "digest": JSON,
    },
)


def with_digest(name, row, forged):
    """The row with the digest that this version would write, where it has the form for one."""
    if forged and {"key", "outputs", "report"} <= row.keys():
        made_from = [row["made_from"]] if row.get("made_from") else []
        row = {**row, "digest": value_digest([name, row["key"], row["outputs"], row["report"], *made_from])}
    return row


LEDGERS = st.one_of(
    st.binary(max_size=200),
    JSON.map(lambda values: json.dumps(values).encode()),
    st.dictionaries(NAMES, st.tuples(ROWS, st.booleans()), max_size=3).map(
        lambda rows: json.dumps({name: with_digest(name, *row) for name, row in rows.items()}).encode()
    ),
)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(content=LEDGERS)
def test_whatever_the_ledger_holds_there_is_a_plan_and_the_next_ledger_is_whole(tmp_path_factory, content):
    folder = tmp_path_factory.getbasetemp() / "any_ledger"
    workspace = Workspace(folder)
    workspace.path(LEDGER).write_bytes(content)
    config = Config(operation_mode="prediction")
    plan_of(config, workspace)
    row = finish(config, workspace)
    assert read_ledger(folder).rows["1_prediction"] == row
    assert not read_ledger(folder).damaged
