"""Cleaning: what it changes, what it reports, what it must not touch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textzoo.text.cleaning import (
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
