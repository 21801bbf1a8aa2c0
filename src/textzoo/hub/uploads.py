"""A folder on the hub: everything in one commit, or nothing."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textzoo.common import signals
from textzoo.common.errors import UserError
from textzoo.common.progress import progress_bar
from textzoo.hub.client import endpoint, hub_errors, library, open_hub

# What the hub itself puts into a new repository.
OF_THE_HUB = {".gitattributes"}


@dataclass(frozen=True)
class Target:
    """A repository, before anything is uploaded.

    Attributes:
        repository: owner/name.
        head: Its last commit.
        is_new: Whether it was made just now, for this.
    """

    repository: str
    head: str
    is_new: bool


@dataclass(frozen=True)
class Published:
    """What an upload has come to: the commit, and the repository's page."""

    commit: str
    address: str


def upload(folder: Path, repository: str, *, private: bool, message: str) -> Published:
    """Upload all files of a folder as one commit on top of the repository's last one.

    Files of the repository that the folder does not have stay as they are. A repository that was made for this is
    removed again if the upload fails.

    Args:
        folder: The files, at any depth.
        repository: owner/name.
        private: Whether a new repository is private; a public one is then refused.
        message: Of the commit.

    Raises:
        UserError: No token, or the hub refuses or fails; nothing of the folder is in the repository then.
    """
    hub, what = open_hub(), f"publishing to {repository} failed"
    with hub_errors(what, "Nothing was published."):
        hub.whoami()
    target = opened(hub, repository, private, what)
    with removed_if_it_fails(hub, target):
        commit = commit_of(hub, target, folder, message, what)
    return Published(commit, f"{endpoint()}/{repository}")


def opened(hub: Any, repository: str, private: bool, what: str) -> Target:
    """Return a repository with its last commit; it is made if it is not there."""
    not_found = library().errors.RepositoryNotFoundError
    with hub_errors(what, "Nothing was published."):
        try:
            info, is_new = hub.model_info(repository), False
        except not_found as error:
            if error.response.status_code == 403:  # gated: it is there
                raise
            is_new = made(hub, repository, private)
            info = hub.model_info(repository)
    if private and not info.private:
        raise UserError(
            f"{repository} can be read by everybody, and publish.private=true",
            remedy="publish.private=false publishes to it; or choose another repository. Nothing was published.",
        )
    if not info.sha:
        raise UserError(f"{what}: the hub does not say the last commit of {repository}")
    return Target(repository, info.sha, is_new)


def made(hub: Any, repository: str, private: bool) -> bool:
    """Make a repository; return whether it is new: somebody may have made it meanwhile."""
    try:
        hub.create_repo(repository, private=private)
    except library().errors.HfHubHTTPError as error:
        if error.response.status_code != 409:
            raise
        return False
    return True


def commit_of(hub: Any, target: Target, folder: Path, message: str, what: str) -> str:
    """Upload the large files one by one, then commit everything; return the commit."""
    add = library().CommitOperationAdd
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    sizes = [path.stat().st_size for path in paths]
    operations = [add(path.relative_to(folder).as_posix(), path) for path in paths]
    with (
        hub_errors(what, "Nothing was published."),
        progress_bar(f"uploading to {target.repository}", sum(sizes), unit="bytes") as advance,
    ):
        for operation, size in zip(operations, sizes, strict=True):
            hub.preupload_lfs_files(target.repository, [operation], free_memory=False)
            advance(size, note=operation.path_in_repo)
    try:
        with hub_errors(what):
            done = hub.create_commit(target.repository, operations, commit_message=message, parent_commit=target.head)
    except UserError as error:
        raise with_remedy(error, whether_it_came(hub, target)) from error
    return done.oid


def whether_it_came(hub: Any, target: Target) -> str:
    """Say whether a commit whose answer was an error, or was lost, is in the repository nevertheless."""
    page = f"{endpoint()}/{target.repository}"
    try:
        with hub_errors("asking for the last commit failed"):
            head = hub.model_info(target.repository).sha
    except UserError:
        return f"Whether anything was published is not known: look at {page}."
    if head == target.head:
        return "Nothing was published."
    return f"{page} has a new commit, {head}: look whether it is this one, or somebody else's."


def with_remedy(error: UserError, remedy: str) -> UserError:
    """Return an error with one more sentence about what to do."""
    text = f"{error.remedy} {remedy}".strip()
    return UserError(error.what, expected=error.expected, received=error.received, remedy=text)


@contextlib.contextmanager
def removed_if_it_fails(hub: Any, target: Target) -> Iterator[None]:
    """Remove a repository that was made just now if the block fails and nobody has put anything into it."""
    try:
        yield
    except BaseException as error:
        if not target.is_new:
            raise
        if isinstance(error, KeyboardInterrupt):
            signals.heard()  # what was begun is cleaned up undisturbed
        told = "" if removed(hub, target) else f"The new repository {target.repository} is left: remove it on its page."
        if told and isinstance(error, UserError):
            raise with_remedy(error, told) from error
        raise


def removed(hub: Any, target: Target) -> bool:
    """Remove a repository whose last commit is the one that it began with; return whether it is gone."""
    try:
        with hub_errors("removing it failed"):
            if hub.model_info(target.repository).sha != target.head:
                return False
            if {*hub.list_repo_files(target.repository)} - OF_THE_HUB:
                return False
            hub.delete_repo(target.repository)
    except UserError:
        return False
    return True
