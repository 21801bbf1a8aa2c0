"""Decide whether a resumed run may go on with the settings given: its folder keeps what its model was trained from.

A setting that only later steps read (a recipe, a board, a prompt) lets those run again. A longer training or another
learning rate goes on from the checkpoint. Everything else would be another model: that is refused before anything in
the folder changes.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.files import shown_setting, write_json
from textzoo.config.chains import SERVICES
from textzoo.config.overrides import parse
from textzoo.config.resuming import FOLDER, OWN_VALUES, read_yaml
from textzoo.records.workspace import Workspace

MADE_FROM = "made_from.json"
# What any use of the model depends on.
MODEL_SECTIONS = ("tokenizer", "model")
LATEST_CHECKPOINT = "checkpoints/latest"
TEXTS = "the texts"
MAX_RECORD_BYTES = 1 << 20

# Keys of files and of checks, which change no weight; of files and of the corpus the content counts.
NO_MATTER = frozenset(
    {"model.quantized_model_path", "model.constraints", "training.resume_from", "general.deterministic"}
)
CONTENT_COUNTS = frozenset({"model.float_model_path", "tokenizer.path", "training.init_from"})


def record(workspace: Workspace, values: dict[str, Any], contents: dict[str, list[str]], corpus_sha256: str) -> None:
    """Keep what the model of a run is trained from, when its training begins.

    Args:
        workspace: The run's folder.
        values: Dotted key -> value, of all sections that training reads.
        contents: Dotted key of a path -> sha256 of the files there.
        corpus_sha256: Content hash of the corpus.
    """
    made_from = {"values": values, "contents": contents, "corpus_sha256": corpus_sha256}
    write_json(workspace.path(MADE_FROM), made_from)


def recorded(workspace: Workspace) -> dict[str, Any] | None:
    """Return what `record` kept; None where nothing was kept that can be read."""
    path = workspace.path(MADE_FROM)
    try:
        if path.stat().st_size > MAX_RECORD_BYTES:
            return None
        made_from = json.loads(path.read_text(encoding="utf-8"))
        parts = [made_from[name] for name in ("values", "contents", "corpus_sha256")]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return made_from if [type(part) for part in parts] == [dict, dict, str] else None


def damage_of_record(workspace: Workspace) -> str:
    """Return a sentence where what `record` kept cannot be read; "" otherwise."""
    if not workspace.path(MADE_FROM).exists() or recorded(workspace) is not None:
        return ""
    return f"{MADE_FROM} is damaged: whether these are the settings that the model was trained with cannot be checked."


def check(
    workspace: Workspace, values: dict[str, Any], contents: dict[str, list[str]], corpus_sha256: str, *, trains: bool
) -> list[str]:
    """Return what has changed since the training began, and still lets it go on: "training.steps: 20 -> 40".

    Args:
        workspace: The run's folder.
        values: Dotted key -> value, as now configured.
        contents: Dotted key of a path -> sha256 of the files there now.
        corpus_sha256: Content hash of the corpus now.
        trains: Whether training is to be done; otherwise only the model's own settings count.

    Raises:
        UserError: Settings that would give another model.
    """
    made_from = recorded(workspace)
    if made_from is None or not (has_checkpoint(workspace) or workspace.files("float_model")):
        return []
    now = {"values": values, "contents": contents, "corpus_sha256": corpus_sha256}
    changed = dict(changes(made_from, now, trains=trains))
    free = {key: text for key, text in changed.items() if is_changeable(key)}
    fixed = [text for key, text in changed.items() if key not in free]
    if fixed:
        raise cannot_continue(workspace, fixed)
    if trains and has_checkpoint(workspace):
        check_steps(workspace, values)
    return list(free.values()) if trains else []


def addresses_of(folder: Path) -> list[str]:
    """Return the tracking stores that a run's folder names in what it kept of its command line and its values."""
    texts = read_kept(folder / FOLDER / "overrides.yaml", list)
    overrides, _ = parse([text for text in texts if isinstance(text, str) and "mlflow.uri=" in text])
    values = read_kept(folder / FOLDER / f"{OWN_VALUES}.yaml", dict).get("mlflow")
    named = [override.value() for override in overrides if override.key_or_group == "mlflow.uri"]
    named += [values.get("uri")] if isinstance(values, dict) else []
    return [address for address in named if isinstance(address, str)]


def read_kept(path: Path, kind: type) -> Any:
    """Return the content of a YAML file; an empty value of its kind where it cannot be read, or is of another one."""
    try:
        return read_yaml(path, kind, "")
    except UserError:
        return kind()


def has_checkpoint(workspace: Workspace) -> bool:
    """Return whether a training has left a state to go on from."""
    return workspace.path(LATEST_CHECKPOINT).is_dir()


def changes(before: dict[str, Any], now: dict[str, Any], *, trains: bool) -> Iterator[tuple[str, str]]:
    """Yield (key, what it was and is) of everything that differs and matters."""
    sections = SERVICES["training"].sections if trains else MODEL_SECTIONS
    for key in dict.fromkeys([*before["values"], *now["values"]]):
        old, new = before["values"].get(key), now["values"].get(key)
        if old != new and key.startswith(sections) and not key.startswith("dataset.") and matters(key):
            yield key, f"{key}: {old} -> {new}"
    for key in sorted(CONTENT_COUNTS):
        if key.startswith(sections) and before["contents"].get(key) != now["contents"].get(key):
            yield key, f"{key}: other content ({now['values'].get(key)})"
    if trains and before["corpus_sha256"] != now["corpus_sha256"]:
        yield TEXTS, f"{TEXTS}: {changed_texts(before['values'], now['values'])}"


def matters(key: str) -> bool:
    """Return whether the value of a key changes the model."""
    return key not in NO_MATTER and key not in CONTENT_COUNTS


def changed_texts(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Return the keys of the dataset that changed; none of them where files were edited."""
    keys = [key for key in now if key.startswith("dataset.") and before.get(key) != now[key]]
    return ", ".join(f"{key}: {before.get(key)} -> {now[key]}" for key in keys) or "their content has changed"


def is_changeable(key: str) -> bool:
    """Return whether a training may go on with another value of a key."""
    from textzoo.training.changeable import CHANGEABLE

    section, _, name = key.partition(".")
    return section == "training" and name in CHANGEABLE


def check_steps(workspace: Workspace, values: dict[str, Any]) -> None:
    """Raise UserError where fewer steps are asked for than are done."""
    from textzoo.training.checkpoints import read_step

    done, steps = read_step(workspace.path(LATEST_CHECKPOINT)), values.get("training.steps")
    if steps is not None and steps < done:
        raise UserError(
            f"general.resume: this run has done {done:,} steps already",
            expected=f"training.steps of at least {done:,}",
            received=f"{steps:,}",
            remedy="For a shorter training start a new run: the same command without general.resume.",
        )


def cannot_continue(workspace: Workspace, fixed: list[str]) -> UserError:
    """Return the mistake of settings that would give another model."""
    best = shown_setting("training.init_from", workspace.path("checkpoints", "best"))
    return UserError(
        f"general.resume: the model of this run was trained with other settings ({'; '.join(fixed)})",
        expected="the settings that it was trained with; training goes on with more training.steps, another learning "
        "rate or schedule, and later steps run anew with another recipe, board or prompt",
        remedy="Leave these out to continue; or train a model of its own: the same command without general.resume, "
        f"from the weights of this one with {best}, if they fit.",
    )
