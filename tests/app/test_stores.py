"""Tracking stores: opened by several runs at once, killed while they are made, deleted experiments, secrets."""

import contextlib
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tracking_stores import make_database

from textzoo.common.errors import UserError
from textzoo.common.secrets import masked, masked_for
from textzoo.records.tracking import Tracker, open_store
from textzoo.records.tracking.addresses import check_address
from textzoo.records.tracking.stores import artifact_folder, file_lock, make_sqlite
from warm_process import WarmProcess

USE_STORE = Path(__file__).with_name("use_store.py")


def start(folder, *arguments):
    """USE_STORE in a folder, with MLflow imported already; all that it prints should be nothing."""
    output = folder / f"printed {arguments[-1]}".replace("/", "_")[-100:]
    output.mkdir()
    return WarmProcess(USE_STORE, [*map(str, arguments)], folder, os.environ, output)


def finished_runs(uri, project):
    store = open_store(uri, project)
    return sorted(
        run.info.run_name for run in store.client.search_runs([store.experiment_id], "attributes.status = 'FINISHED'")
    )


@pytest.fixture
def fresh(request):
    """The address of a store of the kind that a test names, which nobody has used yet."""
    kind = request.param
    if kind == "postgresql":
        return make_database(request.getfixturevalue("database_server"), f"fresh {request.node.name}"[:60])
    if kind == "server":
        return request.getfixturevalue("server")
    return "sqlite:///new folder/a (1) b.db?timeout=60"


@pytest.mark.slow
@pytest.mark.parametrize("fresh", ["sqlite", "postgresql", "server"], indirect=True)
def test_three_runs_at_once_on_a_fresh_store(fresh, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    processes = [start(tmp_path, "log", fresh, "at once", folder) for folder in folders]
    done = [process.wait(timeout=300) for process in processes]
    assert [(process.returncode, process.stdout, process.stderr) for process in done] == [(0, "", "")] * 3
    assert finished_runs(fresh, "at once") == ["a", "b", "c"]


@pytest.mark.slow
def test_a_store_survives_kills_while_it_is_made(tmp_path):
    """At random moments of making it, some of them before its first table and some behind its last."""
    chooser = random.Random(12)
    uri = f"sqlite:///{tmp_path}/fresh.db"
    for number in range(5):
        folder = tmp_path / f"killed{number}"
        folder.mkdir()
        process = start(tmp_path, "log", uri, "kills", folder).process
        wait_until((tmp_path / ".fresh.db.new").exists, process)
        time.sleep(chooser.uniform(0.0, 4.0))
        process.kill()
        process.join()
        if (tmp_path / "fresh.db").exists() and number < 4:
            (tmp_path / "fresh.db").unlink()  # made whole before the kill: once more from nothing
    (tmp_path / "last").mkdir()
    last = start(tmp_path, "log", uri, "kills", tmp_path / "last").wait(timeout=300)
    assert last.returncode == 0, last.stderr
    assert "last" in finished_runs(uri, "kills")


def wait_until(happens, process):
    """Wait for something that a process does, for a minute at most."""
    deadline = time.monotonic() + 60
    while not happens() and process.is_alive() and time.monotonic() < deadline:
        time.sleep(0.01)


def migrate_directly(path, seconds):
    """Make a database in place, as earlier programs did, and kill that after a while."""
    process = start(path.parent, "migrate", f"sqlite:///{path}").process
    wait_until(path.exists, process)
    time.sleep(seconds)
    process.kill()
    process.join()


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.1, 0.5, 1.0, 2.0])
def test_what_a_kill_left_of_a_store_made_in_place_is_replaced(tmp_path, seconds):
    path = tmp_path / "half.db"
    migrate_directly(path, seconds)
    store = open_store(f"sqlite:///{path}", "project")
    run = store.client.create_run(store.experiment_id)
    assert store.client.get_run(run.info.run_id).info.status == "RUNNING"


@pytest.mark.slow
def test_a_half_made_store_is_recognised_at_every_version(store, tmp_path):
    """A database without runs whose version is not that of this MLflow is made anew, the old file is kept."""
    path = tmp_path / "old.db"
    shutil.copy(store.removeprefix("sqlite:///"), path)
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        for table in ("runs", "metrics", "params", "tags"):
            database.execute(f"DELETE FROM {table}")
        database.execute("UPDATE alembic_version SET version_num = 'bd07f7e963c5'")
    open_store(f"sqlite:///{path}", "project")
    assert (tmp_path / "old.db.half-made").exists()


@pytest.mark.slow
def test_a_store_of_another_version_with_runs_is_left_alone(store, tmp_path):
    path = tmp_path / "old.db"
    shutil.copy(store.removeprefix("sqlite:///"), path)
    opened = open_store(f"sqlite:///{path}", "project")
    opened.client.create_run(opened.experiment_id)
    other = tmp_path / "other.db"
    shutil.copy(path, other)
    with contextlib.closing(sqlite3.connect(other)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'bd07f7e963c5'")
    content = other.read_bytes()
    with pytest.raises(UserError, match="mlflow db upgrade"):
        open_store(f"sqlite:///{other}", "project")
    assert other.read_bytes() == content


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["default", "sqlite", "server", "postgresql"])
def test_a_deleted_experiment_is_restored_and_said_so(kind, request, store, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    uri = {
        "default": lambda: None,
        "sqlite": lambda: store,
        "server": lambda: request.getfixturevalue("server"),
        "postgresql": lambda: make_database(request.getfixturevalue("database_server"), "deleted"),
    }[kind]()
    if kind == "default":
        (tmp_path / "mlruns").mkdir()
        shutil.copy(store.removeprefix("sqlite:///"), tmp_path / "mlruns/mlflow.db")
    opened = open_store(uri, "deleted")
    opened.client.delete_experiment(opened.experiment_id)
    (tmp_path / "run").mkdir()
    with Tracker(uri, "deleted", tmp_path / "run") as tracker, tracker.run("after"):
        pass
    assert finished_runs(uri, "deleted") == ["after"]
    assert capsys.readouterr().out.count("The MLflow experiment deleted had been deleted and is restored") == 1


def test_an_empty_address_is_the_default_store():
    for uri in (None, ""):
        assert artifact_folder(uri, Path("mlruns/mlflow.db")) == Path("mlruns/artifacts")


@pytest.mark.slow
def test_the_experiment_opens_in_the_view_for_model_training(store):
    opened = open_store(store, "kind")
    tags = opened.client.get_experiment(opened.experiment_id).tags
    assert tags["mlflow.experimentKind"] == "custom_model_development"


# What cannot be opened, and what is said before any work.
NOT_OPENED = {
    "no folder": ("sqlite:///{folder}/file/mlflow.db", "File exists"),
    "no database": ("sqlite:///{folder}/file", "file is not a database"),
    "a folder": ("sqlite:///{folder}", "is not a file that can be read"),
    "no server": ("http://localhost:1", "the server does not answer"),
    "no name": ("http://no-such-host.invalid:5000", "the server does not answer"),
    "no address": ("http://", "names no host"),
    "no driver": ("mssql://user:word1234@localhost/db", "its driver pyodbc is not installed.*install 'pyodbc'"),
    "no other driver": ("mysql+pymysql://u:word1234@localhost/db", "pymysql is not installed.*install 'PyMySQL'"),
    "no driver of that name": ("postgresql+nothing://u:word1234@localhost/db", "nothing"),
    "nothing listens": ("postgresql+psycopg2://u:word1234@localhost:1/db", "refused"),
    "a password left out": ("postgresql+psycopg2://u:***@localhost:1/db", "Set the whole mlflow.uri again"),
    "no UTF-8": ("sqlite:///{folder}/caf\udce9/x.db", "not UTF-8.*received mlflow.uri=sqlite:///.*caf.xe9/x.db"),
    "in memory": ("sqlite://", "in memory is lost when the run ends"),
    "in memory, said otherwise": ("sqlite:///:memory:", "in memory is lost when the run ends"),
    "in memory, as a URI": ("sqlite:///file:x?mode=memory&cache=shared&uri=true", "in memory is lost"),
    "no driver of SQLite": ("sqlite+pysqlcipher:///{folder}/x.db", "pysqlcipher3 is not installed"),
    "no folder for files": ("sqlite:////proc/x.db", "/proc cannot be written"),
    "unknown kind": ("ftp://u:word1234@localhost/x", "unsupported URI"),
}


@pytest.mark.parametrize("case", NOT_OPENED)
@pytest.mark.parametrize("text_first", [True, False], ids=["text first", "store first"])
def test_a_store_that_cannot_be_opened_gives_one_clear_message(tmp_path, monkeypatch, case, text_first):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("This is text, not a database. " * 200)
    uri, message = NOT_OPENED[case]
    with pytest.raises(UserError, match=rf"(?s)tracking store cannot be opened: .*{message}") as raised:
        Tracker(uri.format(folder=tmp_path), "project", tmp_path / "run", text_first=text_first)
    assert "received mlflow.uri=" in str(raised.value)
    assert "word1234" not in str(raised.value)
    assert not (tmp_path / "run/tracking").exists()


def test_postgresql_without_its_driver_names_the_package():
    """SQLAlchemy's own choice for postgresql:// is another driver than the one that the tests bring."""
    with pytest.raises(UserError, match=r"psycopg is not installed.*install 'psycopg\[binary\]'"):
        check_address("postgresql://user:word1234@localhost/db")


SECRETS = {
    "sqlite:///x.db": "sqlite:///x.db",
    "http://host:5000/path": "http://host:5000/path",
    "http://user:pass-word@host:5000": "http://user:***@host:5000",
    "postgresql://user:p%40ss@w:rd@host/db": "postgresql://user:***@host/db",
    "https://host/?token=abcdef&x=1": "https://host/?token=***&x=1",
    "mysql+pymysql://:word@h/d?ssl_key=abc&password=def": "mysql+pymysql://:***@h/d?ssl_key=***&password=***",
    "postgresql://me:hush@/db": "postgresql://me:***@/db",  # the server on this machine
    "at http://u:word@h/ and http://v:other@k/ too": "at http://u:***@h/ and http://v:***@k/ too",
    "mail a@b.c: http://host/a@b": "mail a@b.c: http://host/a@b",
}


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_of_addresses_are_masked(text):
    assert masked(text) == SECRETS[text]


def test_masking_a_long_text_takes_no_minutes():
    """By a limit of processor time far below what it would take."""
    code = "from textzoo.common.secrets import masked; print(len(masked('://a:' * 100_000 + ' ://b:' + '@' * 9)))"
    limit = (10, 10)
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, limit),
    )
    assert answer.stdout == b"500010\n", answer.stderr


def test_a_secret_is_masked_wherever_it_is_quoted():
    uri = "postgresql://user:p%40ss-word@host/db?sslpassword=another-one"
    text = "password p%40ss-word, p@ss-word or another-one is wrong for user"
    assert masked_for(text, uri) == "password ***, *** or *** is wrong for user"


def test_a_wrong_password_shows_no_password(database_server, tmp_path):
    uri = f"{database_server}/no such database"
    with pytest.raises(UserError) as raised:
        Tracker(uri, "project", tmp_path)
    assert "secret-word" not in str(raised.value)
    assert "does not exist" in str(raised.value)


@pytest.mark.slow
def test_making_a_store_leaves_no_old_journal_beside_it(tmp_path):
    """SQLite would roll an old journal back into the new database."""
    path = tmp_path / "fresh.db"
    path.with_name("fresh.db-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + b"x" * 600)
    make_sqlite(path, tmp_path / "artifacts")
    assert not path.with_name("fresh.db-journal").exists()
    assert open_store(f"sqlite:///{path}", "project").client.search_experiments()


@pytest.mark.slow
def test_text_comes_before_mlflow(store, tmp_path):
    code = f"""
import sys
from pathlib import Path
from textzoo.records.tracking import Tracker
with Tracker({store!r}, "text first", Path({str(tmp_path)!r}), text_first=True) as tracker, tracker.run("early") as run:
    run.metrics(0, {{"loss": 1.0}})
    heavy = {{"mlflow", "sqlalchemy", "pandas", "numpy"}} & set(sys.modules)
    assert not heavy, heavy
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert finished_runs(store, "text first") == ["early"]


def test_a_lock_of_a_store_changes_nothing_that_is_there(tmp_path):
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / "x.db.lock").symlink_to(tmp_path / "theirs")
    with file_lock(tmp_path / "x.db.lock"):
        pass
    assert (tmp_path / "theirs").read_text() == "theirs"
