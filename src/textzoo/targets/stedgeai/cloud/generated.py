"""The archive of C files that the cloud generates: checked, then unpacked into one folder."""

import re
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from textzoo.common.archives import open_archive
from textzoo.targets.stedgeai.cloud.errors import NotUnderstoodError, shown

EXPANSION, MAX_BYTES = 100, 1 << 30  # C tables of weights are packed well
# ST's libraries and headers are hundreds of files.
DIRECTORY_BYTES = 1 << 20
PART = re.compile(r"[\w][\w .+@-]{0,199}", re.ASCII)
MAX_PARTS = 12
WHAT = "what the Developer Cloud has generated"
DAMAGED = (OSError, ValueError, RuntimeError, NotImplementedError, EOFError, zipfile.BadZipFile, zlib.error)


def unpacked(content: bytes, folder: Path) -> list[Path]:
    """Unpack an archive's files into a folder and return their paths.

    Raises:
        NotUnderstoodError: It is no archive, is damaged, expands too far, or a name leads out of the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".generated-") as temporary:
        archive = Path(temporary, "generated.zip")
        archive.write_bytes(content)
        try:
            return extracted(archive, folder)
        except DAMAGED as error:
            beginning = shown(repr(content[:40]))
            raise NotUnderstoodError(
                f"{WHAT} is no archive that can be unpacked", received=f"{shown(str(error))}; {beginning}"
            ) from None


def extracted(archive: Path, folder: Path) -> list[Path]:
    """Unpack all files, after all names were checked."""
    expansion = min(EXPANSION, MAX_BYTES / max(archive.stat().st_size, 1))
    with open_archive(archive, expansion, DIRECTORY_BYTES) as opened:
        members = [member for member in opened.infolist() if not member.is_dir()]
        paths = [folder.joinpath(*safe_parts(member.filename)) for member in members]
        if len({str(path).lower() for path in paths}) != len(paths):
            raise ValueError("a name is there twice")
        for member, path in zip(members, paths, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(opened.read(member))
        return paths


def safe_parts(name: str) -> tuple[str, ...]:
    """Return the parts of a member's path; raise ValueError if it could lead out of the folder."""
    parts = PurePosixPath(name).parts
    if not 0 < len(parts) <= MAX_PARTS or not all(PART.fullmatch(part) for part in parts):
        raise ValueError(f"a file is named {name!r}")
    return parts
