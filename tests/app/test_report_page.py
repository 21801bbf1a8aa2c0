"""report.html and comparison.html in a browser: nothing hangs over the edge of a phone or a wide screen."""

import dataclasses
import re
import shutil
import subprocess

import pytest
from test_report import SUMMARY, TROUBLE, WHOLE

from textzoo.common.files import write_text
from textzoo.pipeline.benchmark_picture import draw_instructions
from textzoo.pipeline.comparison import Comparison, Row, letter
from textzoo.pipeline.comparison_page import page
from textzoo.records.report import write_report

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Without the network's background work: where there is none, it is tried again and again.
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--allow-file-access-from-files", "--virtual-time-budget=20000", "--dump-dom",
)  # fmt: skip
WIDTHS = (360, 700, 1400)
NAMES = ["a_name_of_a_model_that_is_long_" * 4, "FULLY_CONNECTED", *TROUBLE[:6]]
# A window is never as narrow as a phone; a frame is.
FRAME = '<iframe src="{page}.html" style="width:{width}px;height:900px;border:0" onload="measure(this)"></iframe>'
SCRIPT = """<script>function measure(frame) {
    const page = frame.contentDocument, whole = page.documentElement, answer = document.createElement("p");
    const shown = [...page.images].filter(image => image.naturalWidth > 100).length;
    const squeezed = [...page.querySelectorAll("td, th")].filter(cell => cell.clientWidth && cell.clientWidth < 40);
    answer.textContent = `${frame.style.width} over ${whole.scrollWidth - whole.clientWidth}, pictures ${shown}, ` +
        `squeezed ${squeezed.length}`;
    document.body.append(answer);
}</script>"""


def write_page(folder, name):
    """A page whose names are long or strange, with a picture."""
    costs = {"QUANTIZE ADD LOGISTIC MUL TANH SUB": 123_456_789, "DYNAMIC_UPDATE_SLICE": 1, "ATTENTION": 93_959}
    benchmark = dataclasses.replace(WHOLE.benchmark, board=name, machine=name, by_kind=costs)
    rows = [dataclasses.replace(row, model=name, engine=name) for row in WHOLE.evaluation]
    draw_instructions(benchmark, folder / "plots" / "instructions.png")
    report = dataclasses.replace(WHOLE, benchmark=benchmark, evaluation=rows)
    write_report(folder, dataclasses.replace(SUMMARY, run_dir=name), report)


def write_comparison(path, count, name):
    """Runs whose names, values and figures are long or strange."""
    letters = tuple(letter(index) for index in range(count))
    rows = (
        Row("deployment.hardware_setup.board", (name,) * count),
        Row("loss_nats/quantized/a_corpus", ("nan",) * count),
    )
    figures = (Row("flash_bytes", tuple(f"{10**9 + index:,}" for index in range(count)), frozenset({0})),)
    write_text(path, page(Comparison(letters, (name,) * count, ("FINISHED",) * count, rows, figures)))


def measured(folder, pages):
    """What the browser says of the pages of a folder, each at every width."""
    frames = [FRAME.format(page=name, width=width) for name in pages for width in WIDTHS]
    (folder / "frames.html").write_text("\n".join(["<body>", SCRIPT, *frames]))
    command = [BROWSER, *FLAGS, f"--user-data-dir={folder / 'profile'}", (folder / "frames.html").as_uri()]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=300, check=True)
    return sorted(re.findall(r"<p>(\d+)px over (-?\d+), pictures (\d+), squeezed (\d+)</p>", done.stdout))


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="needs a browser: apt-get install chromium")
def test_nothing_hangs_over_the_edge_of_the_screen(tmp_path):
    for index, name in enumerate(NAMES):
        write_page(tmp_path / str(index), name)
    found = measured(tmp_path, [f"{index}/report" for index in range(len(NAMES))])
    assert [row[:3] for row in found] == sorted((str(width), "0", "1") for width in WIDTHS for _ in NAMES)


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="needs a browser: apt-get install chromium")
def test_a_comparison_of_any_number_of_runs_can_be_read(tmp_path):
    cases = [(count, name) for count in (0, 1, 2, 8, 30) for name in ("run", "x" * 200)]
    for index, (count, name) in enumerate(cases):
        write_comparison(tmp_path / f"{index}.html", count, name)
    found = measured(tmp_path, range(len(cases)))
    assert found == sorted((str(width), "0", "0", "0") for width in WIDTHS for _ in cases)
