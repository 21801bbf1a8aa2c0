"""report.html: one self-contained file with the content of report.json and the plots of the run, without scripts.

Every figure is a <data> element: formatted text with the exact value as its attribute.
"""

import base64
import dataclasses
import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from textzoo.common.escaping import html_text, visible_line
from textzoo.records.report.data import SCHEMA_VERSION, Range, Report, RunSummary, SampleReport, worded
from textzoo.records.report.rows import (
    basis_of,
    command_columns,
    end_text,
    evaluation_columns,
    heading,
    runtime_quantities,
    shown,
)

# File in plots/ -> its caption.
PICTURES = {
    "learning_curves": "Training and validation loss over the steps",
    "loss_by_position": "Loss by position in the window, float against quantized",
    "tensors": "Every tensor of the decode step: signal to quantization noise",
    "memory_map": "Memory map: buffers in the arena over time",
    "instructions": "Cost of a token by operator and by position",
    "operators": "Cost of an inference by operator",
}
MAX_PICTURE_BYTES = 4 << 20
SINGLE_SECTIONS = ("model", "training", "quantization", "deployment", "flashed", "publication")
MEMORIES = ("flash_bytes", "ram_bytes")


@dataclasses.dataclass(frozen=True)
class Picture:
    """An embedded image: its name, caption and data URL."""

    name: str
    caption: str
    address: str


def page(summary: RunSummary, report: Report, pictures: Path) -> str:
    """Return the page as HTML, with the images of a folder, which need not exist."""
    return (
        environment()
        .get_template("page.html.jinja")
        .render(
            schema_version=SCHEMA_VERSION,
            summary=summary,
            report=report,
            pictures=list(pictures_of(pictures)),
            single_sections=SINGLE_SECTIONS,
            memories=MEMORIES,
            evaluation_columns=evaluation_columns(report.evaluation),
            basis_of=basis_of,
            command_columns=command_columns(report.commands),
            runtime_quantities=runtime_quantities(report.runtimes),
        )
    )


@functools.cache
def environment() -> jinja2.Environment:
    """Return the environment of the templates in this folder; every text is escaped."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
        finalize=escaped,
    )
    made.globals.update(cells=cells, parts=parts, heading=heading, fields=dataclasses.fields, figure=figure)
    made.globals.update(prompt_and_text=prompt_and_text)
    made.filters["line"] = visible_line
    return made


def escaped(value: Any) -> Markup:
    """Return a value as escaped text; markup of this module is not changed."""
    return value if isinstance(value, Markup) else Markup(html_text(str(value)))


def figure(entry: dataclasses.Field, value: Any) -> Markup:
    """Return a value as formatted text; numbers and booleans have their exact JSON as an attribute."""
    if isinstance(value, Range):
        return Markup("{} to {}").format(*(marked(end, end_text(end)) for end in value))
    text = Markup(html_text(shown(entry, value)))
    return text if isinstance(value, str) or value is None else marked(value, text)


def marked(value: float, text: str) -> Markup:
    """Return a text with its exact value."""
    exact = str(value).lower() if isinstance(value, bool) else repr(value)
    return Markup('<data value="{}">{}</data>').format(exact, text)


def cells(section: Any, per: str | None = None) -> Iterator[tuple[str, Markup]]:
    """Yield heading and figure of every scalar of a section; nested sections, dicts and lists are shown elsewhere.

    Args:
        section: A section of a report.
        per: What its figures count by, for `worded`.
    """
    for entry in dataclasses.fields(section):
        value = getattr(section, entry.name)
        if value is not None and not isinstance(value, dict | list) and not dataclasses.is_dataclass(value):
            yield worded(heading(entry), per), figure(entry, value)


def prompt_and_text(sample: SampleReport) -> tuple[str, str]:
    """Return prompt and text of a sample, split so that a CR LF between them stays in one piece."""
    prompt = sample.prompt.removesuffix("\r")
    return prompt, (sample.prompt + sample.text)[len(prompt) :]


def parts(sizes: Any) -> Sequence[tuple[str, int]]:
    """Return name and bytes of each part of a memory, for a bar."""
    return [(name, value) for name, value in vars(sizes).items() if name not in ("total", "available")]


def pictures_of(folder: Path) -> Iterator[Picture]:
    """Yield the images of a folder, known ones first, in the order of the chain."""
    order = {name: index for index, name in enumerate(PICTURES)}
    for path in sorted(folder.glob("*.png"), key=lambda path: (order.get(path.stem, len(order)), path.name)):
        if path.is_symlink() or path.stat().st_size > MAX_PICTURE_BYTES:
            continue
        content = base64.b64encode(path.read_bytes()).decode("ascii")
        yield Picture(path.stem, PICTURES.get(path.stem, path.stem), f"data:image/png;base64,{content}")
