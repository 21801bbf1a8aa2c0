"""A window that slides over an image, as convolutions and pooling share it: textzoo/window.h."""

from dataclasses import dataclass

from textzoo.compiler.ir.graph import Node
from textzoo.compiler.ir.program import Struct
from textzoo.compiler.operators.base import option

# The schema's Padding.
SAME, VALID = 0, 1
# Of strides and dilations: LiteRT's of depthwise convolutions.
MAX_STEP = 2**15 - 1
# Of positions of taps, outside of the image or in it: sums of them fit 32 bits.
MAX_POSITION = 2**30


@dataclass(frozen=True)
class Axis:
    """A window along one axis of the image, in positions.

    Attributes:
        size: Of the image.
        taps: Of the window.
        stride: From one output to the next.
        dilation: From one tap to the next.
        padding: SAME or VALID.
    """

    size: int
    taps: int
    stride: int
    dilation: int
    padding: int

    @property
    def reach(self) -> int:
        """Positions from the first tap to the last one, both included."""
        return (self.taps - 1) * self.dilation + 1

    @property
    def outputs(self) -> int:
        """Outputs along the axis; not above 0 where the window is larger than the image."""
        starts = self.size if self.padding == SAME else self.size - self.reach + 1
        return -(-starts // self.stride)

    @property
    def before(self) -> int:
        """Positions before the image at which the first output's window begins."""
        if self.padding == VALID:
            return 0
        return max(self.covered - self.size, 0) // 2

    @property
    def covered(self) -> int:
        """Positions from the first tap of the first output to the last one of the last."""
        return (self.outputs - 1) * self.stride + self.reach

    @property
    def leaves_image(self) -> bool:
        """Return whether the window of any output has positions outside of the image."""
        return self.before > 0 or self.covered > self.size

    @property
    def inside(self) -> int:
        """Most taps that any output has inside of the image."""
        return min(self.taps, -(-self.size // self.dilation))


def window_axes(node: Node, taps: tuple[int, int]) -> tuple[Axis, Axis]:
    """Return the window of a node along height and width; taps: of each.

    Only sound where `window_problems` has found nothing.
    """
    _, height, width, _ = node.inputs[0].shape
    padding = option(node, "padding")
    return (
        Axis(height, taps[0], option(node, "strideH"), option(node, "dilationHFactor", 1), padding),
        Axis(width, taps[1], option(node, "strideW"), option(node, "dilationWFactor", 1), padding),
    )


def window_problems(node: Node, taps: tuple[int, int], channels: int) -> list[str]:
    """Return the problems of an image of 4 axes, of a window, and of an output with so many channels."""
    source = node.inputs[0]
    if len(source.shape) != 4:
        return [f"{source.describe()} instead of (batch, height, width, channels)"]
    if option(node, "padding") not in (SAME, VALID):
        return [f"padding {option(node, 'padding')}"]
    axes = window_axes(node, taps)
    steps = {"stride": [axis.stride for axis in axes], "dilation": [axis.dilation for axis in axes]}
    for name, values in steps.items():
        if not all(1 <= value <= MAX_STEP for value in values):
            return [f"{name}s {values}, outside of [1, {MAX_STEP}]"]
    if not all(axis.taps >= 1 for axis in axes):
        return [f"a window of {axes[0].taps}x{axes[1].taps}"]
    if any(axis.size + axis.reach + axis.outputs * axis.stride > MAX_POSITION for axis in axes):
        return [f"a window that reaches over {axes[0].reach}x{axes[1].reach} positions"]
    expected = (source.shape[0], axes[0].outputs, axes[1].outputs, channels)
    return [] if expected == node.output.shape else [f"{node.output.describe()} instead of {expected}"]


def window_struct(node: Node, taps: tuple[int, int]) -> Struct:
    """Return the window as tz_window_t."""
    height, width = window_axes(node, taps)
    fields = {
        "input_height": height.size,
        "input_width": width.size,
        "output_height": height.outputs,
        "output_width": width.outputs,
        "height": height.taps,
        "width": width.taps,
        "stride_height": height.stride,
        "stride_width": width.stride,
        "dilation_height": height.dilation,
        "dilation_width": width.dilation,
        "top": height.before,
        "left": width.before,
    }
    return Struct("tz_window_t", fields)


def image_steps(node: Node) -> tuple[int, int]:
    """Return the elements of an image and of its output: what a kernel's next call begins behind."""
    batch = node.inputs[0].shape[0]
    return node.inputs[0].size // batch, node.output.size // batch
