"""Rules for benchmarks and devices."""

from textzoo.chains import CHAINS
from textzoo.errors import UserError
from textzoo.schema import Config
from textzoo.validation.keys import Rule

# What the console of a device can hold (deployment/application/stop.h).
LONGEST_STOP_BYTES = 32


def check_benchmarking(config: Config) -> list[UserError]:
    """What measures is there, and told where the board is."""
    settings = config.benchmarking
    if "benchmarking" not in CHAINS.get(config.operation_mode, ()):
        return []
    if settings.measured_by == "stedgeai":
        return [UserError("benchmarking.measured_by=stedgeai is not in this version yet", expected="emulator or host")]
    if settings.measured_by == "serial" and not settings.serial_port:
        return [UserError("benchmarking.measured_by=serial needs a port", expected="benchmarking.serial_port")]
    return []


def check_device_stop(config: Config) -> list[UserError]:
    """The stop text becomes an option of the device's console."""
    on_device = {"benchmarking", "deployment"} & set(CHAINS.get(config.operation_mode, ()))
    return stop_mistakes(config.prediction.stop or "") if on_device else []


def stop_mistakes(stop: str) -> list[UserError]:
    """What keeps a device from stopping at this text."""
    encoded = stop.encode("utf-8", "surrogatepass")
    if len(encoded) > LONGEST_STOP_BYTES:
        return [
            UserError(
                "prediction.stop is too long for a device",
                expected=f"at most {LONGEST_STOP_BYTES} bytes",
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


RULES: tuple[Rule, ...] = (
    check_benchmarking,
    check_device_stop,
)
