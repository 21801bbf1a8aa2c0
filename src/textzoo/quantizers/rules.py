"""Rules for quantization."""

from collections.abc import Set

from textzoo.common.errors import UserError
from textzoo.common.settings import Rule
from textzoo.engines.settings import EvaluationConfig
from textzoo.quantizers.recipes import RECIPES
from textzoo.quantizers.settings import QuantizationConfig


def check_integers(
    quantization: QuantizationConfig,
    evaluation: EvaluationConfig,
    services: Set[str],
    operation_mode: str,
) -> list[UserError]:
    """Check that a chain that quantizes and then compiles uses a static recipe: the compiler needs integer models."""
    recipe = RECIPES[quantization.recipe]
    compiles = bool({"benchmarking", "deployment"} & services)
    compiles_too = "evaluation" in services and evaluation.engine == "native"
    if "quantization" not in services or not (compiles or compiles_too) or recipe.is_static:
        return []
    use = f"operation_mode={operation_mode}" if compiles else "evaluation.engine=native"
    return [
        UserError(
            f"quantization.recipe={recipe.name} leaves activations in float, and {use} compiles an integer model",
            expected="a static recipe",
            received=recipe.name,
            remedy="Add quantization=static_wi8_ai8.",
        )
    ]


RULES: tuple[Rule, ...] = (check_integers,)
