"""A sweep: one table by MLflow's client, side by side by operation_mode=compare, and in MLflow's UI in a browser."""

import json
import os
import re
import signal
import time
import urllib.parse
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from tracking_stores import mlflow_server

from textzoo.records.tracking import open_store

pytestmark = pytest.mark.slow

WAIT_SECONDS = 120
# Without the network's background work: where there is none, it is tried again and again.
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--window-size=1400,1000",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
PROJECT = "sweep of four"
PROJECT_FOLDER = Path(__file__).resolve().parents[2]
AXES = {"training.learning_rate", "best_validation_loss_nats"}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Headless Chromium with an empty profile."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def sweep(tmp_path_factory, sweep_of):
    """Four runs at toy size: two learning rates, two recipes."""
    answer = sweep_of(
        tmp_path_factory.mktemp("sweep"),
        "-m",
        "operation_mode=chain_tqe",
        f"general.project_name={PROJECT}",
        "training.learning_rate=1e-3,3e-3",
        "quantization=static_wi8_ai8,static_wi4_ai8",
    )
    assert answer.returncode == 0, answer.stderr


def parents(store):
    opened = open_store(store, PROJECT)
    found = opened.client.search_runs(
        [opened.experiment_id], "tags.mode = 'chain_tqe'", order_by=["metrics.`loss_nats/quantized` ASC"]
    )
    return opened, found


def test_a_sweep_is_one_table_of_params_and_metrics(store, sweep):
    opened, runs = parents(store)
    assert len(runs) == 4
    losses = [run.data.metrics["loss_nats/quantized"] for run in runs]
    assert losses == sorted(losses)
    rows = {(run.data.params["training.learning_rate"], run.data.params["quantization.recipe"]) for run in runs}
    assert len(rows) == 4
    for run in runs:
        assert run.info.status == "FINISHED"
        assert {"loss_nats/float", "delta_loss_nats", "file_bytes", "parameters", "quantization_seconds"} <= set(
            run.data.metrics
        )
        assert run.info.run_name[:24].startswith(f"pico_gpt {run.data.tags['recipe_label']}")
        assert "# chain_tqe: FINISHED" in run.data.tags["mlflow.note.content"]
        [dataset] = run.inputs.dataset_inputs
        assert run.data.params["data_sha256"].startswith(dataset.dataset.digest)
        assert len(run.outputs.model_outputs) == 2
        children = opened.client.search_runs(
            [opened.experiment_id],
            f"tags.`mlflow.parentRunId` = '{run.info.run_id}'",
            order_by=["attributes.start_time"],
        )
        assert [child.info.run_name for child in children] == ["1_training", "2_quantization", "3_evaluation"]
        for child in children:
            same = set(child.data.params.items()) <= set(run.data.params.items())
            assert same, set(child.data.params.items()) - set(run.data.params.items())
        assert "training.learning_rate" in children[0].data.params
        assert "training.learning_rate" not in children[1].data.params
        curve = opened.client.get_metric_history(children[0].info.run_id, "validation_loss")
        assert [point.step for point in curve] == [10, 20]


def test_compare_shows_runs_within_80_columns_and_as_a_page(store, sweep, sweep_of, tmp_path):
    _, runs = parents(store)
    folder = tmp_path / "run"
    answer = sweep_of(
        tmp_path,
        "operation_mode=compare",
        f"general.project_name={PROJECT}",
        "compare.runs=last 4",
        "compare.order_by=loss_nats/quantized",
        f"hydra.run.dir={folder}",
    )
    assert answer.returncode == 0, answer.stderr
    text = answer.stdout[answer.stdout.index("A  pico_gpt") : answer.stdout.index("FINISHED: comparison.html")]
    assert max(map(len, text.splitlines())) <= 80
    for wanted in ("training.learning_rate", "0.001", "0.003", "quantization.recipe", "loss_nats/quantized"):
        assert wanted in text.replace("\n", ""), text
    assert text.index("training.learning_rate") < text.index("loss_nats/quantized")
    assert "model.n_layers" not in text  # the same in all
    best = next(line for line in text.splitlines() if line.startswith("loss_nats/quantized"))
    assert best.split()[1].endswith("*")
    assert best.split()[1] == f"{runs[0].data.metrics['loss_nats/quantized']:.4f}*"
    html = (folder / "comparison.html").read_text()
    assert not re.search(r"(?:src|href)=|@import|<script", html)
    assert runs[0].info.run_name in html
    assert html.count('class="best"') >= 4
    assert len(parents(store)[1]) == 4  # it makes no run itself


@pytest.fixture(scope="module")
def pages(store, sweep, tmp_path_factory):
    """The address of the UI on the store of the tests."""
    with mlflow_server(tmp_path_factory.mktemp("ui"), store) as uri:
        yield uri


def wait_for(browser, question):
    return WebDriverWait(browser, WAIT_SECONDS).until(lambda driver: question(driver))


def axis_titles(driver):
    return {title.text for title in driver.find_elements(By.CSS_SELECTOR, ".parcoords .axis-title")}


def test_the_comparison_page_shows_learning_rate_against_loss(browser, pages, store, tmp_path):
    opened, runs = parents(store)
    ids = {"runs": [run.info.run_id for run in runs], "experiments": [opened.experiment_id]}
    query = urllib.parse.urlencode({name: json.dumps(values) for name, values in ids.items()})
    browser.get(f"{pages}/#/compare-runs?{query}&workflowType=machine_learning")
    assert wait_for(browser, lambda driver: axis_titles(driver) >= AXES)
    browser.save_screenshot(str(tmp_path / "comparison.png"))


def test_the_address_that_make_ui_prints_opens_an_experiment_as_training_runs(browser, pages, store):
    """MLflow's own choice is a view for chat applications, whatever the experiment's kind."""
    experiment = open_store(store, PROJECT).experiment_id
    makefile = (PROJECT_FOLDER / "Makefile").read_text(encoding="utf-8")
    query = re.search(r"#/experiments(\?\S+)", makefile)[1]
    browser.get(f"{pages}/#/experiments/{experiment}{query}")
    wait_for(browser, lambda driver: "pico_gpt int8" in driver.find_element(By.TAG_NAME, "body").text)
    assert f"#/experiments/{experiment}/runs" in browser.current_url


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_that_fails_in_a_process_of_its_own_counts(program, jobs):
    launcher = ["hydra/launcher=joblib", f"hydra.launcher.n_jobs={jobs}", "hydra.sweep.dir=sweep"]
    answer = program("-m", *launcher, "operation_mode=compare", "mlflow.uri=sqlite:///none.db", "compare.runs=a,b")
    assert answer.returncode == 2, answer.stderr
    assert answer.stderr.count("there is no none.db") == 2


def test_a_sweep_that_cannot_be_written_names_its_own_key(program, tmp_path):
    (tmp_path / "sweep").write_text("a file")
    answer = program("-m", "operation_mode=statistics", "dataset.split_seed=1,2", "hydra.sweep.subdir=same")
    assert answer.returncode == 2
    assert "hydra.sweep.subdir=same is one folder for all runs of the sweep" in answer.stderr
    answer = program("-m", "operation_mode=compare", "compare.runs=a,b", "hydra.sweep.dir=sweep")
    assert (answer.returncode, "Give another hydra.sweep.dir" in answer.stderr) == (2, True), answer.stderr


def test_an_interruption_ends_the_sweep(start_warm, toy_options, tmp_path):
    options = [option for option in toy_options if not option.startswith("training.steps")]
    sweep = ["-m", "hydra.sweep.dir=my sweep", "training.steps=1000000,2000000", "operation_mode=training"]
    started = start_warm(*sweep, *options)
    begun, deadline = tmp_path / "my sweep/0/checkpoints/latest", time.monotonic() + 120
    while not begun.exists() and started.process.is_alive() and time.monotonic() < deadline:
        time.sleep(0.1)
    os.kill(started.process.pid, signal.SIGTERM)
    answer = started.wait(120)
    assert answer.returncode == 130, answer.stderr
    assert "Continue with: python stm32ai_main.py 'general.resume=my sweep/0'" in answer.stderr
    assert not (tmp_path / "my sweep/1").exists()
