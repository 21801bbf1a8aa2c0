"""The primary configuration of a command line: the file that Hydra composes first, and where its groups are found."""

import functools
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from hydra._internal.config_repository import ConfigRepository
from hydra._internal.utils import create_config_search_path
from hydra.core.config_search_path import ConfigSearchPath, SearchPathQuery
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult

from textzoo.common.bounded_yaml import read_bounded
from textzoo.common.paths import CONFIGURATION


@dataclass(frozen=True)
class PrimaryConfig:
    """Where Hydra begins, and where it looks.

    Attributes:
        folder: The folder that holds it.
        name: Its name, without the ending .yaml.
        config_dir: A further folder of files and groups (--config-dir).
    """

    folder: Path = CONFIGURATION
    name: str = "config"
    config_dir: Path | None = None

    @property
    def users_file(self) -> Path | None:
        """Its file, where it is not the project's own conf/config.yaml."""
        return None if (self.folder, self.name) == (CONFIGURATION, "config") else self.folder / f"{self.name}.yaml"

    @functools.cached_property
    def content(self) -> dict[str, Any] | None:
        """What the user's file says itself; None where it cannot be read, which is reported when it is composed."""
        try:
            content = read_bounded(self.users_file) if self.users_file else {}
        except (OSError, ValueError, yaml.YAMLError):
            return None
        return content if isinstance(content, dict) else {}

    @property
    def stands_alone(self) -> bool:
        """Whether it is a user's file that builds upon no other: its groups cannot be replaced."""
        content = {"defaults": ["unknown"]} if self.content is None else self.content
        return self.users_file is not None and not content.get("defaults")

    def search_path(self) -> ConfigSearchPath:
        """Return Hydra's search path, in the order in which Hydra itself builds it."""
        path = create_config_search_path(str(self.folder))
        if self.config_dir:
            schema = SearchPathQuery(provider="schema")
            path.prepend("command-line", f"file://{self.config_dir.absolute()}", anchor=schema)
        return path

    def options(self, group: str) -> list[str]:
        """Return the options of a group in all folders of the search path, sorted."""
        return ConfigRepository(self.search_path()).get_group_options(group, ObjectType.CONFIG)

    def project(self) -> "PrimaryConfig":
        """Return the project's own configuration with the same further folder."""
        return PrimaryConfig(config_dir=self.config_dir)


def primary_of(options: Namespace) -> PrimaryConfig:
    """Return the primary configuration that Hydra's flags name."""
    return PrimaryConfig(
        Path(options.config_path or CONFIGURATION),
        (options.config_name or "config").removesuffix(".yaml"),
        Path(options.config_dir) if options.config_dir else None,
    )


def project_file() -> ConfigResult:
    """Return conf/config.yaml as Hydra reads it, with its defaults list apart."""
    primary = PrimaryConfig()
    return ConfigRepository(primary.search_path()).load_config(primary.name)


def is_group(name: str) -> bool:
    """Return whether a name is that of a group of conf/."""
    return (CONFIGURATION / name).is_dir()
