"""The files of a model that are published, and where they are from."""

from dataclasses import dataclass
from pathlib import Path

from textzoo.common.errors import UserError, raise_all
from textzoo.common.files import file_digest
from textzoo.config import pretrained
from textzoo.config.schema import Config
from textzoo.engines.model_check import model_mistakes
from textzoo.hub.references import PART
from textzoo.pipeline import inputs
from textzoo.quantizers.recipes import RECIPES, decode_file, recipe_of_file
from textzoo.records.workspace import Workspace

FLOAT = "float"
RUN, PRETRAINED, NAMED = "run", "pretrained", "named"


@dataclass(frozen=True)
class ModelFiles:
    """The files of a model.

    Attributes:
        origin: RUN for models of the run's folder, PRETRAINED, or NAMED for files that keys of the configuration name.
        chosen: The decode step that the C project and the sample are made of.
        decode_steps: Recipe, or the file's name without its ending -> .tflite.
        float_model: .keras or .h5, if there is one.
        tokenizer: tokenizer.json.
        pretrained_name: Of pretrained_models/, "" for others.
    """

    origin: str
    chosen: Path
    decode_steps: dict[str, Path]
    float_model: Path | None
    tokenizer: Path
    pretrained_name: str = ""

    @property
    def recipe(self) -> str:
        """The recipe of the decode step that was chosen."""
        return recipe_of_file(self.chosen)

    def recipes_by_hash(self) -> dict[str, str]:
        """Return sha256 -> recipe of every decode step."""
        return {file_digest(path): recipe for recipe, path in self.decode_steps.items()}


def model_files(config: Config, workspace: Workspace) -> ModelFiles:
    """Return the files of the run's model, or of the one that the configuration names.

    Raises:
        UserError: There is no decode step, no tokenizer, or one of the files is damaged.
    """
    name = pretrained_name(config)
    own = workspace.files("quantized_model")
    paths = inputs.quantized_model_paths(config, workspace)
    if name:
        paths = [pretrained.FOLDER / name / decode_file(recipe) for recipe in pretrained.recipes(name)] + own
        pretrained.checked(name, [path.name for path in paths if path not in own])
    steps = {recipe_of_file(path): path for path in paths}
    tokenizer = inputs.tokenizer_path(config, workspace)
    errors = [error for path in steps.values() for error in (*wrong_name(path), *model_mistakes(path, compiled=False))]
    if not steps:
        remedy = "operation_mode=quantization makes one; or set model.quantized_model_path=<file>.tflite."
        errors.append(UserError("there is no quantized decode step to publish", remedy=remedy))
    if tokenizer is None:
        remedy = "Set tokenizer.path=<file>."
        errors.append(UserError("there is no tokenizer for the model", expected="tokenizer.json", remedy=remedy))
    raise_all(errors)
    origin = RUN if own else PRETRAINED if name else NAMED
    chosen = workspace.find("quantized_model") or Path(config.model.quantized_model_path or paths[0])
    return ModelFiles(origin, chosen, steps, inputs.float_model_path(config, workspace), tokenizer, name)


def wrong_name(path: Path) -> list[UserError]:
    """Refuse a file's name that could mean something in a card, an address or a command."""
    if PART.fullmatch(path.name):
        return []
    return [
        UserError(f"'{path.name}' is no name for a file on the hub", expected="a-z, 0-9 and _.-", remedy="Rename it.")
    ]


def pretrained_name(config: Config) -> str:
    """Return the name of the pretrained model that the configuration uses; "" for another model."""
    path = Path(config.model.float_model_path or "")
    return path.parent.name if config.pretrained and path.parent.parent == pretrained.FOLDER else ""


def is_low_bit(recipe: str) -> bool:
    """Return whether a recipe stores weights of fewer than 8 bits."""
    return recipe in RECIPES and RECIPES[recipe].has_low_bit_weights


def shown_recipe(recipe: str) -> str:
    """Return a recipe with its short name: "static_wi8_ai8 (int8)"."""
    return f"{recipe} ({RECIPES[recipe].short_name})" if recipe in RECIPES else recipe
