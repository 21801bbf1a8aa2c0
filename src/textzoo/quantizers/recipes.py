"""The quantization recipes, as data. A name decodes: static or dynamic, weights int8, activations int8/int16/float."""

from dataclasses import dataclass

from textzoo.registry import unknown_name


@dataclass(frozen=True)
class Recipe:
    """How a float graph becomes a quantized one.

    Attributes:
        name: As in the configuration.
        weight_bits: Bits per weight, symmetric and per output channel.
        activation_bits: Bits per activation, one scale per tensor (8: with zero point, 16: symmetric); 0 leaves
            activations in float, and the kernels quantize them as they go.
        short_name: For tables of results.
    """

    name: str
    weight_bits: int
    activation_bits: int
    short_name: str

    @property
    def is_static(self) -> bool:
        return self.activation_bits > 0


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("static_wi8_ai8", weight_bits=8, activation_bits=8, short_name="int8"),
        Recipe("static_wi8_ai16", weight_bits=8, activation_bits=16, short_name="int16x8"),
        Recipe("dynamic_wi8_afp32", weight_bits=8, activation_bits=0, short_name="dynamic8"),
    )
}


def get_recipe(name: str) -> Recipe:
    if name not in RECIPES:
        raise unknown_name("quantization recipe", name, RECIPES)
    return RECIPES[name]
