"""The table of quantization recipes. A name consists of static or dynamic, bits of weights, bits of activations.

`wi4` and `wi2` are stored as int8 like all weights, in [-7, 7] and {-1, 0, 1}, and packed when they are compiled to C.
"""

from dataclasses import dataclass
from pathlib import Path

from textzoo.common.registry import unknown_name


@dataclass(frozen=True)
class Recipe:
    """The types of weights and activations in a quantized graph.

    Attributes:
        name: Name in the configuration.
        weight_bits: Bits per weight of a matrix, symmetric and per output channel; embeddings always have 8.
        activation_bits: Bits per activation, one scale per tensor (8: with zero point, 16: symmetric); 0 leaves
            activations in float, and the kernels quantize them at run time.
        short_name: Name in tables of results.
        library_name: The recipe of AI Edge Quantizer, with int8 weights, which low-bit weights replace afterwards.
    """

    name: str
    weight_bits: int
    activation_bits: int
    short_name: str
    library_name: str

    @property
    def is_static(self) -> bool:
        return self.activation_bits > 0

    @property
    def has_low_bit_weights(self) -> bool:
        """Whether its matrices have fewer than 8 bits per weight."""
        return self.weight_bits < 8


DECODE_PREFIX = "decode_"
# Grids of quantization-aware training (training.qat) -> bits of the recipes that store such weights.
GRID_BITS = {"int8": 8, "int4": 4, "ternary": 2}

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("static_wi8_ai8", 8, 8, short_name="int8", library_name="static_wi8_ai8"),
        Recipe("static_wi8_ai16", 8, 16, short_name="int16x8", library_name="static_wi8_ai16"),
        Recipe("static_wi4_ai8", 4, 8, short_name="int4", library_name="static_wi8_ai8"),
        Recipe("static_wi2_ai8", 2, 8, short_name="ternary", library_name="static_wi8_ai8"),
        Recipe("dynamic_wi8_afp32", 8, 0, short_name="dynamic8", library_name="dynamic_wi8_afp32"),
    )
}


def recipes_of_bits(weight_bits: int) -> list[str]:
    """Return the names of the static recipes that store weights of so many bits."""
    return [name for name, recipe in RECIPES.items() if recipe.is_static and recipe.weight_bits == weight_bits]


def decode_file(recipe: str) -> str:
    """Return the file's name of a decode step that is quantized by a recipe."""
    return f"{DECODE_PREFIX}{recipe}.tflite"


def recipe_of_file(path: Path) -> str:
    """Return the recipe in the name of a decode step's file; its name without the ending if it has another form."""
    return path.stem.removeprefix(DECODE_PREFIX)


def get_recipe(name: str) -> Recipe:
    if name not in RECIPES:
        raise unknown_name("quantization recipe", name, RECIPES)
    return RECIPES[name]
