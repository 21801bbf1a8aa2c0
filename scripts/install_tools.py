"""Install missing compilers and emulators from Debian's packages.

Run: python scripts/install_tools.py GROUP [--list], as `make tools-GROUP` does. Groups are those of
`textzoo.targets.toolchains`, all of them (all), and all of them with the tools of the tests (test); --list only prints
programs and packages. Installing needs root, or sudo without a password. Otherwise the packages are only printed, with
exit code 0: programs that need a missing tool report it themselves.
"""

import argparse
import os
import shutil
import subprocess
import sys

from textzoo.targets.toolchains import GROUPS, PLATFORM_TOOLS, TEST_TOOLS, TOOLS, Tool

ALL, TEST = "all", "test"
NAMES = {**GROUPS, ALL: PLATFORM_TOOLS, TEST: (*PLATFORM_TOOLS, *TEST_TOOLS)}


def missing_packages(tool: Tool) -> list[str]:
    """Return the packages to install: all if the program is missing, else the missing libraries.

    A program that was not installed by Debian's package is assumed to have its libraries.
    """
    program, *libraries = tool.packages.split()
    if is_installed(program):
        return [name for name in libraries if not is_installed(name)]
    return [] if any(map(shutil.which, tool.programs)) else [program, *libraries]


def is_installed(package: str) -> bool:
    """Return whether the package is installed according to dpkg; False if there is no dpkg."""
    if shutil.which("dpkg-query") is None:
        return False
    command = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout == "installed"


def way_to_root() -> list[str] | None:
    """Return the prefix of commands that need root, e.g. sudo; None if the user cannot become root."""
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "-n"]
    if shutil.which("sudo") and subprocess.run([*sudo, "true"], capture_output=True, check=False).returncode == 0:
        return sudo
    return None


def install(packages: list[str]) -> int:
    """Install packages, or print how to; return the exit code."""
    root = way_to_root()
    if shutil.which("apt-get") is None or root is None:
        print(f"Not installed, and no permission to install: {' '.join(packages)}", file=sys.stderr)
        print(f"Debian and Ubuntu: sudo apt-get install {' '.join(packages)}", file=sys.stderr)
        print("macOS: brew install qemu cmake, and the toolchains of Arm or Espressif", file=sys.stderr)
        return 0
    print(f"Installing {' '.join(packages)}", flush=True)
    quietly = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y"]
    for command in (["update"], ["install", "--no-install-recommends", *packages]):
        code = subprocess.run([*root, *quietly, *command], stdout=subprocess.DEVNULL, check=False).returncode
        if code:
            return code
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("group", choices=NAMES)
    parser.add_argument("--list", action="store_true", help="only print programs and packages")
    options = parser.parse_args()
    tools = [TOOLS[name] for name in NAMES[options.group]]
    if options.list:
        print("\n".join(f"{'|'.join(tool.programs)}: {tool.packages}" for tool in tools))
        return 0
    missing = list(dict.fromkeys(name for tool in tools for name in missing_packages(tool)))
    return install(missing) if missing else 0


if __name__ == "__main__":
    sys.exit(main())
