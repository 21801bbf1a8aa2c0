"""The card of a published model: README.md with the metadata that the hub reads, from a template beside this file."""

import dataclasses
import functools
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

import textzoo
from textzoo.common.escaping import markdown_block, markdown_text, visible_line
from textzoo.hub.client import library
from textzoo.publication.facts import Facts, Loss
from textzoo.records.report import SampleReport
from textzoo.text.corpora.registry import Provenance

TASK, METRIC = "text-generation", "bits_per_character"
TAGS = ("textzoo", "tinyml", "microcontroller", "edge", "on-device", "tflite", "quantized")


@dataclass(frozen=True)
class PublishedFile:
    """One file of the folder: its name, what it is, its size in bytes and its sha256."""

    name: str
    what: str
    size: int
    sha256: str


@dataclass(frozen=True)
class CardInputs:
    """All that a card is made of.

    Attributes:
        name: The model's name.
        architecture: A name of MODELS, or "" where it is unknown.
        tokenizer: Kind of the tokenizer.
        facts: What is known of the model.
        corpus: Name of the corpus, "" where it is unknown.
        corpora: Its provenance, see `corpus.provenances`.
        sample: A text of the decode step that was chosen.
        chosen: Name of its file.
        license: Of the weights, in the hub's words; "" where it is not stated.
        files: The other files of the folder.
        commands: How the model, its figures and the sample are made again.
    """

    name: str
    architecture: str
    tokenizer: str
    facts: Facts
    corpus: str
    corpora: list[Provenance | None]
    sample: SampleReport
    chosen: str
    license: str
    files: list[PublishedFile]
    commands: list[str]

    @property
    def languages(self) -> list[str]:
        """The languages of the corpora that are known."""
        return sorted({text.language for text in self.corpora if text and text.language})


def card_text(inputs: CardInputs) -> str:
    """Return README.md."""
    values = {entry.name: getattr(inputs, entry.name) for entry in dataclasses.fields(inputs)}
    machines = sorted({f"{row.board}: {row.machine}" for row in inputs.facts.boards if row.machine})
    hashes = [f"{file.sha256}  {file.name}" for file in inputs.files]
    body = (
        environment()
        .get_template("model_card.md.jinja")
        .render(**values, languages=inputs.languages, machines=machines, hashes=hashes, version=textzoo.__version__)
    )
    body = re.sub(r"\n{3,}", "\n\n", body)
    return f"---\n{metadata(inputs).to_yaml()}\n---\n\n{body.strip()}\n"


def metadata(inputs: CardInputs) -> Any:
    """Return the card's metadata as the hub's library checks it (ModelCardData)."""
    results = [evaluation_result(inputs, loss) for loss in inputs.facts.losses]
    return library().ModelCardData(
        license=inputs.license or None,
        language=inputs.languages or None,
        library_name="textzoo",
        pipeline_tag=TASK,
        tags=list(TAGS),
        model_name=inputs.name if results else None,
        eval_results=results or None,
    )


def evaluation_result(inputs: CardInputs, loss: Loss) -> Any:
    """Return a loss as an entry of the model index."""
    titles = "; ".join(text.title for text in inputs.corpora if text)
    return library().EvalResult(
        task_type=TASK,
        task_name="Text Generation",
        dataset_type=inputs.corpus or "unknown",
        dataset_name=titles or inputs.corpus or "a text of the author's",
        dataset_split="validation",
        metric_type=METRIC,
        metric_name=f"bits per character, {loss.recipe}",
        metric_value=loss.bits_per_character,
        metric_args={"model": loss.recipe, "engine": loss.engine, "tokens": loss.tokens},
    )


@functools.cache
def environment() -> jinja2.Environment:
    """Return the environment of the template; its filters escape what is inserted."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    made.filters.update(md=markdown_text, number=number, block=block, code=code, tojson=json.dumps)
    return made


def number(value: float | None) -> str:
    """Return a number with separators; "not measured" where there is none."""
    return "not measured" if value is None else f"{value:,}"


def block(text: str, language: str = "text") -> str:
    """Return a text as a fenced block, whatever is in it."""
    fence, *lines = markdown_block(text)
    return "\n".join([f"{fence}{language}", *lines])


def code(text: str) -> str:
    """Return a text as code within a line, whatever is in it."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    inner = f" {text} " if longest else text
    return f"{fence}{visible_line(inner)}{fence}"


def shown_files(files: Iterable[PublishedFile]) -> list[str]:
    """Return one line for each file: its size and name."""
    return [f"{file.size:>12,}  {file.name}" for file in files]
