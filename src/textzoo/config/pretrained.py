"""Trained models that come with the project, chosen by `pretrained=true`: pretrained_models/<option of model>/.

Each folder holds a float model, its quantized decode steps, the tokenizer, the configuration that trained them, and
card.json: where they come from and what was measured (scripts/make_pretrained.py writes all of it).
"""

import re
from pathlib import Path
from typing import Any

from textzoo.common.bounded_yaml import read_bounded
from textzoo.common.errors import UserError, raise_all
from textzoo.common.files import file_digest, shown_setting
from textzoo.common.paths import IS_INSTALLED, PRETRAINED_MODELS
from textzoo.common.registry import unknown_name
from textzoo.common.untrusted_json import read_json_object
from textzoo.quantizers.recipes import decode_file, recipe_of_file
from textzoo.text.commands.schema import FILE as GRAMMAR_FILE

FOLDER = PRETRAINED_MODELS
CARD = "card.json"
# The keys of the paths that it implies.
PATHS = ("model.float_model_path", "model.quantized_model_path", "tokenizer.path")
FLOAT_MODEL = "float.keras"
TOKENIZER = "tokenizer.json"
CHAT_TEMPLATE = "chat_template.json"  # beside the tokenizer of a model that knows turns
CONFIGURATION = "config.yaml"
# Keys that a trained model does not depend on.
NOT_IN_THE_WEIGHTS = {"path", "float_model_path", "quantized_model_path", "constraints", "dropout"}
MAX_CARD_BYTES = 1 << 20
DIGEST = re.compile(r"[0-9a-f]{64}")
AGAIN = "pip install --force-reinstall --no-deps textzoo" if IS_INSTALLED else "git checkout pretrained_models"
AS_IT_CAME = f"Take pretrained_models/ as it came with TextZoo: {AGAIN}."


def names() -> list[str]:
    """Return the options of the group `model` of which there is a trained model."""
    return sorted(path.parent.name for path in FOLDER.glob(f"*/{CARD}"))


def recipes(name: str) -> list[str]:
    """Return the quantization recipes by which there is a decode step of a model."""
    return sorted(map(recipe_of_file, (FOLDER / name).glob(decode_file("*"))))


def recipe_of(path: str | None) -> str | None:
    """Return the recipe of a decode step of pretrained_models/; None of other files."""
    if not path or Path(path).parent.parent != FOLDER:
        return None
    return recipe_of_file(Path(path))


def card(name: str) -> dict:
    """Return what was measured of a model."""
    return read_json_object(FOLDER / name / CARD, MAX_CARD_BYTES)


def overrides(name: str, recipe: str) -> dict[str, str]:
    """Return what `pretrained=true` implies: the experiment that trained the model, and its files.

    Args:
        name: Option of the group `model`.
        recipe: Option of the group `quantization`.

    Raises:
        UserError: There is no such model, or not by that recipe.
    """
    if name not in names():
        raise unknown_name("pretrained model", name, names())
    if recipe not in recipes(name):
        raise UserError(
            f"the pretrained {name} is not quantized by {recipe}",
            expected=f"quantization={' or '.join(recipes(name))}",
            remedy="operation_mode=quantization writes one from "
            f"{shown_setting('model.float_model_path', FOLDER / name / FLOAT_MODEL)}.",
        )
    template = [file for file in (CHAT_TEMPLATE, GRAMMAR_FILE) if (FOLDER / name / file).exists()]
    experiment = checked(name, [FLOAT_MODEL, TOKENIZER, decode_file(recipe), *template])["experiment"]
    return {
        "experiment": experiment,
        "model.float_model_path": str(FOLDER / name / FLOAT_MODEL),
        "model.quantized_model_path": str(FOLDER / name / decode_file(recipe)),
        "tokenizer.path": str(FOLDER / name / TOKENIZER),
    }


def other_settings(sections: dict[str, dict[str, Any]], float_model: str) -> list[UserError]:
    """Refuse settings by which a pretrained model was not trained, and which would change nothing.

    Args:
        sections: "model" or "tokenizer" -> key -> value, as now configured.
        float_model: Path of the float model; of one that is not from pretrained_models/ nothing is said.
    """
    folder = Path(float_model).parent
    if folder.parent != FOLDER:
        return []
    trained = read_bounded(folder / CONFIGURATION)
    return [
        UserError(
            f"the pretrained {folder.name} was trained with {section}.{key}={trained[section][key]}",
            received=str(values[key]),
            remedy="Leave it out, or choose another model: the weights of this one are trained already.",
        )
        for section, values in sections.items()
        for key in sorted(trained[section].keys() & values.keys() - NOT_IN_THE_WEIGHTS)
        if values[key] != trained[section][key]
    ]


def checked(name: str, files: list[str]) -> dict:
    """Return the card of a model whose files are those that were measured.

    Raises:
        UserError: A file has another sha256 than the card says, or the card does not say it.
    """
    written = card(name)
    known = written.get("files")
    if not isinstance(known, dict) or not isinstance(written.get("experiment"), str):
        raise UserError(f"{FOLDER / name / CARD} is damaged", remedy=AS_IT_CAME)
    unknown = [file for file in files if not DIGEST.fullmatch(str(known.get(file)))]
    if unknown:
        raise UserError(
            f"{FOLDER / name / CARD} holds no sha256 of {', '.join(unknown)}",
            expected="64 digits of 0 to 9 and a to f for each",
            remedy=AS_IT_CAME,
        )
    errors = [
        UserError(
            f"{FOLDER / name / file} is not the file that was measured",
            expected=f"sha256 {known.get(file)}",
            received=digest_or_missing(FOLDER / name / file),
            remedy=AS_IT_CAME,
        )
        for file in files
        if digest_or_missing(FOLDER / name / file) != known.get(file)
    ]
    raise_all(errors)
    return written


def digest_or_missing(path: Path) -> str:
    """Return a file's sha256, or that there is none."""
    return file_digest(path) if path.is_file() else "no file"
