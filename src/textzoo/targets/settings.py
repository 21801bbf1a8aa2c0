"""The sections of the configuration about devices: the project for a board, and its benchmark."""

from dataclasses import dataclass, field

from textzoo.common.settings import FILE_ONLY, setting
from textzoo.compiler.packing.tables import CHOICES
from textzoo.targets.boards import Board
from textzoo.targets.placement import AUTO, PLACEMENTS
from textzoo.targets.registry import HOST, LIBRARY

# Choices of deployment.library_kernels.
ANY_CORE, BOARD_CORE = "any", "board"


@dataclass(frozen=True)
class BenchmarkingConfig:
    """Measurement of the cost on a device."""

    measured_by: str = setting(
        "emulator",
        "What runs the device's code; stedgeai: ST's own tool, installed here or in ST's cloud (tools.stm32ai).",
        choices=("emulator", "host", "serial", "stedgeai"),
    )
    emulator: str | None = setting(None, "One of the emulators in the board's YAML; null for the first one.")
    cycles: str = setting(
        "auto",
        "Count the cycles of a token by the model of the board's core and memories; auto: where the board has a timing "
        "and this machine a C compiler and a QEMU that takes plugins.",
        choices=("auto", "off"),
    )
    tokens_checked: int = setting(
        256,
        "Teacher-forced tokens whose logits are compared with LiteRT's reference kernels.",
        unit="tokens",
        low=1,
        high=10**6,
    )
    inputs_checked: int = setting(
        16,
        "Random inputs of a plain graph whose outputs are compared with LiteRT's reference kernels.",
        unit="inferences",
        low=1,
        high=10**5,
    )
    inputs_path: str | None = setting(
        None,
        "Your own inputs of a plain graph, compared besides: .npy, or .npz with an array for each input by its name.",
        path=FILE_ONLY,
    )
    serial_port: str | None = setting(
        None, "Serial line of the board (measured_by=serial), e.g. /dev/ttyACM0; null for the only one connected."
    )
    sample: bool = setting(True, "Let the device continue prediction.prompt, and compare its text with the PC's.")


@dataclass(frozen=True)
class DeploymentConfig:
    """The project for a board."""

    target: str = setting(
        "board",
        "Make a project for the board or for this machine, or a library for programs of others.",
        choices=("board", HOST, LIBRARY),
    )
    flash: bool = setting(False, "Write the image to the connected board with a tool of its YAML, and let it speak.")
    flash_tool: str | None = setting(
        None, "Tool that writes it (flash=true), of those in the board's YAML; null for the first one installed."
    )
    serial_port: str | None = setting(
        None, "Serial line of the board to write (flash=true), e.g. /dev/ttyACM0; null for the only one connected."
    )
    library_name: str = setting(
        "textzoo_model", "Name of a library and of its two files, and the beginning of its functions' names."
    )
    library_url: str = setting("", "Web page of a library, for its manifests; empty for none.")
    library_kernels: str = setting(
        ANY_CORE, "Kernels of a library: for any core, or those of the board's core.", choices=(ANY_CORE, BOARD_CORE)
    )
    weights: str = setting(
        "balanced",
        "Packing of low-bit weights: fewest bits (base 3 only where it is fast), least flash, or fewest instructions.",
        choices=tuple(CHOICES),
    )
    weight_files: bool = setting(
        False, "Also write the matrices as files, 2 bits per ternary weight, to the project's folder weights."
    )
    second_core: bool = setting(
        False, "Split matrix products and attention heads between the two cores of a board (ESP32, ESP32-S3)."
    )
    placement: str = setting(
        AUTO,
        "Weights that are copied at the start into RAM that is left and faster than the flash (boards with `timing`): "
        "all that fit, or none.",
        choices=PLACEMENTS,
    )
    on_command: bool | None = setting(
        None,
        "Lines that are typed are commands: on_command of the project's on_command.c is called with the answer, a JSON "
        "object; null: where the model's chat template is `commands`.",
    )
    without_passes: list[str] = setting([], "Passes of the compiler to leave out; the results stay bit-identical.")
    hardware_setup: Board = field(default_factory=Board)
