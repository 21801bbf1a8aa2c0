"""What a corpus is and where it is from: of the built-in ones, and of a text that combine_corpus.py made."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.untrusted_json import read_json_object
from textzoo.text.corpora.combining import REPORT_FORMAT
from textzoo.text.corpora.registry import CORPORA, Provenance
from textzoo.text.settings import DatasetConfig, with_inherited

MAX_REPORT_BYTES = 1 << 24
MAX_LICENCE = 500


def provenances(dataset: DatasetConfig) -> list[Provenance | None]:
    """Return what is known of the corpus; of a mixture, of each source. None is a text of which nothing is known."""
    if not dataset.sources or not CORPORA[dataset.name].has_sources:
        return [provenance_of(dataset)]
    return [provenance_of(with_inherited(dataset, source)) for source in dataset.sources]


def provenance_of(dataset: DatasetConfig) -> Provenance | None:
    """Return the table's row of a built-in corpus, or what the report beside a combined text says of it."""
    kind = CORPORA[dataset.name]
    if kind.provenance and (kind.download is None or not dataset.training_path):
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
