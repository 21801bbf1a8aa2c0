"""How Hydra reads the files of a configuration: data that nobody vouches for, bounded, the project's conf/ in reach.

A file, or a run's folder, sets the project's own keys and where Hydra puts its folders. What would make Hydra import or
call something (callbacks, logging, launchers, search paths, environment variables) is the command line's alone.
"""

from pathlib import Path

import yaml
from hydra._internal.core_plugins import file_config_source
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf

from textzoo.common.bounded_yaml import PARSER, YamlBombError, check_yaml, read_limited
from textzoo.common.errors import UserError
from textzoo.common.files import require_file
from textzoo.common.paths import CONFIGURATION
from textzoo.config.named_boards import defaults_with_board

GLOBAL = "_global_"


class FileConfigSource(file_config_source.FileConfigSource):
    """Hydra's reader of YAML files, for files that nobody vouches for.

    It has Hydra's own name, because a process of a sweep registers Hydra's sources over those that it inherits: one of
    the same name stays, another name is refused.
    """

    def is_config(self, config_path: str) -> bool:
        path = Path(self.path, self._normalize_file_name(config_path))
        if path.exists():
            require_file(path)
        return super().is_config(config_path)

    def load_config(self, config_path: str) -> ConfigResult:
        path = Path(self.path, self._normalize_file_name(config_path))
        if path.exists():
            require_file(path)
            refuse_bomb(path)
        return with_named_board(super().load_config(config_path), config_path)


class ProjectSearchPath(SearchPathPlugin):
    """Keeps conf/ in reach for the groups of a configuration of another folder."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        search_path.append("textzoo", f"file://{CONFIGURATION}")


def bound_files() -> None:
    """Let Hydra read files through the classes above from now on."""
    Plugins.instance().register(ProjectSearchPath)  # after Hydra has registered its own, once
    SourcesRegistry.instance().types[FileConfigSource.scheme()] = FileConfigSource


def with_named_board(loaded: ConfigResult, config_path: str) -> ConfigResult:
    """Return what was read, with the board that it names among its defaults; of groups in sections nothing changes."""
    at_root = loaded.header["package"] in ((None, GLOBAL) if "/" not in config_path else (GLOBAL,))
    if at_root and isinstance(loaded.config, DictConfig):
        defaults = defaults_with_board(OmegaConf.to_container(loaded.config, resolve=False))
        if defaults is not None:
            loaded.config["defaults"] = defaults
    return loaded


def refuse_bomb(path: Path) -> None:
    """UserError for a file that would take minutes or gigabytes, or that names folders to find code in."""
    try:
        text = read_limited(path)
        check_yaml(text)
    except YamlBombError as error:
        raise UserError(f"{path} cannot be a configuration: {error}", remedy="Make it smaller, or plainer.") from None
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        return  # Hydra says what is wrong with it
    if "searchpath" in key_names(yaml.compose(text, Loader=PARSER)):
        raise not_from_files(["hydra.searchpath"], str(path))


def key_names(node: yaml.Node | None) -> set[str]:
    """Return the parts of all keys of a document: Hydra takes `a.b: 1`, too."""
    names: set[str] = set()
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    for key, value in pairs:
        names.update(str(key.value).split("."), key_names(value))
    for item in node.value if isinstance(node, yaml.SequenceNode) else []:
        names |= key_names(item)
    return names


def not_from_files(keys: list[str], where: str) -> UserError:
    """Return the mistake of a file that sets what is the command line's alone."""
    return UserError(
        f"{where} sets {', '.join(keys)}, by which Hydra runs programs or finds them",
        expected="in a file, of Hydra's section only run.dir, sweep.dir and sweep.subdir",
        remedy="Give it on the command line, if you mean it.",
    )
