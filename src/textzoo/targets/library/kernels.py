"""The kernels that a library can be made of: those for any core, or those of a board's core."""

from dataclasses import dataclass

from textzoo.common.registry import unknown_name

# As in textzoo.compiler.backend.kernels, which takes long to import for the rules of the configuration.
GENERIC = "generic"


@dataclass(frozen=True)
class Kernels:
    """The kernels of a library.

    Attributes:
        variant: Which ones, as in deployment/runtime.
        text: The cores that they are for.
        macro: What compilers define where their options allow these kernels; "" for any core.
        little_endian: Whether packed weights are read as whole words.
    """

    variant: str
    text: str
    macro: str = ""
    little_endian: bool = True


# Variant -> its kernels. The others need a framework, an accelerator or an operating system.
KERNELS = {
    GENERIC: Kernels(GENERIC, "any core", little_endian=False),
    "dsp": Kernels("dsp", "Cortex-M4, M7 and M33 with the DSP extension", "__ARM_FEATURE_DSP"),
    "mve": Kernels("mve", "Cortex-M55 and M85 with the vector extension for integers", "__ARM_FEATURE_MVE"),
    "mul32": Kernels("mul32", "cores with a multiplier of 32 bits: Xtensa and RISC-V"),
}


def kernels_for(variant: str) -> Kernels:
    """Return the kernels of a variant; UserError for one that libraries cannot be made of."""
    if variant not in KERNELS:
        raise unknown_name("kernels of a library", variant, KERNELS)
    return KERNELS[variant]
