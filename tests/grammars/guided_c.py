"""Texts under a grammar: in Python, and by the application's grammar.c and sampler.c with a table set at run time."""

import ctypes
from pathlib import Path

import numpy as np

from compilers import need
from textzoo.common.paths import APPLICATION
from textzoo.compiler.numerics.fixedpoint import unit_multiplier
from textzoo.engines.sampling import IntegerSampler, choose_token, temperature_q16
from textzoo.grammars.table import GrammarTable
from textzoo.grammars.token_automaton import Guide, TokenAutomaton
from textzoo.testing import STRICT
from textzoo.testing.building import build_c

HERE = Path(__file__).parent
SCALE = 0.1
TOKEN_BYTES = 32  # at most, as in runtime_table/tokenizer.h


class GuidedC:
    """One vocabulary's build.

    Args:
        vocabulary_size: Number of tokens.
        folder: For the library.
    """

    def __init__(self, vocabulary_size: int, folder: Path) -> None:
        flags = [f"-DVOCABULARY_SIZE={vocabulary_size}", f"-DLOGIT_UNIT={unit_multiplier(SCALE)}u"]
        includes = [f"-I{HERE / 'runtime_table'}", f"-I{APPLICATION}"]
        command = [need("host"), *STRICT, "-shared", "-fPIC", *flags, *includes]
        sources = [
            HERE / "guided_text.c",
            *(APPLICATION / name for name in ("grammar.c", "span.c", "sampler.c", "utf8.c", "divide.c")),
        ]
        self.library = ctypes.CDLL(str(build_c(command, sources, folder / f"guided_{vocabulary_size}.so")))
        self.vocabulary_size = vocabulary_size

    def write(self, name: str, content: bytes) -> None:
        ctypes.memmove(ctypes.addressof(ctypes.c_ubyte.in_dll(self.library, name)), content, len(content))

    def load(self, table: GrammarTable) -> None:
        self.write("grammar_records", table.records)
        self.write("grammar_sets", b"".join(table.sets))
        self.write("grammar_first_bytes", table.first_bytes)
        ctypes.c_int32.in_dll(self.library, "grammar_spans").value = table.spans
        ctypes.c_uint16.in_dll(self.library, "grammar_start").value = table.start
        ctypes.c_int32.in_dll(self.library, "grammar_longest").value = table.longest

    def load_tokens(self, token_bytes: list[bytes], unknown_token: int | None = None) -> None:
        """Take the vocabulary: what each token is written as."""
        assert max(map(len, token_bytes)) <= TOKEN_BYTES
        self.write("token_sizes", bytes(map(len, token_bytes)))
        self.write("token_bytes", b"".join(content.ljust(TOKEN_BYTES, b"\0") for content in token_bytes))
        ctypes.c_int32.in_dll(self.library, "unknown_token").value = -1 if unknown_token is None else unknown_token

    def text(self, logits: np.ndarray, temperature: float, top_k: int, seed: int, input_text: str = "") -> list[int]:
        """Return the tokens for logits (max_tokens, vocabulary_size) int8, and an input for spans."""
        said = input_text.encode()
        tokens = np.zeros(len(logits), np.int32)
        arguments = (len(logits), temperature_q16(temperature), top_k, ctypes.c_uint32(seed))
        rows, found = (array.ctypes.data_as(ctypes.c_void_p) for array in (logits, tokens))
        return tokens[: self.library.guided_text(said, len(said), rows, *arguments, found)].tolist()


def text_in_python(
    automaton: TokenAutomaton, sampler: IntegerSampler, logits: np.ndarray, input_text: str = ""
) -> list[int]:
    """The tokens for logits (max_tokens, vocabulary_size), and an input for spans."""
    guide, written = Guide(automaton, input_text), []
    for index, row in enumerate(logits):
        token = choose_token(sampler, row, guide, len(logits) - index)
        if token is None:
            break
        written.append(token)
    return written
