"""Runs with the sources of a copy of the project: `own_part.py COPY program ...` is the program itself.

The others are checks of what was added to the copy: `own_part.py COPY house`, `own_part.py COPY operator`, ...
"""

import importlib
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
RANDOM_TEXTS = 2000


def program() -> None:
    """TextZoo, on the arguments that are left."""
    from textzoo.main import main

    main()


def house() -> None:
    """The rooms of the copy as tests/app/test_rooms.py looks at them, then what documents and --help print of it."""
    import test_rooms

    import generate_docs
    from textzoo.compiler.operators.registry import operator_rows
    from textzoo.config.help import help_text, key_table_markdown

    for module in sorted({*test_rooms.MODULES} - {"__init__"}):
        test_rooms.test_a_room_uses_only_rooms_below_it(module)
    test_rooms.test_no_module_leads_back_to_itself()
    test_rooms.test_services_do_not_know_each_other()
    print(generate_docs.modes_table(), key_table_markdown(), *operator_rows(), help_text(), sep="\n")


def tokenizer(place: str) -> None:
    """What Python and C make of random texts with broken UTF-8 among them is the same; place: "module:class"."""
    from tokenizer_cases import build_driver, driver_tokens, python_tokens, random_texts

    from textzoo.text.settings import TokenizerConfig
    from textzoo.text.tokenizers.base import load_tokenizer

    module, name = place.split(":")
    kind = getattr(importlib.import_module(module), name)
    texts = random_texts(RANDOM_TEXTS, seed=1)
    with tempfile.TemporaryDirectory() as folder:
        for unknown in ("error", "unk"):
            path = Path(folder, "tokenizer.json")
            kind.from_texts(["any text"], TokenizerConfig(name=kind.name, unknown=unknown)).save(path)
            made = load_tokenizer(path)
            assert type(made) is kind
            answers = driver_tokens(build_driver(made, Path(folder)), texts)
            for text, (tokens, decoded) in zip(texts, answers, strict=True):
                assert tokens == python_tokens(made, text), text
                assert decoded.decode() == made.decode([token for token in tokens if token >= 0]), text
    print(f"{len(texts)} texts are the same")


def operator(name: str, *dtypes: str) -> None:
    """Random nodes of an operator, its two operands broadcast, with an ADD behind, equal LiteRT's reference kernels."""
    import numpy as np
    from operator_cases import Case, tensor
    from running import Model, differences

    from textzoo.compiler.tflite.single_operator import Operation

    random = np.random.default_rng(0)
    cases = []
    for dtype in dtypes:
        row = tensor(random, (32,), dtype, 0.5)
        wide, result, output = (tensor(random, (2, 32), dtype, 0.5) for _ in range(3))
        cases += [Case(Operation(name, [wide, row], [result])), Case(Operation("ADD", [result, wide], [output]))]
    with tempfile.TemporaryDirectory() as folder:
        for without in ((), ("elementwise_fusion",)):
            assert not differences(Model(cases, random), Path(folder), without)
    print(f"{len(dtypes)} types are exact")


def main() -> None:
    copy, check, *arguments = sys.argv[1:]
    helpers = [PROJECT / "scripts", *(PROJECT / "tests" / room for room in (".", "app", "application", "compiler"))]
    sys.path[:0] = [f"{copy}/src", *map(str, helpers)]
    import textzoo

    assert Path(textzoo.__file__).is_relative_to(copy)
    if check == "program":
        sys.argv[1:] = arguments
        program()
    else:
        {"house": house, "tokenizer": tokenizer, "operator": operator}[check](*arguments)


if __name__ == "__main__":
    main()
