"""The table of engines."""

from textzoo.common.registry import Registry

ENGINES = Registry(
    "engine",
    {
        "keras": "textzoo.engines.keras_engine:KerasEngine",
        "litert_ref": "textzoo.engines.litert_engine:LitertReferenceEngine",
        "litert": "textzoo.engines.litert_engine:LitertEngine",
        "native": "textzoo.engines.native_engine:NativeEngine",
    },
)
