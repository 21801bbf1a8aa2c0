"""Architecture x precision x target: every pair meets, in small models; docs/reference/matrix.md has all cells."""

import pytest

from artifacts import artifact
from matrix import MODEL_NAMES, RECIPE_NAMES, TARGETS, cell, decode_step, page
from textzoo.targets.toolchains import PLATFORM_TOOLS, missing_tools

MISSING = [str(error.remedy) for error in missing_tools(PLATFORM_TOOLS)]

# The recipe moves on with model and target, so that every two values of different axes meet somewhere.
CELLS = [
    (model, RECIPE_NAMES[(row + column) % len(RECIPE_NAMES)], target)
    for row, model in enumerate(MODEL_NAMES)
    for column, target in enumerate(TARGETS)
]
# (model, recipe, target) -> part of the reason; all others are exact.
REFUSED = {
    (model, recipe, "CIMv3"): "this model does not consist of pico_gpt blocks, which CIMv3 runs"
    for model in MODEL_NAMES
    for recipe in RECIPE_NAMES
    if model != "pico_gpt" or recipe == "static_wi8_ai16"
}


def toy_decode_step(folder, model, recipe):
    decode_step(model, recipe, folder, toy=True)


def path_of(model, recipe):
    return artifact(toy_decode_step, model, recipe) / f"decode_{recipe}.tflite"


def test_every_two_axes_meet_in_all_values():
    for first, second in ((0, 1), (0, 2), (1, 2)):
        axes = (MODEL_NAMES, RECIPE_NAMES, TARGETS)
        assert len({(cell[first], cell[second]) for cell in CELLS}) == len(axes[first]) * len(axes[second])


@pytest.mark.quick(1)
@pytest.mark.skipif(bool(MISSING), reason=" ".join(MISSING))
@pytest.mark.parametrize(("model", "recipe", "target"), CELLS)
def test_a_cell_is_exact_or_refused_with_the_reason(model, recipe, target):
    result = cell(path_of(model, recipe), target, tokens_checked=8)
    if (model, recipe, target) in REFUSED:
        assert REFUSED[model, recipe, target] in result["refused"]
    else:
        assert result["mismatching_logits"] == 0


def test_the_page_explains_refusals():
    cells = [
        {
            "model": "gpt",
            "recipe": "static_wi8_ai8",
            "target": "A",
            "mismatching_logits": 0,
            "instructions_per_token": 5,
        },
        {"model": "gpt", "recipe": "static_wi8_ai8", "target": "B", "refused": "too large"},
    ]
    text = page(cells, "the command")
    assert "| gpt | static_wi8_ai8 | 5 | [1] |" in text
    assert "1. too large" in text
