"""From composed values to the typed configuration, with all of its mistakes at once.

Keys, types and ranges come from the sections themselves. What contradicts each other is found by rules, which are
kept with their subject: each room that owns a section has some.
"""

import inspect
from collections.abc import Set
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.settings import Rule, build_section
from textzoo.config import boards, rules
from textzoo.config.chains import CHAINS
from textzoo.config.hub_files import references_of, with_hub_files
from textzoo.config.schema import Config
from textzoo.engines import rules as engine_rules
from textzoo.hub import rules as hub_rules
from textzoo.models import rules as model_rules
from textzoo.quantizers import rules as quantizer_rules
from textzoo.targets import rules as target_rules
from textzoo.targets.cimv3 import rules as cimv3_rules
from textzoo.targets.stedgeai.cloud import rules as cloud_rules
from textzoo.targets.stedgeai.local import rules as stedgeai_rules
from textzoo.text import rules as text_rules
from textzoo.training import rules as training_rules

OWNERS = (
    rules,
    training_rules,
    model_rules,
    cimv3_rules,
    text_rules,
    engine_rules,
    quantizer_rules,
    target_rules,
    cloud_rules,
    stedgeai_rules,
    hub_rules,
    boards,
)


def check(
    values: dict[str, Any], given_of_model: Set[str] = frozenset(), *, downloads: bool = True
) -> tuple[Config, list[UserError]]:
    """Return nested values as a typed Config, and everything that is wrong with them.

    A wrong value leaves its default in place, so that all rules can run.

    Args:
        values: Section -> key -> value, as composed from YAML and overrides.
        given_of_model: Keys of the model section that the user gives.
        downloads: Whether files of the hub are downloaded, once nothing else is wrong.
    """
    errors: list[UserError] = []
    config = build_section(Config, values, "", errors)
    references = references_of(config, errors)
    errors += mistakes(config, given_of_model)
    if references and downloads and not errors:
        config = with_hub_files(config, references, errors)
        errors += mistakes(config, given_of_model)
    return config, errors


def mistakes(config: Config, given_of_model: Set[str]) -> list[UserError]:
    """Return what the rules of all owners find."""
    errors = model_rules.check_keys(config.model, given_of_model)
    sections = {**vars(config), "config": config, "services": frozenset(CHAINS.get(config.operation_mode, ()))}
    for owner in OWNERS:
        for rule in owner.RULES:
            errors += broken(rule, sections)
    return errors


def broken(rule: Rule, sections: dict[str, Any]) -> list[UserError]:
    """Return the mistakes that a rule finds in the sections that its parameters name."""
    return rule(**{name: sections[name] for name in inspect.signature(rule).parameters})
