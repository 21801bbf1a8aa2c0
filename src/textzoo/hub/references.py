"""References to files on the hub: hf://owner/name@revision/path, with an expected hash if there is one.

    hf://owner/name@0123456789abcdef0123456789abcdef01234567/float.keras#sha256=...

A revision is always named. A commit (40 digits) is what it is; a branch or a tag is looked up, and the commit found is
recorded.
"""

import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from textzoo.common.errors import UserError

SCHEME = "hf://"
FORM = "hf://owner/name@revision/path, and #sha256=<64 digits> if the hash is known"
# Letters, digits and _.- that neither begin nor end with a sign; "--" and ".." are the hub's own.
NAME = r"(?!.*(?:--|\.\.))[A-Za-z0-9](?:[\w.-]{0,94}[A-Za-z0-9_])?"
REPOSITORY = re.compile(rf"{NAME}/{NAME}", re.ASCII)
REFERENCE = re.compile(
    r"hf://(?P<repository>[^/@#]+/[^/@#]+)@(?P<revision>[\w.-]{1,100})/(?P<path>[^#]+)(?:#sha256=(?P<sha256>[0-9a-f]{64}))?",
    re.ASCII,
)
PART = re.compile(r"(?!\.)[\w.-]{1,96}", re.ASCII)
COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Reference:
    """A file on the hub.

    Attributes:
        repository: owner/name.
        revision: A commit, a branch or a tag.
        path: In the repository.
        sha256: Expected hash of the content, in hexadecimal; "" where none is expected.
    """

    repository: str
    revision: str
    path: str
    sha256: str = ""

    def __str__(self) -> str:
        expected = f"#sha256={self.sha256}" if self.sha256 else ""
        return f"{SCHEME}{self.repository}@{self.revision}/{self.path}{expected}"

    @property
    def is_pinned(self) -> bool:
        """Whether the revision is a commit, whose content never changes."""
        return COMMIT.fullmatch(self.revision) is not None

    def beside(self, name: str) -> "Reference":
        """Return the file of that name in the same folder and revision, of which no hash is known."""
        return replace(self, path=str(PurePosixPath(self.path).with_name(name)), sha256="")


def is_reference(value: object) -> bool:
    """Return whether a value of the configuration names a file on the hub."""
    return isinstance(value, str) and value.startswith(SCHEME)


def parse(text: str, suffixes: tuple[str, ...]) -> Reference:
    """Return the file that a text names.

    Args:
        text: As FORM says.
        suffixes: Endings of its formats, which hold data alone.

    Raises:
        UserError: Another form, no revision, a path that leads elsewhere, or another format.
    """
    match = REFERENCE.fullmatch(text)
    if not match or not REPOSITORY.fullmatch(match["repository"]):
        remedy = "Name a revision behind '@': a commit, or a branch or tag such as main." if "@" not in text else ""
        raise UserError("this is no file on the hub", expected=FORM, received=f"'{text}'", remedy=remedy)
    parts = match["path"].split("/")
    if not all(PART.fullmatch(part) for part in parts):
        raise UserError(f"'{match['path']}' cannot be a file of {match['repository']}", expected="names of _.- and a-z")
    if not parts[-1].endswith(suffixes):
        raise UserError(
            f"'{parts[-1]}' is not read from the hub",
            expected=f"a file that ends in {' or '.join(suffixes)}: formats that hold data, and no program",
        )
    return Reference(match["repository"], match["revision"], match["path"], match["sha256"] or "")
