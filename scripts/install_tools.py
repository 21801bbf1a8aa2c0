"""Installs compilers and emulators that are missing, from Debian's packages, where that is allowed.

Run: python scripts/install_tools.py GROUP [--list]; `make tools-GROUP` does it. Groups are those of
`textzoo.targets.toolchains`, all of them together (all), and with them what the tests need (test); --list only prints
programs and packages. Allowed is who is root or has sudo without a password. Elsewhere the packages are named, and
nothing fails: what needs them says so itself.
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
    """Packages to install: all where the program is missing, else those libraries that came without it.

    A program that no package of Debian's brought has its libraries from elsewhere too.
    """
    program, *libraries = tool.packages.split()
    if is_installed(program):
        return [name for name in libraries if not is_installed(name)]
    return [] if any(map(shutil.which, tool.programs)) else [program, *libraries]


def is_installed(package: str) -> bool:
    """Whether dpkg knows the package as installed; False where there is no dpkg."""
    if shutil.which("dpkg-query") is None:
        return False
    command = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout == "installed"


def way_to_root() -> list[str] | None:
    """What stands before a command that only root may run; None where that is not allowed."""
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "-n"]
    if shutil.which("sudo") and subprocess.run([*sudo, "true"], capture_output=True, check=False).returncode == 0:
        return sudo
    return None


def install(packages: list[str]) -> int:
    """Install them, or say how; return the exit code."""
    root = way_to_root()
    if shutil.which("apt-get") is None or root is None:
        print(f"Not installed, and not allowed to install here: {' '.join(packages)}", file=sys.stderr)
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
    parser.add_argument("--list", action="store_true", help="print programs and packages, install nothing")
    options = parser.parse_args()
    tools = [TOOLS[name] for name in NAMES[options.group]]
    if options.list:
        print("\n".join(f"{'|'.join(tool.programs)}: {tool.packages}" for tool in tools))
        return 0
    missing = list(dict.fromkeys(name for tool in tools for name in missing_packages(tool)))
    return install(missing) if missing else 0


if __name__ == "__main__":
    sys.exit(main())
