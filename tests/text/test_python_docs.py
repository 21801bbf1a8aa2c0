"""python_docs: prose only, printable ASCII, nothing twice."""

from textzoo.text.corpora.loading import load_corpus
from textzoo.text.corpora.python_docs import paragraphs, python_docs_documents, tidy
from textzoo.text.settings import DatasetConfig

TOPIC = """Loops
*****

The "for" statement iterates over the elements of an *iterable* object,
such as a string or a list.  It is “compound”: a suite and an in-
dented block follow it. [2]

   for_stmt ::= "for" target_list "in" starred_list ":" suite

Note:

  * A first point that goes on over the end of one
    line – and ends here.

  * short.

   >>> print("this is code, which is no prose at all.")

+------+-------------------------------------------+
| a    | A cell of a table is not a paragraph.     |
+------+-------------------------------------------+

A paragraph that two topics share is taken once only.
"""


def test_prose_is_kept_and_the_rest_left_out():
    documents, report = python_docs_documents({"loops": TOPIC})
    assert documents == [
        'The "for" statement iterates over the elements of an iterable object, such as a string or a list. '
        'It is "compound": a suite and an in-dented block follow it.\n'
        "A first point that goes on over the end of one line - and ends here.\n"
        "A paragraph that two topics share is taken once only."
    ]
    assert report['U+201C to "'] == 1
    assert report["U+2013 to -"] == 1
    assert report["repeated paragraphs, left out"] == 0


def test_paragraphs_shared_by_topics_are_kept_once():
    other = "A paragraph that two topics share is taken\nonce only.\n\nAnd here is another one, of this topic alone.\n"
    documents, report = python_docs_documents({"b": TOPIC, "a": other, "c": "Nothing\n"})
    assert [len(document.split("\n")) for document in documents] == [2, 2]  # a, then b; c has no prose
    assert report["repeated paragraphs, left out"] == 1


def test_emphasis_is_removed_but_stars_of_code_stay():
    assert tidy('**Some detail:** an *iterable* and "f(*args, **kwargs)" of 2*x*y') == (
        'Some detail: an iterable and "f(*args, **kwargs)" of 2*x*y'
    )


def test_indentation_divides_paragraphs():
    assert paragraphs("Term\n   Its meaning,\n   in two lines.\nNext") == ["Term", "Its meaning, in two lines.", "Next"]


def test_corpus_of_this_python():
    corpus = load_corpus(DatasetConfig())
    text = corpus.training + corpus.validation
    assert len(text) > 200_000
    assert set(text) <= {"\n", *map(chr, range(32, 127))}
    assert len(set(text)) <= 100
    lines = [line for line in text.split("\n") if line]
    assert len(lines) == len(set(lines))
    assert "\n\n\n" not in text
    assert text.count("\n\n") + 1 == corpus.sources[0].documents
    assert load_corpus(DatasetConfig()) == corpus
    assert sum(corpus.sources[0].normalised.values()) > 1000
