"""What a grammar costs on a device: bytes of flash and RAM, and instructions per token.

Run: python benchmarks/grammar_cost.py [--grammar FILE] [--board STM32F4]
Prints JSON for tiny_lm and a grammar, by default a JSON Schema of ten intents with slots: its states, the bytes of its
table and of the image with it, and exact instructions per token on the emulated board, of choosing and feeding a token,
with the grammar and without it (`:grammar off`), over the same number of texts. Tokens that are the only ones possible
are not sampled, so that a grammar may save instructions.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from textzoo.config import pretrained
from textzoo.config.boards import load_board
from textzoo.engines.settings import PredictionConfig
from textzoo.pipeline.firmware import Firmware, grammar_of, make_firmware
from textzoo.targets.boards import Board
from textzoo.targets.emulators import build_image, emulate
from textzoo.targets.platforms import platform_of
from textzoo.text.tokenizers.base import Tokenizer, load_tokenizer

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
SEEDS = range(1, 21)


def ten_intents() -> str:
    """Return the JSON Schema of ten intents, each with its slots."""
    objects = [
        {"properties": {"intent": {"const": name}, **{slot: SLOTS[slot] for slot in slots}}, "required": ["intent"]}
        for name, slots in INTENTS.items()
    ]
    return json.dumps({"anyOf": objects})


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
            command = {"command": "generate", "prompt": "The ", "seed": seed, "max_tokens": 60, **options}
            *_, last = console.command(command)
            cost, tokens = cost + last["cost"], tokens + last["tokens"]
    return round(cost / tokens, 1)


def figures(board: Board, path: Path, folder: Path) -> dict[str, Any]:
    model, tokenizer = model_and_tokenizer()
    with_grammar = PredictionConfig(grammar=str(path))
    made = make_firmware(model, tokenizer, board, folder / "with", defaults=with_grammar)
    plain = make_firmware(model, tokenizer, board, folder / "without")
    vocabulary, table = tokenizer.vocabulary_size, grammar_of(with_grammar, tokenizer)
    return {
        "grammar": path.name,
        "board": board.name,
        "vocabulary_size": vocabulary,
        "states": table.states,
        "table_bytes": table.bytes,
        "image_bytes_more": flash_bytes(made) - flash_bytes(plain),
        "mask_bytes_of_ram": (vocabulary + 7) // 8,
        "instructions_per_token": {
            "with_the_grammar": instructions_per_token(made),
            "grammar_off": instructions_per_token(made, grammar="off"),
            "without_one": instructions_per_token(plain),
        },
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grammar", type=Path, help="a grammar; without it, ten intents with slots")
    parser.add_argument("--board", default="STM32F4")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.grammar
        if path is None:
            path = Path(folder) / "ten_intents.json"
            path.write_text(ten_intents())
        print(json.dumps(figures(load_board(arguments.board), path, Path(folder)), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
