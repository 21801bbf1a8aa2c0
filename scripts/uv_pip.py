"""Runs `uv pip` with the settings that pip has: uv reads neither pip.conf nor PIP_INDEX_URL and the like.

Run: python scripts/uv_pip.py UV ARGUMENT..., e.g. `python scripts/uv_pip.py .uv/bin/uv install six`. What the user has
set for uv itself (UV_DEFAULT_INDEX, ...) stays. Needs no package but pip, and of pip only its settings.
"""

import ast
import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

# pip's option -> the variables that tell uv the same, and what stands between several values there.
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
# pip compares what all indexes have; uv by itself stays with the first that knows a package. Hashes are checked anyway.
AS_PIP = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
# Later ones win: all commands, `pip install`, variables of the environment.
LEVELS = ("global", "install", ":env:")
ENVIRONMENT_PREFIX = "PIP_"
TRUE = ("1", "true", "yes", "on")


def settings_of_pip(uv: str) -> dict[str, str]:
    """pip's options, from its files and from the environment; of the environment alone where there is no pip.

    An interpreter may come without pip; the venv that uv was fetched into has it then.
    """
    for python in (sys.executable, str(Path(uv).with_name("python"))):
        command = [python, "-m", "pip", "config", "list"]
        with contextlib.suppress(OSError):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return from_environment(os.environ) | parsed(done.stdout)
    return from_environment(os.environ)


def from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """PIP_INDEX_URL and its like by the names of their options."""
    return {
        name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("_", "-"): value
        for name, value in environment.items()
        if name.startswith(ENVIRONMENT_PREFIX)
    }


def parsed(listed: str) -> dict[str, str]:
    """Options from lines such as global.index-url='https://...', as `pip config list` prints them."""
    rows = [line.partition("=") for line in listed.splitlines()]
    levels: dict[str, dict[str, str]] = {level: {} for level in LEVELS}
    for name, _, value in rows:
        level, _, option = name.partition(".")
        if level in levels:
            levels[level][option] = ast.literal_eval(value)
    return levels["global"] | levels["install"] | levels[":env:"]


def for_uv(settings: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The variables and the further arguments that tell uv the same as pip's options."""
    variables = dict(AS_PIP)
    for option, (names, separator) in VARIABLES.items():
        if values := settings.get(option, "").split():
            variables.update(dict.fromkeys(names, separator.join(values)))
    offline = settings.get("no-index", "").lower() in TRUE
    return variables, ["--no-index"] if offline else []


def main() -> None:
    """Become uv."""
    uv, *arguments = sys.argv[1:]
    variables, further = for_uv(settings_of_pip(uv))
    os.execvpe(uv, [uv, "pip", *arguments, *further], {**variables, **os.environ})


if __name__ == "__main__":
    main()
