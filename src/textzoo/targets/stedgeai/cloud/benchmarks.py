"""Benchmarks on ST's boards: the list of boards, and the queue before each."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from textzoo.common.registry import nearest
from textzoo.common.signals import raise_if_interrupted
from textzoo.targets.stedgeai.cloud.errors import (
    JobFailedError,
    NotUnderstoodError,
    TimeLimitError,
    UnknownBoardError,
    message_of,
    shown,
)
from textzoo.targets.stedgeai.cloud.files import NAME, checked_name
from textzoo.targets.stedgeai.cloud.parameters import Parameters, in_interface
from textzoo.targets.stedgeai.cloud.session import Session, checked

DONE, FAILED = "done", "error"
MPU_PREFIX = "STM32MP"
# Of MPU boards: what computes, and on how many cores; the first row that fits. Every one has a core that can compute.
ENGINES: dict[str, dict[str, Any]] = {
    "STM32MP25": {"engine": "hw_accelerator", "nbCores": 2},
    "STM32MP15": {"engine": "cpu", "nbCores": 2},
    MPU_PREFIX: {"engine": "cpu", "nbCores": 1},
}
OLD_FIELDS = {"model", "args"}
MAX_BOARDS = 10_000


@dataclass(frozen=True)
class CloudBoard:
    """A kind of board in the cloud.

    Attributes:
        name: As it stands in addresses, but for capitals.
        count: Boards of this kind.
        processor: Name of its chip or core, "" if it is not told.
    """

    name: str
    count: int
    processor: str = ""

    @property
    def is_mpu(self) -> bool:
        return self.name.upper().startswith(MPU_PREFIX)


@dataclass(frozen=True)
class Progress:
    """How far a benchmark is: its state in lower case, and what the cloud tells besides."""

    state: str
    step: int | None = None
    steps: int | None = None
    percent: float | None = None
    message: str = ""


@dataclass(frozen=True)
class Patience:
    """How a benchmark is waited for, in seconds.

    Attributes:
        interval: Between two questions.
        unchanged: Longest time in one state: a queue may be long.
        whole: Longest time for all.
    """

    interval: float = 2.0
    unchanged: float = 2500.0
    whole: float = 6 * 3600.0


@dataclass
class Clock:
    """Ends a wait that is too long: since the last change of the state, or as a whole."""

    patience: Patience
    state: str = ""
    began: float = field(default_factory=lambda: time.monotonic())
    changed: float = field(default_factory=lambda: time.monotonic())

    def check(self, state: str, what: str) -> None:
        """Note the state; raise TimeLimitError when it has not changed for too long."""
        now = time.monotonic()
        if state != self.state:
            self.state, self.changed = state, now
        for since, limit, words in (
            (self.changed, self.patience.unchanged, f"has been in the state {shown(state)} for more than"),
            (self.began, self.patience.whole, "takes more than"),
        ):
            if now - since > limit:
                raise TimeLimitError(f"{what} {words} {limit:g} s", remedy="Try again later, or another board.")


class Benchmarks:
    """The service that runs models on boards.

    Args:
        session: Of the user.
        patience: How to wait.
    """

    def __init__(self, session: Session, patience: Patience | None = None) -> None:
        self.session, self.patience = session, patience or Patience()
        self.url = session.addresses.benchmarks

    def boards(self) -> dict[str, CloudBoard]:
        """Return the boards by name."""
        what = "listing the boards of the Developer Cloud"
        values = self.session.values("GET", f"{self.url}/boards", what)
        if not isinstance(values, dict) or not values or len(values) > MAX_BOARDS:
            raise NotUnderstoodError(f"{what}: this is no list of boards", received=message_of(values))
        return {name: board_of(name, facts) for name, facts in values.items() if NAME.fullmatch(name)}

    def board(self, name: str) -> CloudBoard:
        """Return a board by its name, whatever its capitals; raise UnknownBoardError for one that is not there."""
        known = self.boards()
        found = next((board for known_name, board in known.items() if known_name.lower() == name.lower()), None)
        if found is None:
            near = nearest(name.upper(), known)
            raise UnknownBoardError(
                f"the Developer Cloud has no board {shown(name)}",
                expected=f"one of {', '.join(sorted(known))}",
                remedy=f"Did you mean '{near}'?" if near else "",
            )
        if not found.count:
            raise UnknownBoardError(f"no board {found.name} is connected to the Developer Cloud at the moment")
        return found

    def run(
        self,
        board: CloudBoard,
        model: str,
        version: str,
        parameters: Parameters,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> dict[str, Any]:
        """Run a model on a board, after waiting for it, and return the cloud's result.

        Args:
            board: Of the cloud.
            model: Its name in the account.
            version: Of ST Edge AI Core.
            parameters: Of the tool.
            on_progress: Gets the state, whenever it was asked for.

        Raises:
            ParametersError: The cloud does not take the parameters; with its reasons.
            JobFailedError: The tool or the board failed; with the message.
            TimeLimitError: The state has not changed for too long.
            CloudError: As for Session.send.
        """
        what = f"the benchmark on {board.name} in the Developer Cloud"
        route = f"mpu/{board.name}" if board.is_mpu else board.name.lower()
        body = self.body(board, model, version, parameters, what)
        values = self.session.values("POST", f"{self.url}/benchmark/{route}", what, json=body)
        found = values.get("benchmarkId") if isinstance(values, dict) else None
        return self.followed(checked_name(found, what), what, on_progress or (lambda progress: None))

    def body(self, board: CloudBoard, model: str, version: str, parameters: Parameters, what: str) -> dict[str, Any]:
        """Return what a benchmark is asked for with, in the shape that this server takes."""
        if board.is_mpu:
            engine = next(row for prefix, row in ENGINES.items() if board.name.upper().startswith(prefix))
            return {**engine, "version": version, "model": model}
        fields = {**in_interface(parameters, model), "version": version}
        if self.takes_old_body(what):
            return {"args": json.dumps(fields), "model": model}
        return fields

    def takes_old_body(self, what: str) -> bool:
        """Return whether the server's description says that it takes the parameters as one text."""
        answer = self.session.transport.send("GET", f"{self.url}/api", what, headers={"Accept": "application/json"})
        if answer.status == 404:
            return False
        return old_body(checked(answer, what).values(what))

    def followed(self, job: str, what: str, on_progress: Callable[[Progress], None]) -> dict[str, Any]:
        """Ask for the state until the benchmark is done, and return its result."""
        clock = Clock(self.patience)
        while True:
            values = self.session.values("GET", f"{self.url}/benchmark/{job}", what)
            progress = progress_of(values, what)
            on_progress(progress)
            if progress.state == FAILED:
                raise JobFailedError(f"{what} failed", received=message_of(values) or "no reason")
            if progress.state == DONE:
                return result_of(values, what)
            clock.check(progress.state, what)
            raise_if_interrupted()
            time.sleep(self.patience.interval)


def board_of(name: str, facts: Any) -> CloudBoard:
    """Return a board of the cloud's list."""
    values = facts if isinstance(facts, dict) else {}
    count = values.get("boardCount")
    return CloudBoard(name, count if type(count) is int and count > 0 else 0, shown(str(values.get("deviceCpu") or "")))


def old_body(description: Any) -> bool:
    """Return whether an OpenAPI description gives the body of a benchmark exactly the fields `model` and `args`."""
    try:
        content = description["paths"]["/benchmark/{queue}"]["post"]["requestBody"]["content"]
        return any(set(kind["schema"]["properties"]) == OLD_FIELDS for kind in content.values())
    except (KeyError, TypeError, AttributeError):
        return False


def progress_of(values: Any, what: str) -> Progress:
    """Return the progress in an answer."""
    if not isinstance(values, dict) or not isinstance(values.get("state"), str):
        raise NotUnderstoodError(f"{what}: the answer has no state", received=message_of(values))
    return Progress(
        shown(values["state"].strip().lower()),
        whole(values.get("step")),
        whole(values.get("totalStep")),
        fraction(values.get("progress")),
        message_of(values.get("message")),
    )


def whole(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value <= 10**6 else None


def fraction(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) and 0 <= value <= 100 else None


def result_of(values: dict[str, Any], what: str) -> dict[str, Any]:
    """Return the result of a benchmark that is done: `benchmark`, and of MCUs `memoryMapping`."""
    result = values.get("benchmark")
    if not isinstance(result, dict) and isinstance(values.get("result"), dict):
        return result_of(values["result"], what)
    if not isinstance(result, dict):
        raise NotUnderstoodError(f"{what} is done, but without a result", received=message_of(values))
    return {key: values[key] for key in ("benchmark", "memoryMapping") if key in values}
