"""Chains that end on a board of ST's Developer Cloud: whole runs of the program, on a stand-in of the cloud."""

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

from compilers import need
from plain_graphs import dense
from stand_in_cloud import PASSWORD, STATES, running
from textzoo.config.boards import load_board

# The program asks every two seconds.
FEW_STATES = STATES[4:6]
ON_CLOUD = ("benchmarking.measured_by=stedgeai", "tools.stm32ai.on_cloud=true")


pytestmark = pytest.mark.slow


@pytest.fixture
def in_cloud(toy_options, start_warm, monkeypatch, tmp_path):
    """A function that starts the program at toy size with the environment for a stand-in."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def start(server, *arguments, **environment):
        for name, value in {**server.environment(), **environment}.items():
            monkeypatch.setenv(name, value)
        given = {argument.partition("=")[0] for argument in arguments}
        options = [*toy_options, f"hydra.run.dir={tmp_path / 'run'}"]
        rest = [option for option in options if option.partition("=")[0] not in given]
        if "model=graph" in arguments:  # which has neither shape nor text
            rest = [option for option in rest if option.startswith(("mlflow.", "hydra."))]
        return start_warm(*arguments, *ON_CLOUD, *rest)

    return start


def test_a_chain_ends_on_a_board_of_the_cloud(in_cloud, tmp_path):
    """The report has the figures of the very model that the chain has quantized, and no trace of the account."""
    need("arm", "make", "qemu", "host")
    with running(states=FEW_STATES) as server:
        answer = in_cloud(server, "operation_mode=chain_tqeb", "board=STM32H7").wait(600)
        assert answer.returncode == 0, answer.stderr
        assert not server.models
        model = (tmp_path / "run" / "models" / "decode_static_wi8_ai8.tflite").read_bytes()
        assert model in [content for _, content in server.uploads]
        secrets = [PASSWORD, *server.access, *server.refreshers, *server.codes]
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["status"] == "FINISHED"
    st, own, window = report["runtimes"]
    assert len(server.uploads) == 2
    assert window["runtime"].endswith(", a window of 16 tokens")
    assert window["basis"]["latency_ms"] == st["basis"]["latency_ms"] == "measured"
    assert window["macs"] > st["macs"]
    weights = len(model) // 2  # as the stand-in has them
    assert st["runtime"].startswith("ST Edge AI Core 4.0.1")
    assert (st["cycles"], st["latency_ms"], st["total_flash_bytes"]) == (
        3 * weights,
        3 * weights / 400e3,
        weights + 30507,
    )
    assert st["macs"] == own["macs"] > 0
    assert own["total_flash_bytes"] > 0
    assert "## Runtimes" in (tmp_path / "run" / "report.md").read_text()
    (figures,) = (tmp_path / "run" / "benchmark").glob("*.json")
    assert json.loads(figures.read_text())["st"]["external_flash_layers"] == ["far_weights"]
    for state in FEW_STATES:
        assert state.lower().replace("_", " ") in answer.stdout
    written = [path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()]
    for secret in secrets:
        assert not any(secret.encode() in content for content in written)
        assert secret not in answer.stdout + answer.stderr


# Failure, arguments, and what the user reads.
FAILURES = [
    ("benchmark error", [], "BATCH_MATMUL"),
    ("wrong password", [], "the password is wrong; received You have provided the wrong password."),
    ("500 on trigger", [], "HTTP 500: Internal Server Error"),
    (None, ["deployment.hardware_setup.cloud=STM32H7"], "the Developer Cloud has no board STM32H7; expected one of"),
    (None, ["tools.stm32ai.version=9.9.9"], "has no version 9.9.9 of ST Edge AI Core"),
]


@pytest.fixture(scope="module")
def quantized(sweep_of, tmp_path_factory):
    """Arguments for a toy model, quantized before."""
    folder = tmp_path_factory.mktemp("quantized")
    answer = sweep_of(folder, "operation_mode=chain_tqe", f"hydra.run.dir={folder / 'run'}")
    assert answer.returncode == 0, answer.stderr
    return [f"model.quantized_model_path={folder}/run/models/decode_static_wi8_ai8.tflite"]


def test_a_failure_ends_the_run_with_the_message_of_the_server(in_cloud, quantized, tmp_path):
    """Exit code 2, nothing measured elsewhere, nothing left in the account."""
    for number, (failure, arguments, message) in enumerate(FAILURES):
        run = tmp_path / f"run {number}"
        with running((failure,) if failure else ()) as server:
            started = in_cloud(
                server, "operation_mode=benchmarking", "board=STM32H7", f"hydra.run.dir={run}", *quantized, *arguments
            )
            answer = started.wait(600)
            assert not server.models
        assert answer.returncode == 2, (failure, answer.stderr)
        assert message in answer.stderr
        report = json.loads((run / "report.json").read_text())
        assert report["status"] == "FAILED"
        assert not {"runtimes", "benchmark"} & set(report)


# Environment, and what is said before anything runs.
OBSTACLES = [
    ({"stmai_username": "", "stmai_password": ""}, "there is no terminal to ask for it"),
    ({"stmai_password": ""}, "stmai_password is not"),
    ({"BASE_URL_DEVCLOUD": "https://own.example"}, "must end with a slash"),
    ({"NO_SSL_VERIFY": "1"}, "always verified"),
]


@pytest.mark.parametrize(("environment", "message"), OBSTACLES)
def test_an_obstacle_is_found_before_anything_is_trained(in_cloud, tmp_path, environment, message):
    with running() as server:
        answer = in_cloud(server, "operation_mode=chain_tqeb", "board=STM32H7", **environment).wait(60)
        assert not server.requests
    assert answer.returncode == 2
    assert message in answer.stderr
    assert not Path(tmp_path / "run" / "models").exists()


def test_a_board_that_the_cloud_does_not_have_is_a_mistake(in_cloud):
    with running() as server:
        answer = in_cloud(server, "operation_mode=chain_tqeb", "board=ESP32").wait(60)
        assert not server.requests
    assert answer.returncode == 2
    assert "ESP32" in answer.stderr


@pytest.fixture
def toy_graph(tmp_path):
    path = tmp_path / "dense.tflite"
    path.write_bytes(dense())
    return [f"model.quantized_model_path={path}"]


def test_a_plain_graph_is_measured_too(in_cloud, toy_graph, tmp_path):
    """Per inference; on a board with ST's accelerator, which needs its own parameters."""
    need("arm", "make", "qemu", "host")
    with running(states=FEW_STATES) as server:
        answer = in_cloud(server, "operation_mode=benchmarking", "board=STM32N6", "model=graph", *toy_graph)
        answer = answer.wait(600)
        assert answer.returncode == 0, answer.stderr
        assert not server.models
        assert server.bodies[0]["stNeuralArt"] == "default"
    st, own = json.loads((tmp_path / "run" / "report.json").read_text())["runtimes"]
    assert st["cycles"] > 0
    assert own["total_flash_bytes"] > 0
    assert own["basis"]["cycles"] == ("modelled" if load_board("STM32N6").timing else "assumed")
    assert own["mismatching"] == 0


def test_ctrl_c_in_the_queue_leaves_the_account_clean(in_cloud, quantized):
    with running(("benchmark stuck",)) as server:
        started = in_cloud(server, "operation_mode=benchmarking", "board=STM32H7", *quantized)
        for _ in range(6000):
            if server.runs or not started.process.is_alive():
                break
            time.sleep(0.01)
        assert len(server.models) == 1
        os.kill(started.process.pid, signal.SIGINT)
        answer = started.wait(60)
        assert not server.models
    assert answer.returncode == 130
    assert re.search("[Ii]nterrupted", answer.stderr)
