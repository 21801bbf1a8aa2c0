"""The ecosystems' own tools pack a library, by hand, because they take 77 MB in an environment of their own:

    pip install idf-component-manager platformio
    python tests/application/pack_libraries.py experiments_outputs/<run>/c_project/textzoo_model

Prints what each of them has packed as JSON; fails if one is not installed, or packs something else.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

# Program -> its command that packs the library NAME in the current folder to ../packed.
PACKERS = {
    "compote": ["component", "pack", "--name", "NAME", "--version", "1.0.0", "--dest-dir", "../packed"],
    "pio": ["pkg", "pack", "-o", "../packed/"],
}


def packed_by(program: str, folder: Path) -> list[str]:
    """Return the names of the files in the archive that a program makes of a library."""
    with tempfile.TemporaryDirectory() as temporary:
        library = Path(shutil.copytree(folder, Path(temporary) / folder.name))
        (library.parent / "packed").mkdir()
        # PlatformIO looks licences up in a list of the web, and only if there is one to look up.
        facts = json.loads((library / "library.json").read_text())
        del facts["license"]
        (library / "library.json").write_text(json.dumps(facts))
        arguments = [folder.name if argument == "NAME" else argument for argument in PACKERS[program]]
        subprocess.run([program, *arguments], cwd=library, check=True, stdout=sys.stderr)
        (archive,) = (library.parent / "packed").glob("*.t*gz")
        with tarfile.open(archive) as content:
            return sorted(name.removeprefix("./") for name in content.getnames())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", type=Path, help="folder that deployment.target=library has written")
    folder = parser.parse_args().library.resolve()
    packed = {program: packed_by(program, folder) for program in PACKERS}
    print(json.dumps(packed, indent=2))
    needed = {f"src/{folder.name}.c", f"src/{folder.name}.h"}
    return 0 if all(needed <= set(names) for names in packed.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
