"""From the files of Debian packages to prose: HTML, dictionaries (dictd), Perl's POD, manual pages.

Each cleaner takes one file and gives its documents, each a list of paragraphs; `prose_of` folds them to ASCII and keeps
those that look like sentences, each once.
"""

import gzip
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from html.parser import HTMLParser
from io import BytesIO

from textzoo.text.corpora.cleaning import first_occurrences, fold_to_ascii
from textzoo.text.corpora.python_docs import LIGHT, PROSE_SHARE, SHORTEST_PARAGRAPH, is_prose, tidy

Documents = Iterator[list[str]]
MAX_UNPACKED = 1 << 28

BLOCKS = frozenset(("p", "li", "dd", "dt", "td", "th", "div", "blockquote", "section", "article", "body", "br", "hr"))
BLOCKS |= {"h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "tr"}
NO_PROSE = frozenset(("script", "style", "pre", "nav", "head", "header", "footer", "svg", "math", "textarea", "select"))

BRACES = re.compile(r"[{}]")
BRACKETS = re.compile(r"\s*\[[^\[\]]*\]")
PRONUNCIATION = re.compile(r"\s*\\[^\\]*\\|\s*\([^()]*[`*\[\"][^()]*\)")
FIELD = re.compile(r"^\s*<[^<>]*>\s*")
AUTHOR = re.compile(r"\s*--\s*[A-Z][\w. ]*\.?$")
SENSE = re.compile(r"^ +(?:(?:n|v|adj|adv) )?\d+[.:] |^ +(?:n|v|adj|adv) : ")

POD_CODE = re.compile(r"[A-Z]<((?:[^<>|]*\|)?)([^<>]*)>")
POD_LONG_CODE = re.compile(r"[A-Z](<<+) ((?:(?!>>).)*) >>+")
ROFF_ESCAPES = (
    (re.compile(r'\\".*'), ""),
    (re.compile(r"\\f(?:\[[^\]]*\]|\([A-Z]{2}|.)"), ""),
    (re.compile(r"\\\*?\((?:lq|rq|dq)|\\\*?\[(?:lq|rq)\]"), '"'),
    (re.compile(r"\\\((?:aq|cq|oq)"), "'"),
    (re.compile(r"\\\(em"), "--"),
    (re.compile(r"\\\((?:en|mi|hy)|\\-"), "-"),
    (re.compile(r"\\[&|^/,%:]|\\s[+-]?\d"), ""),
    (re.compile(r"\\e"), r"\\"),
    (re.compile(r"\\[ ~0]"), " "),
    (re.compile(r"\\\(..|\\\[[^\]]*\]|\\."), ""),
)
ROFF_FONTS = frozenset(("B", "I", "BR", "IR", "RB", "RI", "BI", "IB", "SM", "SB"))
ROFF_CODE = {"EX": "EE", "nf": "fi", "TS": "TE", "SY": "YS", "ig": "."}


class Paragraphs(HTMLParser):
    """The texts of a page's blocks, without those that are no prose."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.parts: list[str] = []
        self.ignored: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in BLOCKS or tag in NO_PROSE:
            self.end_block()
        if tag in NO_PROSE:
            self.ignored.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.ignored:
            del self.ignored[self.ignored.index(tag) :]
        if tag in BLOCKS:
            self.end_block()

    def handle_data(self, data: str) -> None:
        if not self.ignored:
            self.parts.append(data)

    def end_block(self) -> None:
        if text := " ".join("".join(self.parts).replace("\N{PILCROW SIGN}", "").split()):
            self.found.append(text)
        self.parts = []


def html_documents(content: bytes) -> Documents:
    """Yield the paragraphs of a page."""
    parser = Paragraphs()
    parser.feed(content.decode("utf-8", "replace"))
    parser.close()
    parser.end_block()
    yield parser.found


def dictionary_documents(content: bytes) -> Documents:
    """Yield the definitions of each entry of a .dict.dz: a word at the beginning of a line, what it means indented."""
    entry: list[str] = []
    for line in unpacked(content).decode("utf-8", "replace").split("\n"):
        if line[:1].strip() and entry:
            yield list(definitions(entry))
            entry = []
        entry.append(line)
    yield list(definitions(entry))


def definitions(lines: list[str]) -> Iterator[str]:
    """Yield "word: meaning." for each meaning of an entry."""
    word = BRACKETS.sub("", PRONUNCIATION.sub("", BRACES.sub("", lines[0]))).split(",")[0].strip().rstrip(".")
    meaning: list[str] = []
    for line in [*lines[1:], ""]:
        if not line.strip() or SENSE.match(line):
            text = plain_definition(" ".join(meaning))
            if text:
                yield f"{word}: {text}"
            meaning = []
        meaning.append(SENSE.sub("", line).strip())


def plain_definition(text: str) -> str:
    """Return a meaning without references, authors and marks, ending as a sentence does."""
    text = BRACKETS.sub("", BRACKETS.sub("", FIELD.sub("", BRACES.sub("", text))))
    text = AUTHOR.sub("", " ".join(text.split())).strip(" ;,")
    return text if not text or text[-1] in ".?!\"')" else f"{text}."


def pod_documents(content: bytes) -> Documents:
    """Yield the paragraphs of a POD file (perlpod), without commands and what is indented."""
    found = []
    for block in re.split(r"\n\s*\n", content.decode("utf-8", "replace")):
        if block.startswith(("=", " ", "\t")):
            continue
        text = POD_LONG_CODE.sub(r"\2", " ".join(block.split()))
        while (plainer := POD_CODE.sub(pod_text, text)) != text:
            text = plainer
        found.append(text)
    yield found


def pod_text(match: re.Match[str]) -> str:
    """Return what a formatting code shows: L<text|name> the text, E<lt> nothing, others what is in them."""
    if match[0].startswith(("X<", "E<", "Z<")):
        return ""
    return match[1].rstrip("|") or match[2]


def man_documents(content: bytes) -> Documents:
    """Yield the paragraphs of a manual page, without examples and tables."""
    found: list[list[str]] = [[]]
    until = ""
    for line in unpacked(content).decode("utf-8", "replace").split("\n"):
        macro, _, rest = line[1:].strip().partition(" ") if line[:1] in (".", "'") else ("", "", line)
        if until:
            until = "" if macro == until else until
        elif macro in ROFF_CODE:
            until = ROFF_CODE[macro]
        elif macro in ROFF_FONTS or (not macro and line.strip() and not line[0].isspace()):
            found[-1].append(roff_text(rest, joined=len(macro) == 2 and macro not in ("SM", "SB")))
        else:
            found.append([])
    yield [" ".join(lines) for lines in found if lines]


def roff_text(text: str, *, joined: bool) -> str:
    """Return a line without escapes; the words of macros that change fonts are joined."""
    words = [word.replace('"', "") if joined else word for word in re.findall(r'"[^"]*"|\S+', text)]
    text = "".join(words) if joined else text.strip('"') if text.count('"') == 2 and text[:1] == '"' else text
    for pattern, replacement in ROFF_ESCAPES:
        text = pattern.sub(replacement, text)
    return text


def unpacked(content: bytes) -> bytes:
    """Return the content of a gzip file, which a .dict.dz is, too; raise ValueError where that is too large."""
    try:
        with gzip.open(BytesIO(content)) as file:
            text = file.read(MAX_UNPACKED + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"it is damaged: {error}") from error
    if len(text) > MAX_UNPACKED:
        raise ValueError(f"it unpacks to more than {MAX_UNPACKED:,} bytes")
    return text


CLEANERS: dict[str, Callable[[bytes], Documents]] = {
    "html": html_documents,
    "dictionary": dictionary_documents,
    "pod": pod_documents,
    "man": man_documents,
}


def prose_of(contents: Iterable[bytes], cleaner: str) -> tuple[list[str], dict[str, int]]:
    """Return the documents of a package's files, one paragraph per line, and what was changed or left out."""
    report: Counter[str] = Counter()
    seen: set[str] = set()
    documents = []
    keeps = is_definition if cleaner == "dictionary" else is_prose
    for content in contents:
        for paragraphs in CLEANERS[cleaner](content):
            text, folded = fold_to_ascii("\n".join(paragraphs))
            candidates = [tidy(line) for line in text.split("\n") if line.strip()]
            prose = [line for line in candidates if keeps(line)]
            kept = first_occurrences(prose, seen)
            report.update(folded)
            report["paragraphs that are not prose, left out"] += len(candidates) - len(prose)
            report["repeated paragraphs, left out"] += len(prose) - len(kept)
            if kept:
                documents.append("\n".join(kept))
    return documents, dict(report)


def is_definition(text: str) -> bool:
    """Return whether the meaning of a word is long enough, and of words."""
    return len(text) >= SHORTEST_PARAGRAPH and len(LIGHT.findall(text)) >= PROSE_SHARE * len(text)
