"""Statistics of a corpus: figures against plain counting, warnings above the threshold, a page that shows them."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from textzoo.text import statistics
from textzoo.text.corpora.loading import load_corpus
from textzoo.text.prepare import prepare_corpus
from textzoo.text.settings import DatasetConfig, TokenizerConfig
from textzoo.text.statistics import (
    data_statistics,
    frequent_characters,
    numbers,
    statistics_page,
    token_counts,
    warnings,
)

TRAINING = "".join(f"Line {number} of the training text is about caf\u00e9s.\n\n" for number in range(50))
VALIDATION = "".join(f"Line {number} of the training text is about caf\u00e9s.\n\n" for number in range(40, 60)) + "|"


@pytest.fixture
def measured(write, tmp_path):
    def measure(training=TRAINING, validation=VALIDATION, unknown="unk"):
        paths = {"training_path": str(write("t.txt", training)), "validation_path": str(write("v.txt", validation))}
        corpus = load_corpus(DatasetConfig(name="text", **paths))
        data = prepare_corpus(corpus, TokenizerConfig(unknown=unknown), tmp_path / "data")
        return data_statistics(corpus, data, None)

    return measure


def test_figures(measured):
    found = measured()
    training, validation = found["parts"]["training"], found["parts"]["validation"]
    assert training["bytes"] == len(TRAINING.encode())
    assert training["characters"] == training["tokens"] == len(TRAINING)
    assert (training["documents"], validation["documents"]) == (50, 21)
    assert (training["unknown"], validation["unknown"]) == (0, 1)
    assert validation["unknown_share"] == 1 / len(VALIDATION)
    assert training["characters_per_token"] == 1.0
    assert training["vocabulary_coverage"] == pytest.approx(1 - 1 / found["vocabulary_size"])  # all but <unk>
    assert found["repeated"]["lines"] == {"looked_at": 20, "repeated": 10, "share": 0.5}
    assert found["repeated"]["documents"]["share"] == 0.0  # none of 50 or more characters
    assert found["frequent_characters"][0] == {"character": "' '", "count": TRAINING.count(" ")}
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize(("threshold", "warned"), [(0.0, ["lines", "windows"]), (0.9, []), (1.0, [])])
def test_warnings_above_the_threshold(measured, threshold, warned):
    found = measured()
    sentences = warnings(found, threshold)
    named = [name for name in found["repeated"] for line in sentences if f"{statistics.NAMES[name]} also" in line]
    assert named == warned
    assert all("dataset.overlap_warning" in sentence for sentence in sentences)


def test_the_page_shows_the_figures_and_the_warnings(measured):
    found = measured(training=TRAINING + "|`|\n")
    page = statistics_page(found, ["Beware."])
    assert "**Beware.**" in page
    assert f"{len(TRAINING) + 4:,}" in page
    assert "50.00%" in page
    cells = [line.replace("\\|", "").count("|") if line.startswith("|") else 0 for line in page.splitlines()]
    # Every row has as many cells as the one before it, but where a table begins or ends.
    assert all(before == after or 0 in (before, after) for before, after in itertools.pairwise(cells))
    assert numbers(found)["data.repeated_lines_share"] == 0.5


@pytest.mark.parametrize("name", ["a|b", "`c` ```", "[x](y)", "<b>&amp;", "*d* _e_", ":smile:", "two  parts\\|"])
def test_names_in_the_page_are_texts(measured, name):
    found = measured()
    found["name"] = name
    found["sources"] = [{"source": name, "documents": 1}]
    tokens = MarkdownIt("commonmark").enable("table").parse(statistics_page(found, [name]))
    texts = ["".join(child.content for child in token.children) for token in tokens if token.type == "inline"]
    assert f"The corpus {name}" in texts
    assert texts.count(name) == 2  # the source and the warning
    assert not [token for token in tokens if token.type in ("html_block", "fence")]


@given(st.lists(st.integers(0, 5), max_size=50), st.integers(1, 7))
def test_counting_in_pieces(tokens, piece):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statistics, "PIECE", piece)
        counts = token_counts(np.array(tokens, np.uint16), 6)
    assert counts.tolist() == [tokens.count(token) for token in range(6)]


@given(st.text(max_size=60))
def test_frequent_characters_are_counted(text):
    rows = frequent_characters(text)
    assert [row["count"] for row in rows] == sorted((text.count(one) for one in set(text)), reverse=True)[:20]
