"""Exactness: the compiled C against LiteRT's reference kernels, logit by logit, and its text against Python's.

Run: python benchmarks/exactness.py [--model FILE.tflite] [--tokens 100000] [--device-tokens 1000] [--boards ...]
Prints JSON: mismatching logits on this machine and on every emulated board, and whether all generate the same text.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from default_model import chosen_model, model_argument
from textzoo.config.boards import load_board
from textzoo.engines.generate import generate
from textzoo.engines.litert_engine import LitertReferenceEngine
from textzoo.engines.native_engine import NativeEngine
from textzoo.engines.sampling import Random32
from textzoo.pipeline.firmware import make_firmware
from textzoo.services.benchmarking import mismatches
from textzoo.targets.emulators import emulate
from textzoo.testing.random_models import tokenizer_for
from textzoo.text.tokenizers.base import Tokenizer

BOARDS = ("STM32F4", "STM32H7", "STM32U5", "STM32N6", "ESP32", "ESP32C3", "CIMv3", "CIMv3:host")
SAMPLE = {"max_tokens": 200, "temperature": 0.8, "top_k": 0, "seed": 1}


def native_mismatches(path: Path, count: int) -> dict[str, Any]:
    """Compare every logit over random tokens; the state is reset when the context is full."""
    reference, native = LitertReferenceEngine(path), NativeEngine(path)
    random, wrong, start = Random32(1), 0, time.perf_counter()
    for index in range(count):
        if index % reference.context_length == 0:
            reference.reset()
            native.reset()
        token = random.next() % reference.vocabulary_size
        wrong += int((reference.step_raw(token) != native.step_raw(token)).sum())
    seconds = round(time.perf_counter() - start, 1)
    return {
        "tokens": count,
        "logits": count * reference.vocabulary_size,
        "mismatching_logits": wrong,
        "seconds": seconds,
    }


def board_row(path: Path, tokenizer: Tokenizer, name: str, count: int, text: str) -> dict[str, Any]:
    """Compare logits and generated text on one emulator, named board:emulator or board (its default emulator)."""
    name, _, machine = name.partition(":")
    board, start = load_board(name), time.perf_counter()
    emulator = board.emulator(machine or None)
    with tempfile.TemporaryDirectory() as folder:
        made = make_firmware(path, tokenizer, board, Path(folder) / name, tokens_checked=count)
        with emulate(made.project, board, emulator.name) as console:
            wrong = mismatches(made, console, count)
            replies = list(console.command({"command": "generate", "prompt": tokenizer.decode([0]), **SAMPLE}))
    written = tokenizer.decode([reply["token"] for reply in replies if "token" in reply])
    return {
        "core": board.core,
        "kernels": board.variant,
        "machine": emulator.machine,
        "tokens": count,
        "mismatching_logits": wrong,
        "same_200_token_text": written == text,
        "seconds": round(time.perf_counter() - start, 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    model_argument(parser)
    parser.add_argument("--tokens", type=int, default=100_000, help="tokens on this machine")
    parser.add_argument("--device-tokens", type=int, default=1_000, help="tokens on every emulated board")
    parser.add_argument("--boards", nargs="*", default=BOARDS)
    arguments = parser.parse_args()
    path = chosen_model(arguments)
    engine = LitertReferenceEngine(path)
    tokenizer = tokenizer_for(path, engine.vocabulary_size)
    prompt = tokenizer.decode([0])
    text = "".join(generate(engine, tokenizer, prompt, **SAMPLE))
    result: dict[str, Any] = {"model": path.name, "native": native_mismatches(path, arguments.tokens)}
    native_text = "".join(generate(NativeEngine(path), tokenizer, prompt, **SAMPLE))
    result["native"]["same_200_token_text"] = native_text == text
    result["boards"] = {
        name: board_row(path, tokenizer, name, arguments.device_tokens, text) for name in arguments.boards
    }
    print(json.dumps(result, indent=2))
    rows = [result["native"], *result["boards"].values()]
    return int(any(row["mismatching_logits"] or not row["same_200_token_text"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
