"""Which sources of the runtime a program needs: every kernel that it calls, and the kernels that those call."""

from pathlib import Path

from textzoo.common.paths import RUNTIME
from textzoo.compiler.ir.program import Program

GENERIC = "generic"
# Whose kernels a variant takes where it has none of its own, before the generic ones: CIMv3's host core is RV32, too.
RELATIVES = {"cimv3": "mul32"}
# tz_parallel where there is one core: twins and this machine. ESP-IDF's projects have their own.
IN_SEQUENCE = "parallel"
# What a kernel, or one of its variants, calls; everything else stands alone.
PARTS = {
    "attention_s8": ("dot_rows_s8", "weighted_sum_s8"),
    "attention_s8_p16": ("dot_rows_s8", "weighted_sum_s8"),
    "attention_s16": ("dot_rows_s16", "weighted_sum_s16"),
    "host/fully_connected_s16": ("dot_rows_s8",),
}


def source_of(kernel: str, variant: str) -> Path:
    """The source of a kernel, relative to the runtime: of the variant or its relative where it has one, or generic."""
    folders = (variant, RELATIVES.get(variant, GENERIC), GENERIC)
    places = [Path(folder) / f"{kernel}.c" for folder in folders]
    return next(place for place in places if (RUNTIME / place).is_file())


def sources_of(program: Program, variant: str) -> list[Path]:
    """All sources, relative to the runtime, sorted.

    A call whose constants are packed for one variant takes exactly that variant's kernel.
    """
    calls = [call for statement in program.statements for call in statement.calls()]
    packed = {f"{call.variant}/{call.kernel}" for call in calls if call.variant}
    others = {call.kernel for call in calls if not call.variant}
    if program.uses_second_core:
        others.add(IN_SEQUENCE)
    parts = {part for kernel in packed | others for part in PARTS.get(kernel, ())}
    return sorted(
        {Path(f"{kernel}.c") for kernel in packed} | {source_of(kernel, variant) for kernel in others | parts}
    )
