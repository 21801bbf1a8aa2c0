"""What a grammar costs on a device: bytes of flash and RAM, and instructions.

Run: python benchmarks/grammar_cost.py [--grammar FILE] [--board STM32F4]
Prints JSON for each grammar, by default two JSON Schemas of ten intents: one whose slots are enums, integers and free
strings, and one whose 15 slots are all spans of the input. For vocabularies of bytes and of 512 tokens (BPE, trained on
the documents): states, bytes of the table in flash, bytes of RAM, and exact instructions of grammar.c and span.c on an
emulated Cortex-M4 over 20 texts: of taking an input of 40 characters, once, and of going on behind a token, by what may
follow it. And for tiny_lm on the board: what the grammar adds to the image, and instructions per token of choosing and
feeding it, with the grammar, and without it (`:grammar off`). A token that is the only one possible is not sampled,
so that a grammar may save instructions.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from textzoo.common.paths import APPLICATION
from textzoo.compiler.artifacts.grammar_table import render_grammar
from textzoo.compiler.artifacts.tokenizer_tables import render_tokenizer
from textzoo.config import pretrained
from textzoo.config.boards import load_board
from textzoo.engines.sampling import IntegerSampler, choose_token
from textzoo.engines.settings import PredictionConfig
from textzoo.grammars.grammar import Grammar, read_grammar
from textzoo.grammars.table import grammar_table
from textzoo.grammars.token_automaton import Guide, TokenAutomaton
from textzoo.pipeline.firmware import Firmware, make_firmware
from textzoo.targets.boards import Board
from textzoo.targets.emulators import build_image, emulate
from textzoo.targets.native import write_files
from textzoo.targets.platforms import platform_of
from textzoo.testing.bare_metal import INCLUDES, build, run
from textzoo.text.settings import TokenizerConfig
from textzoo.text.tokenizers.base import Tokenizer, load_tokenizer, make_tokenizer

MAIN = Path(__file__).with_name("grammar_cost.c")
DOCUMENTS = Path(__file__).parents[1] / "docs"
INTENTS = {
    "turn_on": ["area", "name"],
    "turn_off": ["area", "name"],
    "set_timer": ["minutes"],
    "cancel_timer": [],
    "weather": ["city"],
    "play": ["artist", "area"],
    "volume": ["level"],
    "open": ["area"],
    "lock": ["name"],
    "none": [],
}
SLOTS = {
    "area": {"enum": ["kitchen", "living room", "bedroom", "bathroom", "office", "garage", "hallway", "garden"]},
    "name": {"enum": ["lamp", "ceiling light", "fan", "heater", "tv", "door", "window", "blinds"]},
    "minutes": {"type": "integer", "minimum": 1, "maximum": 180},
    "level": {"type": "integer", "minimum": 0, "maximum": 100},
    "city": {"type": "string", "minLength": 1, "maxLength": 20},
    "artist": {"type": "string", "minLength": 1, "maxLength": 24},
}
# Intents that are all texts: 15 slots.
SPOKEN = {**INTENTS, "set_timer": ["minutes", "name"], "cancel_timer": ["name"], "open": ["area", "name"]}
SPOKEN |= {"weather": ["city", "date"]}
SPAN = {"type": "string", "format": "input-span"}
SEEDS = range(1, 21)
SENTENCE = "play some jazz in the living room please"
MAX_TOKENS = 120
# What may follow a token.
OUTSIDE, BEGIN, WITHIN = "outside_of_spans", "a_span_begins", "within_a_span"


def ten_intents(intents: dict[str, list[str]] = INTENTS, slots: dict[str, Any] = SLOTS) -> str:
    """Return the JSON Schema of ten intents, each with its slots."""
    objects = [
        {"properties": {"intent": {"const": name}, **{slot: slots[slot] for slot in own}}, "required": ["intent"]}
        for name, own in intents.items()
    ]
    return json.dumps({"anyOf": objects})


def ten_intents_with_spans() -> str:
    """Return the JSON Schema of ten intents whose 15 slots are all spans of the input."""
    return ten_intents(SPOKEN, {slot: SPAN for own in SPOKEN.values() for slot in own})


def vocabularies() -> dict[str, Tokenizer]:
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(DOCUMENTS.rglob("*.md")))
    configs = {"byte": TokenizerConfig(name="byte"), "bpe 512": TokenizerConfig(name="bpe", vocabulary_size=512)}
    return {name: make_tokenizer(config, text) for name, config in configs.items()}


def random_text(automaton: TokenAutomaton, seed: int) -> tuple[list[int], list[str]]:
    """Return the tokens of a text with random logits, and what may follow each of them."""
    guide, random = Guide(automaton, SENTENCE), np.random.default_rng(seed)
    sampler = IntegerSampler(0.1, temperature=1.0, seed=seed)
    tokens, kinds = [], []
    for left in range(MAX_TOKENS, 0, -1):
        logits = random.integers(-128, 128, automaton.vocabulary_size).astype(np.int8)
        if (token := choose_token(sampler, logits, guide, left)) is None:
            break
        tokens.append(token)
        kinds.append(OUTSIDE if not guide.span else WITHIN if guide.span.has_begun else BEGIN)
    return tokens, kinds


def counted(texts: list[list[int]], files: dict[str, str], folder: Path) -> np.ndarray:
    """Return the instructions of all texts in a row: of the input, of the beginning, of each token."""
    said = SENTENCE.encode()
    cases = [np.int32(len(texts)).tobytes()]
    for tokens in texts:
        cases += [np.int32(len(said)).tobytes(), said, np.int32(len(tokens)).tobytes(), np.int32(tokens).tobytes()]
    (folder / "cases.bin").write_bytes(b"".join(cases))
    sources = [MAIN, *write_files(files, folder)]
    sources += [APPLICATION / f"{name}.c" for name in ("grammar", "span", "utf8", "pieces", "stop")]
    includes = [f"-I{folder}", f"-I{APPLICATION}", *INCLUDES]
    run(build(sources, "m4", folder / "program.elf", flags=("-Os", *includes)), "m4", folder)
    return np.fromfile(folder / "counts.bin", "<u4")


def of_vocabulary(grammar: Grammar, tokenizer: Tokenizer) -> dict[str, Any]:
    """Return the sizes of a grammar's table, and the instructions that it takes."""
    automaton = grammar.automaton(tokenizer)
    table = grammar_table(automaton, grammar.name)
    texts = [random_text(automaton, seed) for seed in SEEDS]
    files = {**render_grammar(tokenizer.vocabulary_size, table), **render_tokenizer(tokenizer)}
    with tempfile.TemporaryDirectory() as folder:
        counts = counted([tokens for tokens, _ in texts], files, Path(folder))
    labels = [label for _, kinds in texts for label in ("input", "beginning", *kinds)]
    by_label = {label: counts[[found == label for found in labels]] for label in dict.fromkeys(labels)}
    return {
        "states": table.states,
        "table_bytes": table.bytes,
        "ram_bytes": table.ram_bytes,
        "input": int(by_label["input"].max()) if table.has_spans else 0,
        "token_mean": {
            label: round(float(by_label[label].mean())) for label in (OUTSIDE, BEGIN, WITHIN) if label in by_label
        },
        "token_largest": {label: int(by_label[label].max()) for label in (OUTSIDE, BEGIN, WITHIN) if label in by_label},
    }


def model_and_tokenizer() -> tuple[Path, Tokenizer]:
    """Return tiny_lm's file and its tokenizer."""
    paths = pretrained.overrides("tiny_lm", "static_wi8_ai8")
    return Path(paths["model.quantized_model_path"]), load_tokenizer(Path(paths["tokenizer.path"]))


def flash_bytes(made: Firmware) -> int:
    return platform_of(made.board).image_sizes(made.board, build_image(made.project, made.board)).flash.total


def instructions_per_token(made: Firmware, **options: Any) -> float:
    """Return the mean over the tokens of some texts of choosing a token and feeding it."""
    cost = tokens = 0
    with emulate(made.project, made.board) as console:
        for seed in SEEDS:
            command = {"command": "generate", "prompt": SENTENCE, "seed": seed, "max_tokens": 60, **options}
            *_, last = console.command(command)
            cost, tokens = cost + last["cost"], tokens + last["tokens"]
    return round(cost / tokens, 1)


def on_board(board: Board, path: Path, folder: Path) -> dict[str, Any]:
    model, tokenizer = model_and_tokenizer()
    with_grammar = PredictionConfig(grammar=str(path))
    made = make_firmware(model, tokenizer, board, folder / "with", defaults=with_grammar)
    plain = make_firmware(model, tokenizer, board, folder / "without")
    return {
        "image_bytes_more": flash_bytes(made) - flash_bytes(plain),
        "instructions_per_token": {
            "with_the_grammar": instructions_per_token(made),
            "grammar_off": instructions_per_token(made, grammar="off"),
            "without_one": instructions_per_token(plain),
        },
    }


def figures(board: Board, path: Path, tokenizers: dict[str, Tokenizer]) -> dict[str, Any]:
    grammar = read_grammar(path)
    with tempfile.TemporaryDirectory() as folder:
        return {
            **{name: of_vocabulary(grammar, tokenizer) for name, tokenizer in tokenizers.items()},
            f"tiny_lm on {board.name}": on_board(board, path, Path(folder)),
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grammar", type=Path, help="a grammar; without it, ten intents with slots")
    parser.add_argument("--board", default="STM32F4")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = [arguments.grammar] if arguments.grammar else []
        if not paths:
            for name, content in (("ten_intents", ten_intents()), ("ten_intents_with_spans", ten_intents_with_spans())):
                paths.append(Path(folder) / f"{name}.json")
                paths[-1].write_text(content)
        board, tokenizers = load_board(arguments.board), vocabularies()
        print(json.dumps({path.stem: figures(board, path, tokenizers) for path in paths}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
