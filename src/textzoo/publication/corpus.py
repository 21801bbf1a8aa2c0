"""What a corpus is and where it is from: of the built-in ones, and of a text that combine_corpus.py made."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.untrusted_json import read_json_object
from textzoo.text.corpora.combining import REPORT_FORMAT
from textzoo.text.corpora.debian.packages import DEFAULT, wanted
from textzoo.text.corpora.debian.sources import PACKAGE
from textzoo.text.corpora.registry import CORPORA, Provenance
from textzoo.text.prepare import read_record
from textzoo.text.settings import DatasetConfig, with_inherited

MAX_REPORT_BYTES = 1 << 24
MAX_LICENCE = 500


def provenances(dataset: DatasetConfig, folder: Path) -> list[Provenance | None]:
    """Return what is known of the corpus; of a mixture, of each source. None is a text of which nothing is known.

    Args:
        dataset: The corpus.
        folder: Where the run has prepared it; without a record there, versions of packages are unknown.
    """
    sources = [dataset]
    if dataset.sources and CORPORA[dataset.name].has_sources:
        sources = [with_inherited(dataset, source) for source in dataset.sources]
    found: list[Provenance | None] = []
    for source in sources:
        if CORPORA[source.name].has_packages:
            recorded = recorded_sources(folder)
            found += [provenance_of_package(name, recorded) for name in source.packages or DEFAULT]
        else:
            found.append(provenance_of(source))
    return found


def provenance_of_package(name: str, recorded: list[dict[str, Any]]) -> Provenance:
    """Return what is known of a Debian package: version and licence of the run's record, or what the table says."""
    asked = wanted(name)
    for source in recorded:
        package, version = str(source.get("location", "")).removeprefix(PACKAGE).partition(" ")[::2]
        if asked.row.is_package(package):
            licence = str(source.get("licence") or asked.row.licence)[:MAX_LICENCE]
            return Provenance(asked.row.title, f"the Debian package {package}, version {version}", licence)
    return Provenance(asked.row.title, f"the Debian package {name}", asked.row.licence)


def recorded_sources(folder: Path) -> list[dict[str, Any]]:
    """Return the sources of the record of a prepared corpus; none without one."""
    try:
        sources = read_record(folder).get("sources")
    except UserError:
        return []
    return [source for source in sources if isinstance(source, dict)] if isinstance(sources, list) else []


def provenance_of(dataset: DatasetConfig) -> Provenance | None:
    """Return the table's row of a built-in corpus, or what the report beside a combined text says of it."""
    kind = CORPORA[dataset.name]
    if kind.provenance and not (dataset.training_path and (kind.download or kind.large_file)):
        return kind.provenance
    return next(combined(dataset.training_path), None)


def combined(paths: Any) -> Iterator[Provenance]:
    """Yield what combine_corpus.py wrote about a text, if it is the one that the report is of."""
    if not isinstance(paths, str) or not (report := Path(paths).with_suffix(".json")).is_file():
        return
    try:
        values = read_json_object(report, MAX_REPORT_BYTES)
    except UserError:
        return
    licence, sources = values.get("licence"), values.get("sources")
    if values.get("format") == REPORT_FORMAT and isinstance(licence, str) and licence and isinstance(sources, list):
        origin = f"{len(sources):,} texts, merged by combine_corpus.py"
        yield Provenance("A text of the author's", origin, licence[:MAX_LICENCE], language="")
