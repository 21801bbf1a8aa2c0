"""What ST Edge AI reports of a model, in the forms of its versions 2 to 4, old ones included, as one `VendorReport`.

| form | written by | function |
|---|---|---|
| `<name>_c_info.json`, schema 2.0 | `analyze`, `generate`; after a board ran, with `exec_time` | `parse_c_info` |
| `<name>_c_info_valid.json`, `<name>_validate_report.json` (schema 2.0) | `validate` | `parse_c_info` |
| `<name>_c_graph.json`, version 1.2 | versions up to 2 | `parse_c_graph` |
| `network_report.json` | versions up to 10 of its predecessor | `parse_network_report` |
| `<name>_generate_report.txt`, `<name>_analyze_report.txt`, `<name>_validate_report.txt` | all | `parse_text` |
| a benchmark's result of the Developer Cloud | | `parse_cloud_benchmark` |

ST's count of multiplications (`st_macs`) is kept as it is, for what it is: it also counts nodes that multiply nothing
(a conversion of formats is reported with as many "macc" as it has elements), and public reports of transformers have
counts that no product of their weights explains (8,411,143,898 for 2,150,981 weights at 100 positions). Comparisons
therefore use the multiplications that TextZoo's compiler counts in the same file.
"""

import re
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.files import read_bytes
from textzoo.common.untrusted_json import read_json_object
from textzoo.targets.stedgeai.fields import Fields, printable

MAX_REPORT_BYTES = 64 << 20
SCHEMA_MAJOR = "2"
METRICS = ("acc", "rmse", "mae", "l2r", "mean", "std", "nse", "cos")
# Where the addresses of memories outside a chip begin.
EXTERNAL_ADDRESS = 0x60000000
MAX_METRIC = 1e30


@dataclass(frozen=True)
class Validation:
    """One row of ST's comparison of its C code with the model.

    Attributes:
        compared: What was compared, e.g. "X-cross #1".
        metrics: Name, one of METRICS -> value; without those that were not available.
    """

    compared: str
    metrics: dict[str, float]


@dataclass(frozen=True)
class VendorReport:
    """What ST Edge AI says of a model on a target; None for what a report does not say.

    Attributes:
        version: Of ST Edge AI, e.g. "2.1.0-20194 329b0e98d".
        target: Series that the code was generated for, e.g. "stm32h7".
        device: What ran it, only after a run on a board.
        st_macs: Multiplications as ST counts them; see the module's text.
        weights_bytes, activations_bytes: Of the model.
        io_bytes: Inputs and outputs, where they are not part of the activations.
        kernel_flash_bytes, kernel_ram_bytes: Of ST's library of kernels.
        toolchain_flash_bytes, toolchain_ram_bytes: Of the compiler's library.
        extra_flash_bytes, extra_ram_bytes: Whatever else ST counts.
        internal_ram_bytes: Used bytes of the memories inside the chip.
        latency_ms, cycles: Of an inference, measured on a board.
        external_flash_layers, internal_flash_layers: Layers whose weights the cloud's benchmark put there.
        uses_external_ram, uses_external_flash: Whether the cloud's benchmark needed them.
        processor_percent: MPU: part of the time on each unit: "cpu", "gpu", "npu".
        validation: ST's comparison of its C code with the model.
    """

    version: str | None = None
    target: str | None = None
    device: str | None = None
    st_macs: int | None = None
    weights_bytes: int | None = None
    activations_bytes: int | None = None
    io_bytes: int | None = None
    kernel_flash_bytes: int | None = None
    kernel_ram_bytes: int | None = None
    toolchain_flash_bytes: int | None = None
    toolchain_ram_bytes: int | None = None
    extra_flash_bytes: int | None = None
    extra_ram_bytes: int | None = None
    internal_ram_bytes: int | None = None
    latency_ms: float | None = None
    cycles: int | None = None
    external_flash_layers: tuple[str, ...] = ()
    internal_flash_layers: tuple[str, ...] = ()
    uses_external_ram: bool | None = None
    uses_external_flash: bool | None = None
    processor_percent: dict[str, float] = field(default_factory=dict)
    validation: tuple[Validation, ...] = ()

    @property
    def library_flash_bytes(self) -> int | None:
        """ST's kernels, the compiler's library and what else ST counts; one definition for every report."""
        return known_sum(self.kernel_flash_bytes, self.toolchain_flash_bytes, self.extra_flash_bytes)

    @property
    def library_ram_bytes(self) -> int | None:
        return known_sum(self.kernel_ram_bytes, self.toolchain_ram_bytes, self.extra_ram_bytes)

    @property
    def flash_bytes(self) -> int | None:
        """Weights and library; None without the weights' size."""
        return None if self.weights_bytes is None else self.weights_bytes + (self.library_flash_bytes or 0)

    @property
    def ram_bytes(self) -> int | None:
        """Activations, inputs and outputs, and library; None without the activations' size."""
        if self.activations_bytes is None:
            return None
        return self.activations_bytes + (self.io_bytes or 0) + (self.library_ram_bytes or 0)

    def completed(self, other: "VendorReport") -> "VendorReport":
        """Return this report with what it lacks taken from another report of the same model."""
        missing = [entry.name for entry in fields(self) if getattr(self, entry.name) in (None, (), {})]
        return replace(self, **{name: getattr(other, name) for name in missing})


def known_sum(*parts: int | None) -> int | None:
    """Return the sum of the parts that are known; None if none is."""
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def read_report(path: Path) -> VendorReport:
    """Return what a file of any known form says.

    Raises:
        UserError: Missing, too large, damaged, or of an unknown form.
    """
    if path.suffix == ".txt":
        return parse_text(read_bytes(path, MAX_REPORT_BYTES).decode("utf-8", "replace"), path.name)
    return parse_json_report(read_json_object(path, MAX_REPORT_BYTES), path.name)


def parse_json_report(values: dict[str, Any], where: str = "the report") -> VendorReport:
    """Return what a JSON report says, whichever of the forms it has."""
    for key, parse in FORMS.items():
        if key in values:
            return parse(values, where)
    raise UserError(
        f"{where} has no form of ST's reports that is known",
        expected=f"one of the keys {', '.join(FORMS)}",
        received=printable(", ".join(map(str, list(values)[:8]))) or "no key",
    )


def parse_c_info(values: dict[str, Any], where: str = "network_c_info.json") -> VendorReport:
    """Return what a report of schema 2.0 says, with or without the figures of a run.

    Raises:
        UserError: Another schema, or values of wrong types or ranges; all of them at once.
    """
    info = Fields(values, where)
    schema = info.text("json_schema_version")
    if schema is not None and schema.partition(".")[0] != SCHEMA_MAJOR:
        raise UserError(f"{where} has a schema that is not known", expected=f"{SCHEMA_MAJOR}.x", received=schema)
    environment, footprint = info.part("environment"), info.part("memory_footprint")
    tools = environment.parts("tools")
    report = VendorReport(
        version=tools[0].text("version") if tools else None,
        target=series_of(tools, footprint),
        device=environment.text("device"),
        internal_ram_bytes=internal_ram(info.parts("memory_pools")),
        validation=validation_of(info.part("validation").parts("val_metrics")),
        **footprint_of(footprint),
        **graph_figures(info.parts("graphs")),
    )
    info.check()
    return report


def series_of(tools: list[Fields], footprint: Fields) -> str | None:
    """Return the --target of the tool's arguments, or else the footprint's series."""
    arguments = (tools[0].text("arguments") or "") if tools else ""
    found = re.search(r"--target[ =](\S+)", arguments)
    return found[1] if found else footprint.text("series")


def footprint_of(footprint: Fields) -> dict[str, int | None]:
    """Return the fields of a report about memory."""
    library = ("kernel_flash", "kernel_ram", "toolchain_flash", "toolchain_ram", "extra_flash", "extra_ram")
    return {
        "weights_bytes": footprint.counts("weights"),
        "activations_bytes": footprint.counts("activations"),
        "io_bytes": footprint.counts("io"),
        **{f"{name}_bytes": footprint.whole(name) for name in library},
    }


def graph_figures(graphs: list[Fields]) -> dict[str, Any]:
    """Return multiplications, cycles and time, summed over the graphs that have them."""
    counts = [node.whole("macc") for graph in graphs for node in graph.parts("nodes")]
    runs = [graph.part("exec_time") for graph in graphs]
    times = [time for run in runs if (time := run.number("duration_ms")) is not None]
    return {
        "st_macs": known_sum(*counts),
        "cycles": known_sum(*(run.whole("cycles") for run in runs)),
        "latency_ms": sum(times) if times else None,
    }


def internal_ram(pools: list[Fields]) -> int | None:
    """Return the used bytes of memories inside the chip: writable, at a known address, no part of another."""
    return known_sum(*(pool.whole("used_size_bytes") for pool in pools if is_internal_ram(pool)))


def is_internal_ram(pool: Fields) -> bool:
    rights, name, address = (pool.text(key) or "" for key in ("rights", "name", "address"))
    is_whole = not pool.values.get("virtual") and not pool.values.get("subpools")
    try:
        inside = int(address, 0) < EXTERNAL_ADDRESS
    except ValueError:  # the address of a C array, or none
        return False
    return inside and is_whole and "WRITE" in rights and "EXTERNAL" not in name.upper()


def validation_of(rows: list[Fields]) -> tuple[Validation, ...]:
    """Return ST's comparisons, without metrics that were not available."""
    found = []
    for row in rows:
        values = {name: row.number(name, -MAX_METRIC, MAX_METRIC) for name in METRICS}
        known = {name: value for name, value in values.items() if value is not None}
        found.append(Validation(row.text("desc") or row.text("ts_name") or "", known))
    return tuple(found)


def parse_c_graph(values: dict[str, Any], where: str = "network_c_graph.json") -> VendorReport:
    """Return what a graph file of version 1.2 says: memory, and cycles and time after a run."""
    graph = Fields(values, where)
    run = graph.part("exec_time")
    footprint = footprint_of(graph.part("memory_footprint"))
    if footprint["weights_bytes"] is None and footprint["activations_bytes"] is None:
        graph.wrong("memory_footprint", graph.values.get("memory_footprint"), "bytes of weights and activations", None)
    report = VendorReport(
        device=run.text("device"), cycles=run.whole("cycles"), latency_ms=run.number("duration_ms"), **footprint
    )
    graph.check()
    return report


def parse_network_report(values: dict[str, Any], where: str = "network_report.json") -> VendorReport:
    """Return what a report of the predecessor says; `ram_size` was a list up to version 8.1, and a number since."""
    report = Fields(values, where)
    found = VendorReport(
        version=report.text("cli_version_str"),
        st_macs=report.whole("rom_n_macc"),
        weights_bytes=report.counts("rom_size"),
        activations_bytes=report.counts("ram_size"),
        io_bytes=report.counts("ram_io_size"),
        validation=validation_of(report.parts("val_metrics")),
    )
    report.check()
    return found


# Key that only one form of JSON has -> its parser, in the order of trying.
FORMS = {
    "json_schema_version": parse_c_info,
    "rom_size": parse_network_report,
    "c_arrays": parse_c_graph,
    "memory_footprint": parse_c_graph,
}

NUMBER = r"([\d,]{1,24})"
# Field -> the line of a text report that gives it.
TEXT_COUNTS = {
    "st_macs": rf"^\s*macc\s*:\s*{NUMBER}",
    "weights_bytes": rf"^\s*weights \(ro\)\s*:\s*{NUMBER} B",
    "activations_bytes": rf"^\s*activations \(rw\)\s*:\s*{NUMBER} B",
    "cycles": rf"^\s*CPU cycles\s*:\s*{NUMBER}",
}
TEXT_VERSION = r"^\s*(?:ST Edge AI Core|ST\.EdgeAI\.Core)\s+v(\S{1,40}(?: [0-9a-f]{6,40})?)"
TEXT_TARGET = r"^\s*target(?:/series)?\s*:\s*(\S{1,40})"
TEXT_DURATION = r"^\s*duration\s*:\s*(\d{1,9}(?:\.\d{1,9})?)\s*ms"
TEXT_IO = r"ram_io=([\d,]{1,24})"


def parse_text(text: str, where: str = "network_generate_report.txt") -> VendorReport:
    """Return what a text report of analyze, generate or validate says.

    Raises:
        UserError: None of the known lines occurs.
    """
    found: dict[str, Any] = {name: whole_in(text, pattern) for name, pattern in TEXT_COUNTS.items()}
    found["io_bytes"] = whole_in(text, TEXT_IO)
    found["version"], found["target"] = text_in(text, TEXT_VERSION), text_in(text, TEXT_TARGET)
    duration = text_in(text, TEXT_DURATION)
    found["latency_ms"] = None if duration is None else float(duration)
    if all(found[name] is None for name in (*TEXT_COUNTS, "latency_ms")):
        raise UserError(
            f"{where} has no line of ST's reports that is known",
            expected="macc, weights (ro), activations (rw), duration or CPU cycles",
            received=printable(text[:80]) or "an empty file",
        )
    return VendorReport(**found)


def text_in(text: str, pattern: str) -> str | None:
    found = re.search(pattern, text, re.MULTILINE)
    return found[1] if found else None


def whole_in(text: str, pattern: str) -> int | None:
    """Return a count with or without separators of thousands."""
    digits = (text_in(text, pattern) or "").replace(",", "")
    return int(digits) if digits else None


def parse_cloud_benchmark(values: dict[str, Any], where: str = "the cloud's benchmark") -> VendorReport:
    """Return what a benchmark of the Developer Cloud says.

    Args:
        values: The result of a finished run: `benchmark` with `info`, `report` and `graph` of a microcontroller, or
            with `exec_time`, `model_size` and `ram_peak` of a Linux board; and `memoryMapping`.
        where: Its name in messages.
    """
    result = Fields(values, where)
    benchmark = result.part("benchmark")
    found = mpu_benchmark(benchmark) if "model_size" in benchmark.values else mcu_benchmark(benchmark, where)
    found = replace(found, **mapping_of(result.part("memoryMapping")))
    result.check()
    return found


def mcu_benchmark(benchmark: Fields, where: str) -> VendorReport:
    """Return what the parts of a microcontroller's result say together; `info` counts most."""
    given = {key: benchmark.values.get(key) for key in ("info", "graph", "report")}
    given = {key: value for key, value in given.items() if value not in (None, {}, "")}
    if not given:
        benchmark.errors.append(UserError(f"{where} has no results", expected="info, graph or report"))
    report = VendorReport()
    for key, value in given.items():
        report = report.completed(parsed_part(value, f"{where}: {key}", benchmark))
    return report


def parsed_part(value: Any, where: str, benchmark: Fields) -> VendorReport:
    """Return what one part says: an object, or the text of a report."""
    if isinstance(value, str):
        return parse_text(value[:MAX_REPORT_BYTES], where)
    part = Fields(value, where, benchmark.errors)
    return parse_json_report(part.values, where) if part.values else VendorReport()


def mpu_benchmark(benchmark: Fields) -> VendorReport:
    """Return what the result of a Linux board says: the size of the model, its peak of RAM, its time."""
    run, tool = benchmark.part("exec_time"), benchmark.part("tool_version")
    shares = {unit: run.number(f"{unit}_percent", 0, 100) for unit in ("cpu", "gpu", "npu")}
    numbers = [str(tool.values.get(key)) for key in ("major", "minor", "micro") if tool.values.get(key) is not None]
    return VendorReport(
        version=printable(" ".join(filter(None, [tool.text("name"), ".".join(numbers)]))) or None,
        device=benchmark.text("board"),
        weights_bytes=benchmark.whole("model_size"),
        activations_bytes=benchmark.whole("ram_peak"),
        latency_ms=run.number("duration_ms"),
        processor_percent={unit: share for unit, share in shares.items() if share is not None},
    )


def mapping_of(mapping: Fields) -> dict[str, Any]:
    """Return the fields of a report about the memories that the cloud's benchmark used."""
    flags = {"uses_external_ram": "useExternalRam", "uses_external_flash": "useExternalFlash"}
    layers = {"external_flash_layers": "layersInExternalFlash", "internal_flash_layers": "layersInInternalFlash"}
    given: dict[str, Any] = {}
    for name, key in flags.items():
        value = mapping.values.get(key)
        given[name] = value if value is None or type(value) is bool else mapping.wrong(key, value, "a boolean", None)
    for name, key in layers.items():
        rows = mapping.values.get(key)
        given[name] = tuple(printable(str(row)) for row in ([] if rows is None else mapping.bounded(key, rows)))
    return given
