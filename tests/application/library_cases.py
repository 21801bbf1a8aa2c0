"""Small models with random weights, a tokenizer of every kind, and the text that Python makes of them."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from artifacts import artifact
from textzoo.common.paths import CONFIGURATION
from textzoo.engines.generate import generate
from textzoo.engines.litert_engine import LitertReferenceEngine
from textzoo.engines.sampling import temperature_q16
from textzoo.engines.settings import PredictionConfig
from textzoo.models.settings import ModelConfig
from textzoo.pipeline.library import make_library
from textzoo.targets.settings import DeploymentConfig
from textzoo.testing.random_models import random_decode_step
from textzoo.text.settings import TokenizerConfig
from textzoo.text.tokenizers.bpe import BpeTokenizer
from textzoo.text.tokenizers.byte import ByteTokenizer
from textzoo.text.tokenizers.character import CharacterTokenizer
from textzoo.text.tokenizers.word import WordTokenizer

NAME = "my_model"
# Keys whose "auto" training resolves by the corpus.
DECIDED = {"gpt": {"weight_tying": "untied"}}
TEXT = "The café isn't far: 3 dogs, 2 cats; “naïve” words — and \U0001f600 too.\nthe dog, the cat\n" * 3
TOKENIZERS = {
    "char": CharacterTokenizer(sorted(set("\n !abcdefxyzé€\U0001f600")), with_unknown=True),
    "byte": ByteTokenizer(),
    "word": WordTokenizer.from_texts([TEXT], TokenizerConfig(name="word", unknown="unk")),
    "bpe": BpeTokenizer.from_texts([TEXT], TokenizerConfig(name="bpe", vocabulary_size=300)),
}


@dataclass(frozen=True)
class Case:
    """A model and what is asked of it.

    Attributes:
        model: Architecture.
        tokenizer: Kind.
        recipe: Of the quantization.
        prompt: Text to continue.
        tokens: To write; more than the context, so that it slides.
        stop: Text at which the answer ends; "" for none.
    """

    model: str
    tokenizer: str
    recipe: str
    prompt: str
    tokens: int = 60
    temperature: float = 0.9
    top_k: int = 0
    seed: int = 7
    stop: str = ""

    def __str__(self) -> str:
        return f"{self.model}-{self.tokenizer}-{self.recipe}"


CASES = [
    Case("gpt", "bpe", "static_wi8_ai8", "The café", top_k=20),
    Case("lstm", "word", "static_wi8_ai8", "the dog"),
    Case("tiny_lm", "byte", "static_wi4_ai8", "naïve"),
    Case("tiny_bert_generator", "char", "static_wi8_ai8", "abc é", temperature=0.0),
    Case("tiny_lm", "char", "static_wi8_ai16", "a€", top_k=3, seed=2**32 - 1),
]


def make_decode_step(folder: Path, model: str, tokenizer: str, recipe: str) -> None:
    """A decode step with random weights for the tokenizer's vocabulary."""
    from textzoo.models.files import build_model

    facts = yaml.safe_load((CONFIGURATION / "model" / f"{model}.yaml").read_text(encoding="utf-8"))
    shape = ModelConfig(**facts | {"n_layers": 1, "d_model": 16, "context_length": 10} | DECIDED.get(model, {}))
    vocabulary_size = TOKENIZERS[tokenizer].vocabulary_size
    random_decode_step(lambda: build_model(shape, vocabulary_size), recipe, folder, windows=8)


def decode_step_of(case: Case) -> Path:
    return artifact(make_decode_step, case.model, case.tokenizer, case.recipe) / f"decode_{case.recipe}.tflite"


def library_of(case: Case, folder: Path, name: str = NAME, **settings: object) -> Path:
    """The library of a case."""
    sampling = {"temperature": case.temperature, "top_k": case.top_k, "seed": case.seed, "stop": case.stop or None}
    defaults = PredictionConfig(prompt=case.prompt, **sampling)
    settings = DeploymentConfig(library_name=name, **settings)
    path = decode_step_of(case)
    return make_library(path, TOKENIZERS[case.tokenizer], folder, settings=settings, defaults=defaults).folder


def text_of(case: Case) -> bytes:
    """What Python writes: the .tflite on LiteRT's reference kernels, the sampler in NumPy, the tokenizer in Python."""
    engine = LitertReferenceEngine(decode_step_of(case))
    options = {"temperature": case.temperature, "top_k": case.top_k, "seed": case.seed, "stop": case.stop}
    pieces = generate(engine, TOKENIZERS[case.tokenizer], case.prompt, max_tokens=case.tokens, **options)
    return "".join(pieces).encode("utf-8")


def case_header(case: Case, fuzzed_states: int) -> str:
    """The case.h of library_program.c."""
    prompt = case.prompt.encode()
    tokens = len(TOKENIZERS[case.tokenizer].encode(case.prompt, unknown="error"))
    numbers = {
        "PROMPT_BYTES": len(prompt),
        "PROMPT_TOKENS": tokens,
        "TOKENS": case.tokens,
        "TEMPERATURE": f"{temperature_q16(case.temperature)}u",
        "TOP_K": case.top_k,
        "SEED": f"{case.seed}u",
        "FUZZED_STATES": fuzzed_states,
        "STOPPED": int(bool(case.stop)),
    }
    lines = [f"#define {name} {value}" for name, value in numbers.items()]
    characters = ", ".join(f"(char){byte}" for byte in prompt)
    return "\n".join([*lines, f"static const char prompt[] = {{{characters}}};", ""])
