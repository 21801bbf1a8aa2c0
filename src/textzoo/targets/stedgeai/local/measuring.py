"""What the installed program says of a model: decode step or graph, and the graph of a whole window."""

from dataclasses import dataclass, replace
from pathlib import Path

from textzoo.common.errors import UserError
from textzoo.targets.stedgeai.local.jobs import Job
from textzoo.targets.stedgeai.reports import VendorReport

NO_TIME = "ST Edge AI Core tells no time without a board; tools.stm32ai.on_cloud=true measures it on one of ST's"


@dataclass
class Found:
    """What could be had.

    Attributes:
        model: Of the decode step, or of the plain graph.
        window: Of the window graph; None without one.
        missing: What could not be had -> why.
    """

    model: VendorReport
    window: VendorReport | None
    missing: dict[str, str]


def footprints(job: Job, model: Path, window: Path | None, words: str) -> Found:
    """Generate code for a model, run it on this machine where that can be done, and analyze the window graph.

    Args:
        job: The program and its options.
        model: Decode step or plain graph, a .tflite.
        window: Graph of a whole window; None without one.
        words: What `model` is, for messages.

    Raises:
        UserError: No code can be generated for the model.
    """
    found = Found(job.run("generate", model, words), None, {"latency of ST's runtime": NO_TIME})
    checking = "validation of ST's code"
    if job.runs_on_host:
        validated = attempted(job, "validate", model, words, checking, found.missing)
        found.model = with_validation(found.model, validated)
    else:
        found.missing[checking] = f"code for {job.family} runs on no PC"
    if window is not None:
        name = "the window graph"
        found.window = attempted(job, "analyze", window, name, f"{name} by ST Edge AI Core", found.missing)
    return replace_times(found)


def attempted(
    job: Job, command: str, model: Path, words: str, what: str, missing: dict[str, str]
) -> VendorReport | None:
    """Run a command without which the rest is worth reporting; note why it failed."""
    try:
        return job.run(command, model, words)
    except UserError as error:
        missing[what] = str(error)
        return None


def with_validation(report: VendorReport, validated: VendorReport | None) -> VendorReport:
    return report if validated is None else replace(report, validation=validated.validation)


def replace_times(found: Found) -> Found:
    """Remove times: one of a PC, which some versions write, is none of the board."""
    without = {"latency_ms": None, "cycles": None, "device": None}
    found.model = replace(found.model, **without)
    found.window = found.window and replace(found.window, **without)
    return found
