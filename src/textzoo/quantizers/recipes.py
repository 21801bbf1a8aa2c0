"""The table of quantization recipes. A name consists of static or dynamic, bits of weights, bits of activations.

`wi4` and `wi2` are stored as int8 like all weights, in [-7, 7] and {-1, 0, 1}, and packed when they are compiled to C.
"""

from dataclasses import dataclass

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
    """

    name: str
    weight_bits: int
    activation_bits: int
    short_name: str

    @property
    def is_static(self) -> bool:
        return self.activation_bits > 0

    @property
    def has_low_bit_weights(self) -> bool:
        """Whether its matrices have fewer than 8 bits per weight."""
        return self.weight_bits < 8

    @property
    def library_name(self) -> str:
        """The recipe of AI Edge Quantizer, with int8 weights, which low-bit weights replace afterwards."""
        return self.name.replace(f"wi{self.weight_bits}", "wi8")


# Grids of quantization-aware training (training.qat) -> bits of the recipes that store such weights.
GRID_BITS = {"int8": 8, "int4": 4, "ternary": 2}

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("static_wi8_ai8", weight_bits=8, activation_bits=8, short_name="int8"),
        Recipe("static_wi8_ai16", weight_bits=8, activation_bits=16, short_name="int16x8"),
        Recipe("static_wi4_ai8", weight_bits=4, activation_bits=8, short_name="int4"),
        Recipe("static_wi2_ai8", weight_bits=2, activation_bits=8, short_name="ternary"),
        Recipe("dynamic_wi8_afp32", weight_bits=8, activation_bits=0, short_name="dynamic8"),
    )
}


def get_recipe(name: str) -> Recipe:
    if name not in RECIPES:
        raise unknown_name("quantization recipe", name, RECIPES)
    return RECIPES[name]
