"""Jobs of ST Edge AI in the cloud: analyze, generate and validate, each started and then asked for until it is done."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from textzoo.common.signals import raise_if_interrupted
from textzoo.targets.stedgeai.cloud.errors import JobFailedError, NotUnderstoodError, TimeLimitError, message_of
from textzoo.targets.stedgeai.cloud.files import checked_name
from textzoo.targets.stedgeai.cloud.parameters import Parameters, in_interface
from textzoo.targets.stedgeai.cloud.session import Session
from textzoo.targets.stedgeai.cloud.transport import MAX_FILE_BYTES, Answer

ANALYZE, GENERATE, VALIDATE = "analyze", "generate", "validate"
ZIP = "application/zip"
FAILED = "error"
OnProgress = Callable[[str], None]


@dataclass(frozen=True)
class Polling:
    """How a job is waited for, in seconds.

    Attributes:
        interval: Between two questions.
        limit: For a whole job.
    """

    interval: float = 2.0
    limit: float = 300.0


class Jobs:
    """The service of a version of ST Edge AI Core.

    Args:
        session: Of the user.
        version: Of ST Edge AI Core.
        polling: How to wait.
    """

    def __init__(self, session: Session, version: str, polling: Polling | None = None) -> None:
        self.session, self.version = session, version
        self.polling = polling or Polling()
        self.url = session.addresses.jobs_of(version)

    def run(
        self, kind: str, model: str, parameters: Parameters, on_progress: OnProgress | None = None
    ) -> dict[str, Any] | bytes:
        """Run a job to its end and return its result: an object, or the archive itself.

        Args:
            kind: ANALYZE, GENERATE or VALIDATE.
            model: Its name in the account; it is uploaded before, and not attached, so there is no second one.
            parameters: Of the job.
            on_progress: Gets the state, whenever it was asked for.

        Raises:
            JobFailedError: The tool failed; with its message.
            TimeLimitError: It takes too long.
            CloudError: As for Session.send.
        """
        what = f"the job '{kind}' of ST Edge AI Core {self.version} in the Developer Cloud"
        arguments = json.dumps(in_interface(parameters, model))
        # The second slash is ST's.
        answer = self.session.send("POST", f"{self.url}/{kind}", what, data={"args": arguments}, limit=MAX_FILE_BYTES)
        if is_archive(answer):
            return answer.content
        return self.result(job_id(answer.values(what), what), what, on_progress or (lambda state: None))

    def result(self, job: str, what: str, on_progress: OnProgress) -> dict[str, Any]:
        """Ask for a job's result until there is one."""
        end = time.monotonic() + self.polling.limit
        while True:
            values = self.session.values("GET", f"{self.url}/run/{job}", what)
            state, result = state_of(values, what)
            if state == FAILED:
                raise JobFailedError(f"{what} failed", received=message_of(values) or "no reason")
            if result is not None:
                return result_of(result, what)
            on_progress(state)
            if time.monotonic() > end:
                raise TimeLimitError(f"{what} takes longer than {self.polling.limit:g} s", received=f"state {state}")
            raise_if_interrupted()
            time.sleep(self.polling.interval)


def is_archive(answer: Answer) -> bool:
    return answer.headers.get("content-type", "").partition(";")[0].strip().lower() == ZIP


def job_id(values: Any, what: str) -> str:
    """Return the id of a job that was started."""
    if not isinstance(values, dict):
        raise NotUnderstoodError(f"{what}: the answer is no object", received=type(values).__name__)
    if values.get("status") == "ko":
        raise JobFailedError(f"{what} was not started", received=message_of(values) or "no reason")
    return checked_name(values.get("runtimeId"), what)


def state_of(values: Any, what: str) -> tuple[str, Any]:
    """Return the state of a job, in lower case, and its result, None if there is none yet."""
    if not isinstance(values, dict):
        raise NotUnderstoodError(f"{what}: the answer is no object", received=type(values).__name__)
    return str(values.get("state", "")).strip().lower(), values.get("result")


def result_of(result: Any, what: str) -> dict[str, Any]:
    """Return a job's result, if it is one."""
    if not isinstance(result, dict):
        raise NotUnderstoodError(f"{what}: the result is no object", received=message_of(result))
    if str(result.get("status", "")).lower() in ("ko", FAILED):
        raise JobFailedError(f"{what} failed", received=message_of(result) or "no reason")
    return result
