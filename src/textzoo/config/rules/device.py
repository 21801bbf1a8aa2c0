"""Rules for benchmarks and devices."""

from textzoo.common.errors import UserError
from textzoo.common.protocol import STOP_BYTES
from textzoo.config.chains import CHAINS
from textzoo.config.keys import Rule
from textzoo.config.schema import Config

# How the name of a recipe ends whose activations are no integers.
FLOAT_ACTIVATIONS = "_afp32"
# The machine that TextZoo runs on.
HOST = "host"


def check_benchmarking(config: Config) -> list[UserError]:
    """What measures is there, and told where the board is."""
    settings = config.benchmarking
    if "benchmarking" not in CHAINS.get(config.operation_mode, ()):
        return []
    if settings.measured_by == "stedgeai":
        return [UserError("benchmarking.measured_by=stedgeai is not in this version yet", expected="emulator or host")]
    if config.deployment.target == HOST and settings.measured_by != HOST:
        return [other_machine(settings.measured_by)]
    if settings.measured_by == "serial" and not settings.serial_port:
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


def check_recipe_of_device(config: Config) -> list[UserError]:
    """The compiler takes models of integers: where a chain quantizes and then compiles, the recipe makes one."""
    services, recipe = set(CHAINS.get(config.operation_mode, ())), config.quantization.recipe
    compiles = bool({"benchmarking", "deployment"} & services)
    compiles_too = "evaluation" in services and config.evaluation.engine == "native"
    if "quantization" not in services or not (compiles or compiles_too) or not recipe.endswith(FLOAT_ACTIVATIONS):
        return []
    use = f"operation_mode={config.operation_mode}" if compiles else "evaluation.engine=native"
    return [
        UserError(
            f"quantization.recipe={recipe} leaves activations in float, and {use} compiles a model of integers",
            expected="a static recipe",
            received=recipe,
            remedy="Add quantization=static_wi8_ai8.",
        )
    ]


def check_device_stop(config: Config) -> list[UserError]:
    """The stop text becomes an option of the device's console."""
    on_device = {"benchmarking", "deployment"} & set(CHAINS.get(config.operation_mode, ()))
    return stop_mistakes(config.prediction.stop or "") if on_device else []


def stop_mistakes(stop: str) -> list[UserError]:
    """What keeps a device from stopping at this text."""
    encoded = stop.encode("utf-8", "surrogatepass")
    if len(encoded) > STOP_BYTES:
        return [
            UserError(
                "prediction.stop is too long for a device",
                expected=f"at most {STOP_BYTES} bytes",
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
    check_recipe_of_device,
    check_device_stop,
)
