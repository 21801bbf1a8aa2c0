"""Versions of ST Edge AI Core in the cloud."""

from dataclasses import dataclass, field
from typing import Any

from textzoo.common.registry import did_you_mean
from textzoo.targets.stedgeai.cloud.errors import NotUnderstoodError, UnknownVersionError, message_of, shown
from textzoo.targets.stedgeai.cloud.files import NAME
from textzoo.targets.stedgeai.cloud.session import Session

WHAT = "listing the versions of the Developer Cloud"
LATEST = "latest"
MAX_VERSIONS = 1000
# ST Edge AI Core began at 1.0; before, the tool was STM32Cube.AI, whose last versions were 5 to 10 and which the cloud
# lists, too.
CUBE_AI = (5, 0)
# Since this version the tool has no target for MPUs.
WITHOUT_MPU = (3, 0)
MPU_REASON = "ST Edge AI Core has no target for MPUs since 3.0"


@dataclass(frozen=True)
class Version:
    """A version of ST Edge AI Core.

    Attributes:
        version: As it stands in addresses, e.g. 4.0.1.
        label: For people.
        is_latest: Whether it is ST's choice.
        neural_art: Whether it compiles for the Neural-ART accelerator.
        platforms: Family of targets -> version of its part.
    """

    version: str
    label: str = ""
    is_latest: bool = False
    neural_art: bool = False
    platforms: dict[str, str] = field(default_factory=dict)

    @property
    def numbers(self) -> tuple[int, ...]:
        """Return the version's numbers, for comparisons."""
        parts = [*self.version.partition("-")[0].split("."), "0", "0"][:3]
        return tuple(int(part) if part.isdigit() and len(part) < 9 else 0 for part in parts)


def versions(session: Session) -> list[Version]:
    """Return the cloud's versions, in its order; no login is needed.

    Raises:
        CloudError: The list cannot be had: without it, nobody would know which version has run.
    """
    values = session.public(session.addresses.versions, WHAT)
    if not isinstance(values, list) or not 0 < len(values) <= MAX_VERSIONS:
        raise NotUnderstoodError(f"{WHAT}: this is no list of versions", received=message_of(values))
    found = [version_of(item) for item in values if isinstance(item, dict)]
    known = [item for item in found if NAME.fullmatch(item.version)]
    if not known:
        raise NotUnderstoodError(f"{WHAT}: none of the entries has a version")
    return known


def version_of(item: dict[str, Any]) -> Version:
    platforms = item.get("platform")
    return Version(
        version=str(item.get("version", "")),
        label=shown(str(item.get("label", ""))),
        is_latest=item.get("isLatest") is True,
        neural_art=item.get("supportsNeuralArt") is True,
        platforms={str(key): str(value) for key, value in platforms.items()} if isinstance(platforms, dict) else {},
    )


def chosen_version(known: list[Version], wanted: str, *, mpu: bool = False) -> Version:
    """Return the version that a user wants.

    Args:
        known: Of the cloud.
        wanted: Its name, or "latest": the one that ST marks so; for MPUs the highest that serves them.
        mpu: Whether the board is an MPU.

    Raises:
        UnknownVersionError: The cloud does not have it, or it does not serve MPUs.
    """
    serving = [item for item in known if not mpu or item.numbers < WITHOUT_MPU]
    if wanted == LATEST:
        if not serving:
            raise UnknownVersionError(f"no version of the cloud serves the board: {MPU_REASON}", received=names(known))
        marked = [item for item in serving if item.is_latest]
        return marked[0] if marked else max(serving, key=lambda item: (item.numbers < CUBE_AI, item.numbers))
    found = next((item for item in known if item.version == wanted), None)
    if found is None:
        expected = f"{LATEST} or one of {names(known)}"
        what = f"the Developer Cloud has no version {shown(wanted)} of ST Edge AI Core"
        remedy = did_you_mean(wanted, [item.version for item in known])
        raise UnknownVersionError(what, expected=expected, remedy=remedy)
    if found not in serving:
        what = f"version {wanted} of ST Edge AI Core does not serve the board: {MPU_REASON}"
        raise UnknownVersionError(what, expected=names(serving) or "no version of the cloud")
    return found


def names(found: list[Version]) -> str:
    return ", ".join(shown(item.version) for item in found)
