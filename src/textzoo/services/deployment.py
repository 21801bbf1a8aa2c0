"""Deployment: make a project that builds without Python from the quantized decode step, or from a plain graph."""

from textzoo.config.schema import Config
from textzoo.engines.settings import PredictionConfig
from textzoo.pipeline import firmware, graph_firmware, library
from textzoo.pipeline.flashing import flashed
from textzoo.records.report import Report, Skipped
from textzoo.records.tracking import Recorder
from textzoo.records.workspace import Workspace
from textzoo.targets.boards import BOARD_IMAGE
from textzoo.targets.emulators import build_image
from textzoo.targets.platforms import platform_of
from textzoo.targets.registry import LIBRARY
from textzoo.targets.toolchains import MissingToolError


def run(config: Config, workspace: Workspace, recorder: Recorder) -> Report:
    """Render the project, and build it if the compiler is installed; or write a library, which others build."""
    if config.deployment.target == LIBRARY:
        return made_library(config, workspace, recorder)
    made = prepared(config, workspace, recorder)
    recorder.artifact(made.project, "c_project")
    report = Report(deployment=firmware.deployment_report(made, workspace))
    try:
        build_image(made.project, made.board)
    except MissingToolError as error:
        if config.deployment.flash and platform_of(made.board).image == BOARD_IMAGE:
            raise  # there is nothing to write; ESP-IDF builds its image itself
        report.skipped.append(Skipped("building the project", str(error)))
    if config.deployment.flash:
        report.flashed = flashed(config, made)
    return report


def made_library(config: Config, workspace: Workspace, recorder: Recorder) -> Report:
    """Write the library of a language model."""
    made = library.prepare(config, workspace)
    recorder.artifact(made.folder, "c_project")
    return Report(deployment=library.library_report(made, workspace), skipped=not_in_library(config.prediction))


def not_in_library(prediction: PredictionConfig) -> list[Skipped]:
    """Return what was asked for and a library does not have."""
    if not prediction.grammar:
        return []
    why = "its functions have no grammar; a project for a board has (deployment.target=board)"
    return [Skipped("prediction.grammar in the library", why)]


def prepared(config: Config, workspace: Workspace, recorder: Recorder) -> firmware.BuiltModel:
    """Render the project of the kind of model."""
    if config.model.is_graph:
        return graph_firmware.prepare(config, workspace, recorder)
    return firmware.prepare(config, workspace, recorder, tokens_checked=firmware.SELF_CHECK_TOKENS)
