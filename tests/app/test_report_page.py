"""report.html in a browser: on a phone and on a wide screen nothing hangs over the edge, and all pictures show."""

import dataclasses
import re
import shutil
import subprocess

import pytest
from test_report import SUMMARY, TROUBLE, WHOLE

from textzoo.report import write_report
from textzoo.services.benchmark_picture import draw_instructions

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
FRAME = (
    '<iframe src="{page}/report.html" style="width:{width}px;height:900px;border:0" onload="measure(this)"></iframe>'
)
SCRIPT = """<script>function measure(frame) {
    const page = frame.contentDocument, whole = page.documentElement, answer = document.createElement("p");
    const shown = [...page.images].filter(image => image.naturalWidth > 100).length;
    answer.textContent = `${frame.style.width} over ${whole.scrollWidth - whole.clientWidth}, pictures ${shown}`;
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


@pytest.mark.skipif(BROWSER is None, reason="needs a browser: apt-get install chromium")
def test_nothing_hangs_over_the_edge_of_the_screen(tmp_path):
    for index, name in enumerate(NAMES):
        write_page(tmp_path / str(index), name)
    frames = [FRAME.format(page=index, width=width) for index in range(len(NAMES)) for width in WIDTHS]
    (tmp_path / "frames.html").write_text("\n".join(["<body>", SCRIPT, *frames]))
    command = [BROWSER, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", (tmp_path / "frames.html").as_uri()]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=300, check=True)
    found = re.findall(r"<p>(\d+)px over (-?\d+), pictures (\d+)</p>", done.stdout)
    assert sorted(found) == sorted((str(width), "0", "1") for width in WIDTHS for _ in NAMES)
