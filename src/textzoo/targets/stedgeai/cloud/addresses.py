"""Addresses of the Developer Cloud's services, and the environment variables that replace them.

The variables are those of ST's own client, so that a proxy or a test server set up for it serves here, too.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from textzoo.common.errors import UserError, raise_all

BASE, SSO, CLIENT = "https://stedgeai-dc.st.com/", "https://sso.st.com", "oidc_prod_client_app_stm32ai"
LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
NO_VERIFICATION = "NO_SSL_VERIFY"
OWN_AUTHORITY = (
    "If your company's proxy has a certificate of its own, give its authority's file: SSL_CERT_FILE=<file>.pem."
)
IS_OFF = ("", "0", "false", "no", "off")
VERSION = "{version}"


@dataclass(frozen=True)
class Addresses:
    """Where each service is.

    Attributes:
        base: Of the cloud; ends with a slash.
        sso: Of the login pages.
        client_id: By which the login pages know the cloud.
        callback: Where a login ends.
        users, files, benchmarks: Of the services.
        jobs: Of the service that analyzes and generates; {version} stands for the version of ST Edge AI Core.
        versions: Of the list of versions.
    """

    base: str = BASE
    sso: str = SSO
    client_id: str = CLIENT
    callback: str = f"{BASE}callback"
    users: str = f"{BASE}api/user_service"
    files: str = f"{BASE}api/file"
    benchmarks: str = f"{BASE}api/benchmark"
    jobs: str = f"{BASE}api/{VERSION}/stm32ai/"
    versions: str = f"{BASE}assets/versions.json"

    def jobs_of(self, version: str) -> str:
        """Return the address of the jobs' service for a version of ST Edge AI Core."""
        return self.jobs.replace(VERSION, version)


# Field -> environment variable, and the part behind the base that is its default.
SERVICES: dict[str, tuple[str, str]] = {
    "callback": ("CALLBACK_URL", "callback"),
    "users": ("USER_SERVICE_URL", "api/user_service"),
    "files": ("FILE_SERVICE_URL", "api/file"),
    "benchmarks": ("BENCHMARK_SERVICE_URL", "api/benchmark"),
    "jobs": ("STM32AI_SERVICE_URL", f"api/{VERSION}/stm32ai/"),
    "versions": ("VERSIONS_URL", "assets/versions.json"),
}


def addresses(environment: Mapping[str, str] = os.environ) -> Addresses:
    """Return the addresses, with those replaced that the environment names.

    Raises:
        UserError: A variable holds no address, or one without encryption; NO_SSL_VERIFY is set.
    """
    errors: list[UserError] = []
    if environment.get(NO_VERIFICATION, "").strip().lower() not in IS_OFF:
        errors.append(verification_wanted())
    variable, base = base_address(environment)
    if not base.endswith("/"):
        errors.append(UserError(f"{variable} must end with a slash", received=base, remedy=f"{variable}={base}/"))
    found = {"base": base, "sso": (environment.get("SSO_URL") or SSO).rstrip("/")}
    for name, (replacement, ending) in SERVICES.items():
        found[name] = environment.get(replacement) or base + ending
    names = {"base": variable, "sso": "SSO_URL"} | {name: row[0] for name, row in SERVICES.items()}
    for name, address in found.items():
        is_own = name in ("base", "sso") or bool(environment.get(names[name]))
        errors += mistakes(names[name], address) if is_own else []
    raise_all(errors)
    return Addresses(client_id=environment.get("CLIENTID") or CLIENT, **found)


def base_address(environment: Mapping[str, str]) -> tuple[str, str]:
    """Return the variable for the cloud's address, another one with USE_TEST_ROUTES, and the address."""
    if environment.get("USE_TEST_ROUTES", "").strip().lower() not in IS_OFF:
        return "BASE_URL_DEVCLOUD_QA", environment.get("BASE_URL_DEVCLOUD_QA", "")
    return "BASE_URL_DEVCLOUD", environment.get("BASE_URL_DEVCLOUD") or BASE


def mistakes(variable: str, address: str) -> list[UserError]:
    """Return what is wrong with an address: only HTTPS is spoken, but for servers on this machine."""
    try:
        parts = urlsplit(address)
        host, scheme, _ = parts.hostname, parts.scheme, parts.port
    except ValueError:
        host, scheme = None, ""
    is_safe = scheme == "https" or (scheme == "http" and host in LOCAL_HOSTS)
    if host is None or not is_safe or not address.isprintable() or " " in address:
        return [UserError(f"{variable} is not the address of a service", expected="https://...", received=address)]
    if parts.username is not None or parts.password is not None:
        return [UserError(f"{variable} holds a user or a password, which would be sent with every request")]
    return []


def verification_wanted() -> UserError:
    """Return the refusal to talk to a server whose certificate is not checked."""
    return UserError(
        f"{NO_VERIFICATION} is set, but the Developer Cloud's certificate is always verified: a password sent to an "
        "unverified server can be read by whoever answers in its place",
        remedy=f"Unset {NO_VERIFICATION}. {OWN_AUTHORITY}",
    )
