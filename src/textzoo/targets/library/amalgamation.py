"""Amalgamation: many files of C as one, in which every file keeps its text.

Headers come first, each once, in the order in which they are needed. Then follow the .c files, without the includes of
the project's own headers; a file that ends in .inc is inserted wherever it is included, because it is the body of
something that the macros before it describe.

In one file, names collide that were apart in several. The text is not changed for that: where two files define the same
name for themselves, the preprocessor adds the file's name (`#define lowest sampler_lowest`) for the length of that
file. The macros of a file are removed behind it. Functions and objects that files share get the library's prefix in the
same way, once for all files, so that several libraries can be linked into one program.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from textzoo.common.errors import UserError
from textzoo.common.paths import APPLICATION, DEPLOYMENT, RUNTIME
from textzoo.targets.library.c_names import Names, names_of

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"[^\n]*\n', re.MULTILINE)
BODY_SUFFIX = ".inc"
RULE_WIDTH = 117


@dataclass(frozen=True)
class SourceFile:
    """A file to insert.

    Attributes:
        label: What its heading calls it.
        text: Its content.
        folder: Where its includes are looked up first; None for generated files.
    """

    label: str
    text: str
    folder: Path | None = None

    @property
    def stem(self) -> str:
        return PurePosixPath(self.label).stem

    @classmethod
    def read(cls, path: Path) -> "SourceFile":
        """Return one of the files of deployment/."""
        path = path.resolve()
        return cls(path.relative_to(DEPLOYMENT).as_posix(), path.read_text(encoding="utf-8"), path.parent)


@dataclass
class Amalgamation:
    """One file that is made of several.

    Attributes:
        prefix: Before the names of functions and objects that files share.
        generated: Files that exist only here, by the name that includes give them.
        headers: The text of the headers inserted so far, nested ones inside the first that includes them.
        seen: Which headers these are.
        units: The .c files, with what they include.
    """

    prefix: str
    generated: Mapping[str, str]
    headers: list[tuple[str, str]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    units: list[SourceFile] = field(default_factory=list)

    def add(self, unit: SourceFile) -> None:
        """Add a .c file behind the others."""
        self.units.append(SourceFile(unit.label, self.expanded(unit, in_header=False), unit.folder))

    def find(self, name: str, folder: Path | None) -> SourceFile:
        """Return the file that an include names: beside the file, generated, or of the application or the runtime."""
        if folder is not None and (folder / name).is_file():
            return SourceFile.read(folder / name)
        if name in self.generated:
            return SourceFile(name, self.generated[name])
        for root in (RUNTIME / "include", APPLICATION):
            if (root / name).is_file():
                return SourceFile.read(root / name)
        raise ValueError(f"no file {name!r} to include")

    def expanded(self, file: SourceFile, *, in_header: bool) -> str:
        """Return the text of a file with the project's own includes carried out."""

        def insert(match: re.Match[str]) -> str:
            included = self.find(match[1], file.folder)
            if included.label.endswith(BODY_SUFFIX):
                return self.expanded(included, in_header=in_header)
            if included.label in self.seen:
                return ""
            self.seen.add(included.label)
            text = self.expanded(included, in_header=True)
            if in_header:
                return text
            self.headers.append((included.label, text))
            return ""

        return INCLUDE.sub(insert, file.text)

    def text(self) -> str:
        """Return everything behind one another."""
        names = [names_of(unit.text) for unit in self.units]
        shared = sorted(set().union(*(each.shared for each in names)))
        shared = [name for name in shared if not name.startswith(f"{self.prefix}_")]
        refuse_names_of(shared, self.prefix, names)
        parts = ["/* What files share, with this library's prefix. */\n"]
        parts += [f"#define {name} {self.prefix}_{name}\n" for name in shared]
        parts += [f"\n{heading(label)}{text.strip()}\n" for label, text in self.headers]
        taken = names_of("".join(text for _, text in self.headers)).own | set(shared)
        parts += [self.unit_text(index, names, taken) for index in range(len(self.units))]
        return "".join(parts)

    def unit_text(self, index: int, names: Sequence[Names], taken: set[str]) -> str:
        """Return a .c file between the macros that keep its names apart."""
        unit, own = self.units[index], names[index]
        others = taken.union(*(each.own for number, each in enumerate(names) if number != index))
        colliding = sorted((own.own & others) - own.macros.keys())
        before = "".join(f"#define {name} {unit.stem}_{name}\n" for name in colliding)
        behind = "".join(f"#undef {name}\n" for name in [*colliding, *sorted(own.macros)])
        return f"\n{heading(unit.label)}{before}{unit.text.strip()}\n{behind}"


def refuse_names_of(shared: Sequence[str], prefix: str, names: Sequence[Names]) -> None:
    """Raise UserError if a macro, e.g. a tensor's name, is what something shared is called with the prefix."""
    prefixed = {f"{prefix}_{name}" for name in shared}
    for name in sorted(prefixed & set().union(*(each.macros for each in names))):
        raise UserError(
            f"the model has a tensor whose name is that of a function of the library: {name}",
            remedy="Choose another deployment.library_name.",
        )


def heading(label: str) -> str:
    """Return the comment above a file."""
    return f"/* {label} {'-' * max(3, RULE_WIDTH - 7 - len(label))} */\n"


def needed_sources(units: Sequence[SourceFile]) -> list[SourceFile]:
    """Return the .c files of the application whose headers the units include, directly or by one another."""
    found: dict[str, SourceFile] = {}
    waiting = list(units)
    while waiting:
        for name in INCLUDE.findall(waiting.pop().text):
            source = (APPLICATION / name).with_suffix(".c")
            if source.is_file() and name not in found:
                found[name] = SourceFile.read(source)
                waiting.append(found[name])
    return [found[name] for name in sorted(found)]
