"""The corpus python_docs: the documentation topics that every Python installation includes, as plain English prose.

The topics are reStructuredText rendered for a terminal: prose hard-wrapped at 70 columns, between headings, tables,
grammar rules, code and doctests, and many of them repeat parts of others word for word. Only prose is kept:
one paragraph per line, in printable ASCII, each paragraph once. The text differs a little between Python versions.
"""

import hashlib
import platform
import re
from collections import Counter

from textzoo.text.corpora.cleaning import first_occurrences, fold_to_ascii
from textzoo.text.corpora.reading import Source

BULLET = re.compile(r"^( *)(?:[*-]|\d+\.|\[\d+\]) +")
WRAPPED_HYPHEN = re.compile(r"(?<=[a-z]-) (?=[a-z])")
FOOTNOTE_MARK = re.compile(r" \[\d+\]")
EMPHASIS = re.compile(r"(?<![\w*])\*{1,2}([A-Za-z][\w .:-]*)\*{1,2}(?![\w*])")
SENTENCE_START = re.compile(r"[A-Z\"'(]")
SENTENCE_END = re.compile(r"[.:?!][)\"']?$")

SHORTEST_PARAGRAPH = 40
# About 95 % of the characters of prose are letters, spaces and light punctuation; of code and tables, well below 90 %.
PROSE_SHARE = 0.9
LIGHT = re.compile(r"[A-Za-z ,.;:'\"-]")


def python_docs_documents(topics: dict[str, str]) -> tuple[list[str], dict[str, int]]:
    """Turn topics into documents.

    Args:
        topics: name -> text, as in pydoc_data.topics.

    Returns:
        One document per topic with prose that no other topic has, sorted by topic, one paragraph per line;
        and what was normalised or left out, with counts.
    """
    report: Counter[str] = Counter()
    seen: set[str] = set()
    documents = []
    for name in sorted(topics):
        text, folded = fold_to_ascii(topics[name])
        candidates = paragraphs(text)
        prose = [tidy(paragraph) for paragraph in candidates if is_prose(tidy(paragraph))]
        kept = first_occurrences(prose, seen)
        report.update(folded)
        report["paragraphs that are not prose, left out"] += len(candidates) - len(prose)
        report["repeated paragraphs, left out"] += len(prose) - len(kept)
        if kept:
            documents.append("\n".join(kept))
    return documents, dict(report)


def paragraphs(text: str) -> list[str]:
    """Join lines to paragraphs, which end at blank lines, bullets and changes of the indentation."""
    found: list[list[str]] = []
    previous = None
    for line in text.split("\n"):
        bullet = BULLET.match(line)
        indentation = bullet.end() if bullet else len(line) - len(line.lstrip())
        if bullet or indentation != previous or not line.strip():
            found.append([])
        found[-1].append(line[indentation:].strip())
        previous = indentation
    return [joined for lines in found if (joined := " ".join(lines).strip())]


def tidy(paragraph: str) -> str:
    """Remove markup: hyphens at line breaks, emphasis, footnote marks, runs of spaces."""
    paragraph = WRAPPED_HYPHEN.sub("", " ".join(paragraph.split()))
    return EMPHASIS.sub(r"\1", FOOTNOTE_MARK.sub("", paragraph))


def is_prose(paragraph: str) -> bool:
    """Return whether a paragraph looks like sentences rather than code, a heading, a table or a grammar."""
    return (
        len(paragraph) >= SHORTEST_PARAGRAPH
        and SENTENCE_START.match(paragraph) is not None
        and SENTENCE_END.search(paragraph) is not None
        and len(LIGHT.findall(paragraph)) >= PROSE_SHARE * len(paragraph)
    )


def read_python_docs() -> tuple[list[str], Source]:
    """Return the documents of the running Python, and their source."""
    from pydoc_data.topics import topics  # 0.5 MB that only this corpus needs

    documents, report = python_docs_documents(topics)
    raw = "".join(f"{name}\n{topics[name]}\n" for name in sorted(topics)).encode("utf-8")
    source = Source(
        location=f"pydoc_data.topics of Python {platform.python_version()}",
        sha256=hashlib.sha256(raw).hexdigest(),
        size_bytes=len(raw),
        characters=sum(map(len, documents)),
        documents=len(documents),
        normalised=report,
    )
    return documents, source
