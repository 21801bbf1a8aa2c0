"""Initial weights from a checkpoint or a model file: `training.init_from`."""

from pathlib import Path
from typing import Any

import numpy as np

from textzoo.common.errors import UserError
from textzoo.training.checkpoints import read_checkpoint
from textzoo.training.layout import Entry, WeightLayout

MODEL_FILES = (".keras", ".h5")


def warm_start(model: Any, path: Path, strict: bool) -> list[str]:
    """Copy the weights of a checkpoint or model file into the model, by path and shape.

    Args:
        model: The model, changed in place.
        path: A checkpoint folder, or a .keras or .h5 model.
        strict: Whether every weight of the model must be in the file, and vice versa.

    Returns:
        Differences between file and model, one sentence each; empty if there are none.

    Raises:
        UserError: The file cannot be read, no weight matches, or `strict` is set and a weight does not match.
    """
    found = weights_by_path(path)
    layout = WeightLayout.of(model)
    report = []
    for entry, variable in zip(layout.entries, model.trainable_variables, strict=True):
        misfit = describe_misfit(entry, found)
        if misfit:
            report.append(misfit)
        else:
            variable.assign(found[entry.path])
    known = {entry.path for entry in layout.entries}
    report += [f"{name} of the file is not in the model" for name in found if name not in known]
    if report and (strict or not known & set(found)):
        raise UserError(
            f"{path} does not match the model",
            expected="the same weights",
            received="; ".join(report[:5]) + ("; ..." if len(report) > 5 else ""),
            remedy="Use the same model section, or training.init_strict=false to use the weights that match.",
        )
    return report


def describe_misfit(entry: Entry, found: dict[str, np.ndarray]) -> str:
    if entry.path not in found:
        return f"{entry.path} is not in the file"
    if found[entry.path].shape != entry.shape:
        return f"{entry.path} is {found[entry.path].shape} in the file and {entry.shape} in the model"
    return ""


def weights_by_path(path: Path) -> dict[str, np.ndarray]:
    """Return Keras path -> weight tensor."""
    if path.suffix in MODEL_FILES:
        from textzoo.models.files import load_float_model

        return {variable.path: np.asarray(variable) for variable in load_float_model(path).trainable_variables}
    checkpoint = read_checkpoint(path)
    arrays, offset = {}, 0
    vector = checkpoint.evaluated_weights()
    for name, shape in checkpoint.progress.weights:
        size = int(np.prod(shape))
        arrays[name] = vector[offset : offset + size].reshape(shape)
        offset += size
    return arrays
