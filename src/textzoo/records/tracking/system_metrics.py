"""Log CPU, memory, disk, network and GPU use during a run to the journal, by MLflow's collectors."""

import contextlib
import logging
import threading
from typing import Any

from textzoo.records.tracking.recorders import RunRecorder

INTERVAL = 5.0  # seconds
logger = logging.getLogger("textzoo.records.tracking")


class SystemMonitor:
    """Samples in a thread until `finish`; a failure only ends the sampling."""

    def __init__(self, recorder: RunRecorder) -> None:
        self.recorder = recorder
        self.finished = threading.Event()
        self.thread = threading.Thread(target=self.work, name="system metrics", daemon=True)
        self.thread.start()

    def work(self) -> None:
        try:
            self.sample()
        except Exception as error:
            logger.warning("no more system metrics: %s", error)

    def sample(self) -> None:
        step, monitors = 0, collectors()
        while not self.finished.is_set():
            for monitor in monitors:
                monitor.collect_metrics()
            if self.finished.wait(INTERVAL):
                return
            values = {name: value for monitor in monitors for name, value in monitor.aggregate_metrics().items()}
            self.recorder.metrics(step, {f"system/{name}": value for name, value in values.items()})
            for monitor in monitors:
                monitor.clear_metrics()
            step += 1

    def finish(self) -> None:
        self.finished.set()


def collectors() -> list[Any]:
    from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
    from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
    from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor
    from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor

    found = [CPUMonitor(), DiskMonitor(), NetworkMonitor()]
    with contextlib.suppress(Exception):  # no GPU, or no library that reads it
        found.append(GPUMonitor())
    return found
