"""What a run is called in the tracker, and the tags by which runs are found."""

import platform
from pathlib import Path

from textzoo.config.chains import CHAINS
from textzoo.config.hub_files import origins_of
from textzoo.config.schema import Config
from textzoo.models.settings import ModelConfig
from textzoo.pipeline.firmware import readable_name
from textzoo.quantizers.recipes import RECIPES, recipe_of_file
from textzoo.targets.registry import HOST, LIBRARY

ON_A_BOARD = ("benchmarking", "deployment")
QUANTIZED = ("quantization", *ON_A_BOARD)


def run_name(config: Config, folder: Path) -> str:
    """Return the run's name, most telling first, as lists cut names: "pico_gpt int8 STM32H7 chain_tqeb <folder>"."""
    tags = run_tags(config)
    recipe = tags.get("recipe_label", "" if config.model.is_graph else "float")
    words = [tags["model"], recipe, tags.get("board", ""), config.operation_mode]
    return " ".join(word for word in (*words, folder.name) if word)


def run_tags(config: Config) -> dict[str, str]:
    """Return the tags of the parent run: model, recipe and board only where the mode has one."""
    services = CHAINS[config.operation_mode]
    text = {"tokenizer": config.tokenizer.name, "corpus": config.dataset.name}
    tags = {
        "model": model_tag(config.model),
        **({} if config.model.is_graph else text),
        "mode": config.operation_mode,
        "host": platform.node(),
    }
    if not config.model.is_graph and (set(services) & set(QUANTIZED) or config.model.quantized_model_path):
        recipe = recipe_of(config)
        tags |= {"recipe": recipe, "recipe_label": RECIPES[recipe].short_name if recipe in RECIPES else recipe}
    if set(services) & set(ON_A_BOARD):
        target = config.deployment.target
        tags["board"] = target if target in (HOST, LIBRARY) else config.deployment.hardware_setup.board
    return tags | {f"hub.{key}": str(found.reference) for key, found in origins_of(config).items()}


def model_tag(model: ModelConfig) -> str:
    """Return the name of the architecture; of a plain graph, that of its file."""
    return readable_name(Path(model.quantized_model_path or model.kind)) if model.is_graph else model.name


def recipe_of(config: Config) -> str:
    """Return the recipe that the run quantizes by, or the one that the quantized file given names."""
    if "quantization" in CHAINS[config.operation_mode] or not config.model.quantized_model_path:
        return config.quantization.recipe
    recipe = recipe_of_file(Path(config.model.quantized_model_path))
    return recipe if recipe in RECIPES else "other"
