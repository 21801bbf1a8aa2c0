"""Ways to damage a .tflite: the bytes at random, and the fields of its tables one by one with values made to hurt."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from artifacts import artifact
from textzoo.models.files import build_model
from textzoo.models.settings import ModelConfig
from textzoo.quantizers.quantize import quantize_decode_step
from textzoo.quantizers.settings import QuantizationConfig

Random = np.random.Generator
# Offsets and lengths around the borders of their types, and what reads as the empty or the endless.
HOSTILE_WORDS = (0, 1, 2, 4, 0x7F, 0xFF, 0xFFFF, 2**24, 2**28, 2**31 - 1, 2**31, 2**32 - 4, 2**32 - 1)
HOSTILE_NUMBERS = (-(2**63), -(2**31), -2, -1, 0, 1, 7, 127, 255, 2**15, 2**24, 2**31 - 1, 2**32 - 1, 2**63 - 1)
HOSTILE_FLOATS = (0.0, -1.0, 1e-45, 1e-30, 1e38, float("inf"), float("nan"))
MAX_LIST = 70_000


def small_decode_step() -> bytes:
    """A quantized decode step with two attention heads, as the product itself makes it."""
    return (artifact(make_small_decode_step) / "decode_static_wi8_ai8.tflite").read_bytes()


def make_small_decode_step(folder: Path) -> None:
    keras.utils.set_random_seed(3)
    model = build_model(ModelConfig(n_layers=1, n_heads=2, d_model=16, context_length=8), 11)
    tokens = np.random.default_rng(2).integers(0, 11, 300)
    config = QuantizationConfig(calibration_windows=4, report_tokens=8)
    quantize_decode_step(model, tokens, config, folder)


def flipped(content: bytes, random: Random) -> bytes:
    """Some bits turned over."""
    damaged = bytearray(content)
    for place in random.integers(0, len(damaged), random.integers(1, 9)):
        damaged[place] ^= 1 << int(random.integers(0, 8))
    return bytes(damaged)


def truncated(content: bytes, random: Random) -> bytes:
    return content[: random.integers(0, len(content))]


def spliced(content: bytes, random: Random) -> bytes:
    """A part of the file in another place of it."""
    start, place = random.integers(0, len(content), 2)
    part = content[start : start + random.integers(1, 257)]
    return content[:place] + part + content[place + len(part) * int(random.integers(0, 2)) :]


def hostile_words(content: bytes, random: Random) -> bytes:
    """Aligned words, which are offsets, lengths and numbers, replaced by others."""
    words = np.frombuffer(content[: len(content) // 4 * 4], "<u4").copy()
    # Tables lie at both ends of the file, between them are weights.
    for place in random.integers(0, len(words), random.integers(1, 5)):
        near = (len(content), len(words), place, words[random.integers(0, len(words))])
        words[place] = random.choice([*HOSTILE_WORDS, *near]) % 2**32
    return words.tobytes()


def hostile_field(content: bytes, random: Random) -> bytes:
    """One to three fields of the tables replaced by values of the same kind that do not fit."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    for _ in range(random.integers(1, 4)):
        owner, name = random_field(model, random)
        setattr(owner, name, hostile_value(getattr(owner, name), random))
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def random_field(table: Any, random: Random) -> tuple[Any, str]:
    """A walk from the model downwards that ends at a random field."""
    while True:
        name = str(random.choice(list(vars(table))))
        value = getattr(table, name)
        entries = value if isinstance(value, list) and value and hasattr(value[0], "Pack") else None
        below = entries[random.integers(0, len(entries))] if entries else value
        if not hasattr(below, "Pack") or random.random() < 0.05:
            return table, name
        table = below


def hostile_value(value: Any, random: Random) -> Any:
    """Something of the same kind, so that it can be written."""
    if isinstance(value, bool | int | np.integer):
        return int(random.choice(HOSTILE_NUMBERS))
    if isinstance(value, bytes):
        return bytes(random.integers(0, 256, random.integers(0, 40), np.uint8)) * int(random.choice([1, 1, 2000]))
    if isinstance(value, np.ndarray):
        return hostile_vector(value, random)
    if isinstance(value, list):
        return value * int(random.choice([0, 2, 30])) if len(value) < MAX_LIST else []
    return None


def hostile_vector(values: np.ndarray, random: Random) -> np.ndarray:
    """Longer, shorter, or with an impossible number in it."""
    kind = random.integers(0, 3)
    if kind == 0 or not values.size:
        return np.resize(values, random.choice([0, 1, 9, 1000, MAX_LIST])).astype(values.dtype)
    changed = values.copy()
    wrong = random.choice(HOSTILE_FLOATS if values.dtype.kind == "f" else HOSTILE_NUMBERS)
    with np.errstate(all="ignore"):
        changed[random.integers(0, len(changed))] = np.array(wrong).astype(values.dtype)
    return changed


DAMAGES: dict[str, Callable[[bytes, Random], bytes]] = {
    damage.__name__: damage for damage in (flipped, truncated, spliced, hostile_words, hostile_field)
}


def damaged(content: bytes, kinds: list[str], seed: int) -> bytes | None:
    """The file after damages in this order; None where the last ones could not be written as a file at all."""
    random = np.random.default_rng(seed)
    for kind in kinds:
        try:
            content = DAMAGES[kind](content, random)
        except Exception:  # the writer, and the reader that comes before it, refuse in any way they like
            return None
    return content
