"""Names of libraries."""

import re

from textzoo.common.errors import UserError

# An identifier that can also name a file, CMake's targets and the packages of registries. Two words at least: a single
# one may be a function of the C library, or a keyword.
LIBRARY_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")
MAX_NAME_LENGTH = 40


def check_name(name: str) -> None:
    """Raise UserError if a library cannot be called so."""
    if not LIBRARY_NAME.fullmatch(name) or len(name) > MAX_NAME_LENGTH:
        raise UserError(
            "deployment.library_name cannot begin the names of files and functions",
            expected=f"two words or more like my_model, of a to z and digits, at most {MAX_NAME_LENGTH} characters",
            received=ascii(name),
        )
