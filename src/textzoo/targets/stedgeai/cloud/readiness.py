"""Whether the cloud can be used, as far as that is known without asking it: before a model is trained for hours."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from textzoo.common.errors import UserError, collecting
from textzoo.targets.stedgeai.cloud.addresses import addresses
from textzoo.targets.stedgeai.cloud.credentials import from_environment, no_terminal
from textzoo.targets.stedgeai.cloud.tokens import load_tokens, token_path


def obstacles(environment: Mapping[str, str] = os.environ, path: Path | None = None) -> list[UserError]:
    """Return what stands in the way of a login: wrong addresses, a damaged file of tokens, nobody to log in.

    Args:
        environment: Where addresses, user and password may be.
        path: File of the tokens; None for the user's own.
    """
    errors: list[UserError] = []
    with collecting(errors):
        server = addresses(environment).base
        known = load_tokens(path or token_path(), server)
        is_known = known is not None and (known.refresh or known.is_fresh(time.time()))
        is_asked = bool(sys.stdin) and sys.stdin.isatty()
        if from_environment(environment) is None and not is_known and not is_asked:
            raise no_terminal()
    return errors
