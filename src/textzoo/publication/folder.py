"""The folder publish/ of a run: the files of a model under the names that users of the hub expect."""

import contextlib
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from textzoo import __version__
from textzoo.common.bounded_yaml import fault_of, read_bounded
from textzoo.common.errors import UserError
from textzoo.common.files import file_digest, write_text
from textzoo.config import pretrained
from textzoo.config.publishing import published_setting
from textzoo.config.schema import walk
from textzoo.publication.files import NAMED, PRETRAINED, RUN, ModelFiles, shown_recipe
from textzoo.publication.model_card import PublishedFile
from textzoo.records.workspace import Workspace

CARD = "README.md"
APP = Path(__file__).with_name("space_app.py")
SECTIONS = ("dataset", "tokenizer", "model", "training", "quantization")
REQUIREMENTS = f"""# Of app.py. TextZoo {__version__} is installed from its checkout or wheel where no index has it.
textzoo=={__version__}
gradio>=6,<7
"""
# The same files give the same archive.
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
FIXED = {
    "config.yaml": "the configuration that trained and quantized it",
    "card.json": "figures as they were measured for the pretrained model",
    "report.json": "the run's report, as data",
    "report.html": "the run's report, as a page",
    "app.py": "a page on which it continues a text (Gradio, a Space)",
    "requirements.txt": "the packages that app.py needs",
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


def write_files(folder: Path, files: ModelFiles, sections: dict[str, Any], workspace: Workspace) -> dict[str, str]:
    """Write all files but the card and the C project; return name -> what it is.

    Args:
        folder: Empty.
        files: The model's files.
        sections: Section of SECTIONS -> key -> value, as configured.
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
        told[path.name] = (
            f"the decode step, quantized by {shown_recipe(recipe)}: token and state in, logits and state out"
        )
        shutil.copyfile(path, folder / path.name)
    told["tokenizer.json"] = "the tokenizer"
    shutil.copyfile(files.tokenizer, folder / "tokenizer.json")
    write_configuration(folder / "config.yaml", files, sections, workspace)
    copy_records(folder, files, workspace)
    shutil.copyfile(APP, folder / "app.py")
    write_text(folder / "requirements.txt", REQUIREMENTS)
    return told | {name: what for name, what in FIXED.items() if (folder / name).is_file()}


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


def copy_records(folder: Path, files: ModelFiles, workspace: Workspace) -> None:
    """Copy the reports of the run that made a model, or the card of a pretrained one."""
    records = {
        RUN: [workspace.path("report.json"), workspace.path("report.html")],
        PRETRAINED: [pretrained.FOLDER / files.pretrained_name / pretrained.CARD],
    }
    for path in records.get(files.origin, []):
        if path.is_file():
            shutil.copyfile(path, folder / path.name)


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
