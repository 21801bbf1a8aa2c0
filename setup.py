"""Packages the project's data folders as textzoo/resources; pyproject.toml has the rest of the build.

An editable installation reads them in place: see textzoo.common.paths.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

FOLDERS = ("conf", "deployment", "pretrained_models")
LICENSE = "LICENSE"  # which libraries that it makes have, too


def resources() -> list[str]:
    """Return all files of the folders and the licence, as paths relative to the project."""
    files = (path for folder in FOLDERS for path in Path(folder).rglob("*") if path.is_file())
    kept = (path for path in files if not any(part.startswith((".", "__pycache__")) for part in path.parts))
    return sorted([LICENSE, *map(str, kept)])


class BuildWithResources(build_py):
    """Copies the package and the resources (FOLDERS, LICENSE) next to its modules."""

    def target_of(self, source: str) -> Path:
        return Path(self.build_lib, "textzoo", "resources", source)

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for source in resources():
            target = self.target_of(source)
            self.mkpath(str(target.parent))
            self.copy_file(source, str(target), preserve_mode=False)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Return the installed files, including the resources."""
        copied = [] if self.editable_mode else [str(self.target_of(source)) for source in resources()]
        return [*super().get_outputs(include_bytecode), *copied]

    def get_source_files(self) -> list[str]:
        """Return the files of a source distribution, including the resources."""
        return [*super().get_source_files(), *resources()]


setup(cmdclass={"build_py": BuildWithResources})
