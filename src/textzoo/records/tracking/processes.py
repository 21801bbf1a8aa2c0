"""Check whether the process of a run is still alive."""

import platform

import psutil

PROCESS_TAG = "textzoo.process"


def this_process() -> str:
    """Return host, process id and start time, which identify the process for `is_alive`."""
    process = psutil.Process()
    return f"{platform.node()} {process.pid} {process.create_time():.2f}"


def is_alive(process: str) -> bool:
    """Return whether the process of a tag is still alive; processes on other hosts count as alive."""
    try:
        host, number, started = process.rsplit(" ", 2)
        return host != platform.node() or abs(psutil.Process(int(number)).create_time() - float(started)) < 1.0
    except (ValueError, psutil.Error):
        return False
