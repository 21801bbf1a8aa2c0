"""Benchmarking: the cost of a token on the device, and the comparison of the device's logits with LiteRT's.

Of a plain graph: the cost of an inference, and the comparison of all outputs.
"""

import contextlib
import logging
import time
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import numpy as np

from textzoo.common.errors import UserError, raise_all
from textzoo.common.files import shown_path, write_json
from textzoo.common.progress import following, progress_bar
from textzoo.config.schema import Config
from textzoo.engines.generate import generate
from textzoo.pipeline import cycles, firmware, graph_exchange, graph_firmware, inputs
from textzoo.pipeline.benchmark_picture import draw_instructions
from textzoo.pipeline.firmware import BuiltModel, Firmware
from textzoo.pipeline.graph_firmware import GraphFirmware
from textzoo.pipeline.measured import measurement
from textzoo.pipeline.samples import possible_prompt
from textzoo.pipeline.vendor_benchmark import beside_vendor
from textzoo.records.report import (
    INFERENCE,
    TOKEN,
    BenchmarkReport,
    FlashBytes,
    RamBytes,
    Report,
    SampleReport,
    Skipped,
    worded,
)
from textzoo.records.tracking import Recorder
from textzoo.records.workspace import Workspace
from textzoo.targets.answers import FLASH_AGAIN, Answer, check_model, generated
from textzoo.targets.boards import FLASH, Board
from textzoo.targets.console import TRIES, Console, OutOfSequenceError, generate_command
from textzoo.targets.emulators import build_image, emulate, open_serial, run_host
from textzoo.targets.platforms import platform_of
from textzoo.targets.serial_ports import find_board
from textzoo.targets.toolchains import find_tool

logger = logging.getLogger("textzoo")
INSTRUCTIONS = "instructions"
CYCLES = "cycles"
NANOSECONDS = "nanoseconds"
COUNTERS = (INSTRUCTIONS, CYCLES, NANOSECONDS)
# This many tokens of up to five digits and a comma fit into a line of the console. On a lossy line every token has its
# own command, because the device can only repeat the last token's logits.
TOKENS_PER_COMMAND = 64
MAX_MEMORY = 2**40  # bytes


def run(config: Config, workspace: Workspace, recorder: Recorder) -> Report:
    """Build the project, run it as `benchmarking.measured_by` selects, and measure."""
    made = prepared(config, workspace, recorder)
    if config.benchmarking.measured_by == "stedgeai":
        return beside_vendor(config, made, workspace, recorder, lambda: in_emulator(config, made))
    with open_console(config, made) as console:
        report = measure(config, made, console)
        wanted = config.benchmarking.sample and isinstance(made, Firmware)
        samples = [sample(config, workspace, made, console, report)] if wanted else []
        info = console.ask({"command": "info"})
    if config.benchmarking.measured_by != "serial":
        with open_console(config, made, profile=True) as console:
            add_profile(report, console)
    skipped = add_cycles(report, config, made)
    if report.cycles_per_token is not None:
        write_measurement(report, made, info, workspace, recorder)
    write_figures(report, made.compiled.facts.sha256, workspace, recorder)
    deployed = firmware.deployment_report(made, workspace)
    return Report(benchmark=report, deployment=deployed, samples=samples, skipped=skipped)


def in_emulator(config: Config, made: BuiltModel) -> tuple[BenchmarkReport, list[Skipped]]:
    """Measure the firmware in the board's emulator, without its operators; return why its cycles are missing."""
    with open_console(config, made) as console:
        report = measure(config, made, console)
    return report, add_cycles(report, config, made)


def prepared(config: Config, workspace: Workspace, recorder: Recorder) -> BuiltModel:
    """Render the project of the kind of model, for where it is measured."""
    settings = config.benchmarking
    on_host = settings.measured_by == "host"
    if config.model.is_graph:
        counts = {"count": settings.inputs_checked, "own": settings.inputs_path}
        return graph_firmware.prepare(config, workspace, recorder, **counts, on_host=on_host)
    return firmware.prepare(config, workspace, recorder, tokens_checked=settings.tokens_checked, on_host=on_host)


def open_console(config: Config, made: BuiltModel, profile: bool = False) -> AbstractContextManager[Console]:
    """Build and start the program; return its console.

    It runs on a board's emulator, unless there is no board, or the board itself is to be measured.
    """
    settings = config.benchmarking
    if made.board is None:
        return run_host(made.project, profile)
    if settings.measured_by == "serial":
        port = find_board(settings.serial_port, made.board, "benchmarking.serial_port")
        return open_serial(port.path, made.board.uart.baud, made.board.name)
    return emulate(made.project, made.board, settings.emulator, profile)


def measure(config: Config, made: BuiltModel, console: Console) -> BenchmarkReport:
    """Measure cost by position and memory, and compare the logits or outputs with LiteRT's."""
    check_identity(made, console)
    replies = measured_positions(console, "measuring")
    per = INFERENCE if isinstance(made, GraphFirmware) else TOKEN
    total = checked_total(replies[-1], console.name, per)
    report = BenchmarkReport(
        board=made.target_name,
        measured_by=config.benchmarking.measured_by,
        machine=machine_name(config, made),
        **exactness(made, console, config.benchmarking.tokens_checked),
        macs_per_token=total["macs_per_token"],
        copied_bytes=made.sizes.placement.bytes_by_memory or None,
        grammar_bytes=made.grammar_bytes,
        grammar_ram_bytes=made.grammar_ram_bytes,
    )
    if per == TOKEN:
        report.by_position = costs_by_position(replies[:-1], console.name)
    add_costs(report, made, total)
    add_memory(report, made, console.ask({"command": "memory"}), console.name)
    return report


def exactness(made: BuiltModel, console: Console, tokens: int) -> dict[str, Any]:
    """Return the fields of the report about the comparison with LiteRT."""
    if isinstance(made, GraphFirmware):
        wrong = graph_exchange.mismatches(made, console)
        return {"per": INFERENCE, "tokens_checked": len(made.cases), "mismatching_logits": wrong}
    return {"tokens_checked": tokens, "mismatching_logits": mismatches(made, console, tokens)}


def measured_positions(console: Console, description: str) -> list[dict[str, Any]]:
    """Return the device's replies to `benchmark`: at least one per position, the last one with the totals."""
    replies = console.command({"command": "benchmark"})
    return list(following(replies, f"{description} on {console.name}", unit="replies"))


def checked_total(reply: dict[str, Any], name: str, per: str = TOKEN) -> dict[str, Any]:
    """Return the checked figures of a benchmark's last line; a graph's by the names of those of a token."""
    answer = Answer(reply, name)
    total: dict[str, Any] = {"counter": answer.text("counter", COUNTERS)}
    total |= {key: answer.whole(key) for key in ("mean", "smallest", "largest")}
    if per == INFERENCE:  # which may multiply nothing
        total |= {"macs_per_token": answer.whole("macs_per_inference"), "positions": answer.whole("runs", low=1)}
    else:
        total |= {key: answer.whole(key, low=1) for key in ("macs_per_token", "positions")}
    total["overlap_mean"] = answer.whole("overlap_mean", high=total["mean"], default=0)
    answer.check()
    return total


def costs_by_position(replies: list[dict[str, Any]], name: str) -> list[int]:
    answers = [Answer(reply, name) for reply in replies if reply["reply"] == "benchmark"]
    costs = [answer.whole("cost") for answer in answers]
    raise_all([error for answer in answers for error in answer.errors][:1])
    return costs


def check_identity(made: BuiltModel, console: Console) -> None:
    """Raise UserError if a board on a serial line holds another model."""
    remedy = f"Flash it first: make flash in {made.project}."
    check_model(console.ask({"command": "info"}), console.name, made.compiled.facts.sha256, remedy)


def machine_name(config: Config, made: BuiltModel) -> str:
    if made.board is None:
        return "this machine"
    if config.benchmarking.measured_by == "serial":
        return made.board.title
    return made.board.emulator(config.benchmarking.emulator).title


def mismatches(made: Firmware, console: Console, count: int) -> int:
    """Return the number of logits that differ from LiteRT's, teacher-forced; the state is reset every context."""
    context = made.engine.context_length
    wrong = 0
    with progress_bar(f"comparing logits of {console.name}", count) as advance:
        for start in range(0, count, context):
            tokens = [int(token) for token in made.tokens[start : min(start + context, count)]]
            expected = firmware.reference_logits(made.engine, tokens)
            found = device_logits(console, tokens, expected.dtype)
            if found.shape != expected.shape:
                what = f"{console.name} sent {found.shape[1]} logits for a token"
                raise UserError(what, expected=f"{expected.shape[1]}, one for every token", remedy=FLASH_AGAIN)
            wrong += int((found != expected).sum())
            advance(len(tokens))
    return wrong


def device_logits(console: Console, tokens: list[int], dtype: np.dtype) -> np.ndarray:
    """Return the device's raw logits after a reset, (tokens, vocabulary_size).

    If something interrupts the sequence of commands (a restart of the board, a damaged line that the console took for
    user input), the device reports it, and the sequence is repeated.
    """
    for _ in range(TRIES - 1):
        with contextlib.suppress(OutOfSequenceError):
            return logits_after_reset(console, tokens, dtype)
    return logits_after_reset(console, tokens, dtype)


def logits_after_reset(console: Console, tokens: list[int], dtype: np.dtype) -> np.ndarray:
    rows, size = [], 1 if console.is_lossy else TOKENS_PER_COMMAND
    for start in range(0, len(tokens), size):
        command = {"command": "logits", "tokens": tokens[start : start + size], "reset": start == 0}
        rows += [row_of(reply, dtype, console.name) for reply in console.command(command) if "status" not in reply]
    if len(rows) != len(tokens) or len({len(row) for row in rows}) > 1:
        what = f"{console.name} sent {len(rows)} rows of logits of {sorted({len(row) for row in rows})} numbers"
        raise UserError(what, expected=f"{len(tokens)} rows of one length", remedy=FLASH_AGAIN)
    return np.stack(rows)


def row_of(reply: dict[str, Any], dtype: np.dtype, name: str) -> np.ndarray:
    """Return logits (vocabulary_size,) from a line with their hexadecimal digits."""
    answer = Answer(reply, name)
    try:
        row = np.frombuffer(bytes.fromhex(answer.text("hex")), dtype)
    except ValueError:
        row = answer.wrong("hex", "pairs of hexadecimal digits, whole logits", np.zeros(0, dtype))
    answer.check()
    return row


def add_costs(report: BenchmarkReport, made: BuiltModel, total: dict[str, Any]) -> None:
    """Add the mean cost of a token or an inference in the counter's unit."""
    mean = total["mean"]
    if total["counter"] == INSTRUCTIONS:
        report.instructions_per_token = mean
        report.instructions_smallest, report.instructions_largest = total["smallest"], total["largest"]
        report.instructions_per_mac = mean / report.macs_per_token if report.macs_per_token else None
    elif total["counter"] == CYCLES:
        report.cycles_per_token = mean
        report.tokens_per_second = made.board.clock_hz / max(mean, 1)
    elif total["counter"] == NANOSECONDS:
        report.tokens_per_second = 1e9 / max(mean, 1)


def add_cycles(report: BenchmarkReport, config: Config, made: BuiltModel) -> list[Skipped]:
    """Add cycles and speed by the board's model, or from its assumed constant; return why the model does not serve."""
    if made.board is None:
        return []
    if made.board.timing is None:
        add_assumed_cycles(report, made.board)
        return []
    if config.benchmarking.cycles == "off":
        return [Skipped("cycles by the model", "benchmarking.cycles=off")]
    try:
        report.projected = cycles.modelled(
            made, config.benchmarking.emulator, with_operators=report.by_kind is not None
        )
    except UserError as error:  # what was measured before is worth reporting
        return [Skipped("cycles by the model", str(error))]
    return []


def add_assumed_cycles(report: BenchmarkReport, board: Board) -> None:
    """Add the estimate from instructions, if they were counted; what two cores do in parallel counts once."""
    if report.instructions_per_token is None:
        return
    overlap = report.instructions_overlapping or 0
    further = "; two cores, without the cost of waking and of sharing the flash" if overlap else ""
    report.projected = cycles.assumed(board, report.instructions_per_token - overlap, further)


def add_memory(report: BenchmarkReport, made: BuiltModel, memory: dict[str, Any], name: str) -> None:
    """Add RAM as the device reports it, and flash from the board's ELF if its compiler is installed."""
    platform = platform_of(made.board)
    if made.board is None or find_tool(platform.compiler(made.board, platform.image)) is None:
        return
    sizes = platform.image_sizes(made.board, build_image(made.project, made.board))
    answer = Answer(memory, name)
    state, arena = (answer.whole(key, high=MAX_MEMORY) for key in ("state_bytes", "arena_bytes"))
    stack = answer.whole("stack_bytes", high=MAX_MEMORY, default=0)
    answer.check()
    application = sizes.ram - sizes.stack_reserved - state - arena
    report.ram_bytes = RamBytes(state, arena, application, stack, state + arena + application + stack)
    report.ram_bytes.available = made.board.data_memory(report.ram_bytes.total).bytes
    flash, available = sizes.flash, made.board.memory(FLASH).bytes
    report.flash_bytes = FlashBytes(flash.weights, flash.code, flash.constants, flash.total, available)


def add_profile(report: BenchmarkReport, console: Console) -> None:
    """Add costs by operator and, with two cores, what they do in parallel."""
    report.by_kind, overlap = costs_by_kind(console, report.per or TOKEN)
    if overlap and report.instructions_per_token:
        report.instructions_overlapping = overlap


def costs_by_kind(console: Console, per: str = TOKEN) -> tuple[dict[str, int], int]:
    """Return operator -> mean cost, largest first; and the part that two cores compute in parallel."""
    replies = measured_positions(console, "measuring every operator")
    last = checked_total(replies[-1], console.name, per)
    totals: dict[str, int] = {}
    for answer in (Answer(reply, console.name) for reply in replies if reply["reply"] == "profile"):
        kind, cost = answer.text("kind"), answer.whole("cost")
        answer.check()
        totals[kind] = totals.get(kind, 0) + cost
    largest_first = sorted(totals.items(), key=lambda item: -item[1])
    return {kind: round(total / last["positions"]) for kind, total in largest_first}, last["overlap_mean"]


def sample(
    config: Config, workspace: Workspace, made: Firmware, console: Console, report: BenchmarkReport
) -> SampleReport:
    """Let the device continue the prompt, and compare its text with the PC's for the same seed."""
    # The stop text with which the grammar was compiled.
    settings = replace(inputs.prediction(config, workspace), stop=made.defaults.stop)
    tokenizer = inputs.tokenizer(config, workspace)
    prompt = possible_prompt(settings.prompt, tokenizer, made.tokens)
    command = generate_command(settings, prompt)
    start = time.perf_counter()
    text, tokens = generated(list(following(console.command(command), f"{console.name} writes")), console.name)
    options = {key: command[key] for key in ("max_tokens", "temperature", "top_k", "seed", "stop")}
    expected = generate(made.engine, tokenizer, prompt, grammar=inputs.grammar(settings), **options)
    report.same_text = text == "".join(expected) and tokens == expected.tokens
    return SampleReport(
        model=made.compiled.facts.name,
        engine=f"{made.target_name} ({report.machine})",
        prompt=prompt,
        text=text,
        tokens=tokens,
        temperature=settings.temperature,
        top_k=settings.top_k,
        seed=settings.seed,
        seconds=time.perf_counter() - start,
    )


def write_figures(report: BenchmarkReport, model_sha256: str, workspace: Workspace, recorder: Recorder) -> None:
    """Write the figures as JSON and the costs as a plot, and send both to the tracker."""
    values = {"model_sha256": model_sha256, **Report(benchmark=report).to_dict()["benchmark"]}
    data = workspace.path("benchmark", f"{report.board}.json")
    write_json(data, values)
    picture = workspace.path("plots", "operators.png" if report.per else "instructions.png")
    draw_instructions(report, picture)
    for path, folder in ((data, "benchmark"), (picture, "plots")):
        recorder.artifact(path, folder)
    found = {name: value for name, value in metrics_of(report).items() if value is not None}
    recorder.metrics(0, {worded(name, report.per): value for name, value in found.items()})


def metrics_of(report: BenchmarkReport) -> dict[str, float | None]:
    """Return the metrics of a benchmark; None for those that it does not have."""
    names = ("instructions_per_token", "instructions_per_mac", "cycles_per_token", "mismatching_logits")
    figures = {name: getattr(report, name) for name in (*names, "tokens_per_second")}
    if (projected := report.projected) is not None:
        figures |= {f"projected_{name}": getattr(projected, name) for name in ("core_cycles", "cycles", "stall_cycles")}
        speeds = projected.tokens_per_second._asdict()
        figures |= {f"projected_tokens_per_second/{end}": speed for end, speed in speeds.items()}
        for name, costs in (("cycles", projected.by_kind), ("stall_cycles", projected.stalls_by_kind)):
            figures |= {f"projected_{name}/{kind}": cost for kind, cost in (costs or {}).items()}
    return figures


def write_measurement(
    report: BenchmarkReport, made: BuiltModel, info: dict[str, Any], workspace: Workspace, recorder: Recorder
) -> None:
    """Write what a real board measured beside what the model predicts, as a file that can be published."""
    path = workspace.path("benchmark", f"measured_{report.board}.json")
    write_json(path, measurement(report, made, info))
    recorder.artifact(path, "benchmark")
    logger.info("measured and predicted: %s; docs/lab_notes/measured.md says how to send it in", shown_path(path))
