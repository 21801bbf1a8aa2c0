"""Progress of long tasks: a bar on a terminal; elsewhere a line at every milestone and every 30 seconds."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID
from rich.text import Text

from textzoo.common.escaping import visible_line
from textzoo.common.signals import held_back, raise_if_interrupted
from textzoo.common.terminal import TextConsole

console = TextConsole()
# Seconds between two lines without a terminal.
LINE_INTERVAL = 30.0
PATIENCE = 1.0
SAMPLE_INTERVAL = 1.0
RECENT_SAMPLES = 30
SHORTEST_TIME = 1e-6
BAR_COLUMNS = 12

Item = TypeVar("Item")


@dataclass
class Work:
    """A long task and its progress.

    Attributes:
        description: Name of the task ("training").
        total: Number of advances until the end; None if it is unknown.
        unit: Unit of the speed.
        scale: Units per advance.
        counted: Name of an advance ("steps"); `unit` if one advance is one unit.
        start: Advances already done, after a resume.
        done: Advances done, those of `start` included.
        note: Additional text ("loss 1.52").
        succeeded: Whether it has ended without an error.
        began: Start of the task, in seconds of time.monotonic().
        recent: (time, done) of the last 30 seconds or more, so that the speed excludes a slow start (compilation).
    """

    description: str
    total: int | None = None
    unit: str = "tokens"
    scale: float = 1.0
    counted: str = ""
    start: int = 0
    done: int = 0
    note: str = ""
    succeeded: bool = False
    began: float = field(default_factory=lambda: time.monotonic())
    recent: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=RECENT_SAMPLES))

    def __post_init__(self) -> None:
        self.done = self.start
        self.recent.append((self.began, self.start))

    def advance(self, count: int, note: str) -> None:
        """Add `count` advances; an empty note keeps the previous one."""
        self.done += count
        self.note = note or self.note
        now = time.monotonic()
        if now - self.recent[-1][0] >= SAMPLE_INTERVAL:
            self.recent.append((now, self.done))

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    @property
    def advances_per_second(self) -> float:
        """Speed of the recent time; of the whole task once it is done."""
        when, done = self.recent[0] if self.done != self.total else (self.began, self.start)
        return (self.done - done) / max(time.monotonic() - when, SHORTEST_TIME)

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds until the end; None if the total or the speed is unknown."""
        speed = self.advances_per_second
        return None if self.total is None or speed <= 0 else max(self.total - self.done, 0) / speed

    def speed_text(self) -> str:
        return f"{self.advances_per_second * self.scale:,.0f} {self.unit}/s" if self.done > self.start else ""

    def amount_text(self) -> str:
        if self.total is None:
            return f"{self.done:,} {self.counted or self.unit}" if self.done else ""
        return f"{self.done:,} of {self.total:,} {self.counted or self.unit}"

    def time_text(self) -> str:
        """Return the time left, or the time spent if the task is done or the total is unknown."""
        if self.succeeded or (self.total is not None and self.done >= self.total):
            return f"done in {duration(self.seconds)}"
        left = self.seconds_left
        return f"{duration(self.seconds)} so far" if left is None else f"{duration(left)} left"

    def line(self) -> str:
        """Return e.g. `training: 160 of 6,000 steps, loss 1.523, 23,236 tokens/s, 3:45 left`."""
        parts = [self.amount_text(), self.note, self.speed_text(), self.time_text()]
        return f"{self.description}: {', '.join(part for part in parts if part)}"

    def bar_text(self) -> str:
        """Return the text after a bar, the most important part first."""
        parts = [self.description, self.time_text(), self.amount_text(), self.speed_text(), self.note]
        return ", ".join(part for part in parts if part)


def duration(seconds: float) -> str:
    """Format seconds as 0:07, 12:30 or 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Display(Protocol):
    """Shows the progress of a task."""

    def update(self, work: Work, milestone: bool) -> None:
        """Show an advance; a milestone gets its own line."""

    def close(self, work: Work) -> None:
        """End the display, whether the task succeeded or failed."""


class Lines:
    """The display without a terminal: a line at every milestone, every LINE_INTERVAL seconds, and at the end."""

    def __init__(self, work: Work) -> None:
        self.last = ""
        self.ended = threading.Event()
        self.heart = threading.Thread(target=self.beat, args=(work,), name="textzoo-progress", daemon=True)
        self.heart.start()

    def beat(self, work: Work) -> None:
        while not self.ended.wait(LINE_INTERVAL):
            self.show(work)

    def show(self, work: Work) -> None:
        line = visible_line(work.line())
        if line != self.last:
            self.last = line
            console.print(line)

    def update(self, work: Work, milestone: bool) -> None:
        if milestone or work.done == work.total:
            self.show(work)

    def close(self, work: Work) -> None:
        self.ended.set()
        self.heart.join(PATIENCE)  # it blocks if nobody reads the output


class ProgressText(ProgressColumn):
    """The text after a bar: without markup, cut off at the terminal's width."""

    def render(self, task: Task) -> Text:
        return Text(visible_line(task.fields["work"].bar_text(), console.encoding), no_wrap=True, overflow="ellipsis")


class Bars:
    """The display on a terminal: a bar for each task; a task within another one gets a bar below it."""

    shared: Progress | None = None

    def __init__(self, work: Work) -> None:
        self.is_outermost = Bars.shared is None
        if Bars.shared is None:
            Bars.shared = Progress(
                BarColumn(BAR_COLUMNS),
                ProgressText(),
                console=console,
            )
            Bars.shared.start()
        self.progress = Bars.shared
        self.task: TaskID = self.progress.add_task("", total=work.total, completed=work.start, work=work)

    def update(self, work: Work, milestone: bool) -> None:
        self.progress.update(self.task, completed=work.done)

    def close(self, work: Work) -> None:
        if self.is_outermost:
            Bars.shared = None
            if work.succeeded and work.total is None:
                self.progress.update(self.task, total=1, completed=1)  # a full bar, which no longer moves
            self.progress.stop()
        elif work.total is None:
            self.progress.remove_task(self.task)


@contextmanager
def progress_bar(
    description: str,
    total: int | None,
    *,
    unit: str = "tokens",
    scale: float = 1.0,
    start: int = 0,
    counted: str = "",
) -> Iterator[Callable[..., None]]:
    """Show the progress of one long task.

    Args:
        description: Name of the task ("training").
        total: Number of advances until the end; None if it is unknown.
        unit: Unit of the speed.
        scale: Units per advance.
        start: Advances already done, after a resume.
        counted: Name of an advance if it is not one unit ("steps").

    Yields:
        `advance(count=1, note="", milestone=False)`, to be called after each advance; `note` is shown as well
        ("loss 1.52"), and a milestone gets a line without a terminal. Raises a KeyboardInterrupt that was dropped.
    """
    work = Work(description, total, unit, scale, counted, start)
    display: Display | None = None

    def advance(count: int = 1, note: str = "", milestone: bool = False) -> None:
        raise_if_interrupted()
        work.advance(count, note)
        assert display is not None
        display.update(work, milestone)

    try:
        with held_back():  # a bar that has begun to move is closed below
            display = Bars(work) if console.shows_bars else Lines(work)
        yield advance
        work.succeeded = True
    finally:
        with held_back():
            if display is not None:
                display.close(work)


@contextmanager
def working(description: str) -> Iterator[None]:
    """Show that a long task runs whose progress is unknown."""
    with progress_bar(description, None):
        yield


def following(
    items: Iterable[Item], description: str, total: int | None = None, *, unit: str = "tokens"
) -> Iterator[Item]:
    """Yield the items, each of them one advance of the task."""
    with progress_bar(description, total, unit=unit) as advance:
        for item in items:
            advance()
            yield item
