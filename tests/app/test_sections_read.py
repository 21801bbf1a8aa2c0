"""Every service reads all that it declares: what it does not read would only make its step run again."""

import dataclasses
import os
import sys
from pathlib import Path

import pytest

from changed_config import changed, with_facts
from compilers import need
from recorder import Recorder
from textzoo.config.chains import SERVICES
from textzoo.config.check import check
from textzoo.config.section_view import names_read, view_of
from textzoo.records.workspace import Workspace
from textzoo.runs.app import service_function
from textzoo.serving.http.server import HttpServer

# Gradio and its packages warn of themselves.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

SENTENCE = "The model reads a token and writes one more token.\n"
TOY = {
    "model": {"n_layers": 1, "d_model": 16, "context_length": 16},
    "training": {"steps": 2, "eval_interval": 2, "warmup_steps": 1, "batch_size": 4, "eval_tokens": 60},
    "quantization": {"calibration_windows": 2, "report_tokens": 32},
    "evaluation": {"max_tokens": 60},
    "prediction": {"max_tokens": 3},
    "deployment": {"target": "host"},
    "benchmarking": {"measured_by": "host", "tokens_checked": 2},
    "serve": {"port": 0},
    "web": {"port": 0},
}
# A chain of all services, so that each finds what it takes.
ORDER = ["statistics", "training", "quantization", "evaluation", "prediction", "chat", "deployment", "benchmarking"]
ORDER += ["compare", "serve", "web", "publish"]


@pytest.fixture(scope="module")
def names(tmp_path_factory, store_of_runs):
    """Service -> the names that it has read of the configuration; what talks is over at once."""
    need("host", "make")
    from textzoo.serving.web.server import PageServer  # Gradio takes seconds: not while tests are collected

    with pytest.MonkeyPatch.context() as patch, Path(os.devnull).open() as nothing:
        patch.setattr(sys, "stdin", nothing)
        for server in (HttpServer, PageServer):
            patch.setattr(server, "wait", lambda server: None)  # it ends as soon as it has begun
        return names_of_services(tmp_path_factory, store_of_runs)


def names_of_services(tmp_path_factory, store_of_runs):
    folder = tmp_path_factory.mktemp("sections")
    (folder / "text.txt").write_text(SENTENCE * 100)
    dataset = {"name": "text", "training_path": str(folder / "text.txt")}
    config, errors = check(with_facts({"operation_mode": "chain_tqeb", "dataset": dataset, **TOY}))
    assert errors == []
    config = changed(changed(config, "mlflow.uri", store_of_runs), "general.project_name", "made")
    workspace, found = Workspace(folder / "run"), {}
    for service in ORDER:
        view = view_of(config, service)
        service_function(service)(view, workspace, Recorder())
        found[service] = names_read(view)
    return found


# What a service reads only for some values of other keys: `tools` with benchmarking.measured_by=stedgeai.
SOMETIMES = {"benchmarking": {"tools"}}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reads_all_that_its_result_is_said_to_depend_on(service, names):
    assert {*SERVICES[service].sections} - SOMETIMES.get(service, set()) <= names[service]


def test_all_services_are_run():
    assert sorted(ORDER) == sorted(SERVICES)


def test_a_view_tells_what_was_read():
    view = view_of(check({})[0], "training")
    assert names_read(view) == frozenset()
    assert dataclasses.asdict(view.training)
    assert view.general.seed
    assert names_read(view) == {"training", "general.seed"}
