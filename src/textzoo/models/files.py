"""Models as files: built from a configuration, written as .keras, read from .keras and legacy .h5.

A model file is hostile until proved otherwise: only the registered architectures are built, from their own few numbers,
and only then are weights read into them. Nothing that a file names is imported or executed.
"""

import io
import json
import lzma
import zipfile
import zlib
from pathlib import Path
from typing import Any

import h5py

from textzoo.common.archives import open_archive
from textzoo.common.errors import UserError
from textzoo.common.files import atomic_path, require_file
from textzoo.common.settings import build_section
from textzoo.models.base import LanguageModel
from textzoo.models.configs import ArchitectureConfig
from textzoo.models.hdf5_check import check_declared, scalar_text
from textzoo.models.registry import CONFIGS, MODELS
from textzoo.models.rules import architecture_config
from textzoo.models.settings import ModelConfig

MAX_CONFIG_BYTES = 1 << 20
MAX_VOCABULARY = 1 << 16
# A .keras file may be compressed, but random weights hardly shrink: more than this is a bomb.
MAX_EXPANSION = 20
BYTES_PER_WEIGHT = 4
WEIGHTS = "model.weights.h5"
MEMBERS = ("metadata.json", "config.json", WEIGHTS)


def build_model(section: ModelConfig, vocabulary_size: int) -> LanguageModel:
    """Build the configured architecture with fresh weights, which follow the global Keras seed.

    Raises:
        UserError: a key was changed that this architecture does not have.
    """
    return MODELS.get(section.name)(architecture_config(section, vocabulary_size))


def save_float_model(model: LanguageModel, path: Path) -> None:
    """Write a .keras file, whole or not at all."""
    with atomic_path(path) as temporary:
        model.save(temporary)


# What reading a damaged archive or configuration raises; RecursionError: a document that is nested too deeply.
UNREADABLE = (
    OSError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    EOFError,
    RuntimeError,  # RecursionError and NotImplementedError are among them
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)


def load_float_model(path: Path) -> LanguageModel:
    """Read a .keras or legacy .h5 file of one of the registered architectures.

    Raises:
        UserError: if the file is damaged, is no model of TextZoo, or asks for anything but an architecture and weights.
    """
    readers = {".keras": keras_configuration, ".h5": h5_configuration}
    if path.suffix not in readers:
        raise UserError(f"{path}: unknown kind of model file", expected=" or ".join(readers))
    require_file(path, "model file")
    try:
        class_name, config = readers[path.suffix](path)
    except UNREADABLE as error:
        raise damaged(path, error) from error
    model = build_checked(path, class_name, config)
    try:
        check_weights(path, model.count_params())
        model.load_weights(path)
    except Exception as error:  # Keras raises many kinds of exception for damaged weights.
        raise damaged(path, error) from error
    return model


def damaged(path: Path, error: Exception) -> UserError:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return UserError(
        f"{path} cannot be read as a model", received=text, remedy="The file is damaged or was not written by TextZoo."
    )


def keras_configuration(path: Path) -> tuple[str, dict[str, Any]]:
    """Return class name and configuration inside a .keras archive; sizes are checked before anything is unpacked."""
    with open_archive(path, MAX_EXPANSION) as archive:
        unknown = [member.filename for member in archive.infolist() if member.filename not in MEMBERS]
        if unknown or len(archive.infolist()) != len(MEMBERS):
            raise ValueError(f"the archive holds other files than {', '.join(MEMBERS)}")
        if archive.getinfo("config.json").file_size > MAX_CONFIG_BYTES:
            raise ValueError("config.json is too large")
        return configuration_of(json.loads(archive.read("config.json")))


def check_weights(path: Path, parameters: int) -> None:
    """Raise ValueError where the weights of a file declare more than its model has; nothing of them is read."""
    if path.suffix == ".h5":
        content = path.read_bytes()
    else:
        with zipfile.ZipFile(path) as archive:
            content = archive.read(WEIGHTS)
    with h5py.File(io.BytesIO(content), "r") as file:
        check_declared(file, parameters, content)


def h5_configuration(path: Path) -> tuple[str, dict[str, Any]]:
    """Return the class name and configuration inside a legacy .h5 file."""
    with h5py.File(path, "r") as file:
        text = scalar_text(file, "model_config", MAX_CONFIG_BYTES)
        return configuration_of(json.loads(text))


def configuration_of(document: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return str(document["class_name"]), dict(document["config"])


def build_checked(path: Path, class_name: str, config: dict[str, Any]) -> LanguageModel:
    """Build the architecture of a file, after its numbers were checked like those of a user's configuration."""
    classes = {MODELS.get(name).__name__: name for name in MODELS.names()}
    if class_name not in classes:
        raise UserError(
            f"{path} holds a {class_name[:80]}, which is no architecture of TextZoo",
            expected=f"one of {', '.join(sorted(classes))}",
            remedy="Nothing of the file was executed.",
        )
    architecture = checked_config(path, class_name, CONFIGS.get(classes[class_name]), config)
    needed = BYTES_PER_WEIGHT * architecture.parameters
    if needed > MAX_EXPANSION * path.stat().st_size:
        raise UserError(f"{path} is too short for its own configuration", expected=f"{needed:,} bytes of weights")
    try:
        return MODELS.get(classes[class_name])(architecture)
    except ValueError as error:  # numbers that do not go together
        raise damaged(path, error) from error


def checked_config(
    path: Path, class_name: str, config_class: type[ArchitectureConfig], config: dict[str, Any]
) -> ArchitectureConfig:
    """Return the configuration of a file, every number in the range that a user's may have."""
    numbers = {key: value for key, value in config.items() if key not in ("name", "vocabulary_size")}
    errors: list[UserError] = []
    build_section(ModelConfig, numbers, "", errors)
    vocabulary = config.get("vocabulary_size")
    if type(vocabulary) is not int or not 2 <= vocabulary <= MAX_VOCABULARY:
        errors.append(UserError("wrong vocabulary_size", received=repr(vocabulary)))
    if errors:
        raise UserError(f"{path} holds a configuration that cannot be built", received=str(errors[0]))
    if numbers.keys() != config_class.keys():
        raise damaged(path, ValueError(f"not the configuration of a {class_name}"))
    return config_class(vocabulary_size=vocabulary, **numbers)
