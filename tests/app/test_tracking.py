"""MLflow runs: nested, ended with the right status, kept and sent later where the store fails."""

import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

import pytest
from tracking_stores import door_to

from textzoo.common.errors import UserError
from textzoo.records.tracking import Tracker, flatten, is_alive, open_store, outbox, sender, this_process
from textzoo.records.tracking.addresses import StoreBusyError
from textzoo.records.tracking.delivery import Delivery
from textzoo.records.tracking.names import safe_name, safe_text

STORES = ("sqlite", "server")


@pytest.fixture
def uri(request, store):
    """The address of a store of the kind that a test names."""
    return store if request.param == "sqlite" else request.getfixturevalue(request.param)


@pytest.fixture
def lines():
    """What the user is told."""
    return []


@pytest.fixture
def tracker_of(tmp_path, lines):
    """A function that makes a tracker in a run's folder."""

    def make(uri, project, folder="run", **options):
        path = tmp_path / folder
        path.mkdir(exist_ok=True)
        return Tracker(uri, project, path, warn=lines.append, **options)

    return make


def runs_of(uri, project):
    opened = open_store(uri, project)
    return {run.info.run_name: run for run in opened.client.search_runs([opened.experiment_id])}


def history(uri, project, run, key):
    points = open_store(uri, project).client.get_metric_history(runs_of(uri, project)[run].info.run_id, key)
    return [(point.step, point.value) for point in points]


def artifacts(uri, project, run, folder=None):
    client = open_store(uri, project).client
    return [file.path for file in client.list_artifacts(runs_of(uri, project)[run].info.run_id, folder)]


@pytest.mark.slow
@pytest.mark.parametrize("uri", STORES, indirect=True)
def test_parent_and_child_with_params_metrics_and_artifacts(uri, tracker_of, tmp_path, lines):
    with tracker_of(uri, "nested") as tracker, tracker.run("parent", tags={"mode": "chain_tqe"}) as parent:
        (tmp_path / "run/model.bin").write_bytes(b"weights")
        parent.params(flatten({"model": {"n_layers": 3}, "operation_mode": "chain_tqe"}))
        with tracker.run("child", parent) as child:
            child.metrics(10, {"validation_loss": 2.5})
            child.metrics(20, {"validation_loss": 2.0})
            child.artifact(tmp_path / "run/model.bin", "models")
    runs = runs_of(uri, "nested")
    assert {name: run.info.status for name, run in runs.items()} == {"parent": "FINISHED", "child": "FINISHED"}
    assert runs["child"].data.tags["mlflow.parentRunId"] == runs["parent"].info.run_id == parent.run_id
    assert runs["parent"].data.params["model.n_layers"] == "3"
    assert history(uri, "nested", "child", "validation_loss") == [(10, 2.5), (20, 2.0)]
    assert artifacts(uri, "nested", "child", "models") == ["models/model.bin"]
    assert not (tmp_path / "run/tracking").exists()
    assert not list(outbox.unsent(uri))
    assert lines == []


@pytest.mark.parametrize(
    ("exception", "status"), [(ValueError, "FAILED"), (UserError, "FAILED"), (KeyboardInterrupt, "KILLED")]
)
def test_a_run_that_dies_is_closed_with_its_status(store, tracker_of, exception, status):
    project = f"dies_{status}_{exception.__name__}"
    with (
        pytest.raises(exception),
        tracker_of(store, project) as tracker,
        tracker.run("parent") as parent,
        tracker.run("child", parent),
    ):
        raise exception("on purpose")
    assert {run.info.status for run in runs_of(store, project).values()} == {status}


# What a process does before SIGKILL, and what its run in the store says after the next start.
KILLED_AT = {
    "nothing sent yet": ("text_first=True", "", {"loss": [(1, 2.0)]}),
    "all sent": ("", "time.sleep(3)\n    ", {"loss": [(1, 2.0)]}),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", KILLED_AT)
def test_what_a_killed_process_logged_is_sent_at_the_next_start(store, tracker_of, tmp_path, case):
    options, wait, expected = KILLED_AT[case]
    project = f"killed {case}"
    code = (
        "import os, time\nfrom pathlib import Path\nfrom textzoo.records.tracking import Tracker\n"
        f"tracker = Tracker({store!r}, {project!r}, Path({str(tmp_path / 'victim')!r}), {options})\n"
        f"with tracker.run('victim') as run:\n    run.metrics(1, {{'loss': 2.0}})\n    {wait}os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    journal = next((tmp_path / "victim/tracking").glob("*.jsonl"))
    with journal.open("ab") as file:
        file.write(b'{"kind": "metrics", "run": 0, "val')  # a torn line
    with tracker_of(store, project):
        pass
    assert runs_of(store, project)["victim"].info.status == "KILLED"
    assert {key: history(store, project, "victim", key) for key in expected} == expected
    assert not list(outbox.unsent(store))
    assert not journal.exists()


def test_a_run_whose_process_lives_is_left_alone(store, tracker_of):
    with tracker_of(store, "alive") as first, first.run("long") as run:
        wait_until(lambda: run.run_id)
        with tracker_of(store, "alive", "other") as second, second.run("short"):
            pass
        assert runs_of(store, "alive")["long"].info.status == "RUNNING"
    assert runs_of(store, "alive")["long"].info.status == "FINISHED"


@pytest.mark.parametrize("tag", ["", "nonsense", "host 1"])
def test_an_unreadable_process_tag_counts_as_gone(tag):
    assert not is_alive(tag)
    assert is_alive(this_process())


def wait_until(question, seconds=60):
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


# How a server fails, as `Door` does it.
SERVER_FAILURES = ("cut", "error 500", "html")


@pytest.mark.slow
@pytest.mark.parametrize("failure", SERVER_FAILURES)
@pytest.mark.parametrize("back", [True, False], ids=["comes back", "stays away"])
def test_a_server_that_fails_after_the_start_costs_one_warning(
    server, tracker_of, tmp_path, lines, monkeypatch, failure, back
):
    """It comes back during the run: all is there at the end. It stays away: the next start sends it."""
    monkeypatch.setattr(sender, "PATIENCE", 60.0 if back else 1.0)
    project = f"fails {failure} {back}"
    with door_to(server) as (door, uri):
        with tracker_of(uri, project) as tracker, tracker.run("parent") as parent:
            parent.metrics(0, {"loss": 4.0})
            wait_until(lambda: parent.run_id)
            door.state = failure
            (tmp_path / "run/file.txt").write_text("text")
            parent.params({"a": 1})
            parent.tags({"b": 2})
            parent.metrics(1, {"loss": 3.0})
            with tracker.run("child", parent) as child:
                child.artifact(tmp_path / "run/file.txt")
                child.metrics(2, {"loss": 2.0})
            wait_until(lambda: lines)
            door.state = "open" if back else failure
        assert [line.count("\n") for line in lines] == [0] * len(lines)
        assert len(lines) == (1 if back else 2), lines
        assert (tmp_path / "run/tracking").exists() is not back
        door.state = "open"
        with tracker_of(uri, project, "next"):
            pass
    runs = runs_of(server, project)
    assert {name: run.info.status for name, run in runs.items()} == {"parent": "FINISHED", "child": "FINISHED"}
    assert history(server, project, "parent", "loss") == [(0, 4.0), (1, 3.0)]
    assert history(server, project, "child", "loss") == [(2, 2.0)]
    assert runs["parent"].data.params == {"a": "1"}
    assert runs["parent"].data.tags["b"] == "2"
    assert artifacts(server, project, "child") == ["file.txt"]
    assert not (tmp_path / "run/tracking").exists()
    assert len(open_store(server, project).client.search_runs([open_store(server, project).experiment_id])) == 2


@pytest.mark.slow
def test_ctrl_c_while_a_server_is_away_is_answered_at_once(server, tracker_of, lines, monkeypatch):
    """Neither the run nor its end waits for the store: what is left is kept."""
    monkeypatch.setattr(sender, "PATIENCE", 100_000.0)

    def interrupted(door, uri):
        with tracker_of(uri, "interrupted") as tracker, tracker.run("parent") as run:
            wait_until(lambda: run.run_id)
            door.state = "cut"
            run.metrics(1, {"loss": 3.0})
            wait_until(lambda: lines)
            raise KeyboardInterrupt

    with door_to(server) as (door, uri):
        with pytest.raises(KeyboardInterrupt):
            interrupted(door, uri)
        assert len(list(outbox.unsent(uri))) == 1


def locked(path):
    database = sqlite3.connect(path, timeout=30, check_same_thread=False)
    database.execute("BEGIN EXCLUSIVE")
    return database.close


def moved(path):
    path.rename(path.with_suffix(".away"))

    def bring_back():
        path.unlink(missing_ok=True)
        path.with_suffix(".away").rename(path)

    return bring_back


def without_tables(path):
    """Somebody put another, empty database in its place."""
    other = path.with_suffix(".other")
    with contextlib.closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE other (number)")
    shutil.copy(path, path.with_suffix(".away"))
    other.replace(path)
    return lambda: path.with_suffix(".away").replace(path)


DATABASE_FAILURES = {"locked": locked, "gone": moved, "another one": without_tables}


@pytest.mark.slow
@pytest.mark.parametrize("case", DATABASE_FAILURES)
def test_a_database_that_fails_after_the_start_costs_one_warning(store, tracker_of, tmp_path, lines, case):
    path = tmp_path / "own.db"
    shutil.copy(store.removeprefix("sqlite:///"), path)
    uri = f"sqlite:///{path}?timeout=1"
    with tracker_of(uri, "own") as tracker, tracker.run("parent") as parent:
        wait_until(lambda: parent.run_id)
        bring_back = DATABASE_FAILURES[case](path)
        timer = threading.Timer(3.0, bring_back)
        timer.start()
        parent.metrics(1, {"loss": 3.0})
        with tracker.run("child", parent) as child:
            child.metrics(2, {"loss": 2.0})
    timer.join()
    assert history(uri, "own", "parent", "loss") == [(1, 3.0)]
    assert history(uri, "own", "child", "loss") == [(2, 2.0)]
    assert {run.info.status for run in runs_of(uri, "own").values()} == {"FINISHED"}
    assert len(lines) <= 1, lines


@pytest.mark.slow
def test_a_store_that_is_locked_at_the_start_is_waited_for(store, tracker_of, tmp_path, lines):
    path = tmp_path / "own.db"
    shutil.copy(store.removeprefix("sqlite:///"), path)
    timer = threading.Timer(10.0, locked(path))
    timer.start()
    with tracker_of(f"sqlite:///{path}", "own") as tracker, tracker.run("parent") as parent:
        parent.metrics(1, {"loss": 3.0})
    timer.join()
    assert history(f"sqlite:///{path}", "own", "parent", "loss") == [(1, 3.0)]
    assert len(lines) == 1
    assert "locked" in lines[0]


def test_what_is_logged_before_the_store_is_opened_is_sent_at_the_end(store, tracker_of, lines):
    with tracker_of(store, "text first", text_first=True) as tracker, tracker.run("parent") as parent:
        parent.metrics(1, {"loss": 3.0})
    assert history(store, "text first", "parent", "loss") == [(1, 3.0)]
    assert lines == []


class SenderWithoutStore:
    def __init__(self, error):
        self.error, self.told = error, []

    def open(self):
        raise self.error

    def failed(self, error):
        self.told.append(error)


MISTAKE, BUSY = UserError("no such folder"), StoreBusyError("locked")
# How the store is opened, the error, what the user is told, whether it ends the run.
OPENINGS = [
    (sender.open_early, BUSY, [BUSY], False),
    (sender.open_early, MISTAKE, [], True),
    (sender.open_late, BUSY, [BUSY], False),
    (sender.open_late, MISTAKE, [MISTAKE], False),
]


@pytest.mark.parametrize(("open_sender", "error", "told", "raised"), OPENINGS)
def test_a_store_that_cannot_be_opened_is_told_at_once(open_sender, error, told, raised):
    found = SenderWithoutStore(error)
    with pytest.raises(UserError) if raised else contextlib.nullcontext():
        open_sender(found)
    assert found.told == told


def test_artifacts_that_cannot_be_stored_hold_nothing_up(store, tracker_of, tmp_path, lines):
    """A file stands where the artifacts go, as a full disk or a missing permission would; then it is mended."""
    path = tmp_path / "own.db"
    shutil.copy(store.removeprefix("sqlite:///"), path)
    uri = f"sqlite:///{path}"
    (tmp_path / "own_artifacts").write_text("in the way")
    with tracker_of(uri, "own") as tracker, tracker.run("parent") as parent:
        (tmp_path / "run/file.txt").write_text("text")
        parent.artifact(tmp_path / "run/file.txt")
        parent.model(tmp_path / "run/file.txt", "a model", "tflite")
        parent.metrics(1, {"loss": 3.0})
    run = runs_of(uri, "own")["parent"]
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"loss": 3.0}
    assert len(lines) == 1
    assert "2 entries are not in the tracking store yet" in lines[0]
    (tmp_path / "own_artifacts").unlink()
    with tracker_of(uri, "own", "next"):
        pass
    assert artifacts(uri, "own", "parent") == ["file.txt"]
    assert not list(outbox.unsent(uri))


def test_a_journal_that_cannot_be_written_is_told_and_nothing_more(store, tracker_of, lines, monkeypatch):
    """A full disk: what fits is sent, what does not is counted."""
    with tracker_of(store, "full") as tracker, tracker.run("parent") as parent:
        parent.metrics(1, {"loss": 3.0})
        monkeypatch.setattr(tracker.journal, "file", FullDisk(tracker.journal.file))
        parent.metrics(2, {"loss": 2.0})
        parent.metrics(3, {"loss": 1.0})
        monkeypatch.undo()
        parent.metrics(4, {"loss": 0.5})
    assert history(store, "full", "parent", "loss") == [(1, 3.0), (4, 0.5)]
    assert runs_of(store, "full")["parent"].info.status == "FINISHED"
    assert lines == ["Warning: 2 entries for the tracking store could not be written."]


class FullDisk:
    """Takes the first bytes of a line, then nothing: /dev/full cannot do the first part."""

    def __init__(self, file):
        self.file = file
        self.first = True

    def tell(self):
        return self.file.tell()

    def write(self, line):
        if self.first:
            self.first = False
            return self.file.write(line[:10])
        raise OSError(28, "No space left on device")


def test_a_journal_is_bounded(store, tracker_of, lines, monkeypatch):
    monkeypatch.setattr("textzoo.records.tracking.journal.MAX_BYTES", 2000)
    with tracker_of(store, "bounded") as tracker, tracker.run("parent") as parent:
        for step in range(100):
            parent.metrics(step, {"loss": 1.0})
        assert tracker.journal.path.stat().st_size <= 2000
    assert runs_of(store, "bounded")["parent"].info.status == "FINISHED"
    assert 5 < len(history(store, "bounded", "parent", "loss")) < 30
    assert "could not be written" in lines[0]


def test_system_metrics_arrive(store, tracker_of, monkeypatch):
    monkeypatch.setattr("textzoo.records.tracking.system_metrics.INTERVAL", 0.2)
    with tracker_of(store, "system") as tracker, tracker.run("parent", system=True) as parent:
        wait_until(lambda: parent.run_id)
        time.sleep(1.0)
    metrics = runs_of(store, "system")["parent"].data.metrics
    assert {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"} <= set(metrics)


# Names that users give to files and models, and what else must never be refused.
NAMES = (
    "decode (1).tflite", "a+b", "a,b", "a%b", "a~b", "a[b]", "a{b}", "a=b", "a#b?c", "a:b", "a:28:b", "a(b", "a'b\"c",
    "caf\udce9.txt", "café", "новый", "a\tb", "a\nb", "a\0b", "a\\b", "/a", "a//b", "a/", "..", "../a", ".", "",
    "a/../b", "b", "x" * 300, "x" * 301, "y" * 249 + "(", "é" * 240, "$(x)", "[/v2]", "😀", " a", "a b",
)  # fmt: skip


def test_names_are_mapped_to_names_that_differ():
    assert len({safe_name(name) for name in NAMES}) == len(NAMES)
    for name in ("loss_nats/float", "a.b-c d_1", "plots/x.png", "system/cpu"):
        assert safe_name(name) == name


@pytest.mark.slow
@pytest.mark.parametrize("uri", STORES, indirect=True)
def test_any_name_is_taken_by_every_kind_of_record(uri, tracker_of, tmp_path, lines):
    with tracker_of(uri, "names") as tracker, tracker.run("caf\udce9 (1)\0", tags={"t(1)": "caf\udce9\0"}) as parent:
        folder = tmp_path / "run/models"
        folder.mkdir()
        for number, name in enumerate(NAMES):
            parent.metrics(0, {f"{name}.loss": float(number)})
            parent.params({f"{name}.param": name})
            parent.tags({f"{name}.tag": name})
            part = name.replace("/", "_").replace("\0", "_")[:100]
            (folder / f"{number}{part}").write_text("x")
        parent.artifact(folder)
        parent.artifact(folder, "caf\udce9 (1)#%")
    [run] = runs_of(uri, "names").values()
    assert run.info.status == "FINISHED"
    assert lines == []
    assert sorted(run.data.metrics.values()) == list(range(len(NAMES)))
    assert len(run.data.params) == len(NAMES)
    assert run.data.tags["t:28:1:29:"] == r"caf\xe9\x00"
    assert len(artifacts(uri, "names", run.info.run_name, "models")) == len(NAMES)
    assert len(artifacts(uri, "names", run.info.run_name, safe_name("caf\udce9 (1)#%"))) == len(NAMES)


def test_what_is_logged_at_the_very_end_is_sent(store, tracker_of, monkeypatch, lines):
    """The thread has just found nothing to send when the last events are written and the run ends."""
    waits, waiting = threading.Event(), threading.Event()
    save = Delivery.save

    def slow_save(delivery):
        save(delivery)
        if waits.is_set():
            waiting.set()
            tracker.sender.closing.wait(60)

    monkeypatch.setattr(Delivery, "save", slow_save)
    with tracker_of(store, "very end") as tracker, tracker.run("parent") as parent:
        tracker.wait_for_id(parent)
        waits.set()
        assert waiting.wait(60)
        parent.metrics(1, {"loss": 2.0})
    assert history(store, "very end", "parent", "loss") == [(1, 2.0)]
    assert lines == []


def test_texts_show_what_no_store_takes():
    assert safe_text("caf\udce9\0 \ud83d ok", 100) == r"caf\xe9\x00 \xd83d ok".replace(r"\xd83d", r"\xd83d")
    assert safe_text("x" * 7000, 6000) == "x" * 6000


def test_a_journal_sends_nothing_from_outside_its_run(store, tracker_of, tmp_path):
    """A run's folder is data: a line that names another file uploads nothing."""
    (tmp_path / "private.txt").write_text("private")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/link.txt").symlink_to(tmp_path / "private.txt")
    with tracker_of(store, "outside") as tracker, tracker.run("parent") as parent:
        for path in ("../private.txt", str(tmp_path / "private.txt"), "link.txt"):
            tracker.journal.append({"kind": "artifact", "run": 0, "time": 0, "path": path, "folder": ""})
        parent.metrics(1, {"loss": 1.0})
    assert artifacts(store, "outside", "parent") == []


@pytest.mark.parametrize("line", ["", "[]", "5", "{}", '{"kind": 5}', '{"kind": "metrics"}', '{"kind": "?", "run": 0}'])
def test_a_damaged_journal_is_sent_as_far_as_it_goes(store, tracker_of, tmp_path, line):
    project = f"damaged {line!r}"
    tracker = tracker_of(store, project, "old", text_first=True)
    with tracker.run("parent") as parent:
        tracker.journal.file.write(f"{line}\n".encode())
        parent.metrics(1, {"loss": 1.0})
    tracker.journal.close()
    tracker.own.file.close()
    tracker.journal.path.with_suffix(".position").write_text(json.dumps({"offset": "far", "ids": 5}))
    with tracker_of(store, project):
        pass
    assert history(store, project, "parent", "loss") == [(1, 1.0)]
    assert runs_of(store, project)["parent"].info.status == "FINISHED"


def test_an_earlier_event_that_is_refused_does_not_hold_up_the_rest(store, tracker_of):
    """A param that gets another value, as only a damaged journal has it; the store answers, so it is set aside."""
    tracker = tracker_of(store, "refused", "old", text_first=True)
    with tracker.run("parent") as parent:
        parent.params({"a": 1})
        parent.params({"a": 2})
        parent.params({"a": 3})
        parent.metrics(1, {"loss": 1.0})
    tracker.journal.close()
    tracker.own.file.close()
    for start in range(6):
        assert bool(list(outbox.unsent(store))) == (start < 5)
        with tracker_of(store, "refused", f"next {start}"):
            pass
    assert runs_of(store, "refused")["parent"].data.params == {"a": "1"}
    assert history(store, "refused", "parent", "loss") == [(1, 1.0)]
    assert not tracker.journal.path.exists()
