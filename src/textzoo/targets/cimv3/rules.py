"""Requirements of the CIMv3 accelerator on an architecture."""

from textzoo.common.errors import UserError
from textzoo.common.settings import Rule
from textzoo.models.settings import ModelConfig
from textzoo.targets.settings import DeploymentConfig

CIMV3_BOARD = "CIMv3"
PLATFORM = "cimv3"
CIMV3_WIDTHS = (128, 256, 512)
CIMV3_HEAD_WIDTH = 64
CIMV3_CONTEXT = 128


def check_cimv3(model: ModelConfig, deployment: DeploymentConfig) -> list[UserError]:
    """Check the CIMv3 accelerator's rules if model.constraints or the board requires them."""
    board = deployment.hardware_setup
    if model.is_graph:  # which that board refuses altogether
        return []
    if board.platform == PLATFORM:
        return cimv3_violations(model, f"Another board than {board.name} lifts this rule.")
    is_asked = model.constraints == PLATFORM
    return cimv3_violations(model, "model.constraints=none lifts this rule.") if is_asked else []


def cimv3_violations(model: ModelConfig, remedy: str) -> list[UserError]:
    """Return an error for every rule of the CIMv3 accelerator that an architecture violates."""
    widths = ", ".join(map(str, CIMV3_WIDTHS))
    rules = [
        (model.name == "pico_gpt", "name", "pico_gpt", model.name),
        (model.d_model in CIMV3_WIDTHS, "d_model", f"one of {widths}", model.d_model),
        (
            model.d_model == model.n_heads * CIMV3_HEAD_WIDTH,
            "n_heads",
            f"d_model / n_heads = {CIMV3_HEAD_WIDTH}",
            f"{model.d_model} / {model.n_heads}",
        ),
        (model.context_length <= CIMV3_CONTEXT, "context_length", f"<= {CIMV3_CONTEXT}", model.context_length),
        (model.activation == "relu", "activation", "relu", model.activation),
        (not model.use_bias, "use_bias", "false", "true"),
    ]
    return [
        UserError(f"model.{key} breaks a CIMv3 rule", expected=expected, received=str(received), remedy=remedy)
        for holds, key, expected, received in rules
        if not holds
    ]


RULES: tuple[Rule, ...] = (check_cimv3,)
