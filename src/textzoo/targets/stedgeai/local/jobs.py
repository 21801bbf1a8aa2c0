"""Commands of the installed program on one model: each in a private folder, limited in time, its reports read."""

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from textzoo.common import processes
from textzoo.common.errors import UserError
from textzoo.common.progress import working
from textzoo.targets.stedgeai.cloud.parameters import Parameters, for_board
from textzoo.targets.stedgeai.local.program import NAME, Program
from textzoo.targets.stedgeai.reports import VendorReport, read_report

SHOWN_BYTES = 16_384
# Command -> endings of the reports that it writes, the most telling first; their beginning is the network's name.
REPORTS = {
    "analyze": ("_c_info.json", "_c_graph.json", "_analyze_report.txt", "_report.json"),
    "generate": ("_c_info.json", "_c_graph.json", "_generate_report.txt", "_report.json"),
    "validate": ("_c_info_valid.json", "_validate_report.json", "_validate_report.txt", "_c_info.json"),
}
NETWORK = "network"
# Beginnings of families of chips whose code no PC runs.
NOT_ON_HOST = ("stm32n6", "stm32mp")
SERIES = re.compile(r"stm32(?:mp|[a-z]+\d)")


@dataclass(frozen=True)
class Job:
    """What every command on a model has in common.

    Attributes:
        program: Installed.
        family: Of the board's chip, e.g. stm32h7.
        optimization: balanced, time or ram.
        seconds: A command that takes longer is ended.
    """

    program: Program
    family: str
    optimization: str
    seconds: float

    @property
    def runs_on_host(self) -> bool:
        """Whether a PC can run the C code that the program makes for the board, which `validate` does."""
        return not self.family.startswith(NOT_ON_HOST)

    def arguments(self, command: str, model: Path, output: Path, workspace: Path) -> list[str]:
        """Return a whole command line."""
        series = SERIES.match(self.family)
        chosen = for_board(self.family, Parameters(optimization=self.optimization, name=NETWORK))
        given = {
            "--target": series[0] if series else self.family,
            "--model": str(model.absolute()),
            "--name": chosen.name,
            "--optimization": chosen.optimization,
            "--st-neural-art": chosen.neural_art,
            "--output": str(output),
            "--workspace": str(workspace),
            "--mode": "host" if command == "validate" else None,
        }
        options = [text for option, value in given.items() if value is not None for text in (option, value)]
        return [str(self.program.path), command, *options]

    def run(self, command: str, model: Path, words: str) -> VendorReport:
        """Run a command on a model and return what its reports say.

        Args:
            command: One of REPORTS.
            model: A .tflite.
            words: What the model is, for messages.

        Raises:
            UserError: It fails, does not end, or leaves no report, or a damaged one; with its own last lines.
        """
        what = f"{NAME} {self.program.version}, {command} of {words}"
        with tempfile.TemporaryDirectory(prefix="textzoo_stedgeai_") as name, working(what):  # of mode 0700
            output, workspace, log = (Path(name, part) for part in ("output", "workspace", "log.txt"))
            for folder in (output, workspace):
                folder.mkdir()
            self.finish(self.arguments(command, model, output, workspace), what, workspace, log)
            found = [read_report(path) for path in reports_in((output, workspace), command)]
            if not found:
                expected = ", ".join(NETWORK + ending for ending in REPORTS[command])
                raise UserError(f"{what} has written no report", expected=expected, received=last_lines(log))
        ran = VendorReport(version=self.program.version, target=self.family)
        return whole_report([*found, ran])

    def finish(self, command: list[str], what: str, folder: Path, log: Path) -> None:
        """Run a command line to its end, in a folder; its output goes to a file, however much it is."""
        try:
            with log.open("wb") as file:
                options = {"stdout": file, "stderr": subprocess.STDOUT}
                code = processes.run(command, folder, timeout=self.seconds, **options).returncode
        except subprocess.TimeoutExpired:
            remedy = "tools.stm32ai.time_limit gives it more time."
            raise UserError(
                f"{what} did not end within {self.seconds:g} s", received=last_lines(log), remedy=remedy
            ) from None
        if code:
            raise UserError(f"{what} failed with code {code}", received=last_lines(log))


def reports_in(folders: tuple[Path, ...], command: str) -> list[Path]:
    """Return the reports that a command has left, the most telling first."""
    paths = [folder / f"{NETWORK}{ending}" for ending in REPORTS[command] for folder in folders]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def whole_report(reports: list[VendorReport]) -> VendorReport:
    """Return what several reports of one model say together; the first ones count most."""
    first, *others = reports
    for other in others:
        first = first.completed(other)
    return first


def last_lines(log: Path) -> str:
    """Return the last lines of a program's output, which may be long, for a message."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - SHOWN_BYTES))
        return processes.last_lines(file.read(SHOWN_BYTES).decode("utf-8", "replace"))
