"""Frozen configurations with other values, and values as Hydra composes them."""

import dataclasses

from omegaconf import OmegaConf

from textzoo.config.boards import read_facts
from textzoo.targets.boards import Board


def changed(section, key, value):
    """A copy of a section, or of the whole configuration, in which a dotted key has another value."""
    name, _, rest = key.partition(".")
    inner = changed(getattr(section, name), rest, value) if rest else value
    return dataclasses.replace(section, **{name: inner})


def with_facts(values):
    """Sections with all facts of the board that they name, below those that they say themselves."""
    deployment = values.get("deployment", {})
    setup = deployment.get("hardware_setup", {})
    facts = OmegaConf.merge(read_facts(setup.get("board", Board().board)), setup)
    return {**values, "deployment": {**deployment, "hardware_setup": OmegaConf.to_container(facts)}}
