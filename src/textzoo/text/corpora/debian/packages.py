"""The table of Debian packages whose texts can be a corpus."""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from textzoo.common.errors import UserError
from textzoo.common.registry import unknown_name


@dataclass(frozen=True)
class DebianText:
    """One row of the table.

    Attributes:
        name: Of the package.
        files: Patterns of its text files, from the root on, without a slash before them; "*" stands for slashes, too.
        cleaner: A name of CLEANERS (textzoo.text.corpora.debian.cleaners).
        title: What its text is.
        licence: As its copyright file says; the record of a run has what that file says of the version used.
        numbered: Pattern of the package's name where it has a number in it, and `name` is the package that needs it.
        left_out: Patterns of files that are lists rather than texts.
    """

    name: str
    files: tuple[str, ...]
    cleaner: str
    title: str
    licence: str
    numbered: str = ""
    left_out: tuple[str, ...] = ()

    def is_text(self, path: str) -> bool:
        """Return whether a file is one of its texts."""
        return matches_any(path, self.files) and not matches_any(path, self.left_out)

    def is_package(self, package: str) -> bool:
        """Return whether the texts are in a package of this name."""
        return bool(re.fullmatch(self.numbered, package)) if self.numbered else package == self.name


def matches_any(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


DOC, MAN = "usr/share/doc", "usr/share/man"
INDEXES = ("*/genindex*", "*/search*", "*/py-modindex*", "*/bookindex*", "*keyword_index*", "*/toc.db*")
PACKAGES = (
    DebianText(
        "python3-doc",
        (f"{DOC}/python3*/html/*.html",),
        "html",
        "The documentation of Python",
        "Python Software Foundation License 2",
        numbered=r"python3\.\d+-doc",
        left_out=INDEXES,
    ),
    DebianText(
        "sqlite3-doc",
        (f"{DOC}/sqlite3/*.html",),
        "html",
        "The documentation of SQLite",
        "public domain",
        left_out=INDEXES,
    ),
    DebianText("git-doc", (f"{DOC}/git*/*.html",), "html", "The documentation of Git", "GPL-2"),
    DebianText(
        "postgresql-doc",
        (f"{DOC}/postgresql-doc-*/html/*.html",),
        "html",
        "The documentation of PostgreSQL",
        "PostgreSQL",
        numbered=r"postgresql-doc-\d+",
        left_out=INDEXES,
    ),
    DebianText("debian-policy", (f"{DOC}/debian-policy/*.html",), "html", "The policy of Debian", "GPL-2+"),
    DebianText(
        "debian-reference-en", ("usr/share/debian-reference/*.en.html",), "html", "A guide to Debian systems", "GPL-2+"
    ),
    DebianText("abs-guide", (f"{DOC}/abs-guide/html/*.html",), "html", "A guide to Bash scripting", "public domain"),
    DebianText(
        "perl-doc", ("usr/share/perl/*.pod", "usr/lib/*.pod"), "pod", "The documentation of Perl", "GPL-1+ or Artistic"
    ),
    DebianText("manpages", (f"{MAN}/man?/*.gz",), "man", "Manual pages of Linux", "several free licences"),
    DebianText("manpages-dev", (f"{MAN}/man?/*.gz",), "man", "Manual pages for programmers", "several free licences"),
    DebianText("dict-gcide", ("usr/share/dictd/gcide.dict.dz",), "dictionary", "A dictionary of English", "GPL"),
    DebianText(
        "dict-wn", ("usr/share/dictd/wn.dict.dz",), "dictionary", "WordNet, a lexicon of English", "WordNet 3.0"
    ),
    DebianText("dict-foldoc", ("usr/share/dictd/foldoc.dict.dz",), "dictionary", "A dictionary of computing", "GFDL"),
)
BY_NAME = {row.name: row for row in PACKAGES}
# Prose of different kinds, about 50 MB of packed files to download.
DEFAULT = ("python3-doc", "sqlite3-doc", "git-doc", "postgresql-doc", "dict-gcide", "dict-wn")


# Debian policy 5.6.12.
VERSION = re.compile(r"[A-Za-z0-9.+~:-]{1,80}")


@dataclass(frozen=True)
class Wanted:
    """A package that was asked for: its row, its name where that was given with its number, and its version."""

    row: DebianText
    package: str
    version: str


def wanted(given: str) -> Wanted:
    """Return the package of "name" or "name=version"; raise UserError for one that is not in the table."""
    name, equals, version = given.partition("=")
    if equals and not VERSION.fullmatch(version):
        raise UserError("dataset.packages: not the version of a package", received=version[:80])
    for row in PACKAGES:
        if name == row.name:
            return Wanted(row, "" if row.numbered else name, version)
        if row.is_package(name):
            return Wanted(row, name, version)
    raise unknown_name("package in dataset.packages", name, list(BY_NAME))


def mistakes(given: list[str]) -> list[UserError]:
    """Return an error for each package that is not in the table, or comes twice."""
    errors = []
    for name in given:
        try:
            wanted(name)
        except UserError as error:
            errors.append(error)
    if len(set(given)) < len(given):
        errors.append(UserError("dataset.packages names a package twice", received=", ".join(given)))
    return errors
