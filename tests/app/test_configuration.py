"""Mistakes in the configuration: all at once, with suggestions, exit code 2, nothing written, no heavy import."""

import dataclasses
import functools
import math
import resource
import subprocess
import sys

import pytest
import yaml
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import get_args_parser
from omegaconf import OmegaConf

from changed_config import with_facts
from textzoo.common import settings
from textzoo.common.errors import UserError
from textzoo.common.paths import PROJECT
from textzoo.config import command_line
from textzoo.config.boards import load_board
from textzoo.config.chains import CHAINS
from textzoo.config.check import check
from textzoo.config.composing import register
from textzoo.config.override_checks import check_key
from textzoo.config.resuming import of_resumed_run
from textzoo.config.schema import Config, walk

PROGRAM = PROJECT / "stm32ai_main.py"
CONF = PROJECT / "conf"
PRETRAINED_STEP = PROJECT / "pretrained_models" / "tiny_lm" / "decode_static_wi8_ai8.tflite"
BOARDS = ["CIMv3", "STM32F4", "STM32H7"]
DYNAMIC = "dynamic_wi8_afp32"
SETUP = "deployment.hardware_setup"
SERIAL = {"benchmarking.measured_by": "serial", "benchmarking.serial_port": "/dev/ttyNOPE"}

# override, what the message must contain
COMMAND_LINE_MISTAKES = [
    ("--experimental-rerun=any.pickle", "reads a pickle"),
    ("model.nlayers=3", "unknown key model.nlayers. Did you mean 'model.n_layers'?"),
    ("trainig.steps=3", "unknown key trainig.steps. Did you mean 'training.steps'?"),
    ("n_heads=3", "unknown key n_heads. Did you mean 'model.n_heads'?"),
    ("datset=text", "unknown key datset. Did you mean 'dataset'?"),
    ("model=pico_gtp", "Did you mean 'pico_gpt'?"),
    (
        "dataset=shakespeare",
        "unknown dataset 'shakespeare'; expected one of commands, conversations, debian_docs, home_assistant, mixture,",
    ),
    ("operation_mode=chain_tqf", "Did you mean 'chain_tqe'?"),
    (
        "training.steps=abc",
        "wrong type of training.steps; expected a whole number or null (steps); received 'abc' (text)",
    ),
    ("training.steps=1.5", "wrong type of training.steps"),
    (
        "general.deterministic=1",
        "wrong type of general.deterministic; expected true or false; received 1 (whole number)",
    ),
    ("training.batch_size=0", "training.batch_size is out of range; expected >= 1 and <= 65,536; received 0"),
    ("model.dropout=1.0", "model.dropout is out of range; expected >= 0.0 and < 1.0; received 1.0"),
    ("model.d_model=129", "model.d_model=129 is not divisible by model.n_heads=2"),
    ("training.epochs=3", "training.steps and training.epochs contradict each other"),
    ("training.qat=int2", "wrong value of training.qat; expected one of none, int8, int4, ternary"),
    ("training.qat=ternary", "training.qat=ternary trains weights of 2 bits, which quantization.recipe does not store"),
    ("training.qat_warmup_fraction=1.0", "training.qat_warmup_fraction is out of range; expected >= 0.0 and < 1.0"),
    ("training.gradient_accumulation=5", "training.gradient_accumulation does not divide training.batch_size"),
    ("dataset=text", "dataset.name=text needs dataset.training_path"),
    ("dataset.training_path=nowhere.txt", "dataset.training_path: there is no file or folder 'nowhere.txt'"),
    (
        "dataset.name=wikipedia",
        "wrong value of dataset.name; expected one of python_docs, text, tinyshakespeare, nanogpt",
    ),
    ("tokenizer.name=bpe", "tokenizer.vocabulary_size contradicts tokenizer.name=bpe; expected 256 to 8,192 tokens"),
    ("deployment.hardware_setup.board=STM32H8", "unknown board 'STM32H8'"),
    ("operation_mode=evaluation", "operation_mode=evaluation needs a trained model"),
    ("model.n_layers=1,2", "model.n_layers has several values. A sweep needs -m."),
    ("model.n_layers=[1", "the command line cannot be read"),
    ("experiment=none_such", "unknown experiment 'none_such'"),
    ("general.resume=nowhere", "general.resume: 'nowhere' is not a run folder"),
    ("dataset=null", "dataset=null chooses nothing; expected one of commands, conversations,"),
    ("experiment=null", "experiment=null chooses nothing; expected one of commands_gpt,"),
    ("=5", "'=5' names no key; expected key=value."),
    ("model.n_layers", "the command line cannot be read: 'model.n_layers'; expected key=value."),
    ("hydra.run.dir=f(x)", "needs quotes twice: 'hydra.run.dir=\"f(x)\"'"),
]

# a dataset section, what each of its mistakes says
DATASET_MISTAKES = [
    ({"name": "mixture"}, ["dataset.name=mixture needs dataset.sources"]),
    ({"sources": [{"name": "text"}]}, ["dataset.name=python_docs has no sources"]),
    ({"name": "mixture", "sources": ["python_docs"]}, ["wrong type of dataset.sources", "needs dataset.sources"]),
    ({"name": "python_docs", "training_path": __file__}, ["dataset.training_path is given"]),
    ({"packages": ["dict-wn"]}, ["dataset.packages is given, but dataset.name=python_docs takes none"]),
    ({"name": "debian_docs", "packages": ["dict-wm"]}, ["unknown package in dataset.packages 'dict-wm'"]),
    ({"name": "mixture", "sources": [{"name": "debian_docs", "packages": ["x"]}]}, ["dataset.packages 'x'"]),
    ({"name": "conversations", "validation_path": __file__}, ["dataset.validation_path is given"]),
    ({"name": "conversations", "conversations_dialogues": 5}, ["contradict each other"]),
    ({"name": "conversations", "conversations_bytes": None}, ["contradict each other"]),
    ({"name": "nanogpt", "training_path": __file__, "separator": "#"}, ["dataset.separator is given"]),
    ({"separator": ""}, ["dataset.separator is empty"]),
    ({"overlap_warning": 1.5}, ["dataset.overlap_warning is out of range"]),
    (
        {
            "name": "mixture",
            "training_path": __file__,
            "separator": "",
            "sources": [
                {"name": "python_dox", "weigth": 1},
                {"name": "text", "training_path": "nowhere.txt", "weight": float("nan")},
                {"weight": 0},
                {"name": "nanogpt"},
                {"name": "mixture"},
                {"name": "text"},
                {"name": "conversations", "split_mode": 3, "conversations_dialogues": 5},
            ],
        },
        [
            "dataset.training_path is given",
            "dataset.separator is empty",
            "wrong value of dataset.sources[0].name",
            "Did you mean 'dataset.sources[0].weight'?",
            "dataset.sources[1].weight is out of range",
            "dataset.sources[1].training_path: there is no file",
            "dataset.sources[2].weight is out of range",
            "dataset.sources[2] has no name",
            "dataset.sources[3].name=nanogpt has its own vocabulary",
            "dataset.sources[4] is a mixture itself",
            "dataset.sources[5].name=text needs dataset.sources[5].training_path",
            "wrong type of dataset.sources[6].split_mode",
            "dataset.sources[6].conversations_bytes and",
        ],
    ),
    ({"name": "mixture", "sources": [{"name": "conversations"}, {"name": "text", "training_path": __file__}]}, []),
]

# changes to the CIMv3 configuration, what is named
CIMV3_VIOLATIONS = [
    ({"d_model": 192, "n_heads": 3}, ["model.d_model"]),
    ({"n_heads": 4}, ["model.n_heads"]),
    ({"context_length": 256}, ["model.context_length"]),
    ({"activation": "gelu"}, ["model.activation"]),
    ({"use_bias": True}, ["model.use_bias"]),
    ({"use_bias": True, "activation": "gelu", "context_length": 129}, ["context_length", "activation", "use_bias"]),
    ({}, []),
]


# the tokenizer section, the keys that contradict the kind
TOKENIZERS = [
    ({}, []),
    ({"unknown": "unk"}, []),
    ({"vocabulary_size": 100, "min_count": 2}, ["vocabulary_size", "min_count"]),
    ({"name": "word"}, []),
    ({"name": "word", "min_count": 2}, ["min_count"]),
    ({"name": "word", "min_count": 2, "unknown": "unk", "vocabulary_size": 65535}, []),
    ({"name": "byte"}, []),
    ({"name": "byte", "vocabulary_size": 256}, []),
    ({"name": "byte", "vocabulary_size": 255, "unknown": "unk", "min_count": 2}, ["vocabulary_size", "unknown", "min"]),
    ({"name": "bpe"}, ["vocabulary_size"]),
    ({"name": "bpe", "vocabulary_size": 256, "min_count": 3}, []),
    ({"name": "bpe", "vocabulary_size": 255, "unknown": "unk"}, ["vocabulary_size", "unknown"]),
    ({"name": "bpe", "vocabulary_size": 8193}, ["vocabulary_size"]),
    ({"name": "bpe", "path": __file__}, []),
]


LSTM_KEYS = "the architecture lstm has no {}; expected of the model section: context_length, d_model, dropout, n_layers"
# Arguments that are no mistake but for these, and the keys that the architecture does not have.
KEYS_OF_ARCHITECTURES = [
    (["model=lstm", "model.n_heads=1"], ["n_heads"]),
    (["model=lstm", "model.n_heads=2"], ["n_heads"]),  # the schema's own default
    (["model.name=lstm", "++model.n_heads=3", "model.use_bias=true", "model.d_model=65"], ["n_heads, use_bias"]),
    (["model=lstm", "model.positions=rotary", "model.d_model=65"], ["positions"]),
    (["model=lstm", "model.dropout=0.1", "model.constraints=none", "model.d_model=65"], []),
    (["model=lstm", "~model.n_heads"], []),
    (["-m", "model=gpt,lstm", "model.qk_norm=true"], ["qk_norm"]),
    (["-m", "model.name=gpt,lstm", "model.weight_tying=tied"], ["weight_tying"]),
    (["-m", "model=gpt,lstm", "model.d_model=64,128"], []),
]


@pytest.mark.quick(2)
@pytest.mark.parametrize(("arguments", "keys"), KEYS_OF_ARCHITECTURES, ids=lambda value: " ".join(value))
def test_keys_that_an_architecture_does_not_have_are_mistakes(arguments, keys):
    options = get_args_parser().parse_args(arguments)
    register()
    found = command_line.checked(options).errors
    assert [str(error).partition(". ")[0] for error in found] == [LSTM_KEYS.format(key) for key in keys]


def test_keys_that_an_architecture_does_not_have_are_told_with_all_else(program):
    answer = program("model=lstm", "model.n_heads=1", "training.steps=abc", "model.nlayers=3")
    assert answer.returncode == 2
    assert "3 mistakes" in answer.stderr
    assert LSTM_KEYS.format("n_heads") in answer.stderr


# The model section of a user's file, and the keys that lstm does not have.
FILES_OF_USERS = [
    ({"name": "lstm", "n_heads": 2}, ["n_heads"]),
    ({"name": "lstm", "d_model": 64}, []),
    ({**dataclasses.asdict(Config().model), "name": "lstm"}, []),  # all keys: a run has kept its configuration
    ({**dataclasses.asdict(Config().model), "name": "lstm", "activation": "gelu"}, ["activation"]),
]


@pytest.mark.parametrize(("section", "keys"), FILES_OF_USERS)
def test_keys_of_a_users_file_are_checked_too(section, keys, tmp_path):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"defaults": ["config", "_self_"], "model": section}))
    arguments = ["--config-path", str(tmp_path), "--config-name", "mine", f"--config-dir={CONF}"]
    options = get_args_parser().parse_args(arguments)
    register()
    found = command_line.checked(options).errors
    assert [str(error).partition(". ")[0] for error in found] == [LSTM_KEYS.format(key) for key in keys]


# What an option needs on the command line besides: a plain graph is not trained, and has no name of its own.
MODE_OF = {
    "graph": ("operation_mode=benchmarking", f"model.quantized_model_path={PRETRAINED_STEP}"),
    "commands_gpt": (f"dataset.training_path={CONF / 'config.yaml'}",),
}


@pytest.mark.quick(1)
@pytest.mark.parametrize("group", ["model", "experiment"])
def test_nothing_of_conf_gives_keys_that_its_architecture_does_not_have(group):
    for path in sorted((CONF / group).glob("*.yaml")):
        register()
        given = [f"{group}={path.stem}", *MODE_OF.get(path.stem, ())]
        found = command_line.checked(get_args_parser().parse_args(given)).errors
        assert found == [], path


def test_every_mistake_of_a_command_line_is_reported_at_once(program, tmp_path):
    together = [
        "model.nlayers=3",
        "n_heads=3",
        "datset=text",
        "operation_mode=chain_tqf",
        "training.steps=abc",
        "model.d_model=129",
        "dataset.training_path=nowhere.txt",
    ]
    answer = program(*together)
    assert answer.returncode == 2
    for override, message in COMMAND_LINE_MISTAKES:
        if override in together:
            assert message in answer.stderr
    assert "Traceback" not in answer.stderr
    assert "8 mistakes" in answer.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.quick(5)
@pytest.mark.parametrize(("override", "message"), COMMAND_LINE_MISTAKES)
def test_a_mistake_gets_one_clear_message(warm_program, override, message):
    answer = warm_program(override)
    assert message in answer.stderr
    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("key", ["uart.baud", "memories.FLASH.bytes", "emulation.mps2-an500.code.origin"])
def test_facts_of_a_board_are_keys_too(key):
    assert check_key(f"{SETUP}.{key}") is None
    assert "unknown key" in str(check_key(f"{SETUP}.title.{key}"))


SLOW = {"tensorflow", "keras", "mlflow", "tokenizers"}
HEAVY = SLOW | {"ai_edge_litert", "numpy", "matplotlib", "rich"}


@pytest.mark.parametrize(
    ("arguments", "heavy"), [(["--help"], HEAVY), (["model.nlayers=3"], HEAVY), (["operation_mode=describe"], SLOW)]
)
def test_nothing_heavy_is_imported_for_an_answer(program, arguments, heavy):
    answer = program(*arguments, python_options=["-X", "importtime"])
    imported = {
        line.rpartition("|")[2].strip() for line in answer.stderr.splitlines() if line.startswith("import time")
    }
    assert "hydra" in imported
    assert not imported & heavy


def test_describe_lists_keys_and_operators(program):
    answer = program("operation_mode=describe")
    assert answer.returncode == 0
    for text in ("training.steps = 2000", "FULLY_CONNECTED", "int8 or int16 activations"):
        assert text in answer.stdout


@pytest.mark.parametrize(("changes", "named"), CIMV3_VIOLATIONS)
def test_cimv3_names_each_violation(changes, named):
    board = {"deployment": {"hardware_setup": {"board": "CIMv3"}}}
    for asked, remedy in (({"constraints": "cimv3"}, "model.constraints=none"), ({}, "Another board")):
        values = {"model": {**asked, **changes}} | ({} if asked else with_facts(board))
        errors = [str(error) for error in check(values)[1]]
        assert len(errors) == len(named)
        for key, error in zip(named, errors, strict=True):
            assert key in error
            assert remedy in error
    assert check({"model": {**changes, "constraints": "none"}})[1] == []


@pytest.mark.parametrize(("values", "named"), TOKENIZERS)
def test_what_a_kind_of_tokenizer_cannot_follow_is_named(values, named):
    errors = [str(error) for error in check({"tokenizer": values})[1]]
    assert len(errors) == len(named)
    for key, error in zip(named, errors, strict=True):
        assert f"tokenizer.{key}" in error


@pytest.mark.parametrize("group", sorted((CONF / "tokenizer").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_tokenizer_of_conf_contradicts_nothing(group):
    values = yaml.safe_load(group.read_text())
    values = values if "tokenizer" in values else {"tokenizer": values}
    assert values["tokenizer"]["name"] == group.stem
    assert check(values)[1] == []


def test_a_nanogpt_folder_keeps_its_characters(tmp_path):
    dataset = {"name": "nanogpt", "training_path": str(tmp_path)}
    for tokenizer in ({"name": "byte"}, {"path": __file__}):
        (error,) = check({"dataset": dataset, "tokenizer": tokenizer})[1]
        assert "do not apply to dataset.name=nanogpt" in str(error)


# prediction.stop, what is wrong with it on a device
STOPS = [
    ("\n<end>", []),
    ("\U0001f600" * 8, []),
    ("\U0001f600" * 8 + "a", ["too long for a device"]),
    ("\ufffd", ["cannot occur in a device's output"]),
    ("a\ud800", ["cannot occur in a device's output"]),
]


@pytest.mark.parametrize(("stop", "named"), STOPS)
def test_a_stop_text_must_suit_a_device_where_one_is_used(stop, named):
    def mistakes(mode):
        values = {"operation_mode": mode, "prediction": {"stop": stop}, "model": {"quantized_model_path": "m.tflite"}}
        return [str(error) for error in check(values)[1] if "prediction.stop" in str(error)]

    assert mistakes("prediction") == []
    assert len(errors := mistakes("deployment")) == len(named)
    assert all(message in error for message, error in zip(named, errors, strict=True))


# mode, other values of the configuration, what each mistake says
RUN_MISTAKES = [
    ("benchmarking", {}, []),
    ("benchmarking", {"deployment.target": "host"}, ["expected benchmarking.measured_by=host; received emulator"]),
    (
        "benchmarking",
        {"deployment.target": "host", **SERIAL},
        ["expected benchmarking.measured_by=host; received serial"],
    ),
    ("benchmarking", {"benchmarking.measured_by": "host"}, []),
    ("benchmarking", {"benchmarking.measured_by": "host", "deployment.target": "host"}, []),
    ("deployment", {"deployment.target": "host"}, []),
    *[(mode, {"prediction.prompt": ""}, ["prompt is empty"]) for mode in ("chain_tqe", "prediction", "benchmarking")],
    *[(mode, {"prediction.prompt": ""}, []) for mode in ("training", "deployment", "chain_qd", "statistics")],
    ("benchmarking", {"prediction.prompt": "", "benchmarking.sample": False}, []),
    *[(mode, {"quantization.recipe": DYNAMIC}, ["leaves act"]) for mode in ("chain_tqeb", "chain_qb", "chain_qd")],
    *[(mode, {"quantization.recipe": DYNAMIC}, []) for mode in ("chain_tqe", "quantization", "benchmarking")],
    (
        "chain_tqe",
        {"quantization.recipe": DYNAMIC, "evaluation.engine": "native"},
        ["evaluation.engine=native compiles"],
    ),
    *[("training", {"general.project_name": name}, ["project_name is empty"]) for name in ("", " \n")],
    ("chain_tqeb", {"prediction.prompt": "a" * 414}, []),
    ("chain_tqeb", {"prediction.prompt": "a" * 427 + "\n"}, ["too long for a device's console; expected at most 576"]),
    ("benchmarking", {"prediction.prompt": "\U0001f600" * 200}, ["received 948 bytes. Use a prompt that is 372 by"]),
    ("benchmarking", {"prediction.prompt": "a" * 500, "benchmarking.sample": False}, []),
    *[(mode, {"prediction.prompt": "a" * 500}, []) for mode in ("chain_tqe", "deployment")],
    ("chain_tqe", {"deployment.without_passes": ["atention_fusion"]}, ["Did you mean 'attention_fusion'?"]),
    (
        "chain_tqeb",
        {
            f"{SETUP}.board": "STM32F4",
            "deployment.without_passes": ["atention_fusion", "buffer_aliasing", "buffer"],
            "benchmarking.emulator": "mps2-an500",
        },
        [
            "unknown pass 'atention_fusion'; expected one of attention_fusion",
            "unknown pass 'buffer'",
            "unknown emulator of STM32F4 'mps2-an500'; expected one of mps2-an386, netduinoplus2. Did you mean 'mps2",
        ],
    ),
    ("chain_qb", {"benchmarking.emulator": "mps2-an500"}, []),
    ("benchmarking", {**SERIAL, "benchmarking.emulator": "mps2"}, []),
    ("deployment", {"benchmarking.emulator": "mps2"}, []),
    ("deployment", {"deployment.second_core": True, f"{SETUP}.board": "STM32F4"}, ["received STM32F4, which has one"]),
    (
        "chain_qd",
        {
            f"{SETUP}.title": "STM32H747I-DISCO",
            f"{SETUP}.memories.FLASH.bytes": "lots",
            f"{SETUP}.uart.baud": "fast",
        },
        [
            f"wrong type of {SETUP}.memories.FLASH.bytes; expected a whole number; received 'lots' (text)",
            f"wrong type of {SETUP}.uart.baud; expected a whole number; received 'fast' (text)",
        ],
    ),
    *[
        ("training", {"training.steps": None, "training.epochs": bad}, ["a finite number > 0", "contradict"])
        for bad in (math.inf, 10**400)
    ],
    ("training", {"training.gradient_clip_norm": math.inf}, ["expected a finite number >= 0.0; received inf"]),
    ("training", {"training.score_penalty": math.nan}, ["training.score_penalty is out of range"]),
    ("training", {"training.epochs": 1e308, "training.steps": None}, ["> 0 and <= 1,000,000.0", "contradict"]),
]


def nested(values):
    """Dotted names -> values, as sections."""
    sections = {}
    for name, value in values.items():
        *path, key = name.split(".")
        functools.reduce(lambda section, part: section.setdefault(part, {}), path, sections)[key] = value
    return sections


@pytest.mark.parametrize(("mode", "values", "named"), RUN_MISTAKES)
def test_what_a_run_could_not_do_is_refused_before_it(mode, values, named):
    """One message for each mistake, but for those on the models that are brought along."""
    models = {"model.float_model_path": "m.keras", "model.quantized_model_path": "m.tflite"}
    composed = with_facts(nested({"operation_mode": mode, **models, **values}))
    errors = [str(error) for error in check(composed)[1]]
    errors = [error for error in errors if "there is no file or folder" not in error]
    assert [message for message in named if message not in "".join(errors)] == []
    assert len(errors) == len(named), errors


@pytest.mark.parametrize(("section", "named"), DATASET_MISTAKES)
def test_the_dataset_section_names_every_mistake(section, named):
    errors = [str(error) for error in check({"dataset": section})[1]]
    assert len(errors) == len(named), errors
    for message in named:
        assert any(message in error for error in errors), message


def test_the_classic_overrides_work_literally(program, tmp_path):
    answer = program(
        "--cfg",
        "job",
        "operation_mode=chain_tqe",
        "deployment.hardware_setup.board=STM32H7",
        'prediction.prompt="It\'s dark"',
        "prediction.max_tokens=50",
        "tools.stm32ai.on_cloud=true",
    )
    assert answer.returncode == 0, answer.stderr
    values = yaml.safe_load(answer.stdout)
    assert values["prediction"]["prompt"] == "It's dark"
    assert values["tools"]["stm32ai"]["on_cloud"] is True
    assert list(values) == [entry.name for entry in dataclasses.fields(Config)]


def test_a_users_own_file_works_as_in_the_classic_zoo(program, tmp_path):
    (tmp_path / "user_config.yaml").write_text(
        "defaults: [config, _self_]\nmodel: {n_layers: 2}\ntraining: {steps: 7}\nhydra: {run: {dir: my_run}}\n"
    )
    answer = program("--config-path", ".", "--config-name", "user_config.yaml", "--cfg", "job", "training.steps=8")
    assert answer.returncode == 0, answer.stderr
    values = yaml.safe_load(answer.stdout)
    assert (values["model"]["n_layers"], values["training"]["steps"], values["model"]["d_model"]) == (2, 8, 128)


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("defaults: [config, _self_]\nmodel: {nlayers: 2, d_modl: 3}\n", "unknown key model.nlayers"),
        ("defaults: [config, _self_]\nmodel: {nlayers: 2, d_modl: 3}\n", "Did you mean 'model.d_model'?"),
        ("defaults: [config, _self_]\nmodel: 3\n", "wrong type of model; expected a section"),
        ("model: {n_layers: [", "mine.yaml cannot be composed: expected the node content, but found"),
        ("model: 1\nmodel: 2\n", "mine.yaml cannot be composed: found duplicate key model (line 2, column 1)"),
        ("model:\n\tn_layers: 2\n", "cannot start any token (line 2, column 1)"),
        ("- a\n", "mine.yaml holds one list; expected lines of 'key: value'"),
        ("hello\n", "mine.yaml holds one text; expected lines of 'key: value'"),
        ("# a\n# @package model\ndefaults: [config, _self_]\n", "mine.yaml begins with '# @package model'"),
        ("defaults: [config, override model: nix, _self_]\n", "cannot be composed"),
        ("defaults: [config, {model: nix}, _self_]\n", "Could not find 'model/nix' Available options in 'model': gpt"),
        ("defaults: [config, _self_]\ntraining: {steps: 1.5}\n", "wrong type of training.steps"),
        ("defaults: [config, _self_] # \xe9\n", "is not UTF-8"),
        ("defaults: [_self_, config]\ntraining: {steps: 9}\n", "puts '_self_' before 'config' in its defaults"),
        ("defaults: 5\n", "cannot be composed: Invalid defaults list"),
        (
            "model: {n_layers: 2}\n",
            "does not extend TextZoo's default configuration: it has no operation_mode",
        ),
        (
            "",
            "mine.yaml is empty; expected lines of 'key: value'. Begin the file with the lines 'defaults:', ",
        ),
    ],
)
def test_mistakes_in_a_users_file(warm_program, tmp_path, content, message):
    (tmp_path / "mine.yaml").write_text(content, encoding="latin-1")
    answer = warm_program("--config-path", ".", "--config-name", "mine.yaml")
    assert answer.returncode == 2
    assert message in answer.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine.yaml"]


STORED = {"hydra.yaml": "hydra: {runtime: {config_sources: []}, job: {config_name: config}}", "overrides.yaml": "[]"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("hydra.yaml", "hydra: {}"),
        ("hydra.yaml", "hydra: {runtime: 7}"),
        ("overrides.yaml", "[5]"),
        ("overrides.yaml", "[--multirun]"),
        ("overrides.yaml", "5"),
    ],
)
def test_a_damaged_run_folder_is_not_resumed(tmp_path, name, content):
    (tmp_path / ".hydra").mkdir()
    for file, text in {**STORED, name: content}.items():
        (tmp_path / ".hydra" / file).write_text(text)
    resume = [f"general.resume={tmp_path}"]
    with pytest.raises(UserError, match=f"{name} is damaged; expected .* Without general.resume=... the run starts"):
        of_resumed_run(resume, get_args_parser().parse_args(resume))


def test_a_resumed_run_takes_its_own_overrides_but_for_those_given_anew(program, tmp_path):
    folder = tmp_path / "the (first), run"
    (folder / ".hydra").mkdir(parents=True)
    stored = "['training.steps=5', '++training.batch_size=16', 'prediction.prompt=A ']"
    for file, text in {**STORED, "overrides.yaml": stored}.items():
        (folder / ".hydra" / file).write_text(text)
    answer = program(f"general.resume={folder}", "++training.batch_size=8", "--cfg", "job")
    assert answer.returncode == 0, answer.stderr
    values = yaml.safe_load(answer.stdout)
    assert (values["training"]["steps"], values["training"]["batch_size"]) == (5, 8)
    assert (values["general"]["resume"], values["prediction"]["prompt"]) == (str(folder), "A")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["hydra.run.dir=elsewhere"], "goes on in that folder, and hydra.run.dir=elsewhere is another"),
        (["--config-path=.", "--config-name=mine"], "and hydra.run.dir=files is another"),
        (["-m", "training.steps=5,6"], "general.resume continues one run, and a sweep (-m) starts new ones"),
        (["hydra.run.dir=run/../run", "--cfg", "job"], ""),
    ],
)
def test_a_resumed_run_does_not_begin_elsewhere(warm_program, tmp_path, arguments, message):
    (tmp_path / "run/.hydra").mkdir(parents=True)
    for file, text in STORED.items():
        (tmp_path / "run/.hydra" / file).write_text(text)
    (tmp_path / "mine.yaml").write_text("defaults: [config, _self_]\nhydra: {run: {dir: files}}\n")
    answer = warm_program("general.resume=run", "operation_mode=statistics", *arguments)
    assert (answer.returncode, message in answer.stderr) == (2 if message else 0, True), answer.stderr
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["mine.yaml", "run"]


def test_a_folder_without_a_name_is_not_the_current_one(program, tmp_path):
    for flags, key in (([], "hydra.run.dir"), (["-m"], "hydra.sweep.dir")):
        answer = program(*flags, "operation_mode=statistics", f"{key}=")
        assert (answer.returncode, f"{key} is empty" in answer.stderr) == (2, True), answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_current_folder_that_was_deleted_is_named(program, tmp_path):
    answer = subprocess.run(
        [
            "bash",
            "-c",
            f"mkdir gone && cd gone && rmdir ../gone && {sys.executable} {PROGRAM} operation_mode=statistics",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, "the current folder is not there any more" in answer.stderr) == (2, True), answer.stderr


@pytest.mark.slow
@pytest.mark.parametrize("experiment", [path.stem for path in sorted((CONF / "experiment").glob("*.yaml"))])
def test_an_experiment_is_the_same_on_a_file_with_another_model(warm_program, tmp_path, experiment):
    model = "tiny_lm" if "lstm" in experiment else "lstm"
    tokenizer = "char" if "bytes" in experiment else "byte"
    text = f"defaults: [config, override model: {model}, override tokenizer: {tokenizer}, _self_]\n"
    (tmp_path / "mine.yaml").write_text(text)
    chosen = [f"experiment={experiment}", *MODE_OF.get(experiment, ())]
    alone, on_file = (
        composed(warm_program, *flags, *chosen) for flags in ([], ["--config-path=.", "--config-name=mine"])
    )
    assert on_file == alone


def test_an_experiment_wins_over_the_groups(program):
    answer = program("--cfg", "job", "experiment=tinyshakespeare_pico_gpt")
    assert answer.returncode == 0, answer.stderr
    assert yaml.safe_load(answer.stdout)["dataset"]["name"] == "tinyshakespeare"


def test_every_value_of_a_sweep_is_checked(program):
    answer = program("-m", "model.n_layers=1,2,200", "model=pico_gpt,pico_gtp", 'training.steps=1,"A "')
    assert answer.returncode == 2
    assert "model.n_layers is out of range" in answer.stderr
    assert "unknown model 'pico_gtp'" in answer.stderr
    assert "received 'A ' (text)" in answer.stderr


@pytest.mark.slow
def test_groups_may_be_left_out_and_not_be_chosen_twice(program):
    assert program("~experiment", "~board", "--cfg", "job").returncode == 0
    answer = program("+experiment=lstm_bytes")
    assert answer.returncode == 2
    assert "experiment is chosen twice. Write it without '+'" in answer.stderr


def test_a_sweep_that_cannot_be_listed_is_named(program):
    swept = ["model=glob(*)", "model.n_layers=range(1,5,0)", "training.steps=interval(1,3)", "training.seed=range(5,1)"]
    answer = program("-m", *swept, "--cfg", "job")
    assert answer.returncode == 2
    assert "-m and --cfg exclude each other" in answer.stderr
    for override in swept:
        assert f"the values of '{override}' cannot be listed" in answer.stderr


def test_describe_lists_every_key(program):
    answer = program("operation_mode=describe")
    assert answer.returncode == 0
    for name, entry in walk():
        assert f"\n{name} = " in f"\n{answer.stdout}"
        assert entry.metadata["text"] in answer.stdout


def test_help_lists_modes_and_groups(program):
    answer = program("--help")
    assert answer.returncode == 0
    for mode in CHAINS:
        assert mode in answer.stdout
    assert "python_docs" in answer.stdout


@pytest.mark.parametrize(("name", "entry"), walk(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_key_is_described_and_its_default_is_allowed(name, entry):
    """But for the facts that every board gives itself."""
    assert entry.metadata["text"].endswith(".")
    errors = []
    settings.convert(entry, settings.default_of(entry), name, errors)
    assert errors == [] or entry.metadata["required"]


FILE = """
defaults: [config, _self_]
model: {n_layers: 2, n_heads: 1, dropout: 0.1}
dataset: {name: nanogpt, training_path: somewhere, separator: "<end>"}
tokenizer: {name: word, unknown: unk, min_count: 3}
training: {steps: 7, batch_size: 4}
quantization: {recipe: static_wi8_ai16, calibration_windows: 4}
deployment: {hardware_setup: {board: STM32H7, clock_hz: 1000}}
prediction: {prompt: from the file}
"""

# a choice on the command line, values that must come out
CHOICES = [
    ("model=gpt_small", {"model.name": "gpt", "model.n_layers": 4, "model.n_heads": 4, "model.dropout": 0.1}),
    ("model=lstm", {"model.name": "lstm", "model.n_layers": 1, "model.n_heads": 2}),
    ("dataset=python_docs", {"dataset.name": "python_docs", "dataset.training_path": None}),
    ("dataset=conversations", {"dataset.separator": "\n<end>\n", "prediction.stop": "\n<end>"}),
    ("tokenizer=byte", {"tokenizer.name": "byte", "tokenizer.unknown": "error", "tokenizer.min_count": 1}),
    ("training=default", {"training.steps": 2000, "training.batch_size": 16}),
    (
        "quantization=static_wi4_ai8",
        {"quantization.recipe": "static_wi4_ai8", "quantization.calibration_windows": 4},
    ),
    ("board=STM32F4", {"deployment.hardware_setup.board": "STM32F4", "deployment.hardware_setup.clock_hz": 168000000}),
    ("experiment=tiny_lm_bytes", {"model.name": "tiny_lm", "tokenizer.name": "byte", "training.steps": 4000}),
    ("experiment=tiny_lm_bytes model=gpt_small", {"model.name": "gpt", "model.d_model": 128, "training.steps": 4000}),
]


def value_of(values, name):
    return functools.reduce(dict.__getitem__, name.split("."), values)


def composed(program, *arguments):
    """What Hydra makes of a command line that is found good."""
    answer = program(*arguments, "--cfg", "job")
    assert answer.returncode == 0, answer.stderr
    return yaml.safe_load(answer.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("alone", [False, True])
def test_the_command_line_wins_over_every_file(warm_program, tmp_path, alone):
    """For every group, over a file that stands on the defaults and one that holds all keys; a key beats both."""
    (tmp_path / "mine.yaml").write_text(FILE)
    others = ["dataset=python_docs", "tokenizer=char"]
    if alone:
        values = composed(warm_program, "--config-path", ".", "--config-name", "mine", *others)
        assert values["prediction"]["prompt"] == "from the file"
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(values))
    for choice, expected in CHOICES:
        given = {text.partition("=")[0] for text in choice.split()}
        arguments = [*choice.split(), *[text for text in others if text.partition("=")[0] not in given]]
        if "experiment" in given:
            arguments.remove("tokenizer=char")
        values = composed(warm_program, "--config-path", ".", "--config-name", "mine", *arguments)
        assert {name: value_of(values, name) for name in expected} == expected, choice
    keys = ["model=gpt_small", "model.n_layers=3", "training.steps=9"]
    values = composed(warm_program, *keys, "--config-path", ".", "--config-name", "mine", *others)
    assert (values["model"]["n_layers"], values["training"]["steps"]) == (3, 9)


def test_every_group_of_conf_wins_over_files():
    """A group that is added to conf/ gets a row above."""
    groups = {path.name for path in CONF.iterdir() if path.is_dir()}
    assert {choice.partition("=")[0] for choice, _ in CHOICES} == groups


def mark(folder):
    """A setting of Hydra's that would make a file as soon as a program ran."""
    return f"{{_target_: pathlib.Path.touch, self: {{_target_: pathlib.Path, _args_: ['{folder / 'ran'}']}}}}"


# what a file says of Hydra; MARK is what would run
HYDRA_IN_FILES = [
    "hydra: {callbacks: {x: MARK}}",
    "hydra: {callbacks: {x: {_target_: pandas.read_pickle, filepath_or_buffer: a.pickle}}}",
    "hydra: {callbacks: {x: {_target_: joblib.load, filename: a.pickle}}}",
    "hydra: {launcher: {_target_: os.system}}",
    "hydra: {sweeper: {_target_: os.system}}",
    "hydra: {searchpath: ['pkg://this']}",
    '"hydra": {"search\\x70ath": ["pkg://this"]}',
    "hydra: {job_logging: {handlers: {x: {(): os.system, command: 'touch ran'}}}}",
    "hydra: {hydra_logging: {version: 1, handlers: {x: {(): os.system, command: 'touch ran'}}}}",
    "hydra: {job: {env_set: {LD_PRELOAD: /tmp/x.so}}}",
    "hydra: {job: {env_copy: [HOME]}}",
    "hydra: {overrides: {hydra: [hydra.verbose=true]}}",
    "hydra: {overrides: {task: [hydra.verbose=true]}}",
    "hydra: {mode: MULTIRUN}",
    "hydra: {sweeper: {params: {+hydra.callbacks.x: MARK}}}",
]


@pytest.mark.quick(2)
@pytest.mark.parametrize("text", HYDRA_IN_FILES)
@pytest.mark.parametrize("resumed", [False, True])
def test_a_file_runs_no_program(warm_program, tmp_path, text, resumed):
    """Neither a user's own file, nor one that a run's folder names."""
    (tmp_path / "mine.yaml").write_text(f"defaults: [config, _self_]\n{text.replace('MARK', mark(tmp_path))}\n")
    arguments = ["--config-path", ".", "--config-name", "mine"]
    if resumed:
        (tmp_path / "run/.hydra").mkdir(parents=True)
        source = {"provider": "main", "path": str(tmp_path)}
        notes = {"hydra": {"runtime": {"config_sources": [source]}, "job": {"config_name": "mine"}}}
        (tmp_path / "run/.hydra/hydra.yaml").write_text(yaml.safe_dump(notes))
        (tmp_path / "run/.hydra/overrides.yaml").write_text("[]")
        arguments = ["general.resume=run"]
    answer = warm_program(*arguments, "operation_mode=statistics")
    assert answer.returncode == 2, answer.stdout
    assert "by which Hydra runs programs" in answer.stderr or "that TextZoo does not know" in answer.stderr
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "experiments_outputs").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        "+hydra.callbacks.x={_target_: os.system, command: 'touch ran'}",
        "hydra.launcher._target_=os.system",
        "hydra/launcher=joblib",
        "hydra.searchpath=[pkg://this]",
        "++hydra.job_logging.handlers.x={}",
        "+model@hydra.callbacks.x=gpt",
        "+model@_global_.hydra.callbacks.x=gpt",
        "hydra.run.dir=elsewhere",
    ],
)
def test_a_run_folder_gives_no_orders_to_hydra(warm_program, tmp_path, line):
    (tmp_path / "run/.hydra").mkdir(parents=True)
    for file, text in {**STORED, "overrides.yaml": yaml.safe_dump([line, "training.steps=5"])}.items():
        (tmp_path / "run/.hydra" / file).write_text(text)
    answer = warm_program("general.resume=run", "operation_mode=statistics")
    assert answer.returncode == 2
    assert "settings of Hydra" in answer.stderr
    assert [entry.name for entry in (tmp_path / "run").iterdir()] == [".hydra"]


def test_where_a_file_may_put_folders(program, tmp_path):
    """And a callback of the user's own command line is the user's."""
    (tmp_path / "mine.yaml").write_text("defaults: [config, _self_]\nhydra: {run: {dir: mine}}\ntraining: {steps: 4}\n")
    on_file = ["--config-path", ".", "--config-name", "mine"]
    values = composed(program, *on_file, "+hydra.callbacks.x={_target_: hydra.experimental.callback.Callback}")
    assert values["training"]["steps"] == 4


# in a file, what is said
VALUES_REFUSED = [
    ("general: {project_name: '${oc.env:SECRET}'}", "general.project_name is computed by a function"),
    ("prediction: {prompt: 'a ${oc.env:SECRET} b'}", "prediction.prompt is computed by a function"),
    ("training: {steps: '${oc.decode:${oc.env:SECRET}}'}", "training.steps is computed by a function"),
    ("dataset: {sources: [{name: '${oc.env:SECRET}'}]}", "dataset.sources.0.name is computed by a function"),
    ("prediction: {prompt: '${hydra:runtime.cwd}'}", "prediction.prompt is computed by a function"),
    ("prediction: {prompt: '${mlflow.uri}'}\nmlflow: {uri: '${oc.env:SECRET}'}", "refers to mlflow.uri"),
    ("prediction: {prompt: '${mlflow[uri]}'}\nmlflow: {uri: '${oc.env:SECRET}'}", "refers to mlflow[uri]"),
    ("prediction: {prompt: '${mlflow}'}\nmlflow: {uri: '${oc.env:SECRET}'}", "refers to mlflow"),
    ("prediction: {prompt: '${.stop}', stop: a}", "prediction.prompt refers to .stop"),
    ("prediction: {prompt: '${hydra.runtime.cwd}'}", "refers to hydra.runtime.cwd"),
    ("prediction: {prompt: '${prediction.stop}', stop: '${general.project_name}'}", "refers to prediction.stop"),
]


@pytest.mark.quick(1)
@pytest.mark.parametrize(("text", "message"), VALUES_REFUSED)
def test_secrets_of_the_environment_stay_there(warm_program, tmp_path, monkeypatch, text, message):
    monkeypatch.setenv("SECRET", "hush")
    (tmp_path / "mine.yaml").write_text(f"defaults: [config, _self_]\n{text}\n")
    answer = warm_program("--config-path", ".", "--config-name", "mine", "operation_mode=statistics")
    assert answer.returncode == 2
    assert message in answer.stderr
    assert ("computed by a function" in message) == ("Write \\${ for these two signs of a text." in answer.stderr)
    assert "hush" not in answer.stderr


def test_an_address_may_come_from_the_environment_and_text_is_text(program, tmp_path):
    text = "mlflow: {uri: 'sqlite:///${oc.env:HOME}/x.db'}\ngeneral: {project_name: '${model.name}_a'}\n"
    (tmp_path / "mine.yaml").write_text(
        f"defaults: [config, _self_]\n{text}prediction: {{prompt: '\\${{oc.env:A}}'}}\n"
    )
    values = composed(program, "--config-path", ".", "--config-name", "mine", "prediction.stop=${oc.env:B}")
    assert values["mlflow"]["uri"] == "sqlite:///${oc.env:HOME}/x.db"  # --cfg shows it as written
    assert values["general"]["project_name"] == "${model.name}_a"


# YAML that would take minutes or gigabytes
BOMBS = {
    "aliases": "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 30)),
    "itself": "model: &a [*a]\n",
    "merged": "a: &a {b: 1}\n" + "".join(f"a{n}: &a{n} {{x: *a{n or ''}, y: *a{n or ''}}}\n" for n in range(1, 3)),
    "deep": "model: " + "[" * 5_000 + "]" * 5_000,
    "deep_block": "\n".join(f"{' ' * n}a:" for n in range(300)),
    "long": "model: {" + ", ".join(f"k{n}: 1" for n in range(50_000)) + "}",
    "large": "# " + "x" * (2 << 20),
    "a number to the base of 60": f"training: {{steps: {':'.join(['59'] * 100_000)}}}",
    "one that no float holds": f"training: {{learning_rate: {':'.join(['1'] * 200)}.0}}",
    "long digits": f"training: {{steps: {'9' * 5000}}}",
    "a tag that is not kept": "training: {steps: !!bool maybe}",
    "another": "training: {steps: !!timestamp 2020-99-99}",
    "references": "".join(f"k{n}: '${{k{n + 1}}}${{k{n + 1}}}'\n" for n in range(40)) + "k40: aaaaaaaaaa\n",
}


def test_what_looks_like_a_date_is_a_text(program, tmp_path):
    (tmp_path / "mine.yaml").write_text("defaults: [config, _self_]\ntraining: {steps: 2020-99-99}")
    answer = program("--config-path", ".", "--config-name", "mine")
    assert answer.returncode == 2
    assert "wrong type of training.steps" in answer.stderr
    assert "received '2020-99-99' (text)" in answer.stderr


@pytest.mark.quick(2)
@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("place", ["file", "included", "resumed"])
def test_a_bomb_of_yaml_is_refused(program, tmp_path, bomb, place):
    """By a limit of processor time far below what it would take."""
    file, arguments = tmp_path / "mine.yaml", ["--config-path", ".", "--config-name", "mine"]
    file.write_text("defaults: [config, _self_]\n" + BOMBS[bomb])
    if place == "included":
        (tmp_path / "mine.yaml").rename(tmp_path / "inner.yaml")
        (tmp_path / "mine.yaml").write_text("defaults: [inner, _self_]")
    if place == "resumed":
        (tmp_path / "run/.hydra").mkdir(parents=True)
        for name, text in {**STORED, "overrides.yaml": BOMBS[bomb]}.items():
            (tmp_path / "run/.hydra" / name).write_text(text)
        arguments = ["general.resume=run"]
    answer = program(
        *arguments,
        "operation_mode=statistics",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (10, 10)),
    )
    assert answer.returncode == 2, answer.stderr
    assert answer.stderr.startswith("The configuration has ")


# Only compared with other numbers.
SIZELESS = {"training.gradient_clip_norm"}
NUMBERS = [
    (name, entry)
    for name, entry in walk()
    if {int, float} & {*settings.allowed_types(entry.type)} and name not in SIZELESS
]


@pytest.mark.parametrize(("name", "entry"), NUMBERS, ids=[name for name, _ in NUMBERS])
def test_every_number_has_an_end(name, entry):
    """A size without one would make endless work, or ask for more memory than there is."""
    errors = []
    settings.convert(entry, 10**300, name, errors)
    settings.convert(entry, 10**18 if entry.metadata["high"] != 2**63 - 1 else 10**19, name, errors)
    assert [error.what for error in errors] == [f"{name} is out of range"] * 2
    assert all("<" in error.expected for error in errors)


# what each of several numbers allows, and all of them together do not; what the message names
TOO_MUCH = [
    (
        {"prediction": {"num_samples": 10**4, "max_tokens": 10**6}},
        "prediction.num_samples times prediction.max_tokens is out of range; expected <= 10,000,000 tokens; received "
        "10,000 x 1,000,000. Generate fewer or shorter samples.",
    ),
    (
        {"model": {"n_layers": 64, "d_model": 4096}},
        "model.n_layers=64 and model.d_model=4096 make a model that is too large; expected at most 536,870,912 "
        "weights; received about 12,884,901,888. Give fewer layers, or a smaller width.",
    ),
    (
        {"training": {"batch_size": 65536}, "model": {"context_length": 8192}},
        "a training step needs too much memory; expected at most 512 GiB; received about 110,592 GiB for "
        "training.batch_size=65536, model.context_length=8192. Use more training.gradient_accumulation, a smaller "
        "batch, or a shorter context.",
    ),
]


@pytest.mark.parametrize(("values", "message"), TOO_MUCH)
def test_numbers_that_are_too_large_together_are_named(values, message):
    _, errors = check({"operation_mode": "chain_tqe", **values})
    assert [str(error) for error in errors] == [message]
    smaller = {section: {name: min(value, 64) for name, value in given.items()} for section, given in values.items()}
    assert check({"operation_mode": "chain_tqe", **smaller})[1] == []


# Arguments, and how often Hydra composes until the run begins: where a pretrained model is asked for,
# what the first time chooses says which files are composed the second time.
COMPOSITIONS = [
    (["operation_mode=training"], 1),
    (["operation_mode=training", "model=gpt", "board=STM32F4", "model.d_model=64"], 1),
    (["operation_mode=prediction", "model=gpt", "pretrained=true"], 2),
]


@pytest.mark.parametrize(("arguments", "count"), COMPOSITIONS)
def test_a_run_is_composed_once_and_typed_once(arguments, count, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    composed = []
    compose = ConfigLoaderImpl.load_configuration
    monkeypatch.setattr(
        ConfigLoaderImpl, "load_configuration", lambda *given, **more: composed.append(1) or compose(*given, **more)
    )
    _, single = command_line.prepare(arguments)
    assert len(composed) == count
    assert single.config.model.name == single.composed.model.name


@pytest.mark.parametrize("given", ["board=STM32F4", "deployment.hardware_setup.board=STM32F4"])
def test_a_board_named_either_way_has_its_own_facts(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, single = command_line.prepare(["operation_mode=training", given])
    assert single.config.deployment.hardware_setup == load_board("STM32F4")


NAMES_BOARD = "deployment: {hardware_setup: {board: STM32F4, boot: '', clock_hz: 84000000}}"
# Files of a user's that name a board, mine.yaml first.
FILES_WITH_BOARD = {
    "itself": {"mine": f"defaults: [config, _self_]\n{NAMES_BOARD}"},
    "a file that it names": {"mine": "defaults: [config, inner, _self_]", "inner": NAMES_BOARD},
    "beside another option": {"mine": f"defaults: [config, override board: STM32U5, _self_]\n{NAMES_BOARD}"},
    "by an experiment": {"mine": "defaults: [config, override experiment: e, _self_]", "experiment/e": NAMES_BOARD},
}


@pytest.mark.parametrize("files", FILES_WITH_BOARD.values(), ids=FILES_WITH_BOARD)
def test_a_board_that_a_users_file_names_has_its_own_facts(files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        head = "# @package _global_\n" if "/" in name else ""
        (tmp_path / f"{name}.yaml").write_text(f"{head}{text}\noperation_mode: training\n")
    _, single = command_line.prepare(["--config-path", ".", "--config-name", "mine"])
    changed = dataclasses.replace(load_board("STM32F4"), boot="", clock_hz=84_000_000)
    assert single.config.deployment.hardware_setup == changed


def test_the_board_of_the_command_line_has_nothing_of_the_one_that_a_file_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(f"defaults: [config, _self_]\n{NAMES_BOARD}\noperation_mode: training\n")
    _, single = command_line.prepare(["--config-path", ".", "--config-name", "mine", "board=STM32MP2"])
    assert single.config.deployment.hardware_setup == load_board("STM32MP2")


@pytest.mark.slow
def test_the_board_of_the_command_line_has_nothing_of_the_one_of_a_file_of_all_keys(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, whole = command_line.prepare(["operation_mode=training", "board=STM32F4"])
    values = OmegaConf.to_container(whole.composed, resolve=False)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({**values, "hydra": {}}))
    for board in ("STM32H7", "STM32MP2", "ESP32C3"):
        _, single = command_line.prepare(["--config-path", ".", "--config-name", "mine", f"board={board}"])
        assert single.config.deployment.hardware_setup == load_board(board)


def test_a_file_of_all_sections_may_leave_the_facts_to_the_name_of_its_board(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    values = dataclasses.asdict(Config())
    values["deployment"]["hardware_setup"] = {"board": "STM32F4", "clock_hz": 84_000_000}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({**values, "operation_mode": "training"}))
    _, single = command_line.prepare(["--config-path", ".", "--config-name", "mine"])
    assert single.config.deployment.hardware_setup == dataclasses.replace(load_board("STM32F4"), clock_hz=84_000_000)


# --config-dir, and an option of a group that lies there.
FURTHER = ["--config-dir=the, (further)", "model=mine"]


@pytest.fixture
def further_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "the, (further)/model").mkdir(parents=True)
    (tmp_path / "the, (further)/model/mine.yaml").write_text("defaults: [gpt, _self_]\nd_model: 72\n")
    (tmp_path / "file.yaml").write_text("defaults: [config, _self_]\nmodel: {d_model: 8, dropout: 0.5}\n")


@pytest.mark.parametrize(("arguments", "dropout"), [([], 0.0), (["--config-path=.", "--config-name=file"], 0.5)])
def test_options_may_lie_in_a_further_folder(further_folder, arguments, dropout):
    _, single = command_line.prepare([*arguments, *FURTHER, "operation_mode=training"])
    assert (single.config.model.name, single.config.model.d_model, single.config.model.dropout) == ("gpt", 72, dropout)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [[], ["--config-path=.", "--config-name=file"]])
def test_the_runs_of_a_sweep_find_a_further_folder(further_folder, program, arguments):
    sweep = ["-m", "model.n_layers=1,2", "operation_mode=compare", "mlflow.uri=sqlite:///none.db", "compare.runs=a"]
    answer = program(*arguments, *FURTHER, *sweep)
    assert (answer.returncode, answer.stderr.count("there is no none.db")) == (2, 2), answer.stderr


def test_a_further_folder_that_is_not_there_is_named(further_folder, capsys):
    with pytest.raises(SystemExit):
        command_line.prepare(["--config-dir=none", "operation_mode=training"])
    assert "--config-dir: there is no folder 'none'" in capsys.readouterr().err
