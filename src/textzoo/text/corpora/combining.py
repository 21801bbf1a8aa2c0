"""Combine texts into one corpus: merge, normalise, deduplicate, and record their provenance.

    python datasets/combine_corpus.py book.txt notes/ --output datasets/mine.txt --ascii

(with an installed TextZoo: python -m textzoo.text.corpora.combining)
writes datasets/mine.txt and, next to it, datasets/mine.json with provenance and statistics. Then train on it with
`dataset=text dataset.training_path=datasets/mine.txt`. As a function: combine_corpus(inputs, output, ...).
"""

import argparse
import hashlib
import sys
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.escaping import tolerate_missing_characters, visible
from textzoo.common.files import write_json, write_text
from textzoo.common.progress import progress_bar
from textzoo.text.corpora.cleaning import (
    UNICODE_FORMS,
    first_occurrences,
    fold_to_ascii,
    join_documents,
    split_documents,
)
from textzoo.text.corpora.reading import Source, read_text, text_files

# How a text is divided into documents, for duplicates and for the blank lines between documents.
DOCUMENTS: dict[str, Callable[[str], list[str]]] = {
    "parts": split_documents,
    "files": lambda text: [text.strip("\n")],
}
REPORT_FORMAT = "textzoo-corpus-report"
REPORT_VERSION = 1


@dataclass(frozen=True)
class CombiningSettings:
    """How texts are normalised and deduplicated: arguments of `combine_corpus`, in the report as they are."""

    unicode_form: str
    ascii_only: bool
    deduplicate: bool
    documents: str


def combine_corpus(
    inputs: Sequence[Path | str],
    output: Path | str,
    *,
    unicode_form: str = "NFC",
    ascii_only: bool = False,
    deduplicate: bool = True,
    documents: str = "parts",
    licence: str = "",
) -> dict[str, Any]:
    """Merge texts into one file of documents separated by blank lines, and write a report next to it.

    Args:
        inputs: UTF-8 files, and folders, of which the .txt files are read, sorted by path.
        output: The .txt file to write; the report has the same name with .json.
        unicode_form: NFC, NFD, NFKC or NFKD. Newlines always become LF.
        ascii_only: Whether characters other than printable ASCII are replaced by the nearest ASCII text, or dropped.
        deduplicate: Whether exact repetitions of a document (ignoring whitespace) are left out.
        documents: What a document is: "parts" between blank lines, or whole "files".
        licence: Licence or origin of the texts, for the record.

    Returns:
        The report, as written.

    Raises:
        UserError: An input is missing, empty or not UTF-8 text; the output is not .txt or is one of the inputs.
    """
    files, output = text_files([Path(path) for path in inputs]), Path(output)
    check_output(output, files)
    settings = CombiningSettings(unicode_form, ascii_only, deduplicate, documents)
    kept, sources = collect(files, settings)
    text = join_documents(kept) + "\n"
    report = {
        "format": REPORT_FORMAT,
        "version": REPORT_VERSION,
        "licence": licence,
        "settings": asdict(settings),
        "output": describe_output(output, text, len(kept)),
        "sources": sources,
    }
    write_text(output, text)
    write_json(output.with_suffix(".json"), report)
    return report


def collect(files: Sequence[Path], settings: CombiningSettings) -> tuple[list[str], list[dict[str, Any]]]:
    """Read all files: the documents to keep, in order, and a record of each file."""
    seen: set[str] = set()
    kept: list[str] = []
    sources: list[dict[str, Any]] = []
    with progress_bar("combining", len(files), unit="files") as advance:
        for file in files:
            found, source = read_documents(file, settings)
            fresh = first_occurrences(found, seen) if settings.deduplicate else found
            kept += fresh
            sources.append({**asdict(source), "duplicates_left_out": len(found) - len(fresh)})
            advance()
    return kept, sources


def check_output(output: Path, files: list[Path]) -> None:
    if output.suffix != ".txt":
        raise UserError(f"wrong name of the output '{output}'", expected="a name that ends in .txt")
    if output.resolve() in {file.resolve() for file in files}:
        raise UserError(
            f"the output '{output}' is one of the inputs", remedy="Write it elsewhere, or move it out of the folder."
        )


def read_documents(file: Path, settings: CombiningSettings) -> tuple[list[str], Source]:
    """Return the normalised documents of a file, and its record."""
    text, source = read_text(file)
    report, form = dict(source.normalised), settings.unicode_form
    composed = unicodedata.normalize(form, text)
    if composed != text:
        report[f"{form}: characters before"] = len(text)
        report[f"{form}: characters after"] = len(composed)
    if settings.ascii_only:
        composed, folded = fold_to_ascii(composed)
        report |= folded
    found = DOCUMENTS[settings.documents](composed)
    return found, replace(source, characters=len(composed), documents=len(found), normalised=report)


def describe_output(output: Path, text: str, documents: int) -> dict[str, Any]:
    content = text.encode("utf-8")
    return {
        "file": output.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_bytes": len(content),
        "characters": len(text),
        "words": len(text.split()),
        "documents": documents,
        "distinct_characters": len(set(text)),
        "alphabet": "".join(sorted(set(text))),
    }


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inputs", nargs="+", type=Path, help="UTF-8 text files, and folders of .txt files")
    parser.add_argument("--output", required=True, type=Path, help="the .txt file to write, next to the report")
    parser.add_argument("--unicode-form", default="NFC", choices=UNICODE_FORMS, help="default: NFC")
    parser.add_argument("--ascii", action="store_true", help="fold everything to printable ASCII")
    parser.add_argument("--keep-duplicates", action="store_true", help="keep repeated documents")
    parser.add_argument("--documents", default="parts", choices=DOCUMENTS, help="parts between blank lines, or files")
    parser.add_argument("--licence", default="", help="licence or origin of the texts, for the report")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    tolerate_missing_characters()
    given = arguments().parse_args(argv)
    try:
        report = combine_corpus(
            given.inputs,
            given.output,
            unicode_form=given.unicode_form,
            ascii_only=given.ascii,
            deduplicate=not given.keep_duplicates,
            documents=given.documents,
            licence=given.licence,
        )
    except (UserError, OSError) as error:  # OSError: the output's folder is read-only or full
        print(visible(f"error: {error}"), file=sys.stderr)
        return 2
    print(visible(summary(report, given.output)))
    return 0


def summary(report: dict[str, Any], output: Path) -> str:
    written, sources = report["output"], report["sources"]
    left_out = sum(source["duplicates_left_out"] for source in sources)
    return (
        f"{output}: {written['characters']:,} characters ({written['distinct_characters']} distinct),"
        f" {written['documents']:,} documents from {len(sources)} files, {left_out:,} duplicates left out\n"
        f"{output.with_suffix('.json')}: provenance and statistics"
    )


if __name__ == "__main__":
    sys.exit(main())
