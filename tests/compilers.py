"""Compilers and emulators for tests, by their names in toolchains.TOOLS: where one is missing, the test is skipped."""

import subprocess

import pytest

from textzoo.targets.toolchains import missing_tools, require_tool

# Versions of GCC of all cycles in tests.
EXACT = {"arm": "12.2", "riscv": "12.2"}


def need(*names: str) -> str:
    """Skip the test where a tool is not installed, naming its package; return the path of the first one."""
    for error in missing_tools(names):
        pytest.skip(str(error))
    return str(require_tool(names[0]))


def need_exact(compiler: str) -> None:
    """Skip the test where another compiler makes other code than the one whose cycles are written down.

    Args:
        compiler: Key of toolchains.TOOLS, with its version in EXACT.
    """
    command = [need(compiler), "-dumpversion"]
    version = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    if not version.startswith(EXACT[compiler]):
        pytest.skip(f"the figures are those of GCC {EXACT[compiler]} for {compiler}, this is {version}")


def need_exact_arm() -> None:
    """Skip the test where another compiler for Cortex-M makes other code than the one whose cycles are written down."""
    need_exact("arm")


def need_sanitizers(name: str) -> str:
    """Skip the test where a compiler, or its sanitizers (clang: Debian's libclang-rt-dev), are not installed."""
    compiler = need(name)
    command = [compiler, "-fsanitize=address,undefined", "-x", "c", "-", "-o", "/dev/null"]
    program = b"int main(void) { return 0; }"
    if subprocess.run(command, input=program, capture_output=True, check=False).returncode:
        pytest.skip(f"{name} with its sanitizers: not installed")
    return compiler
