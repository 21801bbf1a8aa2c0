"""A benchmark by ST's runtime, beside TextZoo's own for the same file and board."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from textzoo.common.errors import UserError, collecting, raise_all
from textzoo.common.files import write_json
from textzoo.config.schema import Config
from textzoo.pipeline import firmware
from textzoo.pipeline.firmware import BuiltModel
from textzoo.records.report import BenchmarkReport, Projection, Report, RuntimeReport, Skipped
from textzoo.records.report.data import ASSUMED, COUNTED, MEASURED, MODELLED
from textzoo.records.tracking import Recorder
from textzoo.records.workspace import Workspace
from textzoo.targets.emulators import build_image
from textzoo.targets.platforms import platform_of
from textzoo.targets.stedgeai.cloud.client import DeveloperCloud
from textzoo.targets.stedgeai.cloud.measuring import measured
from textzoo.targets.stedgeai.cloud.parameters import Parameters
from textzoo.targets.stedgeai.local.jobs import Job
from textzoo.targets.stedgeai.local.measuring import footprints
from textzoo.targets.stedgeai.local.program import check_serves, find_program, installed
from textzoo.targets.stedgeai.reports import Validation, VendorReport

OURS, VENDORS = "TextZoo", "ST Edge AI Core"
ST = "st"
SIZES, TIMES, MACS = ("total_flash_bytes", "total_ram_bytes"), ("cycles", "latency_ms"), ("macs", "vendor_macs")
EXACT = ("instructions", "mismatching")
FIGURES = (*SIZES, *MACS, *TIMES, *EXACT)
# Run TextZoo's firmware in the board's emulator: the benchmark, and what could not be had.
InEmulator = Callable[[], tuple[BenchmarkReport, list[Skipped]]]
# How the names of the two graphs of a language model begin.
DECODE, FORWARD = "decode_", "forward_"


@dataclass
class Measured:
    """What ST's tool or cloud says of a model.

    Attributes:
        model: Of the decode step, or of the plain graph.
        place: Where it was measured, for people.
        window: Of the graph of a whole window; None without one.
        missing: What could not be had -> why.
    """

    model: VendorReport
    place: str
    window: VendorReport | None = None
    missing: dict[str, str] = field(default_factory=dict)


def beside_vendor(
    config: Config, made: BuiltModel, workspace: Workspace, recorder: Recorder, in_emulator: InEmulator
) -> Report:
    """Measure a model with ST's tools, and return the report of both runtimes.

    Args:
        config: Of the run.
        made: The built model.
        workspace: Of the run.
        recorder: Gets the figures.
        in_emulator: Runs TextZoo's firmware.

    Raises:
        UserError: ST's tool or cloud failed; nothing is measured elsewhere instead.
    """
    window = window_graph(made, workspace)
    measure = in_cloud if config.tools.stm32ai.on_cloud else installed_here
    vendor = measure(config, made, window)
    rows = {ST: vendor_row(vendor.model, vendor.place, made.compiled.context["macs"])}
    skipped = [Skipped(what, why) for what, why in vendor.missing.items()]
    try:
        rows["textzoo"] = own_row(made)
    except UserError as error:  # what ST has measured is worth reporting
        skipped.append(Skipped("TextZoo's own runtime beside ST's", str(error)))
    else:
        skipped += run_own(rows["textzoo"], made, in_emulator)
    if vendor.window is not None:
        rows["st_window"] = vendor_row(vendor.window, vendor.place, macs_of(config, made, window))
        rows["st_window"].runtime += f", a window of {made.compiled.facts.context_length} tokens"
    write_figures(rows, vendor, made, workspace, recorder)
    return Report(runtimes=list(rows.values()), skipped=skipped, deployment=firmware.deployment_report(made, workspace))


def in_cloud(config: Config, made: BuiltModel, window: Path | None) -> Measured:
    """Return what ST's Developer Cloud measures of the model and of its window graph."""
    settings = config.tools.stm32ai
    parameters = Parameters(optimization=settings.optimization)
    with DeveloperCloud() as cloud:
        report = measured(cloud, made.model_path, made.board.cloud, parameters, settings.version)
        found = Measured(report, f"{report.device}, ST's Developer Cloud")
        if window is not None:
            errors: list[UserError] = []
            with collecting(errors):  # without it, the rest is worth reporting
                found.window = measured(cloud, window, made.board.cloud, parameters, settings.version)
            if errors:
                found.missing["the window graph in ST's Developer Cloud"] = str(errors[0])
    return found


def installed_here(config: Config, made: BuiltModel, window: Path | None) -> Measured:
    """Return what the installed ST Edge AI Core says of the model and of its window graph."""
    settings, board = config.tools.stm32ai, made.board
    program = installed(find_program())
    raise_all(check_serves(program, board.family, board.name, settings.version))
    job = Job(program, board.family, settings.optimization, settings.time_limit)
    found = footprints(job, made.model_path, window, "the graph" if config.model.is_graph else "the decode step")
    return Measured(found.model, f"{board.family}, ST's tool on this machine", found.window, found.missing)


def window_graph(made: BuiltModel, workspace: Workspace) -> Path | None:
    """Return the graph of a whole window: of this run, or beside the decode step; None if there is none."""
    own, name = workspace.find("forward_model"), made.model_path.name
    beside = made.model_path.with_name(name.replace(DECODE, FORWARD, 1))
    return own or (beside if name.startswith(DECODE) and beside.is_file() else None)


def macs_of(config: Config, made: BuiltModel, window: Path) -> int | None:
    """Return the multiplications of a window as the compiler counts them; None if it does not support the graph."""
    try:
        return firmware.compiled_for(made.board, window, "window", None, config.deployment, False).context["macs"]
    except UserError:
        return None


def vendor_row(report: VendorReport, place: str, macs: int | None) -> RuntimeReport:
    """Return the row of ST's runtime: its tool calculates sizes, and a board of the cloud measures time."""
    return told(
        RuntimeReport(
            runtime=f"{VENDORS} {report.version}",
            machine=place,
            total_flash_bytes=report.flash_bytes,
            total_ram_bytes=report.ram_bytes,
            macs=macs,
            vendor_macs=report.st_macs,
            cycles=report.cycles,
            latency_ms=report.latency_ms,
            validation="; ".join(map(in_words, report.validation)) or None,
        ),
        dict.fromkeys(SIZES, MODELLED) | dict.fromkeys(TIMES, MEASURED),
    )


def told(row: RuntimeReport, words: dict[str, str]) -> RuntimeReport:
    """Return a row that says of each of its figures how it came about."""
    words = dict.fromkeys(MACS, COUNTED) | words
    row.basis = {name: word for name, word in words.items() if getattr(row, name) is not None}
    return row


def in_words(row: Validation) -> str:
    """Return e.g. `X-cross #1: rmse 0.002, cos 0.999`."""
    values = ", ".join(f"{name} {value:.4g}" for name, value in row.metrics.items())
    return f"{row.compared}: {values or 'no figures'}"


def own_row(made: BuiltModel) -> RuntimeReport:
    """Return the row of TextZoo's runtime with what the linked image tells."""
    sizes = platform_of(made.board).image_sizes(made.board, build_image(made.project, made.board))
    row = RuntimeReport(
        runtime=OURS,
        machine=f"{made.board.title}, image",
        total_flash_bytes=sizes.flash.total,
        total_ram_bytes=sizes.ram + sizes.copied_weights,
        macs=made.compiled.context["macs"],
    )
    return told(row, dict.fromkeys(SIZES, MEASURED))


def run_own(row: RuntimeReport, made: BuiltModel, in_emulator: InEmulator) -> list[Skipped]:
    """Add what the firmware needs and answers in the board's emulator; return what could not be had."""
    try:
        report, skipped = in_emulator()
    except UserError as error:
        return [Skipped("TextZoo's firmware in the board's emulator", str(error))]
    row.machine += f", {report.machine}"
    row.instructions = report.instructions_per_token
    row.checked, row.mismatching = report.tokens_checked, report.mismatching_logits
    row.basis |= dict.fromkeys(EXACT, MEASURED)
    if report.projected is not None:
        add_times(row, report.projected, MODELLED if made.board.timing else ASSUMED)
    return skipped


def add_times(row: RuntimeReport, projected: Projection, word: str) -> None:
    row.machine += f"; time {word}: {projected.basis}"
    row.cycles, row.latency_ms = projected.cycles, 1e3 * projected.cycles / projected.clock_hz
    row.basis |= dict.fromkeys(TIMES, word)


def write_figures(
    rows: dict[str, RuntimeReport], vendor: Measured, made: BuiltModel, workspace: Workspace, recorder: Recorder
) -> None:
    """Write all rows and all that ST says as JSON, and send the figures to the tracker."""
    path = workspace.path("benchmark", f"{made.board.name}_stedgeai.json")
    said = {ST: asdict(vendor.model)} | ({"st_window": asdict(vendor.window)} if vendor.window else {})
    head = {"model_sha256": made.compiled.facts.sha256, "board": made.board.name}
    write_json(path, {**head, "runtimes": [asdict(row) for row in rows.values()], **said})
    recorder.artifact(path, "benchmark")
    figures = {f"runtime_{name}/{key}": getattr(row, name) for key, row in rows.items() for name in FIGURES}
    recorder.metrics(0, {name: float(value) for name, value in figures.items() if value is not None})
