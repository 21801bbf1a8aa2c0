"""Texts that a grammar allows, by random walks through its automaton."""

import numpy as np

from textzoo.grammars.token_automaton import Guide, token_automaton

BYTES = [bytes([byte]) for byte in range(256)]


def random_texts(automaton, count, seed, longest=400):
    """Texts of an automaton over bytes; each is ended in time, whatever was chosen before."""
    random = np.random.default_rng(seed)
    tokens = token_automaton(automaton, BYTES, None, "the grammar")
    return [random_text(tokens, random, longest).decode() for _ in range(count)]


def random_text(tokens, random, longest):
    guide, content = Guide(tokens), []
    for left in range(max(longest, guide.distance), 0, -1):
        allowed = np.flatnonzero(guide.allowed(left))
        if len(allowed) == 0 or (guide.may_end and random.random() < 0.2):
            break
        token = int(random.choice(allowed))
        guide.advance(token)
        content.append(token)
    assert guide.may_end
    return bytes(content)
