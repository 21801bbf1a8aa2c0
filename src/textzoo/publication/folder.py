"""The folder publish/ of a run: the files of a model under the names that users of the hub expect."""

import contextlib
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import yaml

import textzoo
from textzoo.common.bounded_yaml import fault_of, read_bounded
from textzoo.common.errors import UserError
from textzoo.common.files import file_digest, write_json, write_text
from textzoo.common.paths import PROJECT
from textzoo.config import pretrained
from textzoo.config.publishing import published_setting
from textzoo.config.schema import walk
from textzoo.publication.files import NAMED, PRETRAINED, ModelFiles, is_low_bit, shown_recipe
from textzoo.publication.model_card import PublishedFile
from textzoo.records.report import SCHEMA_VERSION, Report, RunSummary
from textzoo.records.workspace import Workspace
from textzoo.text.commands.schema import FILE as GRAMMAR_FILE

CARD, LICENSE = "README.md", "LICENSE-textzoo.txt"
APP = Path(__file__).with_name("space_app.py")
SECTIONS = ("dataset", "tokenizer", "model", "training", "quantization")
REQUIREMENTS = f"""# Of app.py. Where no index has this TextZoo, install it from its checkout or wheel.
textzoo=={textzoo.__version__}
gradio>=6.31,<7
"""
# The same files give the same archive.
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
# Of pretrained models' low-bit recipes (scripts/make_pretrained.py).
OWN_TRAINING = ", from a training of its own with such weights (training.qat), not from float.keras"
FIXED = {
    "config.yaml": "the configuration that trained and quantized it",
    "card.json": "figures as they were measured for the pretrained model",
    "report.json": "what the run has measured of these files, as data",
    "report.html": "the same as a page",
    "app.py": "a page to talk with it (Gradio, a Space)",
    "requirements.txt": "the packages that app.py needs",
    LICENSE: "the licence of app.py and of the C project",
}


@contextlib.contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside `folder`, which it replaces after the block; after an error it is removed."""
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        new = Path(temporary) / folder.name
        new.mkdir()
        yield new
        if folder.exists():
            folder.rename(Path(temporary) / "earlier")
        new.rename(folder)


def write_files(
    folder: Path, files: ModelFiles, sections: dict[str, Any], earlier: Report, workspace: Workspace
) -> dict[str, str]:
    """Write all files but the card and the C project; return name -> what it is.

    Args:
        folder: Empty.
        files: The model's files.
        sections: Section of SECTIONS -> key -> value, as configured.
        earlier: What the run has found about these files.
        workspace: The run's folder.

    Raises:
        UserError: A configuration beside the model that cannot be read.
    """
    told: dict[str, str] = {}
    if files.float_model:
        name = f"float{files.float_model.suffix}"
        told[name] = "the float model (Keras), read by TextZoo"
        shutil.copyfile(files.float_model, folder / name)
    for recipe, path in files.decode_steps.items():
        trained = OWN_TRAINING if files.origin == PRETRAINED and is_low_bit(recipe) else ""
        told[path.name] = f"the decode step, quantized by {shown_recipe(recipe)}{trained}"
        shutil.copyfile(path, folder / path.name)
    told["tokenizer.json"] = "the tokenizer"
    shutil.copyfile(files.tokenizer, folder / "tokenizer.json")
    if (template := files.tokenizer.with_name(pretrained.CHAT_TEMPLATE)).is_file():
        told[template.name] = "how turns of a conversation become text"
        shutil.copyfile(template, folder / template.name)
    if (grammar := files.tokenizer.with_name(GRAMMAR_FILE)).is_file():
        told[grammar.name] = "the JSON Schema of all answers"
        shutil.copyfile(grammar, folder / grammar.name)
    write_configuration(folder / "config.yaml", files, sections, workspace)
    if files.origin == PRETRAINED:
        shutil.copyfile(pretrained.FOLDER / files.pretrained_name / pretrained.CARD, folder / pretrained.CARD)
    if earlier != Report():
        write_run_report(folder, earlier, workspace)
    shutil.copyfile(APP, folder / "app.py")
    write_text(folder / "requirements.txt", REQUIREMENTS)
    if text := license_of_textzoo():
        write_text(folder / LICENSE, text)
    return told | {name: what for name, what in FIXED.items() if (folder / name).is_file()}


def license_of_textzoo() -> str:
    """Return the text of TextZoo's own licence, from its checkout or its installed package; "" without either."""
    with contextlib.suppress(OSError):
        return (PROJECT / "LICENSE").read_text(encoding="utf-8")
    with contextlib.suppress(PackageNotFoundError):
        return distribution("textzoo").read_text("licenses/LICENSE") or ""
    return ""


def write_configuration(path: Path, files: ModelFiles, sections: dict[str, Any], workspace: Workspace) -> None:
    """Write the configuration that made a model; of files from elsewhere the one beside them, if there is one."""
    if files.origin != NAMED:
        shown = configuration(sections, workspace)
        write_text(path, yaml.safe_dump(shown, sort_keys=False, allow_unicode=True))
        return
    beside = files.chosen.with_name(pretrained.CONFIGURATION)
    if beside.is_file():
        try:
            read_bounded(beside)
        except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
            raise UserError(f"{beside} cannot be read", received=fault_of(error), remedy="Move it away.") from error
        shutil.copyfile(beside, path)


def configuration(sections: dict[str, Any], workspace: Workspace) -> dict[str, Any]:
    """Return the sections that determine a model, without the paths of this machine."""
    paths = {name for name, entry in walk() if entry.metadata.get("path")}
    return {
        section: {
            key: None if f"{section}.{key}" in paths else published_setting(f"{section}.{key}", value, workspace.root)
            for key, value in sections[section].items()
        }
        for section in SECTIONS
    }


def write_run_report(folder: Path, report: Report, workspace: Workspace) -> None:
    """Write the report of all that a run has found about its files: report.json of the run itself has the last steps.

    The images are those of the run's folder.
    """
    from textzoo.records.report.html import page  # imports Jinja2

    summary = RunSummary("publish", "FINISHED", workspace.root.name, "")
    write_json(folder / "report.json", {"schema_version": SCHEMA_VERSION, **vars(summary), **report.to_dict()})
    write_text(folder / "report.html", page(summary, report, workspace.path("plots")))


def zip_project(project: Path, archive: Path) -> None:
    """Write a C project as a ZIP archive with one folder in it, the same bytes for the same files."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(path for path in project.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(f"{archive.stem}/{path.relative_to(project).as_posix()}", ZIP_TIME)
            entry.external_attr = (0o100755 if path.stat().st_mode & 0o100 else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(entry, path.read_bytes())


def published_files(folder: Path, told: dict[str, str]) -> list[PublishedFile]:
    """Return the files of the folder, in the order of `told`: name -> what it is."""
    sizes = {name: (folder / name).stat().st_size for name in told}
    return [PublishedFile(name, what, sizes[name], file_digest(folder / name)) for name, what in told.items()]
