"""ST's Developer Cloud, as the rest of the program sees it."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from textzoo.targets.stedgeai.cloud.addresses import addresses
from textzoo.targets.stedgeai.cloud.benchmarks import Benchmarks, CloudBoard, Patience, Progress
from textzoo.targets.stedgeai.cloud.errors import NotUnderstoodError, UnknownVersionError
from textzoo.targets.stedgeai.cloud.files import Files
from textzoo.targets.stedgeai.cloud.generated import unpacked
from textzoo.targets.stedgeai.cloud.jobs import ANALYZE, GENERATE, VALIDATE, Jobs, OnProgress, Polling
from textzoo.targets.stedgeai.cloud.parameters import Parameters, for_board
from textzoo.targets.stedgeai.cloud.session import Session
from textzoo.targets.stedgeai.cloud.versions import LATEST, Version, chosen_version, versions


class DeveloperCloud:
    """A user's access to the cloud; a context manager.

    The account is left as it was found: each call uploads its model under a name of its own, and deletes it.

    Args:
        session: Of the user; None for the services that the environment names.
        polling: How jobs are waited for.
        patience: How benchmarks are waited for.
    """

    def __init__(
        self, session: Session | None = None, polling: Polling | None = None, patience: Patience | None = None
    ) -> None:
        self.session = session or Session(addresses())
        self.files = Files(self.session)
        self.benchmarks = Benchmarks(self.session, patience)
        self.polling = polling

    def __enter__(self) -> "DeveloperCloud":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.session.close()

    def versions(self) -> list[Version]:
        """Return the versions of ST Edge AI Core; no login is needed."""
        return self.known_versions

    @functools.cached_property
    def known_versions(self) -> list[Version]:
        return versions(self.session)

    def boards(self) -> dict[str, CloudBoard]:
        """Return the boards by name."""
        return self.benchmarks.boards()

    def analyze(
        self, model: Path, parameters: Parameters, version: str = LATEST, on_progress: OnProgress | None = None
    ) -> dict[str, Any]:
        """Return the tool's estimate of memory and operations: `report`, `graph` and `info`."""
        return self.object_of(ANALYZE, model, parameters, version, on_progress)

    def validate(
        self, model: Path, parameters: Parameters, version: str = LATEST, on_progress: OnProgress | None = None
    ) -> dict[str, Any]:
        """Return the tool's comparison of its C code with the model: `report`, `graph` and `info`."""
        return self.object_of(VALIDATE, model, parameters, version, on_progress)

    def generate(
        self,
        model: Path,
        folder: Path,
        parameters: Parameters,
        version: str = LATEST,
        on_progress: OnProgress | None = None,
    ) -> list[Path]:
        """Let the tool generate C code, unpack it into a folder, and return the paths of the files."""
        with self.job(model, version) as (jobs, name):
            result = jobs.run(GENERATE, name, parameters, on_progress)
            if isinstance(result, bytes):
                return unpacked(result, folder)
            url = result.get("url")
            if not isinstance(url, str):
                raise NotUnderstoodError("the Developer Cloud does not say where the generated files are")
            return unpacked(self.files.generated(url), folder)

    def benchmark(
        self,
        model: Path,
        board: str,
        parameters: Parameters,
        version: str = LATEST,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> dict[str, Any]:
        """Run a model on a board of the cloud and return the result as the cloud gives it.

        Args:
            model: File to upload.
            board: Name of the board in the cloud, e.g. STM32H747I-DISCO.
            parameters: Of the tool.
            version: Of ST Edge AI Core, or "latest".
            on_progress: Gets the state, whenever it was asked for.

        Returns:
            benchmark: {info, report, graph}; of an MPU {exec_time, ram_peak, ...}.
            memoryMapping: Where the layers are; not of an MPU.
            board, version: What ran.
        """
        found = self.benchmarks.board(board)
        chosen = chosen_version(self.versions(), version, mpu=found.is_mpu)
        needed = for_board(found.name, parameters)
        if needed.neural_art and not chosen.neural_art:
            raise UnknownVersionError(f"version {chosen.version} of ST Edge AI Core has no support of Neural-ART")
        with self.files.uploaded(model) as name:
            result = self.benchmarks.run(found, name, chosen.version, needed, on_progress)
        return {**result, "board": found.name, "version": chosen.version}

    def object_of(
        self, kind: str, model: Path, parameters: Parameters, version: str, on_progress: OnProgress | None
    ) -> dict[str, Any]:
        """Run a job whose result is an object."""
        with self.job(model, version) as (jobs, name):
            result = jobs.run(kind, name, parameters, on_progress)
        if isinstance(result, bytes):
            raise NotUnderstoodError(f"the Developer Cloud answers '{kind}' with an archive")
        return result

    @contextlib.contextmanager
    def job(self, model: Path, version: str) -> Iterator[tuple[Jobs, str]]:
        """Upload a model and yield the service of a version and the model's name."""
        chosen = chosen_version(self.versions(), version)
        with self.files.uploaded(model) as name:
            yield Jobs(self.session, chosen.version, self.polling), name
