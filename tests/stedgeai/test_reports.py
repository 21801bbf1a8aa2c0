"""ST's reports: every form gives the same figures under the same names, and damaged ones are refused."""

import json

import pytest
from vendor_forms import (
    ACTIVATIONS,
    KERNEL_FLASH,
    KERNEL_RAM,
    MACS,
    TOOLCHAIN_FLASH,
    WEIGHTS,
    after_a_run,
    c_graph,
    c_info,
    generate_text,
    mpu_result,
    network_report,
    validate_text,
)

from textzoo.common.errors import UserError
from textzoo.targets.stedgeai.fields import MAX_ROWS
from textzoo.targets.stedgeai.reports import parse_c_info, parse_cloud_benchmark, read_report

SIZES = {"weights_bytes": WEIGHTS, "activations_bytes": ACTIVATIONS, "io_bytes": 128}
RUN = {"latency_ms": 308.6, "cycles": 123_456_789}
TOTALS = {
    "flash_bytes": WEIGHTS + KERNEL_FLASH + TOOLCHAIN_FLASH,
    "ram_bytes": ACTIVATIONS + 128 + KERNEL_RAM,
    "library_flash_bytes": KERNEL_FLASH + TOOLCHAIN_FLASH,
}
VERSION = {"version": "2.1.0-20194 329b0e98d", "target": "stm32h7"}
FORMS = {
    "network_c_info.json": (c_info(), SIZES | TOTALS | VERSION | {"st_macs": MACS, "internal_ram_bytes": 1024}),
    "network_c_info_valid.json": (after_a_run(c_info()), SIZES | TOTALS | RUN | {"device": "stm32h7"}),
    "network_c_graph.json": (c_graph(), SIZES | TOTALS | RUN | {"device": "stm32h7"}),
    "network_report.json": (network_report([ACTIVATIONS - 6, 6]), SIZES | {"st_macs": MACS, "version": "8.1.0-19520"}),
    "later/network_report.json": (network_report(ACTIVATIONS), SIZES | {"st_macs": MACS, "latency_ms": None}),
    "network_generate_report.txt": (generate_text(), SIZES | VERSION | {"st_macs": MACS, "latency_ms": None}),
    "network_validate_report.txt": (validate_text(), RUN | {"st_macs": MACS, "weights_bytes": None}),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_figures(name, tmp_path):
    content, expected = FORMS[name]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    report = read_report(path)
    assert {key: getattr(report, key) for key in expected} == expected


def test_validation_leaves_out_what_was_not_available():
    (row,) = parse_c_info(after_a_run(c_info())).validation
    assert row.compared == "X-cross #1"
    assert row.metrics == {"l2r": 0.01, "mae": 0.001, "mean": -0.25, "cos": 0.999}


MAPPING = {
    "layersInExternalFlash": ["a", "b"],
    "layersInInternalFlash": ["c"],
    "useExternalRam": False,
    "useExternalFlash": True,
}


@pytest.mark.parametrize(
    "benchmark",
    [
        {"info": after_a_run(c_info())},
        {"info": c_info(), "graph": c_graph()},
        {"info": c_info(), "report": validate_text()},
        {"info": None, "graph": c_graph(), "report": network_report(ACTIVATIONS)},
    ],
    ids=["info", "info and graph", "info and text", "old"],
)
def test_parts_of_a_cloud_result_complete_each_other(benchmark):
    report = parse_cloud_benchmark({"benchmark": benchmark, "memoryMapping": MAPPING})
    expected = SIZES | TOTALS | RUN
    assert {key: getattr(report, key) for key in expected} == expected
    assert (report.external_flash_layers, report.internal_flash_layers) == (("a", "b"), ("c",))
    assert (report.uses_external_ram, report.uses_external_flash) == (False, True)


def test_cloud_result_of_a_linux_board():
    report = parse_cloud_benchmark(mpu_result())
    assert (report.version, report.device, report.latency_ms) == ("STAI MPU 6.1.0", "STM32MP257F-EV1", 4.5)
    assert (report.flash_bytes, report.ram_bytes) == (1_234_567, 7_654_321)
    assert report.processor_percent == {"cpu": 11.5, "gpu": 0.0, "npu": 88.5}


FOOTPRINT = c_info()["memory_footprint"]
DAMAGED = {
    "a negative size": (c_info(memory_footprint=FOOTPRINT | {"weights": -1}), "memory_footprint: weights"),
    "a size beyond any memory": (c_info(memory_footprint=FOOTPRINT | {"weights": 2**60}), "memory_footprint: weights"),
    "a text for a size": (c_info(memory_footprint=FOOTPRINT | {"kernel_ram": "2"}), "memory_footprint: kernel_ram"),
    "a truth for a size": (c_info(memory_footprint=FOOTPRINT | {"io": [True]}), "memory_footprint: io"),
    "a list for the memory": (c_info(memory_footprint=[1]), "memory_footprint"),
    "a number for the graphs": (c_info(graphs=7), "graphs"),
    "a time that is endless": (c_info(graphs=[{"exec_time": {"duration_ms": 1e300}}]), "exec_time: duration_ms"),
    "another schema": (c_info(json_schema_version="9.1"), "9.1"),
    "no known key": ({"other": 1}, "other"),
    "a graph without sizes": ({"c_arrays": []}, "memory_footprint"),
    "text without known lines": ("hello", "hello"),
    "an empty text": ("", "an empty file"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_report_is_refused_with_its_name_and_place(case, tmp_path):
    content, named = DAMAGED[case]
    path = tmp_path / ("r.txt" if isinstance(content, str) else "r.json")
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(UserError) as raised:
        read_report(path)
    assert path.name in str(raised.value)
    assert named in str(raised.value)


def test_all_mistakes_are_told_at_once():
    with pytest.raises(UserError) as raised:
        parse_c_info(c_info(memory_footprint=FOOTPRINT | {"weights": -1, "extra_ram": []}))
    assert "weights" in str(raised.value)
    assert "extra_ram" in str(raised.value)


def test_a_report_of_too_many_rows_is_refused():
    nodes = [{"macc": 1}] * (MAX_ROWS + 1)
    with pytest.raises(UserError, match="at most 65,536 rows"):
        parse_c_info(c_info(graphs=[{"nodes": nodes}]))


@pytest.mark.parametrize("result", [{}, {"benchmark": {}}, {"benchmark": 3}, {"benchmark": {"info": 5}}])
def test_a_cloud_result_without_results_is_refused(result):
    with pytest.raises(UserError):
        parse_cloud_benchmark(result)


def test_names_with_control_characters_do_not_reach_the_console():
    info = c_info()
    info["environment"]["device"] = "stm32\x1b[2J" + "x" * 1000
    report = parse_c_info(info)
    assert report.device.startswith("stm32?[2J")
    assert len(report.device) == 300
