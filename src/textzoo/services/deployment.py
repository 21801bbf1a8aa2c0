"""Deployment: from the quantized decode step to a project that builds without Python."""

from textzoo.common.errors import UserError
from textzoo.config.schema import Config
from textzoo.pipeline import firmware
from textzoo.records.report import Report, Skipped
from textzoo.records.tracking import Sink
from textzoo.records.workspace import Workspace
from textzoo.targets.emulators import build_image


def run(config: Config, workspace: Workspace, sink: Sink) -> Report:
    """Render the project, and build it where the compiler is installed."""
    made = firmware.prepare(config, workspace, sink, tokens_checked=firmware.SELF_CHECK_TOKENS)
    sink.artifact(made.project, "c_project")
    report = Report(deployment=firmware.deployment_report(made, workspace))
    try:
        build_image(made.project, made.board)
    except UserError as error:
        if "is not installed" not in str(error):
            raise
        report.skipped.append(Skipped("building the project", str(error)))
    return report
