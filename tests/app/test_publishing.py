"""What may be published of settings that name folders and files."""

import logging

import pytest

from textzoo.config.publishing import published_setting
from textzoo.runs.run_log import PublishedLines

# key, value, what is published
PATHS = [
    ("mlflow.uri", "sqlite:////data/store.db", "sqlite:///.../store.db"),
    ("mlflow.uri", "sqlite+pysqlite:////data/store.db?timeout=5", "sqlite+pysqlite:///.../store.db?timeout=5"),
    ("mlflow.uri", "sqlite:///file:/data/store.db?uri=true", "sqlite:///file:.../store.db?uri=true"),
    ("mlflow.uri", "sqlite:///here/store.db", "sqlite:///here/store.db"),
    ("mlflow.uri", "file:///data/store", "file://.../store"),
    ("mlflow.uri", "/data/store", ".../store"),
    ("mlflow.uri", "http://host/data/store", "http://host/data/store"),
    ("mlflow.uri", None, None),
    ("dataset.cache_dir", "/data/cache", ".../cache"),
    ("dataset.sources", [{"training_path": "/data/a.txt", "cache_dir": "/data/c"}], [
        {"training_path": ".../a.txt", "cache_dir": ".../c"}
    ]),
    ("prediction.prompt", "/data/a.txt", "/data/a.txt"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value", "expected"), PATHS)
def test_paths_of_this_machine_are_shortened(key, value, expected):
    assert published_setting(key, value) == expected


def test_a_store_in_the_current_folder_is_named_from_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert published_setting("mlflow.uri", f"sqlite:///{tmp_path}/a/store.db") == "sqlite:///./a/store.db"


def test_the_log_names_a_store_as_it_may_be_published(tmp_path):
    uri = "sqlite:////data/store.db"
    record = logging.LogRecord("textzoo", logging.INFO, "", 0, f"Tracked in mlflow.uri={uri}, which", (), None)
    assert PublishedLines(tmp_path, uri).format(record).endswith("Tracked in mlflow.uri=sqlite:///.../store.db, which")
