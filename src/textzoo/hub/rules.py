"""Rules for what is published, and where."""

import re
from collections.abc import Set

from textzoo.common.errors import UserError, collecting
from textzoo.common.settings import Rule
from textzoo.hub.client import LICENSES, library, token
from textzoo.hub.references import REPOSITORY
from textzoo.hub.settings import PublishConfig

# The hub knows which names there are; this is their form.
LICENSE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}")
NO_TOKEN = UserError(
    "publish.dry_run=false uploads, and there is no token of the hub",
    remedy="Log in with 'hf auth login', or set HF_TOKEN to a token with the right to write.",
)


def check_publish(publish: PublishConfig, services: Set[str]) -> list[UserError]:
    """Check that an upload has a repository and a token, and that the library is there."""
    errors: list[UserError] = []
    if publish.repository and not REPOSITORY.fullmatch(publish.repository):
        errors.append(
            UserError("publish.repository is no repository", expected="owner/name", received=f"'{publish.repository}'")
        )
    if publish.license is not None and not LICENSE.fullmatch(publish.license):
        remedy = f"{LICENSES} lists the names; 'other' is among them."
        received = f"'{publish.license}'"
        errors.append(UserError("publish.license is no licence of the hub", received=received, remedy=remedy))
    if "publish" not in services:
        return errors
    if not publish.dry_run and not publish.repository:
        errors.append(UserError("publish.dry_run=false needs a repository", expected="publish.repository=owner/name"))
    with collecting(errors):
        library()
        if not publish.dry_run and not token():
            raise NO_TOKEN
    return errors


RULES: tuple[Rule, ...] = (check_publish,)
