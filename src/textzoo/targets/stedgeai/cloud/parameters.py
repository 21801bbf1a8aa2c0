"""Parameters of ST Edge AI's jobs, by the names of the cloud's interface."""

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Parameters:
    """What a job does with a model; None leaves the choice to ST's tool.

    Attributes:
        optimization: balanced, time or ram.
        compression: none, lossless, low, medium or high.
        target: Series of the boards, e.g. stm32n6; benchmarks of other boards need none.
        neural_art: Profile of the Neural-ART accelerator.
        neural_art_options: Options of its compiler, with names like "enable-epoch-controller".
        hsp: Size of the memory for the hardware signal processor of the STM32U3.
        name: Prefix of what is generated in C.
    """

    optimization: str | None = None
    compression: str | None = None
    target: str | None = None
    neural_art: str | None = None
    neural_art_options: dict[str, Any] | None = None
    hsp: int | None = None
    name: str | None = None


# Field -> name in the interface.
NAMES = {
    "optimization": "optimization",
    "compression": "compression",
    "target": "target",
    "neural_art": "stNeuralArt",
    "neural_art_options": "atonnOptions",
    "hsp": "hsp",
    "name": "name",
}
# Prefix of a board's name -> what a benchmark on it needs besides what the user chose.
FOR_BOARDS: dict[str, Parameters] = {
    "STM32N6": Parameters(target="stm32n6", neural_art="default", neural_art_options={"enable-epoch-controller": True}),
    "NUCLEO-N6": Parameters(
        target="stm32n6", neural_art="default", neural_art_options={"enable-epoch-controller": True}
    ),
    "STM32U3": Parameters(target="stm32u3"),
    "NUCLEO-U3": Parameters(target="stm32u3"),
}


def for_board(board: str, chosen: Parameters) -> Parameters:
    """Return the chosen parameters with those that a board needs; what was chosen stays."""
    needed = next((row for prefix, row in FOR_BOARDS.items() if board.upper().startswith(prefix)), Parameters())
    given = {key: value for key, value in vars(chosen).items() if value is not None}
    return dataclasses.replace(needed, **given)


def in_interface(parameters: Parameters, model: str) -> dict[str, Any]:
    """Return the parameters as an object of the interface.

    Args:
        parameters: Of the job.
        model: Name of the model in the account.
    """
    found = {NAMES[key]: value for key, value in vars(parameters).items() if value is not None}
    return {"model": model, **found}
