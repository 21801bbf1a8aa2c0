"""The log of a server that has no folder: what fails is told on its console."""

import contextlib
import logging
from collections.abc import Iterator

from textzoo.common.progress import console
from textzoo.common.secrets import masked

logger = logging.getLogger("textzoo")


class ConsoleLog(logging.Handler):
    """Prints warnings and errors with their time, without secrets; control characters as visible escapes."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        console.print(masked(self.format(record)))


@contextlib.contextmanager
def logged_to_console() -> Iterator[None]:
    handler = ConsoleLog()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
