"""Files of an account: models are uploaded under names of their own, and deleted after use."""

import contextlib
import hashlib
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from textzoo.common.errors import UserError
from textzoo.common.files import read_bytes
from textzoo.common.signals import held_back
from textzoo.targets.stedgeai.cloud.errors import NotUnderstoodError, message_of, shown
from textzoo.targets.stedgeai.cloud.session import Session
from textzoo.targets.stedgeai.cloud.transport import MAX_FILE_BYTES

logger = logging.getLogger("textzoo")
PREFIX = "textzoo_"
HASH_DIGITS, RUN_DIGITS = 32, 8
# Names that may stand in a path or be written to a disk.
NAME = re.compile(r"[\w][\w.+-]{0,199}", re.ASCII)
MAX_LISTED = 100_000
DELETION_SECONDS = 10.0  # of silence


def cloud_name(content: bytes, suffix: str) -> str:
    """Return the name of a model in the account: the hash of its content, and digits of this run.

    So a model of the same file name, which ST's client would use instead, is never mistaken for this one, and a run
    deletes what no other run uses.
    """
    digest = hashlib.sha256(content).hexdigest()[:HASH_DIGITS]
    return f"{PREFIX}{digest}_{os.urandom(RUN_DIGITS // 2).hex()}{suffix}"


class Files:
    """The service that keeps an account's files.

    Args:
        session: Of the user.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.models_url = f"{session.addresses.files}/files/models"

    def models(self) -> list[str]:
        """Return the names of the account's models."""
        what = "listing the models in the Developer Cloud"
        values = self.session.values("GET", self.models_url, what)
        if not isinstance(values, list) or len(values) > MAX_LISTED:
            raise NotUnderstoodError(f"{what}: this is no list", received=message_of(values) or type(values).__name__)
        return [str(item["name"]) for item in values if isinstance(item, dict) and "name" in item]

    @contextlib.contextmanager
    def uploaded(self, path: Path) -> Iterator[str]:
        """Upload a model and yield its name in the account; delete it after the block, also on Ctrl-C."""
        content = read_bytes(path, MAX_FILE_BYTES)
        name = cloud_name(content, path.suffix)
        self.session.current()  # a login that fails leaves nothing to delete
        try:
            self.upload(name, content)
            yield name
        finally:
            with held_back():  # a second Ctrl-C waits for the deletion, which has little time
                self.clear(name)

    def upload(self, name: str, content: bytes) -> None:
        """Upload a model; raise CloudError unless the service says that it has it."""
        what = "uploading the model to the Developer Cloud"
        files = {"file": (name, content, "application/octet-stream")}
        values = self.session.values("POST", self.models_url, what, files=files)
        if not isinstance(values, dict) or values.get("upload") is not True:
            raise NotUnderstoodError(
                f"{what}: the cloud did not keep it", expected='{"upload": true}', received=message_of(values)
            )

    def delete(self, name: str) -> None:
        """Delete a model of the account, with the tokens at hand: it is no reason to log in again."""
        what = f"deleting {shown(name)} in the Developer Cloud"
        url = f"{self.models_url}/{quote(name, safe='')}"
        values = self.session.at_hand("DELETE", url, what, tries=1, timeout=DELETION_SECONDS).values(what)
        if not isinstance(values, dict) or values.get("deleted") is not True:
            raise NotUnderstoodError(f"{what}: it is still there", received=message_of(values))

    def clear(self, name: str) -> None:
        """Delete a model that was uploaded; where that fails, say so instead of hiding what came before."""
        try:
            self.delete(name)
        except UserError as error:
            logger.warning("%s may be left in the account: %s", name, error)

    def generated(self, url: str) -> bytes:
        """Return an archive that a job has generated.

        Args:
            url: As the job gives it; only the last part of its path is used, so the token goes to no other server.
        """
        what = "downloading what the Developer Cloud has generated"
        address = f"{self.session.addresses.files}/files/generated/{checked_name(url.rpartition('/')[2], what)}"
        return self.session.send("GET", address, what, limit=MAX_FILE_BYTES).content


def checked_name(name: Any, what: str) -> str:
    """Return a name or an id that a server gave, if it can stand in a path."""
    text = str(name) if type(name) in (int, str) else ""
    if not NAME.fullmatch(text):
        raise NotUnderstoodError(f"{what}: this is no name of a file or a job", received=shown(repr(name)))
    return text
