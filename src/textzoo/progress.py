"""Progress on the console: bars with speed and time left on a terminal, silence elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from textzoo.interruption import raise_if_interrupted

console = Console(highlight=False)


class SpeedColumn(ProgressColumn):
    """Units per second; the task's `scale` turns steps into the unit that users think in (tokens)."""

    def render(self, task: Task) -> Text:
        speed = (task.finished_speed or task.speed or 0.0) * task.fields["scale"]
        return Text(f"{speed:,.0f} {task.fields['unit']}/s")


@contextmanager
def progress_bar(
    description: str, total: int, *, unit: str = "tokens", scale: float = 1.0, start: int = 0
) -> Iterator[Callable[..., None]]:
    """Show one bar for a long piece of work.

    Args:
        description: What is going on ("training").
        total: Number of advances until the end.
        unit: What the speed is given in.
        scale: Units per advance.
        start: Advances already done, after a resume.

    Yields:
        `advance(count=1, note="")`: moves the bar; `note` is shown behind it ("loss 1.52"). Raises KeyboardInterrupt
        if one was asked for and got lost.
    """
    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        SpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    ]
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(description, total=total, completed=start, unit=unit, scale=scale, note="")

        def advance(count: int = 1, note: str = "") -> None:
            raise_if_interrupted()
            progress.update(task, advance=count, **({"note": note} if note else {}))

        yield advance
