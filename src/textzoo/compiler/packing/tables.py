"""The tables of kernel variants and of forms of weights. Imports none of them: that takes time."""

from textzoo.common.registry import Registry

# Kernels for a kind of core: where the layouts of their packed weights are.
VARIANT_PLACES = Registry(
    "kernel variant",
    {
        name: f"textzoo.compiler.packing.{name}:LAYOUTS"
        for name in ("generic", "cimv3", "dsp", "mve", "host", "mul32", "neon", "wasm")
    },
)
# deployment.weights: how kernels are chosen for the matrices of a model.
CHOICES = Registry(
    "form of weights",
    {name: f"textzoo.compiler.packing.choice:{name}" for name in ("balanced", "smallest", "fastest")},
)
