"""Training speed: tokens/s of the trainer's own step, and as a fraction of the machine's fp32 GEMM peak. Prints JSON.

    python benchmarks/training_throughput.py --steps 10 --rounds 6

The peak, the trainer's step and a plain Keras `fit(jit_compile=True)` alternate in one process, because the speed of a
shared machine varies by a factor of two: only ratios are meaningful. Operations are counted as in nanoGPT: 6 per weight
of a matrix product and token, and 12 x layers x d_model x context for attention (without subtracting the masked half).
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import yaml

from textzoo.common.paths import CONFIGURATION
from textzoo.models.base import LanguageModel
from textzoo.models.files import build_model
from textzoo.models.settings import ModelConfig
from textzoo.training.backends import current_backend, set_seed
from textzoo.training.backends.base import Lanes
from textzoo.training.layout import read_weights
from textzoo.training.losses import Objective
from textzoo.training.optimizers import make_optimizer
from textzoo.training.settings import TrainingConfig
from textzoo.training.step import TrainingStep

GEMM_SIZE = 2048
GEMM_REPEATS = 5
VOCABULARY = 65
MODELS = CONFIGURATION / "model"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=10, help="steps per variant and round")
    parser.add_argument("--rounds", type=int, default=6, help="rounds; each measures the peak and every variant once")
    parser.add_argument("--batch-size", type=int, default=32, help="windows per step")
    parser.add_argument("--model", default="pico_gpt", help="an option of conf/model/")
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    return parser.parse_args()


def gemm_peak() -> float:
    """Return the best speed of products of large matrices by NumPy's BLAS on all cores, in operations per second."""
    left, right = (np.random.default_rng(0).standard_normal((GEMM_SIZE, GEMM_SIZE), np.float32) for _ in range(2))
    seconds = []
    for _ in range(GEMM_REPEATS):
        began = time.perf_counter()
        left @ right
        seconds.append(time.perf_counter() - began)
    return 2 * GEMM_SIZE**3 / min(seconds)


def new_model(options: argparse.Namespace) -> LanguageModel:
    shape = yaml.safe_load((MODELS / f"{options.model}.yaml").read_text(encoding="utf-8"))
    return build_model(ModelConfig(**shape, dropout=options.dropout), VOCABULARY)


def operations_per_token(model: LanguageModel) -> int:
    """Return the floating-point operations of a training step per token."""
    config = model.get_config()
    matrices = sum(int(np.prod(v.shape)) for v in model.trainable_variables if v.path.endswith("kernel"))
    head = model.vocabulary_size * config["d_model"]
    attention = 12 * config["n_layers"] * config["d_model"] * model.context_length if "n_heads" in config else 0
    return 6 * (matrices + head) + attention


def batches(options: argparse.Namespace, context_length: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    while True:
        tokens = rng.integers(0, VOCABULARY, (options.batch_size, context_length + 1)).astype(np.int32)
        yield tokens[:, :-1], tokens[:, 1:]


def trainer_step(optimizer: str, options: argparse.Namespace) -> Callable[[], list[float]]:
    """Return a function that runs `options.steps` of the trainer's steps and returns the seconds of each."""
    model = new_model(options)
    config = TrainingConfig(optimizer=optimizer, batch_size=options.batch_size)
    backend = current_backend()
    objective = Objective(model, seed=0)
    lanes = Lanes(backend.lanes)
    step = TrainingStep(objective, make_optimizer(objective.layout, config), config, backend, lanes)
    vectors = step.initial_vectors(read_weights(model))
    source = batches(options, model.context_length)
    count = 0

    def run() -> list[float]:
        nonlocal vectors, count
        seconds = []
        for _ in range(options.steps):
            began = time.perf_counter()
            vectors, numbers = step(vectors, *next(source), count, 1.0)
            float(numbers[0])
            seconds.append(time.perf_counter() - began)
            count += 1
        return seconds

    return run


def keras_fit(options: argparse.Namespace) -> Callable[[], list[float]]:
    """Return the same function for Keras' own training: compile(AdamW, jit_compile=True) and fit."""
    model = new_model(options)
    model.compile(
        optimizer=keras.optimizers.AdamW(3e-3, weight_decay=0.1, global_clipnorm=1.0),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=True,
    )
    source = batches(options, model.context_length)
    parts = [next(source) for _ in range(options.steps)]
    inputs, targets = (np.concatenate([part[index] for part in parts]) for index in range(2))

    def run() -> list[float]:
        began = time.perf_counter()
        model.fit(inputs, targets, batch_size=options.batch_size, epochs=1, verbose=0, shuffle=False)
        return [(time.perf_counter() - began) / options.steps] * options.steps

    return run


VARIANTS: dict[str, Callable[[argparse.Namespace], Callable[[], list[float]]]] = {
    "trainer_muon": lambda options: trainer_step("muon", options),
    "trainer_adamw": lambda options: trainer_step("adamw", options),
    "keras_fit_adamw": keras_fit,
}


def measure(options: argparse.Namespace) -> dict[str, object]:
    """Measure peak and variants alternately; return medians over all rounds."""
    set_seed(0)
    variants = {name: VARIANTS[name](options) for name in options.variants}
    for run in variants.values():
        run()  # compiles
    peaks: list[float] = []
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(options.rounds):
        peaks.append(gemm_peak())
        for name, run in variants.items():
            seconds[name] += run()
    return summary(options, max(peaks), statistics.median(peaks), seconds)


def summary(
    options: argparse.Namespace, peak: float, median_peak: float, seconds: dict[str, list[float]]
) -> dict[str, object]:
    model = new_model(options)
    tokens = options.batch_size * model.context_length
    operations = operations_per_token(model)
    rows = {}
    for name, values in seconds.items():
        speed = tokens / statistics.median(values)
        rows[name] = {
            "tokens_per_second": round(speed),
            "best_tokens_per_second": round(tokens / min(values)),
            "fraction_of_gemm_peak": round(speed * operations / peak, 3),
        }
    reference = rows.get("keras_fit_adamw")
    for row in rows.values():
        if reference:
            row["times_keras_fit"] = round(row["tokens_per_second"] / reference["tokens_per_second"], 2)
    return {
        "backend": keras.backend.backend(),
        "model": options.model,
        "parameters": model.count_params(),
        "batch_tokens": tokens,
        "operations_per_token": operations,
        "gemm_peak_gflops": round(peak / 1e9, 1),
        "gemm_median_gflops": round(median_peak / 1e9, 1),
        "variants": rows,
    }


if __name__ == "__main__":
    print(json.dumps(measure(arguments()), indent=2))
