"""The MLflow UI in a browser: an experiment opens as training runs, a sweep shows learning rate against loss."""

import json
import re
import urllib.parse
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from tracking_stores import mlflow_server

from textzoo.tracking import open_store

WAIT_SECONDS = 120
# Without the network's background work: where there is none, it is tried again and again.
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--window-size=1400,1000",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
PROJECT = "pages"
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
def sweep(store, sweep_of, tmp_path_factory):
    """Three learning rates at toy size; returns the experiment's id and the ids of the runs."""
    answer = sweep_of(
        tmp_path_factory.mktemp("sweep"),
        "-m",
        "operation_mode=chain_tqe",
        f"general.project_name={PROJECT}",
        "training.learning_rate=1e-3,3e-3,1e-2",
    )
    assert answer.returncode == 0, answer.stderr
    opened = open_store(store, PROJECT)
    runs = opened.client.search_runs([opened.experiment_id], "tags.mode = 'chain_tqe'")
    return opened.experiment_id, [run.info.run_id for run in runs]


@pytest.fixture(scope="module")
def pages(store, sweep, tmp_path_factory):
    """The address of the UI on the store of the tests."""
    with mlflow_server(tmp_path_factory.mktemp("ui"), store) as uri:
        yield uri


def wait_for(browser, question):
    return WebDriverWait(browser, WAIT_SECONDS).until(lambda driver: question(driver))


def axis_titles(driver):
    return {title.text for title in driver.find_elements(By.CSS_SELECTOR, ".parcoords .axis-title")}


def test_the_comparison_page_shows_learning_rate_against_loss(browser, pages, sweep, tmp_path):
    experiment, runs = sweep
    query = urllib.parse.urlencode({"runs": json.dumps(runs), "experiments": json.dumps([experiment])})
    browser.get(f"{pages}/#/compare-runs?{query}&workflowType=machine_learning")
    wait_for(browser, lambda driver: axis_titles(driver) >= AXES)
    browser.save_screenshot(str(tmp_path / "comparison.png"))
    assert len(runs) == 3


def test_the_address_that_make_ui_prints_opens_an_experiment_as_training_runs(browser, pages, sweep):
    """MLflow's own choice is a view for chat applications, whatever the experiment's kind."""
    experiment, _ = sweep
    makefile = (PROJECT_FOLDER / "Makefile").read_text(encoding="utf-8")
    query = re.search(r"#/experiments(\?\S+)", makefile)[1]
    browser.get(f"{pages}/#/experiments/{experiment}{query}")
    wait_for(browser, lambda driver: "pico_gpt int8" in driver.find_element(By.TAG_NAME, "body").text)
    assert f"#/experiments/{experiment}/runs" in browser.current_url
