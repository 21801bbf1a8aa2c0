"""Where kernels are tested: emulated cores and builds for this machine, each with the flags that matter."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from compilers import need
from textzoo.targets import mpu
from textzoo.targets.toolchains import TOOLS
from textzoo.testing.bare_metal import CORES, WASM_FLAGS, WASM_LAUNCHER, WASM_TOOLS
from textzoo.testing.bare_metal.cases import Case, Result, build_for_core, build_for_host, run_on_core, run_on_host

SANITIZERS = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")

ARM64 = "aarch64"
A35 = mpu.CORES["cortex-a35"].split()


def arm64(core: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The launcher of a target, and its tools."""
    return (TOOLS["qemu-user"].program, "-cpu", core), ("qemu-user",)


@dataclass(frozen=True)
class Target:
    """A place to run kernels.

    Attributes:
        name: In the test's name.
        variant: The variant tested.
        place: A core, or a compiler of toolchains.TOOLS for this machine.
        flags: Of the compiler; for cores only the optimization.
        launcher: Command that runs programs compiled for another machine.
        tools: What it needs besides the compiler: keys of toolchains.TOOLS.
    """

    name: str
    variant: str
    place: str
    flags: tuple[str, ...] = ("-O3",)
    launcher: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()

    def build(self, folder: Path) -> Path:
        """The program that runs cases; skips the test if a tool is missing, naming its package."""
        if self.place in CORES:
            need(CORES[self.place].compiler, CORES[self.place].emulator)
            return build_for_core(self.place, self.variant, self.flags, folder)
        need(self.place, *self.tools)
        return build_for_host(self.variant, self.place, self.flags, folder)

    def run(self, program: Path, cases: Sequence[Case], folder: Path) -> list[Result]:
        """Run the cases with the program that was built."""
        if self.place in CORES:
            return run_on_core(program, self.place, cases, folder)
        return run_on_host(program, cases, folder, self.launcher)


TARGETS = [
    Target("m4", "dsp", "m4"),
    Target("m4_size", "dsp", "m4", ("-Os",)),
    Target("m4_unoptimized", "dsp", "m4", ("-O0",)),
    Target("m4_without_assembly", "dsp", "m4", ("-O2", "-DTZ_NO_ASSEMBLY")),
    Target("m7", "dsp", "m7"),
    Target("m33", "dsp", "m33", ("-O2",)),
    Target("m55", "mve", "m55"),
    Target("m55_size", "mve", "m55", ("-Os",)),
    Target("m55_unoptimized", "mve", "m55", ("-O0",)),
    Target("lx106", "mul32", "lx106", ("-O2",)),
    Target("lx106_size", "mul32", "lx106", ("-Os",)),
    Target("lx106_unoptimized", "mul32", "lx106", ("-O0",)),
    Target("lx106_without_assembly", "mul32", "lx106", ("-O2", "-DTZ_NO_ASSEMBLY")),
    Target("rv32", "mul32", "rv32", ("-O2",)),
    Target("m0plus", "mul32", "m0plus", ("-O2",)),
    Target("mul32_clang", "mul32", "clang", ("-O2",)),
    Target("mul32_sanitized", "mul32", "gcc", SANITIZERS),
    Target("host", "host", "gcc", ("-O3", "-march=native")),
    Target("host_avx2", "host", "gcc", ("-O3", "-mavx2")),
    Target("host_sse2", "host", "gcc", ("-O2",)),
    Target("host_vectors", "host", "gcc", ("-O2", "-U__SSE2__")),
    Target("host_clang", "host", "clang", ("-O3", "-march=native")),
    Target("host_sanitized", "host", "gcc", ("-march=native", *SANITIZERS)),
    Target("host_clang_sanitized", "host", "clang", ("-march=native", *SANITIZERS)),
    Target("host_avx2_sanitized", "host", "gcc", ("-mavx2", *SANITIZERS)),
    Target("host_sse2_sanitized", "host", "gcc", SANITIZERS),
    Target("host_vectors_sanitized", "host", "gcc", ("-U__SSE2__", *SANITIZERS)),
    Target("neon", "neon", ARM64, ("-O3", *A35, "-static"), *arm64("cortex-a35")),
    Target("neon_size", "neon", ARM64, ("-Os", *A35, "-static"), *arm64("cortex-a35")),
    Target("neon_unoptimized", "neon", ARM64, ("-O0", *A35, "-static"), *arm64("cortex-a35")),
    Target("neon_dot_product", "neon", ARM64, ("-O3", "-march=armv8.2-a+dotprod", "-static"), *arm64("max")),
    Target("wasm", "wasm", "clang", ("-O3", *WASM_FLAGS), WASM_LAUNCHER, WASM_TOOLS),
    Target("wasm_size", "wasm", "clang", ("-Os", *WASM_FLAGS), WASM_LAUNCHER, WASM_TOOLS),
    Target("wasm_unoptimized", "wasm", "clang", ("-O0", *WASM_FLAGS), WASM_LAUNCHER, WASM_TOOLS),
]
# Variants with no kernel of their own but FULLY_CONNECTED: the others are those that the targets above test.
MATRIX_TARGETS = [
    *TARGETS,
    Target("cimv3_rv32", "cimv3", "rv32", ("-O2",)),
    Target("cimv3_sanitized", "cimv3", "gcc", SANITIZERS),
]
