"""Rules for benchmarks and devices."""

from collections.abc import Set

from textzoo.common.errors import UserError, collecting
from textzoo.common.settings import Rule
from textzoo.compiler.passes.registry import chosen_passes
from textzoo.targets.console import check_prompt
from textzoo.targets.protocol import MAX_STOP_BYTES
from textzoo.targets.registry import HOST
from textzoo.targets.settings import BenchmarkingConfig, DeploymentConfig
from textzoo.text.settings import SamplingConfig


def check_benchmarking(
    benchmarking: BenchmarkingConfig, deployment: DeploymentConfig, services: Set[str]
) -> list[UserError]:
    """What measures is there, and told where the board is."""
    if "benchmarking" not in services:
        return []
    if benchmarking.measured_by == "stedgeai":
        return [UserError("benchmarking.measured_by=stedgeai is not in this version yet", expected="emulator or host")]
    if deployment.target == HOST and benchmarking.measured_by != HOST:
        return [other_machine(benchmarking.measured_by)]
    if benchmarking.measured_by == "serial" and not benchmarking.serial_port:
        return [UserError("benchmarking.measured_by=serial needs a port", expected="benchmarking.serial_port")]
    return []


def other_machine(measured_by: str) -> UserError:
    """A program for this machine cannot be measured on another."""
    return UserError(
        "deployment.target=host makes a program for this machine, which is measured elsewhere",
        expected="benchmarking.measured_by=host",
        received=measured_by,
        remedy="To measure a board give deployment.target=board.",
    )


def check_device_stop(prediction: SamplingConfig, services: Set[str]) -> list[UserError]:
    """The stop text becomes an option of the device's console."""
    return stop_mistakes(prediction.stop or "") if {"benchmarking", "deployment"} & services else []


def stop_mistakes(stop: str) -> list[UserError]:
    """What keeps a device from stopping at this text."""
    encoded = stop.encode("utf-8", "surrogatepass")
    if len(encoded) > MAX_STOP_BYTES:
        return [
            UserError(
                "prediction.stop is too long for a device",
                expected=f"at most {MAX_STOP_BYTES} bytes",
                received=f"{len(encoded)} bytes",
                remedy="Give the beginning of the text, or null.",
            )
        ]
    if any(character == "\ufffd" or "\ud800" <= character <= "\udfff" for character in stop):
        return [
            UserError(
                "prediction.stop cannot be found in a device's bytes",
                expected="characters of UTF-8 other than U+FFFD, which stands for what is not UTF-8",
                received=ascii(stop),
            )
        ]
    return []


def check_passes(deployment: DeploymentConfig) -> list[UserError]:
    """Every pass to leave out is one of the compiler's."""
    errors: list[UserError] = []
    if deployment.without_passes:
        with collecting(errors):
            chosen_passes(frozenset(deployment.without_passes))
    return errors


def check_long_prompt(
    prediction: SamplingConfig, benchmarking: BenchmarkingConfig, services: Set[str]
) -> list[UserError]:
    """The console of a device has room for the prompt."""
    errors: list[UserError] = []
    if "benchmarking" in services and benchmarking.sample:
        with collecting(errors):
            check_prompt(prediction)
    return errors


RULES: tuple[Rule, ...] = (
    check_passes,
    check_long_prompt,
    check_benchmarking,
    check_device_stop,
)
