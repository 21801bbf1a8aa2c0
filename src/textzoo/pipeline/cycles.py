"""Cycles of a firmware by the model of its board: of a token or an inference, of each position, and of each operator.

The board's default emulator, or the chosen one, runs the benchmark; a plugin counts. Without a model a board has an
assumed number of cycles per instruction instead.
"""

from collections.abc import Iterable, Sequence

from textzoo.common.progress import following
from textzoo.pipeline.firmware import BuiltModel
from textzoo.records.report import Projection, Range
from textzoo.targets.boards import Board
from textzoo.targets.cycles.measure import Call, Cost, Measurement, Span, counting, places_of
from textzoo.targets.cycles.timing import CORES
from textzoo.targets.emulators import build_image, emulate
from textzoo.targets.platforms import platform_of

BENCHMARK, STEP, INFERENCE, MARK = "benchmark_run", "model_step", "model_run", "textzoo_profile_mark"
# Of the tokens per second that an assumed constant gives. Where a model took the place of such a constant, they fell by
# 20 % (STM32F4), 28 % (STM32U5) and 44 % (STM32H7).
ASSUMED_ERROR_PERCENT = 50.0


def modelled(made: BuiltModel, emulator: str | None = None, *, with_operators: bool = True) -> Projection:
    """Return cycles and speed by the model.

    Args:
        made: Of a board with a timing.
        emulator: One of the board's emulators, None for the first one.
        with_operators: Whether cycles are also counted by operator, in a second run.

    Raises:
        CyclesUnavailableError: There is no compiler for the plugin, or QEMU takes none.
        UserError: The board has no emulator, QEMU or the board's compiler is not installed, or the model does not know
            an instruction.
    """
    step = INFERENCE if made.sizes.is_graph else STEP
    measured = count(made, step, emulator)
    projection = projection_of(made.board, [call.cost for call in measured.of(step)])
    if made.sizes.is_graph:  # every inference costs the same
        projection.by_position = None
    if with_operators:
        costs = costs_by_kind(made, count(made, step, emulator, profile=True))
        projection.by_kind = {kind: cost.cycles for kind, cost in costs.items()}
        projection.stalls_by_kind = {kind: cost.cycles - cost.core_cycles for kind, cost in costs.items()}
    return projection


def count(made: BuiltModel, step: str, emulator_name: str | None, *, profile: bool = False) -> Measurement:
    """Run the benchmark of the image, and count the calls of a function; with `profile`, also those of MARK."""
    board, emulator = made.board, made.board.emulator(emulator_name)
    image = build_image(made.project, board, emulator, profile)
    places = places_of(board, emulator, board.data_memory(made.sizes.ram_bytes))
    spans = [Span(step), Span(MARK)] if profile else [Span(step)]
    qemu = platform_of(board).emulator_tool(emulator)
    with counting(image, board.timing, places, spans, within=BENCHMARK, qemu=qemu) as counter:
        with emulate(made.project, board, emulator.name, profile, counter.options) as console:
            what = f"counting cycles{' of every operator' if profile else ''} on {console.name}"
            list(following(console.command({"command": "benchmark"}), what, unit="replies"))
        return counter.result()


def costs_by_kind(made: BuiltModel, measurement: Measurement) -> dict[str, Cost]:
    """Return operator -> mean cost of a token, largest first."""
    kinds = [statement.kind for statement in made.compiled.program.statements]
    rows = step_marks(measurement.calls)
    totals: dict[str, Cost] = {}
    for marks in rows:
        for kind, cost in zip(kinds, costs_between(marks), strict=True):
            totals[kind] = totals.get(kind, Cost()) + cost
    largest_first = sorted(totals.items(), key=lambda item: -item[1].cycles)
    return {kind: mean_of(total, len(rows)) for kind, total in largest_first}


def step_marks(calls: Iterable[Call]) -> list[list[Call]]:
    """Return the calls of MARK within each step, which ends behind them."""
    rows: list[list[Call]] = []
    marks: list[Call] = []
    for call in calls:
        if call.name == MARK:
            marks.append(call)
        elif marks:
            rows.append(marks)
            marks = []
    return rows


def costs_between(marks: Sequence[Call]) -> list[Cost]:
    """Return the cost from the start of the step to the first mark, and of what lies between marks, without them."""
    ends = [Cost(), *(mark.before + mark.cost for mark in marks)]
    return [difference(mark.before, end) for mark, end in zip(marks, ends, strict=False)]


def difference(later: Cost, earlier: Cost) -> Cost:
    return Cost(*(a - b for a, b in zip(later.values(), earlier.values(), strict=True)))


def mean_of(total: Cost, number: int) -> Cost:
    return Cost(*(round(value / max(number, 1)) for value in total.values()))


def projection_of(board: Board, costs: Sequence[Cost]) -> Projection:
    """Return the projection from the costs of all positions."""
    mean, timing = mean_of(sum(costs, Cost()), len(costs)), board.timing
    waits = f"as measured: {timing.anchor}" if timing.is_anchored else "assumed"
    return Projection(
        clock_hz=board.clock_hz,
        core_cycles=mean.core_cycles,
        core_error_percent=timing.core_error_percent,
        cycles=mean.cycles,
        stall_cycles=mean.cycles - mean.core_cycles,
        error_percent=timing.error,
        tokens_per_second=speed_range(board.clock_hz, mean.cycles, timing.error),
        basis=f"model of the {CORES[timing.core].title}; waits of its memories {waits}",
        by_position=[cost.cycles for cost in costs],
    )


def assumed(board: Board, instructions: int, further: str = "") -> Projection:
    """Return cycles and speed from a board's assumed number of cycles per instruction.

    Args:
        board: One without a timing.
        instructions: Per token.
        further: More of what is assumed.
    """
    cycles = round(instructions * board.cycles_per_instruction)
    return Projection(
        clock_hz=board.clock_hz,
        cycles=cycles,
        error_percent=ASSUMED_ERROR_PERCENT,
        tokens_per_second=speed_range(board.clock_hz, cycles, ASSUMED_ERROR_PERCENT),
        basis=f"{board.cycles_per_instruction:g} cycles per instruction, {board.cycles_note or 'assumed'}{further}",
    )


def speed_range(clock_hz: int, cycles: int, error_percent: float) -> Range:
    """Return the tokens per second, to three digits, if `cycles` are wrong by so much of the real ones."""
    speed = clock_hz / max(cycles, 1)
    return Range(*(three_digits(speed * (1 + sign * error_percent / 100)) for sign in (-1, 1)))


def three_digits(value: float) -> float:
    return float(f"{value:.3g}")
