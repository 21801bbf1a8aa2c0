"""Long work is seen: lines where there is no terminal, bars on one; whatever texts name the work."""

import contextlib
import io
import itertools
import re
import signal
import threading

import pytest
from rich.progress import Progress

from textzoo.common import progress
from textzoo.common.escaping import visible, visible_line
from textzoo.common.progress import Work, duration, following, progress_bar, working
from textzoo.common.terminal import TextConsole

TROUBLE = ["[/v2]", ":smile:", "a\nb\tc", "\x1b[2J", "漢字", "{0} %s", "\ud800"]


class Output(io.TextIOWrapper):
    """A file of an encoding that refuses what it lacks; `text` is what has reached it."""

    def __init__(self, encoding="utf-8", terminal=False):
        super().__init__(io.BytesIO(), encoding=encoding, errors="strict", newline="")
        self.written = threading.Event()
        self.terminal = terminal

    def isatty(self):
        return self.terminal

    def flush(self):
        super().flush()
        if self.buffer.getvalue():
            self.written.set()

    @property
    def text(self):
        return self.buffer.getvalue().decode(self.encoding)


@pytest.fixture
def console_on(monkeypatch):
    """A function that puts the project's console on a new file, and returns the file."""

    def put(encoding="utf-8", *, terminal=False, variables=(), **options):
        output = Output(encoding, terminal)
        environment = {"TERM": "xterm", **dict(variables)}
        monkeypatch.setattr(progress, "console", TextConsole(file=output, _environ=environment, **options))
        return output

    return put


@pytest.fixture
def seconds(monkeypatch):
    """A clock that goes on by a second whenever it is looked at."""
    ticks = itertools.count()
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(ticks)))


def test_without_a_terminal_every_milestone_is_a_line_at_once(console_on):
    output = console_on()
    with progress_bar("training", 6000, scale=4096, counted="steps") as advance:
        advance(100, note="loss 2.000")
        assert output.text == ""
        advance(60, note="loss 1.523, validation loss 1.6012", milestone=True)
        (line,) = output.text.splitlines()
        assert re.fullmatch(
            r"training: 160 of 6,000 steps, loss 1\.523, validation loss 1\.6012, [\d,]+ tokens/s, [\d:]+ left", line
        )
        advance(5840)
    assert re.fullmatch(r"training: 6,000 of 6,000 steps, loss 1.*, done in [\d:]+", output.text.splitlines()[1])
    assert len(output.text.splitlines()) == 2


@pytest.mark.parametrize("total", [None, 10])
def test_without_a_terminal_half_a_minute_without_news_is_a_line_too(console_on, monkeypatch, total):
    monkeypatch.setattr(progress, "LINE_INTERVAL", 0.01)
    output = console_on()
    with progress_bar("building", total):
        assert output.written.wait(60)
        assert output.text.startswith("building: ")
    threads = {thread.name for thread in threading.enumerate()}
    count = len(output.text)
    threading.Event().wait(0.05)
    assert len(output.text) == count, threads


def test_the_interval_is_half_a_minute():
    assert progress.LINE_INTERVAL == 30


def test_speed_and_time_left_are_those_of_the_recent_time(seconds):
    work = Work("training", total=1000, start=100, scale=10.0)
    for _ in range(1000):
        progress.time.monotonic()
    for _ in range(500):
        work.advance(1, "")
    assert work.done == 600
    assert work.advances_per_second == pytest.approx(1, rel=0.1)  # the first step took a thousand times as long
    assert work.seconds_left == pytest.approx(400, rel=0.2)
    assert re.fullmatch(r"(9|10) tokens/s", work.speed_text())


@pytest.mark.parametrize(("count", "text"), [(7, "0:07"), (59.7, "1:00"), (750, "12:30"), (3723, "1:02:03")])
def test_durations(count, text):
    assert duration(count) == text


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("trouble", TROUBLE)
def test_names_of_work_are_texts(console_on, trouble, encoding, terminal):
    output = console_on(encoding, terminal=terminal, width=120)
    with progress_bar(trouble, 2, unit=trouble) as advance:
        advance(note=trouble, milestone=True)
    assert visible_line(trouble, encoding) in output.text
    assert visible(trouble, encoding).count("\x1b") == 0


def test_on_a_terminal_there_is_a_bar_and_one_below_it_for_work_within(console_on):
    output = console_on(terminal=True, width=100)
    with progress_bar("outer", 4) as advance:
        advance(2, note="loss 1.5")
        with working("inner"):
            progress.Bars.shared.refresh()
        assert list(following(iter("ab"), "letters", 2)) == ["a", "b"]
        progress.Bars.shared.refresh()
    assert progress.Bars.shared is None
    for word in ("outer", "inner", "letters", "2 of 4 tokens", "loss 1.5"):
        assert word in output.text


@pytest.mark.parametrize(("error", "text"), [(None, "done in"), (ValueError, "so far")])
def test_the_bar_of_work_of_unknown_length_tells_how_it_ended(console_on, error, text):
    output = console_on(terminal=True, width=100, color_system=None)
    with contextlib.suppress(ValueError), working("building"):
        if error:
            raise error
    assert text in output.text.rpartition("building, ")[2]


@pytest.mark.parametrize("width", [20, 40, 300])
def test_bars_fit_the_terminal(console_on, width):
    output = console_on(terminal=True, width=width, color_system=None)
    with progress_bar("evaluate float on keras", 20_000) as advance:
        advance(1000, note="loss 1.2345")
    lines = re.split(r"[\r\n]|\x1b\[[\d;?]*[A-Za-z]", output.text)
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize(
    ("terminal", "variables"),
    [(False, {"FORCE_COLOR": "1"}), (False, {"TTY_COMPATIBLE": "1"}), (True, {"TERM": "dumb"})],
)
def test_what_is_no_terminal_gets_lines_whatever_it_says_of_colours(console_on, terminal, variables):
    output = console_on(terminal=terminal, variables=variables)
    with progress_bar("work", 2) as advance:
        advance(2)
    assert re.fullmatch(r"work: 2 of 2 tokens, [\d,]+ tokens/s, done in 0:00\n", output.text)


@pytest.mark.parametrize("moment", ["start", "add_task", "stop"])
def test_an_interruption_while_a_bar_begins_or_ends_leaves_no_bar(console_on, monkeypatch, moment):
    console_on(terminal=True)
    given, threads = getattr(Progress, moment), set(threading.enumerate())

    def interrupted(*arguments, **options):
        signal.raise_signal(signal.SIGINT)
        return given(*arguments, **options)

    monkeypatch.setattr(Progress, moment, interrupted)
    with pytest.raises(KeyboardInterrupt), progress_bar("work", 2):
        pass
    assert progress.Bars.shared is None
    for thread in set(threading.enumerate()) - threads:  # that moves the bar
        thread.join(60)
        assert not thread.is_alive()


def test_work_that_breaks_off_is_closed(console_on):
    output = console_on()
    with pytest.raises(ZeroDivisionError), progress_bar("work", 3) as advance:
        advance(1 // 0)
    assert output.text == ""
    assert not any(thread.name == "textzoo-progress" for thread in threading.enumerate())


@pytest.mark.parametrize(("columns", "width"), [("0", 80), ("1", 1), ("120", 120), ("99999999999", 80), ("many", 80)])
def test_a_width_that_no_terminal_has_is_not_believed(console_on, columns, width):
    output = console_on(variables={"COLUMNS": columns})
    progress.console.print("a text")
    progress.console.rule("rule")
    assert output.text.startswith("a text\n")
    assert len(output.text.splitlines()[1]) == width


def test_printing_is_exact_but_for_what_harms(console_on):
    output = console_on(width=10)
    text = "The :key: of [bold]\ta line that is longer than the terminal\r\n漢字 'x' 1234 \x1b[31m"
    progress.console.print(text, markup=True, highlight=True)
    progress.console.print("a", "b", end="")
    assert output.text == visible(text) + "\na b"
