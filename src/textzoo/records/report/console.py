"""The report on the console: tables for 80 columns, and row by row for narrower terminals."""

from collections.abc import Sequence

from rich.box import SIMPLE
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table

from textzoo.common.escaping import visible_line
from textzoo.common.terminal import Exact, Line
from textzoo.records.report.data import (
    BaselineReport,
    BenchmarkReport,
    CommandReport,
    DeploymentReport,
    EvaluationReport,
    Projection,
    QuantizationReport,
    Report,
    RunSummary,
    SampleReport,
)
from textzoo.records.report.rows import (
    Rows,
    command_columns,
    end_text,
    evaluation_columns,
    heading,
    key_value_rows,
    runtime_rows,
    shown,
)

# Short headings without seconds, so that the comparison fits 80 columns.
EVALUATION_HEADS = {
    "model": "model",
    "corpus": "corpus",
    "engine": "engine",
    "tokens": "tokens",
    "loss_nats": "loss\nnats",
    "bits_per_character": "bits/\nchar",
    "perplexity": "perpl.",
    "top1_accuracy": "top-1",
    "top5_accuracy": "top-5",
    "delta_loss_nats": "delta\nnats",
}
WORDS = ("model", "engine", "corpus")
FILES = "report.html, report.md, report.json, models, plots and logs"
FILES_OF_MODES = {
    "compare": "comparison.html and the log",
    "publish": "publish, report.html, report.md and report.json",
}
MAX_BAR = 30
# Narrower terminals do not show bars.
NARROW_COLUMNS = 60
UNLIMITED = 10_000


class Bar:
    """A share as a bar of block characters, or of ASCII characters if the terminal lacks them.

    Args:
        share: The filled part, 0 to 1; more is shown as full.
        style: Style of the filled part.
        empty: Whether the rest is drawn.
    """

    def __init__(self, share: float, style: str = "cyan", *, empty: bool = True) -> None:
        self.share, self.style, self.empty = min(max(share, 0.0), 1.0), style, empty

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, MAX_BAR)
        filled = round(self.share * width) or (self.empty and self.share > 0)
        full, rest = ("#", "-") if options.ascii_only else ("█", "░")
        yield Segment(full * filled, console.get_style(self.style))
        if self.empty:
            yield Segment(rest * (width - filled), console.get_style("dim"))
        yield Segment("\n")


def print_report(console: Console, summary: RunSummary, report: Report, *, with_samples: bool = True) -> None:
    """Print tables, the samples unless they were shown already, and the path of the files."""
    for table in tables(console, report):
        console.print(table)
        console.print()
    if with_samples:
        for authors, sample in different_samples(report.samples):
            console.print(Line(f"sample, seed {sample.seed}, {authors}:", "bold"))
            say(console, f"{sample.prompt}{sample.text}\n")
    for row in report.skipped:
        say(console, f"skipped {visible_line(row.what)}: {row.why}")
    files = FILES_OF_MODES.get(summary.operation_mode, FILES)
    say(console, f"{summary.status}: {files} lie in {visible_line(summary.run_dir)}")


def say(console: Console, text: str) -> None:
    """Print a line without wrapping or interpreting markup, on any console."""
    console.print(Exact(f"{text}\n"), crop=False)


def tables(console: Console, report: Report) -> list[RenderableType]:
    """Return the tables of a report, in the order of the chain."""
    found: list[RenderableType] = []
    if rows := [*model_rows(report), *training_rows(report)]:
        found.append(key_value_table("model and training", rows))
    if report.evaluation:
        found.append(comparison(console, report.evaluation, report.quantization))
    elif report.quantization:
        found.append(key_value_table("quantization", quantization_rows(report.quantization)))
    if report.baselines:
        found.append(key_value_table("what you would use instead, on the same text", baseline_lines(report.baselines)))
    if report.benchmark:
        found.append(device_table(report.benchmark))
    elif report.deployment:
        found.append(key_value_table("device", deployment_rows(report.deployment)))
    if report.commands:
        found.append(side_by_side("commands that were not trained on", *commands_side_by_side(report.commands)))
    if report.runtimes:
        found.append(side_by_side("runtimes, the same model", *runtime_rows(report.runtimes)))
    if report.flashed:
        found.append(key_value_table("board", key_value_rows(report.flashed)))
    if report.publication:
        found.append(key_value_table("publication", key_value_rows(report.publication)))
    if report.benchmark and report.benchmark.by_kind:
        found.append(cost_table(console, report.benchmark))
    return found


def titled(title: str, table: RenderableType) -> Group:
    return Group(Line(title, "bold"), table)


def key_value_table(title: str, rows: Sequence[tuple[str, RenderableType]]) -> Group:
    """Return a table with names on the left and values on the right, both wrapped on narrow terminals."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", overflow="fold", min_width=8)
    table.add_column(overflow="fold")
    for head, value in rows:
        table.add_row(head, Line(value) if isinstance(value, str) else value)
    return titled(title, table)


def model_rows(report: Report) -> Rows:
    if report.model is None:
        return []
    model = report.model
    sizes = f"{model.parameters:,} weights, {model.vocabulary_size:,} tokens, context of {model.context_length:,}"
    return [("model", model.name), ("sizes", sizes)]


def training_rows(report: Report) -> Rows:
    if report.training is None:
        return []
    training = report.training
    early = ", stopped early" if training.stopped_early else ""
    return [
        ("trained", f"{training.steps:,} steps, {training.tokens:,} tokens{early}"),
        ("time", f"{training.seconds:,.1f} s, {training.tokens_per_second:,.0f} tokens/s"),
        ("best loss", f"{training.best_validation_loss_nats:.4f} nats/token at step {training.best_step:,}"),
    ]


def quantization_rows(quantization: QuantizationReport) -> Rows:
    smaller = quantization.float_file_bytes / max(quantization.file_bytes, 1)
    sizes = f"{quantization.float_file_bytes:,} -> {quantization.file_bytes:,} bytes, {smaller:.1f} times smaller"
    return [("recipe", quantization.recipe), ("file", sizes), ("time", f"{quantization.seconds:,.1f} s")]


def comparison(
    console: Console, rows: Sequence[EvaluationReport], quantization: QuantizationReport | None
) -> RenderableType:
    """Return the comparison of all models over the same validation tokens."""
    head = key_value_table("float against quantized", quantization_rows(quantization)) if quantization else None
    table = evaluation_table(rows)
    too_wide = console.measure(table, options=console.options.update(width=UNLIMITED)).maximum > console.width
    shown_table = Group(*(evaluation_block(row, rows) for row in rows)) if too_wide else table
    return Group(head, "", shown_table) if head else titled("evaluation, all models over the same tokens", shown_table)


def evaluation_table(rows: Sequence[EvaluationReport]) -> Table:
    table = Table(box=SIMPLE, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    entries = [entry for entry in evaluation_columns(rows) if entry.name in EVALUATION_HEADS]
    for entry in entries:
        justify = "left" if entry.name in WORDS else "right"
        table.add_column(EVALUATION_HEADS[entry.name], justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*(Line(shown(entry, getattr(row, entry.name))) for entry in entries))
    return table


def evaluation_block(row: EvaluationReport, rows: Sequence[EvaluationReport]) -> RenderableType:
    """Return one row of the comparison as a separate table."""
    entries = [entry for entry in evaluation_columns(rows) if entry.name in EVALUATION_HEADS and entry.name != "model"]
    cells = [
        (EVALUATION_HEADS[entry.name].replace("\n", " "), shown(entry, getattr(row, entry.name))) for entry in entries
    ]
    return key_value_table(row.model, [(head, cell) for head, cell in cells if cell])


def baseline_lines(rows: Sequence[BaselineReport]) -> Rows:
    """Return name and figure of each baseline, or why there is none."""
    lines = []
    for row in rows:
        size = f" as large as {row.against}, {row.file_bytes:,} bytes" if row.file_bytes is not None else ""
        measured = row.bits_per_character is not None
        lines.append((f"{row.baseline}{size}", f"{row.bits_per_character:.4f} bits/char" if measured else row.how))
    return lines


def commands_side_by_side(rows: Sequence[CommandReport]) -> tuple[list[str], list[list[str]]]:
    """Return headings and cells of the measures of commands: a column for each model and number of typos."""
    heads = [f"{row.model} {row.engine}, {row.typos} typo{'' if row.typos == 1 else 's'}" for row in rows]
    entries = [entry for entry in command_columns(rows) if entry.name not in ("model", "engine", "typos")]
    cells = [[heading(entry), *(shown(entry, getattr(row, entry.name)) for row in rows)] for entry in entries]
    return ["", *heads], cells


def side_by_side(title: str, heads: Sequence[str], cells: Sequence[Sequence[str]]) -> RenderableType:
    """Return a table with a column for each thing that is compared, and a row for each quantity."""
    table = Table(box=SIMPLE, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for head in heads:
        table.add_column(Line(head), justify="right" if head else "left", overflow="fold")
    for row in cells:
        table.add_row(*map(Line, row))
    return titled(title, table)


def device_table(benchmark: BenchmarkReport) -> RenderableType:
    """Return the table of the cost of a token on the device, and of flash and RAM."""
    rows: list[tuple[str, RenderableType]] = list(memory_rows(benchmark))
    rows += cost_rows(benchmark)
    return key_value_table(f"device: {benchmark.board} ({benchmark.machine})", rows)


def memory_rows(benchmark: BenchmarkReport) -> list[tuple[str, RenderableType]]:
    """Return rows for flash and RAM: a bar of the board's memory, the sum, and its parts."""
    rows: list[tuple[str, RenderableType]] = []
    for name, sizes in (("flash", benchmark.flash_bytes), ("RAM", benchmark.ram_bytes)):
        if sizes is None:
            continue
        parts = {key: value for key, value in vars(sizes).items() if key not in ("total", "available")}
        whole = f" of {sizes.available:,} bytes, {sizes.total / sizes.available:.1%}" if sizes.available else " bytes"
        if sizes.available:
            rows.append((name, Bar(sizes.total / sizes.available)))
        rows.append(("" if sizes.available else name, f"{sizes.total:,}{whole}"))
        rows.append(("", ", ".join(f"{key} {value:,}" for key, value in parts.items())))
    if benchmark.copied_bytes:
        rows.append(("", copies_text(benchmark.copied_bytes)))
    if benchmark.grammar_bytes:
        ram = f", {benchmark.grammar_ram_bytes:,} bytes of the RAM" if benchmark.grammar_ram_bytes else ""
        rows.append(("grammar", f"{benchmark.grammar_bytes:,} bytes of the constants{ram}"))
    return rows


def copies_text(copied: dict[str, int]) -> str:
    """Return where weights are copied to."""
    parts = (f"{count:,} bytes to {memory}" for memory, count in copied.items())
    return f"and copies of weights, made at the start: {', '.join(parts)}"


def cost_rows(benchmark: BenchmarkReport) -> Rows:
    rows: Rows = []
    if benchmark.instructions_per_token is not None:
        rows.append(("instructions", f"{benchmark.instructions_per_token:,} per token{spread_text(benchmark)}"))
    if benchmark.instructions_per_mac is not None:
        macs = f"{benchmark.macs_per_token:,} multiplications per token"
        rows.append(("", f"{benchmark.instructions_per_mac:.3f} per multiplication, {macs}"))
    if benchmark.instructions_overlapping is not None:
        rows.append(("", f"{benchmark.instructions_overlapping:,} of them on two cores at the same time"))
    if benchmark.cycles_per_token is not None:
        rows.append(("cycles", f"{benchmark.cycles_per_token:,} per token, measured{beside_text(benchmark)}"))
    rows += speed_rows(benchmark)
    rows.append(
        ("exactness", f"{benchmark.mismatching_logits:,} logits differ, {benchmark.tokens_checked:,} tokens checked")
    )
    if benchmark.same_text is not None:
        rows.append(("", "the same text as on the PC" if benchmark.same_text else "another text than on the PC"))
    return [(head, benchmark.worded(text)) for head, text in rows]


def beside_text(benchmark: BenchmarkReport) -> str:
    """Return what the model predicted of measured cycles, and by how much of the measured ones it is off."""
    if benchmark.projected is None or not benchmark.cycles_per_token:
        return ""
    error = benchmark.projected.cycles / benchmark.cycles_per_token - 1
    return f"; {benchmark.projected.cycles:,} predicted ({error:+.1%})"


def spread_text(benchmark: BenchmarkReport) -> str:
    """Return the smallest and largest cost of a position, if they are known."""
    smallest, largest = benchmark.instructions_smallest, benchmark.instructions_largest
    return "" if smallest is None or largest is None else f" ({smallest:,} to {largest:,})"


def speed_rows(benchmark: BenchmarkReport) -> Rows:
    """Return the measured speed, and a projection that is labelled as such."""
    rows: Rows = []
    if benchmark.tokens_per_second is not None:
        rows.append(("speed", f"{benchmark.tokens_per_second:,.1f} tokens/s"))
    return [*rows, *projected_rows(benchmark.projected)] if benchmark.projected else rows


def projected_rows(projected: Projection) -> Rows:
    """Return cycles and speed, each with its error; before them what they were predicted from."""
    speed = " to ".join(map(end_text, projected.tokens_per_second))
    rows: Rows = [("projected", f"{speed} tokens/s at {projected.clock_hz / 1e6:,.0f} MHz")]
    if projected.core_cycles is None:
        rows.append(("", f"{projected.cycles:,} cycles, assumed (±{projected.error_percent:g} %)"))
    else:
        stalls = f"{projected.stall_cycles / max(projected.cycles, 1):.1%} of them stalls"
        rows.append(("", f"{projected.cycles:,} cycles with memories (±{projected.error_percent:g} %), {stalls}"))
        rows.append(("", f"{projected.core_cycles:,} cycles of the core alone (±{projected.core_error_percent:g} %)"))
    return [*rows, ("", projected.basis)]


def deployment_rows(deployment: DeploymentReport) -> Rows:
    grammar_ram = f", {deployment.grammar_ram_bytes:,} of RAM" if deployment.grammar_ram_bytes else ""
    return [
        ("target", deployment.target),
        ("project", deployment.c_project),
        ("flash", f"{deployment.constant_bytes:,} bytes of constants"),
        ("RAM", f"state {deployment.state_bytes:,}, arena {deployment.arena_bytes:,} bytes"),
        *([("", copies_text(deployment.copied_bytes))] if deployment.copied_bytes else []),
        *(
            [("grammar", f"{deployment.grammar_bytes:,} bytes of flash{grammar_ram}")]
            if deployment.grammar_bytes
            else []
        ),
    ]


def cost_table(console: Console, benchmark: BenchmarkReport) -> RenderableType:
    """Return the table of cost by operator, the largest first; with its cycles where the model counted them."""
    costs, projected = benchmark.by_kind or {}, benchmark.projected
    unit = "instructions" if benchmark.instructions_per_token else "cost"
    if not (projected and projected.by_kind):
        return titled(benchmark.worded(f"{unit} per token by operator"), counts_table(console, costs))
    title = benchmark.worded("projected cycles per token by operator, and the share of stalls in them")
    if console.width >= NARROW_COLUMNS:
        return titled(title, cycles_table(console, projected, costs))
    before = titled(benchmark.worded(f"{unit} per token by operator"), counts_table(console, costs))
    return Group(before, "", titled(title, cycles_table(console, projected)))


def counts_table(console: Console, costs: dict[str, int]) -> Table:
    """Return cost, share of all costs, and a bar of each operator."""
    table, largest = grid_of(2), max(costs.values(), default=1) or 1
    for kind, cost in costs.items():
        table.add_row(Line(kind), f"{cost:,}", share_text(cost, costs), *bar_of(console, cost / largest))
    return table


def cycles_table(console: Console, projected: Projection, instructions: dict[str, int] | None = None) -> Table:
    """Return cycles of each operator, the share of stalls in them, and a bar; its instructions, if given."""
    cycles, stalls = projected.by_kind or {}, projected.stalls_by_kind or {}
    heads = [*(["instructions"] if instructions else []), "cycles", "stalls"]
    table, largest = grid_of(len(heads)), max(cycles.values(), default=1) or 1
    table.add_row("", *(Line(head, "dim") for head in heads))
    for kind, cost in cycles.items():
        counts = [f"{instructions.get(kind, 0):,}"] if instructions else []
        share = f"{stalls.get(kind, 0) / max(cost, 1):.1%}"
        table.add_row(Line(kind), *counts, f"{cost:,}", share, *bar_of(console, cost / largest))
    return table


def grid_of(numbers: int) -> Table:
    """Return an empty table with a column of names and so many of numbers."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(overflow="fold", style="dim")
    for _ in range(numbers):
        table.add_column(justify="right", no_wrap=True)
    return table


def share_text(cost: int, costs: dict[str, int]) -> str:
    return f"{cost / max(sum(costs.values()), 1):.1%}"


def bar_of(console: Console, share: float) -> list[Bar]:
    """Return the cell of a bar, none on a narrow terminal."""
    return [Bar(share, empty=False)] if console.width >= NARROW_COLUMNS else []


def different_samples(samples: Sequence[SampleReport]) -> list[tuple[str, SampleReport]]:
    """Return every text once, with all models and engines that generated it."""
    authors: dict[str, list[str]] = {}
    texts: dict[str, SampleReport] = {}
    for sample in samples:
        text = sample.prompt + sample.text
        texts.setdefault(text, sample)
        authors.setdefault(text, []).append(f"{sample.model} on {sample.engine}")
    return [(" and ".join(authors[text]), sample) for text, sample in texts.items()]
