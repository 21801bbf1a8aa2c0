"""The log of a run's folder: the project's messages, fit to be published."""

import logging
from pathlib import Path
from typing import TextIO

from textzoo.common.escaping import visible
from textzoo.common.locks import open_own
from textzoo.common.secrets import masked_for
from textzoo.common.standard_streams import losses
from textzoo.config.publishing import published, published_setting

logger = logging.getLogger("textzoo")
logger.addHandler(logging.NullHandler())


class PublishedLines(logging.Formatter):
    """Lines of a run's log, which may leave this machine, and are read on terminals: what harms one is escaped."""

    def __init__(self, root: Path, uri: str | None) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self.root, self.uri = root, uri
        self.store = masked_for(uri or "", uri)
        self.short_store = published_setting("mlflow.uri", self.store, root)

    def format(self, record: logging.LogRecord) -> str:
        text = masked_for(super().format(record), self.uri)
        if self.store:
            text = text.replace(self.store, self.short_store)
        return visible(published(text, self.root))


class RunLog(logging.FileHandler):
    """A log that is no link, and no other file's second name."""

    def _open(self) -> TextIO:
        return open_own(Path(self.baseFilename))


def log_to(path: Path | None, uri: str | None = None) -> None:
    """Send the project's log to a file of the run's folder, or nowhere: not to that of a sweep's run before.

    Args:
        path: The file.
        uri: Of the tracking store; its password is not written.
    """
    handler = RunLog(path) if path else logging.NullHandler()
    if path:
        handler.setFormatter(PublishedLines(path.parent, uri))
    for old in logger.handlers[:]:
        logger.removeHandler(old)
        old.close()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    losses.tell()
