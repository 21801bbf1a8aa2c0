"""Where the files of a Debian package come from: installed, from a .deb in the cache, or downloaded by apt.

The cleaned text of a package is kept in the cache under the package's version, so that the same version gives the same
text, with or without network.
"""

import hashlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from textzoo.common import processes
from textzoo.common.deb_archives import files_of_deb
from textzoo.common.errors import UserError, collecting, raise_all
from textzoo.common.files import file_digest, read_bytes, value_digest, write_json, write_text
from textzoo.common.progress import progress_bar
from textzoo.common.untrusted_json import read_json_object
from textzoo.text.corpora.cleaning import DOCUMENT_SEPARATOR
from textzoo.text.corpora.debian import cleaners, packages
from textzoo.text.corpora.debian.cleaners import prose_of
from textzoo.text.corpora.debian.packages import Wanted, wanted
from textzoo.text.corpora.reading import Source

FOLDER = "debian"
PACKAGE = "Debian package "
ROOT = Path("/")
MAX_ARCHIVE_BYTES = 1 << 28
MAX_FILE_BYTES = 1 << 26
MAX_TEXT_BYTES = 1 << 28
MAX_RECORD_BYTES = 1 << 20
MAX_LICENCE = 200
QUERY_SECONDS, DOWNLOAD_SECONDS = 60.0, 1800.0
COPYRIGHT = "usr/share/doc/{}/copyright"
LICENCE = re.compile(r"^License:[ \t]*(\S.*)$", re.MULTILINE)


@dataclass(frozen=True)
class PackageText:
    """The text of a package.

    Attributes:
        package: Its name and version, as apt writes them: "sqlite3-doc=3.40.1-2".
        documents: One paragraph per line.
        source: Provenance for the record of a run.
    """

    package: str
    documents: list[str]
    source: Source


def package_texts(given: list[str], cache: Path) -> list[PackageText]:
    """Return the texts of packages, in the order given.

    Args:
        given: Names of the table, each with "=version" behind it if that matters; empty for the usual ones.
        cache: dataset.cache_dir.

    Raises:
        UserError: Packages that are not in the table, or that cannot be had here; all of them.
    """
    names = given or list(packages.DEFAULT)
    raise_all(packages.mistakes(names))
    found, errors = [], []
    with progress_bar("texts of Debian packages", len(names), unit="packages") as advance:
        for name in names:
            with collecting(errors):
                found.append(package_text(wanted(name), cache / FOLDER))
            advance(note=name)
    raise_all(errors)
    return found


def package_text(asked: Wanted, folder: Path) -> PackageText:
    """Return the text of a package: from the cache, of installed files, or of a .deb, which is downloaded if needed."""
    here = installed(asked)
    exact = replace(asked, package=here[0], version=here[1]) if here else resolved(asked)
    if kept := kept_text(exact, folder):
        return kept
    if here and (files := installed_files(exact)):
        return made_text(exact, files, folder)
    if here and not asked.version:  # without its documents; apt may have a newer version only
        exact = resolved(asked)
    archive = kept_archive(exact, folder) or downloaded(exact, folder)
    package, version, _ = archive.name.split("_", 2)
    exact = replace(exact, package=package, version=version.replace("%3a", ":"))
    return kept_text(exact, folder) or made_text(exact, archive_files(exact, archive), folder)


def installed(asked: Wanted) -> tuple[str, str] | None:
    """Return name and version of the package if it is installed in the version that was asked for."""
    pattern = asked.package or re.sub(r"\\d\+", "*", asked.row.numbered.replace("\\.", "."))
    answer = output_of("dpkg-query", "-W", "-f", "${Package} ${Version} ${db:Status-Status}\\n", pattern)
    rows = [line.split() for line in answer.splitlines()]
    found = [(row[0], row[1]) for row in rows if row[2:] == ["installed"] and asked.row.is_package(row[0])]
    found = [pair for pair in found if asked.version in ("", pair[1])]
    return max(found, key=lambda pair: natural(pair[1]), default=None)


def natural(text: str) -> list[tuple[int, str]]:
    """Return what texts with numbers in them are sorted by: 9 before 11."""
    return [(int(number or 0), word) for word, number in re.findall(r"(\D*)(\d*)", text)]


def resolved(asked: Wanted) -> Wanted:
    """Return the package with its number and the version that apt would take, as far as apt is here and knows them."""
    package = asked.package
    if not package:
        answer = output_of("apt-cache", "depends", asked.row.name)
        needed = [line.partition("Depends:")[2].strip() for line in answer.splitlines()]
        package = next((name for name in needed if asked.row.is_package(name)), "")
    version = asked.version
    if package and not version:
        lines = output_of("apt-cache", "show", "--no-all-versions", package).splitlines()
        version = next((line.partition(":")[2].strip() for line in lines if line.startswith("Version:")), "")
    return replace(asked, package=package, version=version)


def output_of(*command: str) -> str:
    """Return what a program prints; "" where it is not here or fails."""
    if shutil.which(command[0]) is None:
        return ""
    try:
        done = processes.run_text(list(command), timeout=QUERY_SECONDS)
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout if done.returncode == 0 else ""


def installed_files(asked: Wanted) -> list[tuple[str, bytes]]:
    """Return the text files of an installed package; none if some are missing, as where dpkg leaves out documents."""
    listed = output_of("dpkg-query", "-L", asked.package).splitlines()
    names = sorted({line.lstrip("/") for line in listed if is_needed(asked, line.lstrip("/"))})
    texts = [name for name in names if asked.row.is_text(name)]
    if not texts or not all((ROOT / name).is_file() for name in texts):
        return []
    return [(name, read_bytes(ROOT / name, MAX_FILE_BYTES)) for name in names if (ROOT / name).is_file()]


def is_needed(asked: Wanted, name: str) -> bool:
    return asked.row.is_text(name) or name == COPYRIGHT.format(asked.package)


def kept_archive(asked: Wanted, folder: Path) -> Path | None:
    """Return a .deb of the package that lies in the folder, of the version asked for, or the newest."""
    paths = [path for path in folder.glob("*_*_*.deb") if is_of(asked, path)]
    return max(paths, key=lambda path: natural(path.name), default=None)


def is_of(asked: Wanted, path: Path) -> bool:
    """Return whether a file of the folder, by its name, is of the package and version that were asked for."""
    package, version, _ = path.name.split("_", 2)
    same = asked.package in ("", package) and asked.version in ("", version.replace("%3a", ":"))
    return same and asked.row.is_package(package)


def downloaded(asked: Wanted, folder: Path) -> Path:
    """Download the .deb by apt, which checks its hash, and which needs no root for this."""
    if shutil.which("apt-get") is None:
        raise not_here(asked, folder, "there is no apt-get")
    if not asked.package:
        raise not_here(asked, folder, "apt does not know it")
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{asked.package}={asked.version}" if asked.version else asked.package
    try:
        done = processes.run_text(["apt-get", "-qq", "download", name], folder.absolute(), timeout=DOWNLOAD_SECONDS)
    except subprocess.TimeoutExpired:
        raise not_here(asked, folder, f"apt-get took more than {DOWNLOAD_SECONDS:g} s") from None
    if (archive := kept_archive(asked, folder)) is None:
        reason = next(
            (line for line in done.stderr.splitlines() if line.startswith("E:")), "apt-get downloaded nothing"
        )
        raise not_here(asked, folder, reason.removeprefix("E:").strip())
    return archive


def not_here(asked: Wanted, folder: Path, reason: str) -> UserError:
    name = asked.package or asked.row.name
    return UserError(
        f"the text of the Debian package {name} is not on this machine",
        received=reason,
        remedy=f"Debian and Ubuntu: sudo apt-get install {asked.row.name}. Elsewhere put its .deb from"
        f" https://packages.debian.org/{name} into {folder}, or leave it out of dataset.packages.",
    )


def archive_files(asked: Wanted, archive: Path) -> list[tuple[str, bytes]]:
    """Return the text files of a .deb, sorted by name; UserError for one that is damaged or too large."""
    try:
        return sorted(files_of_deb(archive, lambda name: is_needed(asked, name), MAX_ARCHIVE_BYTES))
    except ValueError as error:
        raise UserError(f"'{archive}' cannot be read", received=str(error), remedy="Delete it.") from error


def made_text(asked: Wanted, files: list[tuple[str, bytes]], folder: Path) -> PackageText:
    """Clean the files of a package, and keep the text and its record in the folder, if that can be written."""
    texts = [(name, content) for name, content in files if asked.row.is_text(name)]
    licence = next((licences_in(content) for name, content in files if not asked.row.is_text(name)), "")
    try:
        documents, report = prose_of((content for _, content in texts), asked.row.cleaner)
    except ValueError as error:
        raise UserError(f"a file of {asked.package} cannot be read", received=str(error)) from error
    if not documents:
        raise UserError(f"the Debian package {asked.package} {asked.version} has no text in the known places")
    source = Source(
        location=f"{PACKAGE}{asked.package} {asked.version}",
        sha256=value_digest([(name, hashlib.sha256(content).hexdigest()) for name, content in texts]),
        size_bytes=sum(len(content) for _, content in texts),
        characters=sum(map(len, documents)),
        documents=len(documents),
        normalised=report,
        licence=licence or asked.row.licence,
    )
    text = PackageText(f"{asked.package}={asked.version}", documents, source)
    keep_text(text, text_path(asked, folder))
    return text


def licences_in(content: bytes) -> str:
    """Return the licences that a copyright file names, if it has the form for machines (DEP 5)."""
    text = content.decode("utf-8", "replace")
    names = LICENCE.findall(text) if text.startswith("Format:") else []
    return ", ".join(dict.fromkeys(" ".join(name.split()) for name in names))[:MAX_LICENCE]


def text_path(asked: Wanted, folder: Path) -> Path:
    """Return where the text of a package is kept; it is another file where what makes it has changed."""
    made_by = value_digest([file_digest(Path(str(module.__file__))) for module in (cleaners, packages)])
    return folder / f"{asked.package}_{asked.version.replace(':', '%3a')}_{made_by[:8]}.txt"


def keep_text(text: PackageText, path: Path) -> None:
    content = DOCUMENT_SEPARATOR.join(text.documents)
    record = {
        "package": text.package,
        "sha256": hashlib.sha256(content.encode()).hexdigest(),
        "source": vars(text.source),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, content)
        write_json(path.with_suffix(".json"), record)
    except OSError:  # the folder cannot be written: the text is made again next time
        return


def kept_text(asked: Wanted, folder: Path) -> PackageText | None:
    """Return the text that is kept of this version; where the version is not known, the newest."""
    if asked.package and asked.version:
        return read_kept(text_path(asked, folder))
    paths = [path for path in folder.glob("*_*_*.txt") if is_of(asked, path)]
    return next(filter(None, map(read_kept, sorted(paths, key=lambda path: natural(path.name), reverse=True))), None)


def read_kept(path: Path) -> PackageText | None:
    """Return a text that is kept, if it is the one of its record."""
    try:
        record: dict[str, Any] = read_json_object(path.with_suffix(".json"), MAX_RECORD_BYTES)
        content = read_bytes(path, MAX_TEXT_BYTES)
        if record["sha256"] != hashlib.sha256(content).hexdigest():
            return None
        return PackageText(record["package"], list(documents_in(content.decode())), Source(**record["source"]))
    except (UserError, KeyError, TypeError, OSError):
        return None


def documents_in(text: str) -> Iterator[str]:
    return iter(text.split(DOCUMENT_SEPARATOR))
