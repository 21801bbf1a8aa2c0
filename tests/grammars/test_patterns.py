"""Patterns of JSON Schema against Python's module re, which reads these patterns in the same way."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textzoo.common.errors import UserError
from textzoo.grammars.automaton import automaton_of
from textzoo.grammars.json_schema import spelled
from textzoo.grammars.patterns import pattern

# In ASCII, where \d, \w and \s of both are the same.
PATTERNS = r"""
^abc$
abc
^a|b$
^a*b+c?$
^a{2}b{1,}c{,2}d{1,2}$
^(?:ab|c)*$
^(a|(bc?))+x$
^[a-c]$
[^a-c0-9]
^[\w.-]+@\w+\.[a-z]{2,3}$
^\d{1,3}(\.\d{1,3}){3}$
\S\s\S
^\D$
^.{3}$
^\x41\u0042\/\.\$\^\[\]$
^a+?b*?$
^[]$
^$
"quoted"
\\
^[\]\\^-]+$
x||y
""".strip().splitlines()


@pytest.fixture(scope="module", params=PATTERNS)
def one(request):
    return request.param


def automaton(content):
    return automaton_of(pattern(content, "the pattern", spelled))


def in_json(text):
    return json.dumps(text, ensure_ascii=False)[1:-1].encode()


TEXTS = st.text(st.sampled_from('abcdxyAB019._-@ \t$^[]/\\"'), max_size=8)


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.from_regex(re.compile("[abcx]{0,4}"), fullmatch=True) | TEXTS, max_size=20))
def test_a_pattern_finds_what_python_finds(one, texts):
    expected = one if one != "^[]$" else "^(?!)$"  # an empty set, which Python cannot write
    found = automaton(one)
    assert [found.accepts(in_json(text)) for text in texts] == [
        re.search(expected, text, re.ASCII) is not None for text in texts
    ]


@pytest.mark.parametrize(
    "content",
    [r"a(?!b)", r"(?<=a)b", r"\bword", r"(a)\1", r"\p{L}", "a**{", "(?P<n>a)", "[z-a]", "a{2,1}", r"\8", r"\q"],
)
def test_what_is_not_regular_is_refused(content):
    with pytest.raises(UserError, match="the pattern is wrong in line 1, column"):
        automaton(content)
