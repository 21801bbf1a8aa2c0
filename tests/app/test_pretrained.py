"""The pretrained models are what their cards say: files, texts, costs; and the program takes them by name."""

import json
import shutil

import pytest
import yaml
from omegaconf import OmegaConf

import make_pretrained
from compilers import need
from textzoo.baselines.comparison import NGRAM
from textzoo.common.errors import UserError
from textzoo.common.files import file_digest
from textzoo.config import pretrained
from textzoo.config.resuming import typed_overrides
from textzoo.engines.generate import generate
from textzoo.engines.litert_engine import LitertReferenceEngine
from textzoo.records.report import BaselineReport
from textzoo.text.tokenizers.base import load_tokenizer

SMALLEST = "tiny_lm"
ALL = [(name, recipe) for name in pretrained.names() for recipe in pretrained.recipes(name)]


@pytest.mark.parametrize("name", pretrained.names())
def test_files_are_those_that_were_measured(name):
    folder = pretrained.FOLDER / name
    files = {path.name: file_digest(path) for path in folder.iterdir() if path.name != pretrained.CARD}
    assert files == pretrained.card(name)["files"]


@pytest.mark.quick(2)
@pytest.mark.parametrize(("name", "recipe"), ALL)
def test_a_model_writes_the_text_of_its_card(name, recipe):
    sample = pretrained.card(name)["samples"][recipe]
    engine = LitertReferenceEngine(pretrained.FOLDER / name / f"decode_{recipe}.tflite")
    tokenizer = load_tokenizer(pretrained.FOLDER / name / pretrained.TOKENIZER)
    settings = {key: sample[key] for key in ("temperature", "top_k", "seed")}
    text = "".join(generate(engine, tokenizer, sample["prompt"], max_tokens=sample["tokens"], **settings))
    assert text.startswith(sample["text"])
    assert sample["text"]


@pytest.mark.slow
def test_a_model_costs_what_its_card_says():
    need("arm", "make", "qemu")
    (recipe, *_), board = pretrained.recipes(SMALLEST), "STM32F4"
    assert make_pretrained.board_figures(SMALLEST, recipe, board) == pretrained.card(SMALLEST)["boards"][recipe][board]


COMPARED = [name for name in pretrained.names() if "baselines" in pretrained.card(name)]
# Figures are sums of floating-point numbers, and pruning compares such sums.
TOLERANCE = 0.002


@pytest.mark.parametrize("name", COMPARED)
def test_a_model_is_better_than_the_ngram_model_of_its_size(name):
    card = pretrained.card(name)
    rows = {row["against"]: row for row in card["baselines"]["rows"] if row["baseline"] == NGRAM}
    assert set(rows) == {*pretrained.recipes(name)}
    for recipe, row in rows.items():
        assert card["losses"][recipe]["bits_per_character"] < row["bits_per_character"]


@pytest.mark.parametrize("name", [name for name in COMPARED if pretrained.card(name)["corpus"] == "conversations"])
def test_what_would_be_taken_instead_is_measured_again(name):
    """Of the corpora that are the same everywhere, without a download."""
    card, data = pretrained.card(name), make_pretrained.corpus_of(name, [])
    again = make_pretrained.baselines(*make_pretrained.losses_and_steps(name, []), data)
    assert again["data_sha256"] == card["baselines"]["data_sha256"]
    for row, known in zip(again["rows"], card["baselines"]["rows"], strict=True):
        # Versions of the libraries of xz and zstd differ by a few bytes, pruned n-gram models by a few n-grams.
        assert row.pop("bits_per_character") == pytest.approx(known.pop("bits_per_character"), abs=TOLERANCE)
        assert row.pop("without_windows", 0) == pytest.approx(known.pop("without_windows", 0), abs=TOLERANCE)
        assert row.pop("file_bytes", 0) == pytest.approx(known.pop("file_bytes", 0), abs=20)
        assert row.keys() == known.keys()


def test_a_worse_model_is_not_added(monkeypatch):
    losses, steps = make_pretrained.losses_and_steps(SMALLEST, [])
    row = BaselineReport(NGRAM, losses["float"]["bits_per_character"] - 1, "pruned", *steps, 64_700)
    monkeypatch.setattr(make_pretrained, "measured_baselines", lambda *_: [row])
    with pytest.raises(SystemExit, match="is not published: an n-gram model of the same size does as well"):
        make_pretrained.baselines(losses, steps, None)


def test_the_page_is_that_of_the_cards():
    assert (pretrained.FOLDER / "README.md").read_text(encoding="utf-8") == make_pretrained.readme()


@pytest.mark.slow
def test_a_pretrained_model_talks_at_once(warm_program):
    done = warm_program("operation_mode=prediction", f"model={SMALLEST}", "pretrained=true", "prediction.max_tokens=40")
    assert done.returncode == 0, done.stderr
    recipe = pretrained.recipes(SMALLEST)[0]
    sample = pretrained.card(SMALLEST)["samples"][recipe]
    assert (sample["prompt"] + sample["text"])[:40] in done.stdout


@pytest.mark.parametrize("file", [pretrained.FLOAT_MODEL, pretrained.TOKENIZER, "decode_static_wi8_ai8.tflite"])
@pytest.mark.parametrize("edit", ["a bit", "missing"])
def test_files_that_were_not_measured_are_refused(monkeypatch, tmp_path, file, edit):
    """A flipped bit, a file that is gone."""
    shutil.copytree(pretrained.FOLDER / SMALLEST, tmp_path / SMALLEST)
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    assert pretrained.overrides(SMALLEST, "static_wi8_ai8")["tokenizer.path"]
    path = tmp_path / SMALLEST / file
    if edit == "a bit":
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    if edit == "missing":
        path.write_text("")
    with pytest.raises(UserError, match=f"{file} is not the file that was measured"):
        pretrained.overrides(SMALLEST, "static_wi8_ai8")


@pytest.mark.slow
def test_a_users_file_may_ask_for_a_pretrained_model(program, tmp_path):
    """The model is the one that the file or the command line chooses; what the file says wins over its settings."""
    text = "defaults: [config, override model: lstm, _self_]\noperation_mode: prediction\nprediction: {prompt: Mine}\n"
    (tmp_path / "mine.yaml").write_text(text.replace(", override model: lstm", ""))
    (tmp_path / "asks.yaml").write_text(f"{text}pretrained: true\n".replace("lstm", SMALLEST))
    for arguments in (["asks"], ["mine", f"model={SMALLEST}", "pretrained=true"], ["asks", "model=gpt"]):
        answer = program("--config-path", ".", "--cfg", "job", "--config-name", *arguments)
        assert answer.returncode == 0, answer.stderr
        values, chosen = yaml.safe_load(answer.stdout), "gpt" if "model=gpt" in arguments else SMALLEST
        assert values["tokenizer"]["path"] == str(pretrained.FOLDER / chosen / pretrained.TOKENIZER)
        trained = yaml.safe_load((pretrained.FOLDER / chosen / "config.yaml").read_text())
        assert values["dataset"]["name"] == trained["dataset"]["name"]
        assert values["prediction"]["prompt"] == "Mine"


@pytest.mark.slow
def test_a_resume_with_another_pretrained_model(warm_program, tmp_path):
    """It brings its own settings; where a run keeps all values of a user's file, it is refused."""
    (tmp_path / "mine.yaml").write_text("defaults: [config, _self_]\noperation_mode: prediction\npretrained: true\n")
    ways = {
        "first": ["operation_mode=prediction", "pretrained=true"],
        "second": ["--config-path=.", "--config-name=mine"],
    }
    for folder, arguments in ways.items():
        answer = warm_program(*arguments, "model=tiny_lm", "prediction.max_tokens=3", f"hydra.run.dir={folder}")
        assert answer.returncode == 0, answer.stderr
    answer = warm_program("general.resume=first", "model=gpt", "--cfg", "job")
    assert yaml.safe_load(answer.stdout)["dataset"]["name"] == "conversations"
    assert yaml.safe_load(answer.stdout)["model"]["float_model_path"] == str(pretrained.FOLDER / "gpt/float.keras")
    answer = warm_program("general.resume=second", "model=gpt")
    assert answer.returncode == 2
    assert "holds the files of a pretrained model" in answer.stderr
    assert warm_program("general.resume=second", "prediction.seed=2").returncode == 0


# what stands in the card for the digest of a file that is not there
NO_DIGESTS = {
    "what is said of a missing file": "no file",
    "nothing": "",
    "null": None,
    "a number": 5,
    "too short": "a" * 63,
    "capitals": "A" * 64,
    "other letters": "g" * 64,
    "very long": "a" * 100_000,
    "a list": ["a" * 64],
}


@pytest.mark.parametrize("digest", NO_DIGESTS.values(), ids=NO_DIGESTS)
def test_a_card_without_digests_vouches_for_nothing(monkeypatch, tmp_path, digest):
    shutil.copytree(pretrained.FOLDER / SMALLEST, tmp_path / SMALLEST)
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    card = tmp_path / SMALLEST / pretrained.CARD
    values = json.loads(card.read_text())
    values["files"][pretrained.TOKENIZER] = digest
    card.write_text(json.dumps(values))
    (tmp_path / SMALLEST / pretrained.TOKENIZER).unlink()
    with pytest.raises(UserError, match=f"holds no sha256 of {pretrained.TOKENIZER}") as refused:
        pretrained.overrides(SMALLEST, "static_wi8_ai8")
    assert len(str(refused.value)) < 500


# what is asked for, what is said
MISTAKES = [
    (["model=tiny_ml"], "unknown pretrained model 'tiny_ml'"),
    (
        ["model=tiny_lm", "quantization=dynamic_wi8_afp32"],
        "the pretrained tiny_lm is not quantized by dynamic_wi8_afp32",
    ),
    (["model=tiny_lm", "operation_mode=training"], "pretrained=true brings a trained model"),
    (
        ["model=tiny_lm", "model.d_model=16"],
        "the pretrained tiny_lm was trained with model.d_model=64; received 16. Leave it out",
    ),
    (["model=tiny_lm", "tokenizer=char"], "was trained with tokenizer.name=byte; received char. Leave it out"),
    (
        ["model=tiny_lm", "quantization.recipe=static_wi2_ai8"],
        "by static_wi8_ai8; received quantization.recipe=static_",
    ),
    (["--config-path=.", "--config-name=other"], "pico_gpt was trained with model.name=pico_gpt; received tiny_lm"),
    (
        ["--config-path=.", "--config-name=small", "experiment=lstm_bytes"],
        "was trained with model.name=tiny_lm; received lstm",
    ),
    (["-m", "model=tiny_lm,gpt"], "model has several values; expected one value with pretrained=true"),
]


@pytest.mark.quick(2)
@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_mistakes(program, tmp_path, arguments, message):
    (tmp_path / "other.yaml").write_text("defaults: [config, _self_]\nmodel: {name: tiny_lm}\n")
    (tmp_path / "small.yaml").write_text("defaults: [config, override model: tiny_lm, _self_]\n")
    done = program("operation_mode=prediction", "pretrained=true", *arguments)
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize(
    ("given", "place", "is_kept"),
    [
        (True, f"{pretrained.FOLDER}/{SMALLEST}/", False),
        (False, f"{pretrained.FOLDER}/{SMALLEST}/", True),
        (True, f"{pretrained.FOLDER}_of_mine/", True),
    ],
)
def test_files_that_a_user_names_are_found_again_by_a_resume(given, place, is_kept):
    """Only those that pretrained=true has added are left out, because it adds them again."""
    texts = [f'{key}="{place}file"' for key in pretrained.PATHS]
    hydra = OmegaConf.create({"overrides": {"task": texts}, "runtime": {"choices": {"model": SMALLEST}}})
    assert typed_overrides(OmegaConf.create({"pretrained": given}), hydra) == (texts if is_kept else [])
