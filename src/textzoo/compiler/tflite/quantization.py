"""Scales and zero points of tensors, as files and graphs have them."""


class Quantized:
    """A tensor that may be quantized.

    Attributes:
        scales: One, or one per channel; empty where it is not quantized.
        zero_points: As many as scales, or one.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]

    @property
    def scale(self) -> float:
        """The scale of the whole tensor, or 0 where it has none."""
        return self.scales[0] if self.scales else 0.0

    @property
    def zero_point(self) -> int:
        """The zero point of the whole tensor, or 0 where it has none."""
        return self.zero_points[0] if self.zero_points else 0
