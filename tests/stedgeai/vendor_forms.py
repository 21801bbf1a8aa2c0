"""Reports in the forms of ST Edge AI's versions, with the figures that a test chooses."""

from typing import Any

WEIGHTS, ACTIVATIONS, KERNEL_FLASH, KERNEL_RAM, TOOLCHAIN_FLASH, MACS = 2_154_368, 545_056, 30_000, 2_000, 500, 4242


def c_info(**changes: Any) -> dict[str, Any]:
    """Return network_c_info.json of schema 2.0, as version 2.1 writes it, with other top-level values."""
    return {
        "json_schema_version": "2.0",
        "environment": {
            "generated_model": {"name": "network", "model_files": [{"name": "network.c", "signature": "0x51"}]},
            "device": "stm32h7",
            "tools": [
                {
                    "name": "ST.EdgeAI.Core",
                    "version": "2.1.0-20194 329b0e98d",
                    "arguments": "generate --model m.tflite --target stm32h7 --name network",
                }
            ],
        },
        "memory_footprint": {
            "activations": ACTIVATIONS,
            "weights": WEIGHTS,
            "io": [100, 28],
            "kernel_flash": KERNEL_FLASH,
            "kernel_ram": KERNEL_RAM,
            "toolchain_flash": TOOLCHAIN_FLASH,
            "toolchain_ram": 0,
            "extra_flash": 0,
            "extra_ram": 0,
            "series": "generic",
            "toolchain": None,
        },
        "memory_pools": [
            pool("AXIRAM", "0x24000000", 1000),
            pool("SDRAM", "0xD0000000", 50_000),
            pool("EXTERNAL_RAM", "0x20000000", 50_000),
            pool("a part", "0x24000000", 50_000, virtual=True),
            pool("several", "0x24000000", 50_000, subpools=[1, 2]),
            pool("weights_array", "s_network_weights_array_u64", 50_000, rights="ACC_READ"),
            pool("DTCMRAM", "0x20000000", 24),
        ],
        "graphs": [
            {
                "nodes": [
                    {"id": 60, "macc": 2, "mapping": "NODE_SW", "description": "Conversion"},
                    {"id": 61, "macc": MACS - 2, "mapping": "NODE_SW", "description": "Gemm"},
                ]
            }
        ],
        **changes,
    }


def pool(name: str, address: str, used: int, **changes: Any) -> dict[str, Any]:
    base = {"rights": "ACC_WRITE", "subpools": [], "virtual": False}
    return {"name": name, "address": address, "used_size_bytes": used, **base, **changes}


def after_a_run(info: dict[str, Any]) -> dict[str, Any]:
    """Return the same report with what a board measured, and a validation."""
    run = {"cycles": 123_456_789, "duration_ms": 308.6, "cycles_by_macc": 1.47}
    row = {
        "acc": "n.a.",
        "desc": "X-cross #1",
        "l2r": 0.01,
        "mae": 0.001,
        "mean": -0.25,
        "cos": 0.999,
        "ts_name": "out",
    }
    return {
        **info,
        "graphs": [{**info["graphs"][0], "exec_time": run}],
        "validation": {"val_metrics": [row], "val_error": 0.01, "val_error_desc": "l2r"},
    }


def network_report(ram_size: Any) -> dict[str, Any]:
    """Return the report of the predecessor; `ram_size` is a list up to version 8.1."""
    return {
        "ram_size": ram_size,
        "rom_size": WEIGHTS,
        "rom_n_macc": MACS,
        "ram_io_size": [100, 28],
        "val_metrics": [],
        "cli_version_str": "8.1.0-19520",
    }


def c_graph() -> dict[str, Any]:
    return {
        "version": "1.2",
        "c_arrays": [{"name": "weights", "c_size_in_byte": WEIGHTS}],
        "memory_footprint": c_info()["memory_footprint"],
        "memory_pools": [{"name": "POOL", "size_bytes": 1000, "used_size": 500}],
        "exec_time": {"cycles": 123_456_789, "duration_ms": 308.6, "cycles_by_macc": 1.47, "device": "stm32h7"},
    }


def generate_text(version: str = "ST Edge AI Core v2.1.0-20194 329b0e98d") -> str:
    return f"""{version}
Created date : 2025-06-26 14:13:18
target/series : stm32h7
input 1/1    : 'tokens', int8(1x100x256), 25.00 KBytes, QLinear(0.0016,3,int8), activations
macc             : {MACS:,}
weights (ro)     : {WEIGHTS:,} B (2.05 MiB) (1 segment) / -6,449,556(-75.0%) vs float model
activations (rw) : {ACTIVATIONS:,} B (532.28 KiB) (1 segment) *
ram (total)      : {ACTIVATIONS:,} B (532.28 KiB)
Complexity report (model)
macc={MACS:,} weights={WEIGHTS:,} act={ACTIVATIONS:,} ram_io=128
"""


def validate_text() -> str:
    return """ST.AI Profiling results v2.0 - "network"
nb sample(s)   : 10
duration       : 308.600 ms by sample (308.5/308.7/0.1)
macc           : 4,242
cycles/MACC    : 1.47
CPU cycles     : 123,456,789
"""


def mpu_result() -> dict[str, Any]:
    return {
        "benchmark": {
            "board": "STM32MP257F-EV1",
            "exec_time": {"duration_ms": 4.5, "npu_percent": 88.5, "gpu_percent": 0, "cpu_percent": 11.5},
            "model_size": 1_234_567,
            "ram_peak": 7_654_321,
            "model_name": "m.tflite",
            "tool_version": {"name": "STAI MPU", "major": "6", "minor": "1", "micro": "0"},
        }
    }
