"""A benchmark in the Developer Cloud, from a file to its report, with the queue's state in sight."""

from pathlib import Path

from textzoo.common.progress import progress_bar
from textzoo.targets.stedgeai.cloud.benchmarks import Progress
from textzoo.targets.stedgeai.cloud.client import DeveloperCloud
from textzoo.targets.stedgeai.cloud.parameters import Parameters
from textzoo.targets.stedgeai.reports import VendorReport, parse_cloud_benchmark


def measured(
    cloud: DeveloperCloud, model: Path, board: str, parameters: Parameters, version: str = "latest"
) -> VendorReport:
    """Run a model on a board of the cloud and return what ST's tool and the board say.

    Ctrl-C ends the wait and deletes the model from the account; a job that has begun on a board ends by itself.

    Args:
        cloud: Of the user.
        model: File to upload.
        board: Its name in the cloud.
        parameters: Of the tool.
        version: Of ST Edge AI Core.

    Raises:
        CloudError: Whatever went wrong; nothing is measured elsewhere instead.
    """
    cloud.session.current()  # what has to be typed is asked for before a bar moves
    with progress_bar(f"{board} in ST's Developer Cloud", None) as advance:
        states: list[str] = []

        def show(progress: Progress) -> None:
            is_new = progress.state not in states[-1:]
            states.append(progress.state)
            advance(0, words(progress), milestone=is_new)

        result = cloud.benchmark(model, board, parameters, version, show)
    ran = VendorReport(version=result["version"], device=result["board"])
    return parse_cloud_benchmark(result, f"the benchmark on {board} in the Developer Cloud").completed(ran)


def words(progress: Progress) -> str:
    """Return e.g. `building, step 5 of 8`."""
    step = None if None in (progress.step, progress.steps) else f"step {progress.step} of {progress.steps}"
    return ", ".join(filter(None, [progress.state.replace("_", " "), step, progress.message]))
