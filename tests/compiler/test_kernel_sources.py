"""Which sources a program needs: what kernels call is read from their C, and compared with what a compiler finds."""

import subprocess

import pytest

from textzoo.compiler.backend.kernels import GENERIC, RUNTIME, kernels_called_by, source_of
from textzoo.targets.toolchains import find_tool

SOURCES = sorted(path.relative_to(RUNTIME) for path in (RUNTIME / GENERIC).glob("*.c"))


def undefined_kernels(source, folder):
    """The kernels that an object file leaves to the linker."""
    compiler = find_tool("host")
    if compiler is None:
        pytest.skip("a C compiler for this machine: not installed")
    target = folder / "kernel.o"
    # Not optimized, so that nothing that is called vanishes.
    subprocess.run([compiler, "-O0", "-c", f"-I{RUNTIME / 'include'}", RUNTIME / source, "-o", target], check=True)
    lines = subprocess.run(["nm", "-u", target], capture_output=True, text=True, check=True).stdout.split()
    return {name.removeprefix("tz_") for name in lines if name.startswith("tz_")}


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_the_kernels_that_a_source_calls_are_those_that_it_needs(source, tmp_path):
    assert kernels_called_by(source) == undefined_kernels(source, tmp_path)


# What a kernel of attention does itself.
PARTS_OF_ITS_OWN = {("dsp", "attention_s8"): {"weighted_sum_s8"}}


@pytest.mark.parametrize("kernel", ["attention_s8", "attention_s8_p16", "attention_s16"])
@pytest.mark.parametrize("variant", [path.name for path in sorted(RUNTIME.iterdir()) if list(path.glob("*.c"))])
def test_attention_calls_its_products_in_every_variant(kernel, variant):
    width = "s16" if kernel == "attention_s16" else "s8"
    parts = {f"dot_rows_{width}", f"weighted_sum_{width}"} - PARTS_OF_ITS_OWN.get((variant, kernel), set())
    assert kernels_called_by(source_of(kernel, variant)) == parts
