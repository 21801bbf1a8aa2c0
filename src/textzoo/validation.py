"""Checks a composed configuration against the schema: every mistake found at once, none raised one by one.

Knows neither Hydra nor TensorFlow: it answers in milliseconds.
"""

import dataclasses
import types
import typing
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from textzoo.chains import CHAINS, DESCRIBE
from textzoo.errors import UserError
from textzoo.registry import did_you_mean, nearest, unknown_name
from textzoo.schema import BPE_VOCABULARY, Config, DatasetConfig, ModelConfig, SourceConfig, with_inherited

# Architectures to which n_heads means nothing.
WITHOUT_HEADS = ("tiny_lm", "lstm")
# training.qat -> bits in the names of the recipes that store such weights.
QAT_WEIGHT_BITS = {"int8": 8, "int4": 4, "ternary": 2}
# What the console of a device can hold (deployment/application/stop.h).
LONGEST_STOP_BYTES = 32
CIMV3_BOARD = "CIMv3"
CIMV3_WIDTHS = (128, 256, 512)
CIMV3_HEAD_WIDTH = 64
CIMV3_CONTEXT = 128


def check(values: dict[str, Any], boards: list[str]) -> tuple[Config, list[UserError]]:
    """Turn nested values into a typed Config. A wrong value leaves its default in place, so that all rules can run.

    Args:
        values: Section -> key -> value, as composed from YAML and overrides.
        boards: Names of the boards that have a YAML.

    Returns:
        The Config, and all mistakes, contradictions between keys included.
    """
    errors: list[UserError] = []
    config = build_section(Config, values, "", errors)
    for rule in RULES:
        errors += rule(config)
    board = config.deployment.hardware_setup.board
    if board not in boards:
        errors.append(unknown_name("board", board, boards))
    return config, errors


def build_section(section: Any, values: Any, prefix: str, errors: list[UserError]) -> Any:
    """An instance of a section's dataclass; mistakes are added to `errors` and leave the default in place."""
    if not isinstance(values, dict):
        errors.append(UserError(f"wrong type of {prefix.rstrip('.')}", expected="a section", received=repr(values)))
        return section()
    fields = {entry.name: entry for entry in dataclasses.fields(section)}
    chosen = {}
    for key, value in values.items():
        if key not in fields:
            errors.append(unknown_key(f"{prefix}{key}", fields, prefix))
        elif dataclasses.is_dataclass(fields[key].type):
            chosen[key] = build_section(fields[key].type, value, f"{prefix}{key}.", errors)
        else:
            chosen[key] = convert(fields[key], value, f"{prefix}{key}", errors)
    return section(**chosen)


def unknown_key(name: str, fields: dict[str, Any], prefix: str) -> UserError:
    key = name.rpartition(".")[2]
    match = nearest(key, fields)
    remedy = f"Did you mean '{prefix}{match}'?" if match else f"Known here: {', '.join(sorted(fields))}."
    return UserError(f"unknown key {name}", remedy=remedy)


def convert(entry: dataclasses.Field, value: Any, name: str, errors: list[UserError]) -> Any:
    """The value in the field's type, or the field's default after a mistake was noted."""
    allowed = allowed_types(entry.type)
    if isinstance(value, int) and not isinstance(value, bool) and float in allowed and int not in allowed:
        value = float(value)
    if not fits(value, allowed):
        errors.append(UserError(f"wrong type of {name}", expected=type_text(entry), received=received_text(value)))
        return default_of(entry)
    problem = outside(entry, value)
    if problem:
        errors.append(problem(name))
        return default_of(entry)
    return value


def allowed_types(annotation: Any) -> tuple[Any, ...]:
    if isinstance(annotation, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)


def fits(value: Any, allowed: tuple[Any, ...]) -> bool:
    """Whether the value is of one of the types; a bool is not an int here, and lists hold texts or sections."""
    if isinstance(value, list):
        kinds = [kind for kind in (str, dict) if list[kind] in allowed]
        return any(all(type(item) is kind for item in value) for kind in kinds)
    return type(value) in allowed


def type_text(entry: dataclasses.Field) -> str:
    """The field's type in the user's words, e.g. "a whole number (steps)"."""
    words = {
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        str: "text",
        list[str]: "a list of texts",
        list[dict]: "a list of sections",
        dict: "a section",
        type(None): "null",
    }
    text = " or ".join(words[kind] for kind in allowed_types(entry.type))
    unit = entry.metadata.get("unit")
    return f"{text} ({unit})" if unit else text


def received_text(value: Any) -> str:
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", dict: "section"}
    return f"{value!r} ({names.get(type(value), type(value).__name__)})"


def default_of(entry: dataclasses.Field) -> Any:
    return entry.default if entry.default is not dataclasses.MISSING else entry.default_factory()


def range_text(entry: dataclasses.Field) -> str:
    """The field's range as text, e.g. ">= 1 and <= 64", or an empty string."""
    signs = {"low": ">=", "above": ">", "high": "<=", "below": "<"}
    bounds = [(sign, entry.metadata.get(key)) for key, sign in signs.items()]
    return " and ".join(f"{sign} {bound:,}" for sign, bound in bounds if bound is not None)


def outside(entry: dataclasses.Field, value: Any) -> Callable[[str], UserError] | None:
    """For a value outside the field's choices or range: a function from the key's name to the error."""
    choices = entry.metadata.get("choices")
    if choices and value is not None and value not in choices:
        expected = f"one of {', '.join(choices)}"
        hint = did_you_mean(str(value), choices)
        return lambda name: UserError(f"wrong value of {name}", expected=expected, received=repr(value), remedy=hint)
    if isinstance(value, int | float) and not isinstance(value, bool) and not within(entry.metadata, value):
        expected = range_text(entry)
        return lambda name: UserError(f"{name} is out of range", expected=expected, received=str(value))
    return None


def within(bounds: Any, value: float) -> bool:
    tests = {
        "low": lambda bound: value >= bound,
        "high": lambda bound: value <= bound,
        "above": lambda bound: value > bound,
        "below": lambda bound: value < bound,
    }
    return all(test(bounds[key]) for key, test in tests.items() if bounds.get(key) is not None)


# Contradictions between keys: each rule looks at one matter and returns its mistakes.


def check_mode(config: Config) -> list[UserError]:
    mode = config.operation_mode
    if mode == DESCRIBE:
        return []
    if mode not in CHAINS:
        return [unknown_name("operation_mode", mode, [*CHAINS, DESCRIBE])]
    return []


def check_pretrained(config: Config) -> list[UserError]:
    """A trained model is at hand, and is not trained anew."""
    if not config.pretrained:
        return []
    if "training" in CHAINS.get(config.operation_mode, ()):
        remedy = "Leave it out, or start from that model with training.init_from=<file>.keras."
        return [
            UserError(
                f"pretrained=true brings a trained model, operation_mode={config.operation_mode} trains one",
                remedy=remedy,
            )
        ]
    if not config.model.float_model_path:
        return [UserError("pretrained=true stands in a file", expected="pretrained=true on the command line")]
    return []


def check_length_of_training(config: Config) -> list[UserError]:
    training = config.training
    if (training.steps is None) == (training.epochs is None):
        return [
            UserError(
                "training.steps and training.epochs contradict each other",
                expected="one of them, the other null",
                received=f"steps={training.steps}, epochs={training.epochs}",
                remedy="For epochs give training.steps=null training.epochs=10.",
            )
        ]
    return []


def check_accumulation(config: Config) -> list[UserError]:
    training = config.training
    if training.batch_size % training.gradient_accumulation:
        return [
            UserError(
                "training.gradient_accumulation does not divide training.batch_size",
                received=f"{training.batch_size} windows in {training.gradient_accumulation} parts",
            )
        ]
    return []


def check_starts(config: Config) -> list[UserError]:
    if config.training.resume_from and config.training.init_from:
        return [
            UserError(
                "training.resume_from and training.init_from are both given",
                remedy="resume_from continues a run bit for bit; init_from starts a new one from its weights.",
            )
        ]
    return []


def check_quantization_aware_training(config: Config) -> list[UserError]:
    """Weights are trained for the grid that they are stored on, and never averaged off it."""
    training, recipe = config.training, config.quantization.recipe
    if training.qat == "none":
        return []
    errors = []
    services, bits = CHAINS.get(config.operation_mode, ()), QAT_WEIGHT_BITS[training.qat]
    if {"training", "quantization"} <= set(services) and f"_wi{bits}_" not in recipe:
        errors.append(
            UserError(
                f"training.qat={training.qat} trains weights of {bits} bits, which quantization.recipe does not store",
                expected=f"a recipe with wi{bits} in its name",
                received=recipe,
                remedy=f"Add quantization=static_wi{bits}_ai8.",
            )
        )
    if training.ema_decay:
        errors.append(
            UserError(
                "training.qat and training.ema_decay are both given",
                expected="training.ema_decay=0",
                received=str(training.ema_decay),
                remedy="An average of weights lies on no grid; a long warm-down does its work.",
            )
        )
    return errors


def check_heads(config: Config) -> list[UserError]:
    model = config.model
    if model.name not in WITHOUT_HEADS and model.d_model % model.n_heads:
        return [
            UserError(
                f"model.d_model={model.d_model} is not divisible by model.n_heads={model.n_heads}",
                remedy="Every head has d_model / n_heads channels.",
            )
        ]
    return []


def check_rotary(config: Config) -> list[UserError]:
    model = config.model
    if model.positions == "rotary" and model.d_model % (2 * model.n_heads):
        return [
            UserError(
                "model.positions=rotary turns pairs of channels",
                expected="an even number of channels per head, d_model / n_heads",
                received=f"{model.d_model} / {model.n_heads}",
            )
        ]
    return []


def check_cimv3(config: Config) -> list[UserError]:
    """The CIMv3 accelerator's rules, where they are asked for or its board is."""
    if config.deployment.hardware_setup.board == CIMV3_BOARD:
        return cimv3_violations(config.model, f"Another board than {CIMV3_BOARD} lifts this rule.")
    is_asked = config.model.constraints == "cimv3"
    return cimv3_violations(config.model, "model.constraints=none lifts this rule.") if is_asked else []


def cimv3_violations(model: ModelConfig, remedy: str) -> list[UserError]:
    """An error for every rule of the CIMv3 accelerator that an architecture breaks."""
    widths = ", ".join(map(str, CIMV3_WIDTHS))
    rules = [
        (model.name == "pico_gpt", "name", "pico_gpt", model.name),
        (model.d_model in CIMV3_WIDTHS, "d_model", f"one of {widths}", model.d_model),
        (
            model.d_model == model.n_heads * CIMV3_HEAD_WIDTH,
            "n_heads",
            f"d_model / n_heads = {CIMV3_HEAD_WIDTH}",
            f"{model.d_model} / {model.n_heads}",
        ),
        (model.context_length <= CIMV3_CONTEXT, "context_length", f"<= {CIMV3_CONTEXT}", model.context_length),
        (model.activation == "relu", "activation", "relu", model.activation),
        (not model.use_bias, "use_bias", "false", "true"),
    ]
    return [
        UserError(f"model.{key} breaks a CIMv3 rule", expected=expected, received=str(received), remedy=remedy)
        for holds, key, expected, received in rules
        if not holds
    ]


# What each corpus does not take: keys, and the reason.
NO_FILES = ("it does not read files", ("training_path", "validation_path"))
NOT_TAKEN: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "python_docs": (NO_FILES,),
    "conversations": (NO_FILES,),
    "nanogpt": (("its text comes as tokens", ("separator",)),),
    "mixture": (("its sources have their own", ("training_path", "validation_path")),),
}


def check_dataset(config: Config) -> list[UserError]:
    keys = [entry.name for entry in dataclasses.fields(config.dataset)]
    return corpus_mistakes(config.dataset, "dataset", keys) + check_sources(config.dataset)


def corpus_mistakes(dataset: DatasetConfig, prefix: str, keys: Collection[str]) -> list[UserError]:
    """Contradictions within a dataset section, or within one source of a mixture, that concern certain keys."""
    name = f"{prefix}.name={dataset.name}"
    errors = [
        UserError(
            f"{prefix}.{key} is given, but {name} does not take it: {reason}",
            remedy="For your own text add dataset=text." if (reason, prefix) == (NO_FILES[0], "dataset") else "",
        )
        for reason, refused in NOT_TAKEN.get(dataset.name, ())
        for key in refused
        if key in keys and getattr(dataset, key)
    ]
    if dataset.name in ("text", "nanogpt") and not dataset.training_path:
        errors.append(UserError(f"{name} needs {prefix}.training_path", remedy="Give a file or a folder."))
    if dataset.separator == "" and "separator" in keys:
        errors.append(UserError(f"{prefix}.separator is empty", expected="a text, or null for a blank line"))
    return errors + size_mistakes(dataset, prefix, keys)


def size_mistakes(dataset: DatasetConfig, prefix: str, keys: Collection[str]) -> list[UserError]:
    """The made conversations have one size."""
    sizes = {key: getattr(dataset, key) for key in ("conversations_bytes", "conversations_dialogues")}
    if list(sizes.values()).count(None) == 1 or not set(sizes) & set(keys):
        return []
    return [
        UserError(
            f"{prefix}.conversations_bytes and {prefix}.conversations_dialogues contradict each other",
            expected="one of them, the other null",
            received=", ".join(f"{key}={size}" for key, size in sizes.items()),
            remedy="For a number give conversations_bytes=null conversations_dialogues=5000.",
        )
    ]


def check_sources(dataset: DatasetConfig) -> list[UserError]:
    """The sources of a mixture: keys, types, ranges, names, files and contradictions, each source by its number."""
    if dataset.name != "mixture":
        given = UserError(
            f"dataset.sources is given, but dataset.name={dataset.name} has no sources", remedy="Add dataset=mixture."
        )
        return [given] if dataset.sources else []
    if not dataset.sources:
        return [
            UserError("dataset.name=mixture needs dataset.sources", expected="[{name: python_docs, weight: 0.7}, ...]")
        ]
    errors: list[UserError] = []
    for index, values in enumerate(dataset.sources):
        prefix = f"dataset.sources[{index}]"
        source = source_of(dataset, values, prefix, errors)
        if "name" not in values or source.name in ("mixture", "nanogpt") or source.sources:
            errors.append(not_mixable(prefix, source.name if "name" in values else ""))
            continue
        errors += corpus_mistakes(source, prefix, values) + missing_files(source, prefix)
    return errors


def source_of(dataset: DatasetConfig, values: dict, prefix: str, errors: list[UserError]) -> SourceConfig:
    """A source: its own keys, the others but for the paths from the dataset; mistakes are added to `errors`."""
    built = build_section(SourceConfig, values, f"{prefix}.", errors)
    return with_inherited(dataset, {key: getattr(built, key) for key in values if hasattr(built, key)})


def not_mixable(prefix: str, name: str) -> UserError:
    reasons = {
        "": f"{prefix} has no name",
        "nanogpt": f"{prefix}.name=nanogpt brings its own vocabulary and cannot be mixed",
    }
    what = reasons.get(name, f"{prefix} is a mixture itself")
    return UserError(what, expected="name: python_docs, text, tinyshakespeare or conversations")


def check_tokenizer(config: Config) -> list[UserError]:
    """Keys that the kind of tokenizer cannot follow; those of an existing file are its own."""
    tokenizer = config.tokenizer
    if config.dataset.name == "nanogpt" and (tokenizer.path or tokenizer.name != "char"):
        return [
            UserError(
                "tokenizer.path and other tokenizers than char do not apply to dataset.name=nanogpt",
                remedy="A nanoGPT folder brings its own vocabulary: leave tokenizer at its defaults.",
            )
        ]
    if tokenizer.path:
        return []
    size, unknown, count = tokenizer.vocabulary_size, tokenizer.unknown, tokenizer.min_count
    rules = {
        "char": [(size is None, "vocabulary_size", "null: every character has a token", size), once_enough(count)],
        "byte": [
            (size in (None, 256), "vocabulary_size", "256, or null", size),
            knows_all(unknown),
            once_enough(count),
        ],
        "word": [(unknown == "unk" or count == 1, "min_count", "1, or tokenizer.unknown=unk for rarer words", count)],
        "bpe": [bpe_size(size), knows_all(unknown)],
    }
    return [
        UserError(
            f"tokenizer.{key} contradicts tokenizer.name={tokenizer.name}",
            expected=expected,
            received=str(received),
            remedy=f"The group tokenizer={tokenizer.name} sets what fits.",
        )
        for holds, key, expected, received in rules[tokenizer.name]
        if not holds
    ]


# A rule on a key of the tokenizer: whether it holds, the key, what is expected, what was received.
TokenizerRule = tuple[bool, str, str, Any]


def knows_all(unknown: str) -> TokenizerRule:
    return unknown == "error", "unknown", "error: it has a token for every text", unknown


def once_enough(count: int) -> TokenizerRule:
    return count == 1, "min_count", "1: its tokens do not depend on how often they occur", count


def bpe_size(size: int | None) -> TokenizerRule:
    smallest, largest = BPE_VOCABULARY
    return smallest <= (size or 0) <= largest, "vocabulary_size", f"{smallest} to {largest:,} tokens", size


def check_files(config: Config) -> list[UserError]:
    """Every file that a key names exists."""
    errors = []
    for section in dataclasses.fields(config):
        values = getattr(config, section.name)
        if dataclasses.is_dataclass(values):
            errors += missing_files(values, section.name)
    return errors


def missing_files(section: Any, prefix: str) -> list[UserError]:
    errors = []
    for entry in dataclasses.fields(section):
        value = getattr(section, entry.name)
        if entry.metadata.get("path") and value is not None:
            paths = value if isinstance(value, list) else [value]
            errors += [
                UserError(f"{prefix}.{entry.name}: there is no file or folder '{path}'", remedy="Check the path.")
                for path in paths
                if not Path(path).exists()
            ]
    return errors


def check_model_files(config: Config) -> list[UserError]:
    """Model files have a known ending."""
    endings = {"float_model_path": (".keras", ".h5"), "quantized_model_path": (".tflite",)}
    return [
        UserError(f"model.{key}: unknown kind of file", expected=" or ".join(known), received=str(path))
        for key, known in endings.items()
        if (path := getattr(config.model, key)) and Path(path).suffix not in known
    ]


def check_models_at_hand(config: Config) -> list[UserError]:
    """A mode that starts without training is given a model."""
    services = CHAINS.get(config.operation_mode, ())
    if services[:1] in ((), ("training",), ("statistics",)) or config.general.resume:
        return []
    model = config.model
    if services[0] in ("evaluation", "prediction") and "quantization" not in services:
        if not model.float_model_path and not model.quantized_model_path:
            return [needs_model(config.operation_mode, "model.float_model_path or model.quantized_model_path")]
    elif services[0] in ("benchmarking", "deployment"):
        if not model.quantized_model_path:
            return [needs_model(config.operation_mode, "model.quantized_model_path")]
    elif not model.float_model_path:
        return [needs_model(config.operation_mode, "model.float_model_path")]
    return []


def check_device_stop(config: Config) -> list[UserError]:
    """The stop text becomes an option of the device's console."""
    on_device = {"benchmarking", "deployment"} & set(CHAINS.get(config.operation_mode, ()))
    return stop_mistakes(config.prediction.stop or "") if on_device else []


def stop_mistakes(stop: str) -> list[UserError]:
    """What keeps a device from stopping at this text."""
    encoded = stop.encode("utf-8", "surrogatepass")
    if len(encoded) > LONGEST_STOP_BYTES:
        return [
            UserError(
                "prediction.stop is too long for a device",
                expected=f"at most {LONGEST_STOP_BYTES} bytes",
                received=f"{len(encoded)} bytes",
                remedy="Give the beginning of the text, or null.",
            )
        ]
    if any(character == "\ufffd" or "\ud800" <= character <= "\udfff" for character in stop):
        return [
            UserError(
                "prediction.stop cannot be found in a device's bytes",
                expected="characters of UTF-8 other than U+FFFD, which stands for what is not UTF-8",
                received=ascii(stop),
            )
        ]
    return []


def check_benchmarking(config: Config) -> list[UserError]:
    """What measures is there, and told where the board is."""
    settings = config.benchmarking
    if "benchmarking" not in CHAINS.get(config.operation_mode, ()):
        return []
    if settings.measured_by == "stedgeai":
        return [UserError("benchmarking.measured_by=stedgeai is not in this version yet", expected="emulator or host")]
    if settings.measured_by == "serial" and not settings.serial_port:
        return [UserError("benchmarking.measured_by=serial needs a port", expected="benchmarking.serial_port")]
    return []


def needs_model(mode: str, keys: str) -> UserError:
    return UserError(
        f"operation_mode={mode} needs a trained model",
        expected=keys,
        remedy="operation_mode=chain_tqe trains one; its run folder then holds models/float.keras.",
    )


RULES: tuple[Callable[[Config], list[UserError]], ...] = (
    check_mode,
    check_pretrained,
    check_length_of_training,
    check_accumulation,
    check_starts,
    check_quantization_aware_training,
    check_heads,
    check_rotary,
    check_cimv3,
    check_dataset,
    check_tokenizer,
    check_files,
    check_model_files,
    check_models_at_hand,
    check_benchmarking,
    check_device_stop,
)
