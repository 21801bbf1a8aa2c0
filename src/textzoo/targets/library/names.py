"""Names of libraries."""

import re

from textzoo.common.errors import UserError

# An identifier that can also name a file, CMake's targets and the packages of registries. Two words at least: a single
# one may be a function of the C library, or a keyword.
LIBRARY_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")
MAX_NAME_LENGTH = 40
# Without characters that end a string or a line of the manifests.
URL = re.compile(r"https?://[A-Za-z0-9._~/?#=%&+:-]+")
MAX_URL_LENGTH = 200


def check_url(url: str) -> None:
    """Raise UserError if the manifests of a library cannot name this page."""
    if url and (not URL.fullmatch(url) or len(url) > MAX_URL_LENGTH):
        raise UserError(
            "deployment.library_url is no address of a web page",
            expected=f"https://... of letters, digits and - . _ ~ / ? # = % & + :, at most {MAX_URL_LENGTH} characters",
            received=ascii(url)[:100],
        )


def check_name(name: str) -> None:
    """Raise UserError if a library cannot be called so."""
    if not LIBRARY_NAME.fullmatch(name) or len(name) > MAX_NAME_LENGTH:
        raise UserError(
            "deployment.library_name cannot begin the names of files and functions",
            expected=f"two words or more like my_model, of a to z and digits, at most {MAX_NAME_LENGTH} characters",
            received=ascii(name),
        )
