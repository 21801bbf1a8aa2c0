"""Cleaning: what it changes, what it reports, what it must not touch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textzoo.text.corpora.cleaning import (
    BLANK_LINES,
    first_occurrences,
    fold_to_ascii,
    is_plain,
    join_documents,
    normalise_newlines,
    split_documents,
)

documents = st.lists(st.text("ab \n", min_size=1).filter(lambda text: text.strip()), min_size=1)


@given(st.text())
def test_folded_text_is_printable_ascii(text):
    folded, report = fold_to_ascii(text)
    assert all(map(is_plain, folded))
    assert sum(report.values()) == sum(not is_plain(character) for character in text)
    assert fold_to_ascii(folded) == (folded, {})


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("“Don’t” – wait…", '"Don\'t" - wait...'),
        ("naïve Ærø straße ﬁn ①", "naive AEro strasse fin 1"),
        ("tab\tand\u00a0space", "tab and space"),
        ("90° 中文!", "90 !"),
        ("line\nbreak", "line\nbreak"),
    ],
)
def test_folding(text, folded):
    assert fold_to_ascii(text)[0] == folded


def test_folding_is_reported():
    assert fold_to_ascii("’’°")[1] == {"U+00B0 dropped": 1, "U+2019 to '": 2}


@given(st.text("a\r\n"))
def test_newlines(text):
    assert "\r" not in normalise_newlines(text)
    assert normalise_newlines(text).split("\n") == text.splitlines() + [""] * (not text or text[-1] in "\r\n")


@given(documents)
def test_documents_survive_joining(texts):
    parts = [part for text in texts for part in split_documents(text)]
    assert split_documents(join_documents(parts)) == parts


def test_documents_are_the_parts_between_blank_lines():
    assert split_documents("\n \n  one \nline\n \n\t\n\n two \n\n\n ") == ["  one \nline", " two"]
    assert join_documents(["only\n"]) == "only\n"


@given(documents)
def test_first_occurrences_keeps_one_of_each(texts):
    kept = first_occurrences(texts)
    keys = [" ".join(text.split()) for text in texts]
    assert [" ".join(text.split()) for text in kept] == list(dict.fromkeys(keys))
    assert first_occurrences(kept) == kept


@given(st.lists(st.sampled_from(["one", "two\nlines", "  three", "\nfour\n", "five\n\nsix"]), min_size=1, max_size=6))
def test_every_document_has_its_end(texts):
    joined = join_documents(texts, "\n<end>\n")
    assert joined.endswith("\n<end>\n")
    assert split_documents(joined, "\n<end>\n") == [text.strip("\n") for text in texts]


def test_documents_at_a_mark_or_at_blank_lines():
    assert split_documents("a\n\nb<end>c<end> \n", "\n<end>\n") == ["a\n\nb", "c"]
    assert split_documents("a\n\nb", "\n<end>\n") == ["a", "b"]  # no such mark in the text
    assert split_documents("a\n\nb\n", "\n\n\n") == ["a", "b"]


def plainly_split(text: str) -> list[str]:
    """Documents by the regular expression alone, in one go."""
    return [part.lstrip("\n").rstrip() for part in BLANK_LINES.split(f"\n\n{text}") if part.strip()]


@given(st.text("ab \n\t", max_size=40))
def test_documents_one_by_one_are_those_of_the_whole(text):
    assert split_documents(text) == plainly_split(text)
