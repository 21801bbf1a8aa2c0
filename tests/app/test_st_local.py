"""Chains that end with ST Edge AI Core on this machine: whole runs of the program, on a stand-in of ST's."""

import json
import os
import signal
import time

import pytest
from mlflow.tracking import MlflowClient

from compilers import need
from plain_graphs import dense
from stand_in_stedgeai import ERROR, KERNEL_FLASH, TOOLCHAIN_FLASH, calls, contents, install, running

pytestmark = pytest.mark.slow
BY_ST = "benchmarking.measured_by=stedgeai"


@pytest.fixture
def by_st(toy_options, start_warm, monkeypatch, tmp_path):
    """A function that starts the program at toy size with a stand-in on the PATH, or without one."""
    monkeypatch.delenv("STM32_AI_EXE", raising=False)

    def start(tool, *arguments):
        options = [*toy_options, f"hydra.run.dir={tmp_path / 'run'}"]
        if "model=graph" in arguments:  # which has neither shape nor text
            options = [option for option in options if option.startswith(("mlflow.", "hydra."))]
        path = os.environ["PATH"] if tool is None else f"{tool.parent}{os.pathsep}{os.environ['PATH']}"
        return start_warm(*arguments, BY_ST, *options, path=path)

    return start


@pytest.fixture
def toy_graph(tmp_path):
    path = tmp_path / "dense.tflite"
    path.write_bytes(dense())
    return ["model=graph", f"model.quantized_model_path={path}"]


def report_of(tmp_path):
    return json.loads((tmp_path / "run" / "report.json").read_text())


def test_a_chain_ends_with_the_installed_tool(by_st, store, tmp_path):
    """Decode step and window graph of the chain, beside TextZoo's runtime; no time of ST's, and the report says why."""
    need("arm", "make", "qemu", "host")
    tool = install(tmp_path / "bin")
    answer = by_st(tool, "operation_mode=chain_tqeb", "board=STM32H7").wait(600)
    assert answer.returncode == 0, answer.stderr
    report = report_of(tmp_path)
    st, own, window = report["runtimes"]
    models = tmp_path / "run" / "models"
    for row, name in ((st, "decode"), (window, "forward")):
        weights, _, macc = contents(models / f"{name}_static_wi8_ai8.tflite")
        assert row["runtime"].startswith("ST Edge AI Core 4.0.1")
        assert row["total_flash_bytes"] == weights + KERNEL_FLASH + TOOLCHAIN_FLASH
        assert row["vendor_macs"] == macc
        assert not {"latency_ms", "cycles"} & set(row)
    assert st["macs"] == own["macs"] > 0
    sizes = {"total_flash_bytes", "total_ram_bytes"}
    assert {st["basis"][name] for name in sizes} == {"modelled"}
    assert own["basis"] == {
        **dict.fromkeys([*sizes, "instructions", "mismatching"], "measured"),
        **dict.fromkeys(["cycles", "latency_ms"], "modelled"),
        "macs": "counted",
    }
    assert own["instructions"] > own["macs"]
    assert (own["mismatching"], own["checked"]) == (0, 256)
    assert f"{own['instructions']:,} (measured)" in (tmp_path / "run" / "report.md").read_text()
    assert window["macs"] > st["macs"]
    assert "cos 0.999" in st["validation"]
    assert "latency of ST's runtime" in [row["what"] for row in report["skipped"]]
    assert "tells no time without a board" in (tmp_path / "run" / "report.md").read_text()
    assert "ST Edge AI Core 4.0.1" in answer.stdout
    assert [call[0] for call in calls(tool)][1:] == ["generate", "validate", "analyze"]
    metrics = metrics_of(store, st["total_flash_bytes"])
    assert metrics["runtime_total_flash_bytes/st_window"] == window["total_flash_bytes"]
    assert metrics["runtime_total_flash_bytes/textzoo"] == own["total_flash_bytes"]
    assert not any(name.startswith("runtime_latency_ms/st") for name in metrics)


def metrics_of(store, flash):
    """The figures of the run in the store whose flash by ST's tool is the given one."""
    client = MlflowClient(store)
    found = client.search_runs(
        [experiment.experiment_id for experiment in client.search_experiments()],
        f"metrics.`runtime_total_flash_bytes/st` = {flash}",
    )
    return found[0].data.metrics


# Version, failures of the tool (None: there is none), arguments; and what the user reads.
MISTAKES = [
    (None, {}, (), "ST Edge AI Core is not found on this machine"),
    ("4.0.1", {}, ("board=STM32MP2",), "no target for MPUs since 3.0"),
    ("4.0.1", {}, ("board=ESP32",), "ESP32 is no board of ST"),
    ("4.0.1", {"asked": "garbage"}, (), "no licence"),
    ("4.0.1", {}, ("tools.stm32ai.version=2.2.0",), "expected 2.2.0; received 4.0.1"),
]


@pytest.mark.parametrize(("version", "failures", "arguments", "message"), MISTAKES)
def test_a_mistake_is_found_before_anything_is_trained(by_st, tmp_path, version, failures, arguments, message):
    tool = version and install(tmp_path / "bin", version, **failures)
    answer = by_st(
        tool, "operation_mode=chain_tqeb", *(() if "board" in str(arguments) else ("board=STM32H7",)), *arguments
    ).wait(60)
    assert answer.returncode == 2
    assert message in answer.stderr
    assert not (tmp_path / "run" / "models").exists()


@pytest.mark.parametrize(
    ("failure", "message"),
    [("error", ERROR.replace("\x1b", r"\x1b")), ("hangs", "did not end within 2 s"), ("damaged report", "is damaged")],
)
def test_a_failure_of_the_tool_ends_the_run(by_st, toy_graph, tmp_path, failure, message):
    """Exit code 2, and nothing measured elsewhere."""
    tool = install(tmp_path / "bin", generate=failure)
    limit = ("tools.stm32ai.time_limit=2",) if failure == "hangs" else ()
    answer = by_st(tool, "operation_mode=benchmarking", "board=STM32H7", *toy_graph, *limit).wait(600)
    assert answer.returncode == 2, answer.stderr
    assert message in answer.stderr
    report = report_of(tmp_path)
    assert report["status"] == "FAILED"
    assert not {"runtimes", "benchmark"} & set(report)


def test_no_configuration_chooses_the_program(by_st, tmp_path):
    """A YAML or a run's folder from somebody else must not start anything."""
    tool = install(tmp_path / "elsewhere")
    answer = by_st(None, "operation_mode=chain_tqeb", "board=STM32H7", f"tools.path_to_stm32ai={tool}").wait(60)
    assert answer.returncode == 2
    assert not calls(tool)


def test_ctrl_c_ends_the_tool(by_st, toy_graph, tmp_path):
    tool = install(tmp_path / "bin", generate="hangs")
    started = by_st(tool, "operation_mode=benchmarking", "board=STM32H7", *toy_graph)
    for _ in range(6000):
        if len(calls(tool)) > 1 or not started.process.is_alive():
            break
        time.sleep(0.01)
    os.kill(started.process.pid, signal.SIGINT)
    answer = started.wait(60)
    assert answer.returncode == 130
    assert [call[0] for call in calls(tool)] == ["--version", "generate"]
    assert not running(tool)
