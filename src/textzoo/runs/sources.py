"""What the results of a run's steps depend on: settings, files and texts, and the content hash of it all."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textzoo.common.files import file_digest, value_digest
from textzoo.common.secrets import masked
from textzoo.config.chains import MODEL_FILES, SERVICES, Service
from textzoo.config.publishing import published_values
from textzoo.config.schema import Config, walk
from textzoo.records.ledger import Ingredients, Ledger, ingredient
from textzoo.records.workspace import Workspace
from textzoo.runs import continuing
from textzoo.runs.steps import Step
from textzoo.text.corpora.reading import SUFFIX
from textzoo.text.corpora.registry import CORPORA


@dataclass
class Sources:
    """All that a step's result depends on.

    Attributes:
        sections: Section or dotted key -> its values.
        contents: Dotted key of a path -> content hashes of the files there.
        corpus_sha256: Content hash of the corpus, "" if it reads none.
        files: Path in the run's folder -> its content hash.
        keys: Dotted keys of the sections.
    """

    sections: dict[str, Any]
    contents: dict[str, list[str]]
    corpus_sha256: str
    files: dict[str, str]
    keys: dict[str, Any]

    def key(self) -> str:
        """Return the content hash of it all."""
        return value_digest([self.sections, self.contents, self.corpus_sha256, self.files])

    def ingredients(self, root: Path) -> Ingredients:
        """Return each part by its name, fit to be published: what is long, is elsewhere or is secret stays a hash."""
        shown = published_values(self.keys, root)
        return {
            "settings": {name: setting(value, shown[name]) for name, value in self.keys.items()},
            "contents": {name: ingredient(digests) for name, digests in self.contents.items()},
            "texts": {"corpus": ingredient(self.corpus_sha256)} if self.corpus_sha256 else {},
            "files": {name: ingredient(digest) for name, digest in self.files.items()},
        }


def sources_of(config: Config, step: Step, workspace: Workspace, corpus_sha256: str, ledger: Ledger) -> Sources:
    """Return what a step's result depends on: its configuration and the files that it reads.

    Args:
        config: The configuration.
        step: The step.
        workspace: The run's folder.
        corpus_sha256: Content hash of the corpus.
        ledger: What the finished steps wrote, those of earlier tries too.
    """
    service = step.service
    later = ledger.outputs_not_before(step.name)
    files = {name: digest for name, digest in workspace.digests(service.inputs).items() if name not in later}
    return Sources(
        sections={name: configured(config, name) for name in service.sections},
        contents={name: content_of(config, name) for name in paths_read(config, service)},
        corpus_sha256=corpus_sha256 if "corpus" in service.inputs else "",
        files=files,
        keys={name: configured(config, name) for name in step_keys(service)},
    )


def setting(value: Any, shown: Any) -> list[str]:
    """Return a setting's entry in the ledger, without the passwords that an address holds."""
    return ingredient(without_secrets(value), json.dumps(without_secrets(shown), ensure_ascii=False))


def without_secrets(value: Any) -> Any:
    """Return a value, or values within lists and sections, without the passwords of addresses."""
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    if isinstance(value, dict):
        return {key: without_secrets(item) for key, item in value.items()}
    return masked(value) if isinstance(value, str) else value


def paths_read(config: Config, service: Service) -> list[str]:
    """Return the dotted keys of the paths that are given and read by a service."""
    paths = {name for name, entry in walk() if entry.metadata.get("path")}
    return [name for name in step_keys(service) if name in paths and configured(config, name)]


def configured(config: Config, name: str) -> Any:
    """Return the value of a dotted key, or a whole section as a dict."""
    value: Any = config
    for part in name.split("."):
        value = getattr(value, part)
    return plain(value)


def plain(value: Any) -> Any:
    """Return a value without dataclasses, which become dicts."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) else value


def step_keys(service: Service) -> list[str]:
    """Return the dotted names of all keys that a service's result depends on."""
    sections = tuple(service.sections)
    return [name for name, _ in walk() if name in sections or name.startswith(tuple(f"{part}." for part in sections))]


def digest_of(paths: str | list[str], *, only_texts: bool = False) -> list[str]:
    """Return content hashes of files, and of the files inside folders; of texts alone where nothing else is read."""
    found = [Path(path) for path in (paths if isinstance(paths, list) else [paths])]
    files = [file for path in found for file in (inside(path, only_texts) if path.is_dir() else [path])]
    return [file_digest(file) for file in files if file.is_file()]


def inside(folder: Path, only_texts: bool) -> list[Path]:
    """Return the files below a folder, or its texts, sorted."""
    return sorted(path for path in folder.rglob("*") if not only_texts or path.suffix.lower() == SUFFIX)


def content_of(config: Config, name: str) -> list[str]:
    """Return content hashes of what the path of a dotted key names; of a model, of the tokenizer beside it too."""
    if name in MODEL_FILES:
        path = Path(configured(config, name))
        return digest_of([str(path), str(path.with_name("tokenizer.json"))])
    are_texts = name == "quantization.calibration_path" or (
        name.startswith("dataset.") and not CORPORA[config.dataset.name].has_own_vocabulary
    )
    return digest_of(configured(config, name), only_texts=are_texts)


def made_from(config: Config, corpus_sha256: str) -> tuple[dict[str, Any], dict[str, list[str]], str]:
    """Return what a model depends on: dotted key -> value, key of a path -> content hashes, hash of the corpus."""
    sections = SERVICES["training"].sections
    values = {name: configured(config, name) for name, _ in walk() if name.startswith(sections)}
    contents = {name: digest_of(values[name]) for name in sorted(continuing.CONTENT_COUNTS) if values[name]}
    return published_values(values), contents, corpus_sha256
