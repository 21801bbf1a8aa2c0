"""A benchmark by ST's runtime, beside TextZoo's own for the same file and board."""

from dataclasses import asdict

from textzoo.common.errors import UserError
from textzoo.common.files import write_json
from textzoo.config.schema import Config, Stm32aiConfig
from textzoo.pipeline import cycles, firmware
from textzoo.pipeline.firmware import BuiltModel
from textzoo.records.report import Report, RuntimeReport, Skipped
from textzoo.records.tracking import Recorder
from textzoo.records.workspace import Workspace
from textzoo.targets.emulators import build_image
from textzoo.targets.platforms import platform_of
from textzoo.targets.stedgeai.cloud.client import DeveloperCloud
from textzoo.targets.stedgeai.cloud.measuring import measured
from textzoo.targets.stedgeai.cloud.parameters import Parameters
from textzoo.targets.stedgeai.reports import VendorReport

OURS, VENDORS = "TextZoo", "ST Edge AI Core"
MEASURED_FIGURES = ("total_flash_bytes", "total_ram_bytes", "cycles", "latency_ms")


def beside_vendor(
    config: Config, settings: Stm32aiConfig, made: BuiltModel, workspace: Workspace, recorder: Recorder
) -> Report:
    """Measure a model with ST's tools, and return the report of both runtimes.

    Raises:
        UserError: ST's tool or cloud failed; nothing is measured elsewhere instead.
    """
    vendor = in_cloud(settings, made)
    rows = [vendor_row(vendor, made)]
    skipped: list[Skipped] = []
    try:
        rows.append(own_row(config, made))
    except UserError as error:  # what ST has measured is worth reporting
        skipped.append(Skipped("TextZoo's own runtime beside ST's", str(error)))
    write_figures(rows, vendor, made, workspace, recorder)
    return Report(runtimes=rows, skipped=skipped, deployment=firmware.deployment_report(made, workspace))


def in_cloud(settings: Stm32aiConfig, made: BuiltModel) -> VendorReport:
    """Return what ST's Developer Cloud measures of the model."""
    parameters = Parameters(optimization=settings.optimization)
    with DeveloperCloud() as cloud:
        return measured(cloud, made.model_path, made.board.cloud, parameters, settings.version)


def vendor_row(report: VendorReport, made: BuiltModel) -> RuntimeReport:
    """Return the row of ST's runtime."""
    return RuntimeReport(
        runtime=f"{VENDORS} {report.version}",
        machine=f"{report.device}, ST's Developer Cloud",
        total_flash_bytes=report.flash_bytes,
        total_ram_bytes=report.ram_bytes,
        macs=made.compiled.context["macs"],
        vendor_macs=report.st_macs,
        cycles=report.cycles,
        latency_ms=report.latency_ms,
    )


def own_row(config: Config, made: BuiltModel) -> RuntimeReport:
    """Return the row of TextZoo's runtime: the image's sizes, and time by the model of the board."""
    sizes = platform_of(made.board).image_sizes(made.board, build_image(made.project, made.board))
    row = RuntimeReport(
        runtime=OURS,
        machine=f"{made.board.title}, image",
        total_flash_bytes=sizes.flash.total,
        total_ram_bytes=sizes.ram + sizes.copied_weights,
        macs=made.compiled.context["macs"],
    )
    if made.board.timing is not None and config.benchmarking.cycles != "off":
        projected = cycles.modelled(made, config.benchmarking.emulator, with_operators=False)
        row.machine += f"; projected, {projected.basis}"
        row.cycles, row.latency_ms = projected.cycles, 1e3 * projected.cycles / projected.clock_hz
    return row


def write_figures(
    rows: list[RuntimeReport], vendor: VendorReport, made: BuiltModel, workspace: Workspace, recorder: Recorder
) -> None:
    """Write both rows and all that ST says as JSON, and send the figures to the tracker."""
    path = workspace.path("benchmark", f"{made.board.name}_stedgeai.json")
    head = {"model_sha256": made.compiled.facts.sha256, "board": made.board.name}
    write_json(path, {**head, "runtimes": [asdict(row) for row in rows], "st": asdict(vendor)})
    recorder.artifact(path, "benchmark")
    figures = {}
    for key, row in zip(("st", "textzoo"), rows, strict=False):
        figures |= {f"runtime_{name}/{key}": getattr(row, name) for name in MEASURED_FIGURES}
    recorder.metrics(0, {name: float(value) for name, value in figures.items() if value is not None})
