"""GBNF: what a grammar allows, what is not regular, and errors that name the place."""

import pytest

from textzoo.common.errors import UserError
from textzoo.grammars.automaton import automaton_of
from textzoo.grammars.gbnf import gbnf

NESTED = 'root ::= "(" root ")" | "x"'
# Grammar, texts that it allows, texts that it does not.
GRAMMARS = {
    "alternatives": ('root ::= "a" | "b"+ "c"?', ["a", "b", "bbbc"], ["", "ab", "c", "bcc"]),
    "groups": ('root ::= ("a" | "b" "c")* "d"', ["d", "abcad"], ["bd", "a"]),
    "counts": (
        'root ::= "a"{2} "b"{1,3} "c"{2,} "d"{,1}',
        ["aabcc", "aabbbccccd"],
        ["abcc", "aabbbbcc", "aabc", "aabccdd"],
    ),
    "a set": (r"root ::= [a-c\]\x41é-]+", ["abc", "]A", "é-"], ["d", "B", "e"]),
    "a negated set": (r"root ::= [^\n\"]{2}", ["ab", "é€", "😀x"], ["a\n", 'a"', "a", "abc"]),
    "any character": ("root ::= . .", ["ab", "€😀"], ["a", "abc"]),
    "escapes": (r'root ::= "\"\\\n\t\u20ac\U0001F600\x21"', ['"\\\n\t€😀!'], ["€"]),
    "no text": ('root ::= "" | "a"', ["", "a"], ["aa"]),
    "rules": ('root ::= verb " " noun\nverb ::= "see" | "do"\nnoun ::= "it"', ["see it", "do it"], ["see", "see  it"]),
    "lines and comments": ('# all\nroot ::= (\n  "a" # one\n  | "b"\n) "c"\n  | "d"\n', ["ac", "bc", "d"], ["a"]),
    "recursion at the end": (r'root ::= ws "x" ws' + "\n" + r'ws ::= [ \t] ws | ""', ["x", "  x\t"], ["xx", ""]),
    "recursion at the start": ('root ::= sum\nsum ::= sum "+" n | n\nn ::= [0-9]+', ["1", "1+22+3"], ["1+", "+1"]),
    "two rules in a circle": ('root ::= a\na ::= "x" b | "e"\nb ::= "y" a | "z"', ["e", "xye", "xyxz"], ["x", "xy"]),
    "an optional end": ('root ::= "a" root?', ["a", "aaaa"], ["", "b"]),
    "an unused rule": ('root ::= "a"\nother ::= "(" other ")"', ["a"], ["()"]),
}


@pytest.mark.parametrize("name", GRAMMARS)
def test_texts_of_a_grammar(name):
    content, allowed, refused = GRAMMARS[name]
    automaton = automaton_of(gbnf(content, "'g'"))
    assert [text for text in allowed if not automaton.accepts(text.encode())] == []
    assert [text for text in refused if automaton.accepts(text.encode())] == []


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_a_rule_within_itself_down_to_a_depth(depth):
    automaton = automaton_of(gbnf(NESTED, "'g'", depth))
    nested = ["(" * count + "x" + ")" * count for count in range(depth + 3)]
    assert [automaton.accepts(text.encode()) for text in nested] == [count <= depth for count in range(depth + 3)]


# Grammar, and what its error says.
WRONG = {
    NESTED: "the rule 'root' of 'g' .line 1. contains itself, with something on both sides",
    'root ::= "a" root "b" root | ""': "contains itself",
    'root ::= a\na ::= b "x"\nb ::= "y" a "z" | "w"': "contains itself",
    "": "no rule 'root'",
    'a ::= "b"': "no rule 'root'.*received a",
    'root ::= fo\nfoo ::= "a"': "no rule 'fo', which line 1 uses. Did you mean 'foo'",
    'root ::= "a"\nroot ::= "b"': "line 2.*each rule once",
    "root = x": "line 1, column 6; expected '::='",
    'root ::= "a': "more text",
    'root ::= "a\nb"': "expected '\"' at the end of a text",
    "root ::= [b-a]": "a range from a lower to a higher character",
    'root ::= "a"{3,2}': "an upper bound of at least 3",
    'root ::= "a"{99999}': "a number of repetitions up to 10,000",
    r'root ::= "\q"': "behind a backslash",
    r'root ::= "\uD8"': "4 hexadecimal digits",
    "root ::= <think>": "line 1, column 10; expected a text",
    "root ::= )": "expected the name of a rule",
    'root ::= ("a"': "expected '.'",
    "root ::= " + "(" * 101 + '"a"' + ")" * 101: "at most 100 nested parentheses",
    'root ::= a0\na300 ::= "x"\n' + "".join(f"a{i} ::= a{i + 1} a{i + 1}\n" for i in range(300)): "too large",
    'root ::= [ab]* "a" [ab]{30}': "too many states",
}


@pytest.mark.parametrize("content", WRONG)
def test_what_is_wrong_is_named(content):
    with pytest.raises(UserError, match=WRONG[content]):
        automaton_of(gbnf(content, "'g'"))
