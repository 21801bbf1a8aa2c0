"""Puts the project's folders of data into a wheel, as textzoo/resources; all else of the build is in pyproject.toml.

An editable installation reads them where they are: see textzoo.common.paths.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

FOLDERS = ("conf", "deployment", "pretrained_models")


def resources() -> list[str]:
    """All files of the folders, by their paths in the project."""
    files = (path for folder in FOLDERS for path in Path(folder).rglob("*") if path.is_file())
    return sorted(str(path) for path in files if not any(part.startswith((".", "__pycache__")) for part in path.parts))


class BuildWithResources(build_py):
    """Copies the package, and beside its modules the resources."""

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
        """What is installed: the resources, too."""
        copied = [] if self.editable_mode else [str(self.target_of(source)) for source in resources()]
        return [*super().get_outputs(include_bytecode), *copied]

    def get_source_files(self) -> list[str]:
        """What a source distribution holds: the resources, too."""
        return [*super().get_source_files(), *resources()]


setup(cmdclass={"build_py": BuildWithResources})
