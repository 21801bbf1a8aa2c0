"""Whether the process that began a run still lives."""

import platform

import psutil

PROCESS_TAG = "textzoo.process"


def this_process() -> str:
    """Host, process number and start time: enough to tell later whether the process still lives."""
    process = psutil.Process()
    return f"{platform.node()} {process.pid} {process.create_time():.2f}"


def is_alive(process: str) -> bool:
    """Whether the process of a tag still lives; processes of other hosts count as alive."""
    try:
        host, number, started = process.rsplit(" ", 2)
        return host != platform.node() or abs(psutil.Process(int(number)).create_time() - float(started)) < 1.0
    except (ValueError, psutil.Error):
        return False
