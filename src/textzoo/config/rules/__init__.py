"""Checks a composed configuration against the schema: every mistake found at once, none raised one by one.

Knows neither Hydra nor TensorFlow: it answers in milliseconds.
"""

from collections.abc import Set
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.registry import unknown_name
from textzoo.config.keys import Rule, build_section
from textzoo.config.rules import dataset, device, model, prediction, run, tokenizer, training
from textzoo.config.schema import Config

RULES: tuple[Rule, ...] = (
    *run.RULES,
    *training.RULES,
    *model.RULES,
    *dataset.RULES,
    *tokenizer.RULES,
    *prediction.RULES,
    *device.RULES,
)


def check(
    values: dict[str, Any], boards: list[str], given_of_model: Set[str] = frozenset()
) -> tuple[Config, list[UserError]]:
    """Turn nested values into a typed Config. A wrong value leaves its default in place, so that all rules can run.

    Args:
        values: Section -> key -> value, as composed from YAML and overrides.
        boards: Names of the boards that have a YAML.
        given_of_model: Keys of the model section that the user gives.

    Returns:
        The Config, and all mistakes, contradictions between keys included.
    """
    errors: list[UserError] = []
    config = build_section(Config, values, "", errors)
    errors += model.check_keys(config.model, given_of_model)
    for rule in RULES:
        errors += rule(config)
    board = config.deployment.hardware_setup.board
    if board not in boards:
        errors.append(unknown_name("board", board, boards))
    return config, errors
