"""Run `uv pip` with pip's settings: uv reads neither pip.conf nor variables such as PIP_INDEX_URL.

Run: python scripts/uv_pip.py UV ARGUMENT..., e.g. `python scripts/uv_pip.py .uv/bin/uv install six`. The user's
settings of uv itself (UV_DEFAULT_INDEX, ...) take precedence. Imports only the standard library.
"""

import ast
import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

# pip's option -> the corresponding variables of uv, and the separator of several values.
VARIABLES = {
    "index-url": (("UV_DEFAULT_INDEX",), " "),
    "extra-index-url": (("UV_INDEX",), " "),
    "find-links": (("UV_FIND_LINKS",), ","),
    "trusted-host": (("UV_INSECURE_HOST",), " "),
    "default-timeout": (("UV_HTTP_TIMEOUT",), " "),
    "timeout": (("UV_HTTP_TIMEOUT",), " "),
    "cert": (("SSL_CERT_FILE",), " "),
    "client-cert": (("SSL_CLIENT_CERT",), " "),
    "proxy": (("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"), " "),
}
# pip compares all indexes; by default uv uses the first that has a package. Hashes are checked in any case.
AS_PIP = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
# Levels of pip's settings by increasing precedence: all commands, `pip install`, environment variables.
LEVELS = ("global", "install", ":env:")
ENVIRONMENT_PREFIX = "PIP_"
TRUE = ("1", "true", "yes", "on")


def settings_of_pip(uv: str) -> dict[str, str]:
    """Return pip's options from its files and the environment; from the environment only if there is no pip.

    If the interpreter has no pip, uv was fetched into a venv that has it.
    """
    for python in (sys.executable, str(Path(uv).with_name("python"))):
        command = [python, "-m", "pip", "config", "list"]
        with contextlib.suppress(OSError):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return from_environment(os.environ) | parsed(done.stdout)
    return from_environment(os.environ)


def from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the options of variables such as PIP_INDEX_URL."""
    return {
        name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("_", "-"): value
        for name, value in environment.items()
        if name.startswith(ENVIRONMENT_PREFIX)
    }


def parsed(listed: str) -> dict[str, str]:
    """Return the options of lines such as global.index-url='https://...', as `pip config list` prints them."""
    rows = [line.partition("=") for line in listed.splitlines()]
    levels: dict[str, dict[str, str]] = {level: {} for level in LEVELS}
    for name, _, value in rows:
        level, _, option = name.partition(".")
        if level in levels:
            levels[level][option] = ast.literal_eval(value)
    return levels["global"] | levels["install"] | levels[":env:"]


def for_uv(settings: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the variables and additional arguments of uv that correspond to pip's options."""
    variables = dict(AS_PIP)
    for option, (names, separator) in VARIABLES.items():
        if values := settings.get(option, "").split():
            variables.update(dict.fromkeys(names, separator.join(values)))
    offline = settings.get("no-index", "").lower() in TRUE
    return variables, ["--no-index"] if offline else []


def main() -> None:
    """Replace this process by uv."""
    uv, *arguments = sys.argv[1:]
    variables, further = for_uv(settings_of_pip(uv))
    os.execvpe(uv, [uv, "pip", *arguments, *further], {**variables, **os.environ})


if __name__ == "__main__":
    main()
