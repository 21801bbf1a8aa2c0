"""Rules for benchmarks and devices."""

from collections.abc import Set

from textzoo.common.errors import UserError, collecting
from textzoo.common.settings import Rule
from textzoo.compiler.passes.registry import chosen_passes
from textzoo.models.settings import ModelConfig
from textzoo.targets.boards import BOARD_IMAGE, Board
from textzoo.targets.console import check_prompt
from textzoo.targets.flash_tools import flash_tool
from textzoo.targets.library.kernels import kernels_for
from textzoo.targets.library.names import check_name, check_url
from textzoo.targets.protocol import MAX_STOP_BYTES
from textzoo.targets.registry import HOST, LIBRARY, PLATFORMS
from textzoo.targets.serial_ports import find_board
from textzoo.targets.settings import BOARD_CORE, BenchmarkingConfig, DeploymentConfig
from textzoo.targets.toolchains import MAKE, missing_tools
from textzoo.text.settings import SamplingConfig

INPUT_ENDINGS = (".npy", ".npz")


def check_benchmarking(
    benchmarking: BenchmarkingConfig, deployment: DeploymentConfig, services: Set[str]
) -> list[UserError]:
    """Check that the chosen way of measuring exists, fits the target, and has a board if it needs one."""
    if "benchmarking" not in services:
        return []
    if deployment.target == LIBRARY:
        return [
            UserError(
                "deployment.target=library makes no program that could be measured",
                expected="deployment.target=board or host",
                remedy="Measure the model with deployment.target=board; its kernels are the library's.",
            )
        ]
    if deployment.target == HOST and benchmarking.measured_by != HOST:
        return [other_machine(benchmarking.measured_by)]
    errors: list[UserError] = []
    if benchmarking.measured_by == "serial":
        with collecting(errors):
            find_board(benchmarking.serial_port, deployment.hardware_setup, "benchmarking.serial_port")
    return errors


def check_flashing(deployment: DeploymentConfig, services: Set[str]) -> list[UserError]:
    """Check that there are a board to write, a tool to write it with, and what builds the image."""
    errors: list[UserError] = []
    if not deployment.flash or "deployment" not in services:
        return errors
    if deployment.target != "board":
        return [
            UserError(
                "deployment.flash=true needs a board", expected="deployment.target=board", received=deployment.target
            )
        ]
    board = deployment.hardware_setup
    with collecting(errors):
        flash_tool(board, deployment.flash_tool)
    with collecting(errors):
        find_board(deployment.serial_port, board, "deployment.serial_port")
    return [*errors, *(missing_tools(builders_of(board)) if board.platform in PLATFORMS.names() else ())]


def builders_of(board: Board) -> list[str]:
    """Return the tools that make what is written to a board; where a framework builds that, it looks for its own."""
    platform = PLATFORMS.get(board.platform)
    if platform.image != BOARD_IMAGE:
        return [MAKE]
    return [MAKE, platform.compiler(board, platform.image), *platform.image_tools]


def check_graph_board(model: ModelConfig, deployment: DeploymentConfig, services: Set[str]) -> list[UserError]:
    """Check that the board's platform runs plain graphs, if that is what the model is."""
    board = deployment.hardware_setup
    if not model.is_graph or deployment.target in (HOST, LIBRARY) or not {"benchmarking", "deployment"} & services:
        return []
    if board.platform not in PLATFORMS.names() or PLATFORMS.get(board.platform).runs_graphs:
        return []
    return [
        UserError(
            f"{board.name} does not run plain graphs (model.kind=graph): its projects are for language models",
            expected="a board of STM32, STM32MP2 or ESP32, or deployment.target=host",
            received=f"board={board.name}",
        )
    ]


def check_library(model: ModelConfig, deployment: DeploymentConfig, services: Set[str]) -> list[UserError]:
    """Check what a library is asked to be: its name, its kernels, and nothing that only projects have."""
    errors: list[UserError] = []
    if deployment.target != LIBRARY or not {"benchmarking", "deployment", "publish"} & services:
        return errors
    with collecting(errors):
        check_name(deployment.library_name)
    with collecting(errors):
        check_url(deployment.library_url)
    if deployment.library_kernels == BOARD_CORE:
        with collecting(errors):
            kernels_for(deployment.hardware_setup.variant)
    if model.is_graph:
        errors.append(UserError("deployment.target=library is for language models, not for plain graphs (model=graph)"))
    if deployment.on_command:
        errors.append(
            UserError(
                "deployment.on_command=true is for projects, which have a console; a library has none",
                remedy="Leave it out, and read the answer with command.c of a project: docs/how_to/commands.md.",
            )
        )
    if deployment.weight_files:
        errors.append(UserError("deployment.weight_files=true is for projects; a library has no such folder"))
    return errors


def check_on_command(model: ModelConfig, deployment: DeploymentConfig, services: Set[str]) -> list[UserError]:
    """Check that a project whose lines are to be commands has a language model."""
    if not deployment.on_command or not model.is_graph or not {"benchmarking", "deployment"} & services:
        return []
    return [
        UserError("deployment.on_command=true needs a model that writes texts, not a plain graph (model.kind=graph)")
    ]


def check_inputs_file(model: ModelConfig, benchmarking: BenchmarkingConfig) -> list[UserError]:
    """Check that a file of inputs is given for a plain graph, and has a known ending."""
    path = benchmarking.inputs_path
    if path is None:
        return []
    if not model.is_graph:
        return [UserError("benchmarking.inputs_path is given, but only plain graphs (model=graph) have inputs to read")]
    if not path.endswith(INPUT_ENDINGS):
        return [
            UserError(
                "benchmarking.inputs_path: unknown kind of file", expected=" or ".join(INPUT_ENDINGS), received=path
            )
        ]
    return []


def other_machine(measured_by: str) -> UserError:
    """Return the error for a program for this machine that is to be measured elsewhere."""
    return UserError(
        "deployment.target=host builds a program for this machine, which can only be measured here",
        expected="benchmarking.measured_by=host",
        received=measured_by,
        remedy="To measure on a board set deployment.target=board.",
    )


def check_device_stop(prediction: SamplingConfig, services: Set[str]) -> list[UserError]:
    """Check the stop text if a device's console gets it as an option."""
    return stop_mistakes(prediction.stop or "") if {"benchmarking", "deployment"} & services else []


def stop_mistakes(stop: str) -> list[UserError]:
    """Return an error if a device cannot stop at this text."""
    encoded = stop.encode("utf-8", "surrogatepass")
    if len(encoded) > MAX_STOP_BYTES:
        return [
            UserError(
                "prediction.stop is too long for a device",
                expected=f"at most {MAX_STOP_BYTES} bytes",
                received=f"{len(encoded)} bytes",
                remedy="Use the beginning of the text, or null.",
            )
        ]
    if any(character == "\ufffd" or "\ud800" <= character <= "\udfff" for character in stop):
        return [
            UserError(
                "prediction.stop cannot occur in a device's output",
                expected="characters of UTF-8 other than U+FFFD, which replaces invalid UTF-8",
                received=ascii(stop),
            )
        ]
    return []


def check_passes(deployment: DeploymentConfig) -> list[UserError]:
    """Check that deployment.without_passes names passes of the compiler."""
    errors: list[UserError] = []
    if deployment.without_passes:
        with collecting(errors):
            chosen_passes(frozenset(deployment.without_passes))
    return errors


def check_long_prompt(
    prediction: SamplingConfig, benchmarking: BenchmarkingConfig, services: Set[str]
) -> list[UserError]:
    """Check that the prompt fits into a line of the device's console."""
    errors: list[UserError] = []
    if "benchmarking" in services and benchmarking.sample:
        with collecting(errors):
            check_prompt(prediction)
    return errors


RULES: tuple[Rule, ...] = (
    check_passes,
    check_long_prompt,
    check_benchmarking,
    check_flashing,
    check_graph_board,
    check_library,
    check_on_command,
    check_inputs_file,
    check_device_stop,
)
