"""A web page to talk with this folder's model: for a Space on the Hugging Face hub, or `python app.py`.

It runs the .tflite beside it with LiteRT's reference kernels: the text is the one that a microcontroller writes.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from textzoo.engines.litert_engine import LitertReferenceEngine
from textzoo.serving.local_source import LocalSource
from textzoo.serving.sources import Sampling
from textzoo.serving.web.engines import Engines
from textzoo.serving.web.library import prepare_gradio
from textzoo.serving.web.session import SAMPLING, Settings
from textzoo.text.chat_templates import ChatTemplate, find_template
from textzoo.text.tokenizers.base import load_tokenizer

FOLDER = Path(__file__).resolve().parent
TOKENIZER = FOLDER / "tokenizer.json"
ENGINE = "litert_ref"
# A Space has a name; its folder is always "app".
NAME = Path(os.environ.get("SPACE_ID") or FOLDER).name
prepare_gradio()
from textzoo.serving.web.page import LOOKS, Page  # noqa: E402 (imports Gradio, which is prepared before)


@dataclass(frozen=True)
class FolderModel:
    """One .tflite of this folder."""

    path: Path

    @property
    def engines(self) -> list[str]:
        return [ENGINE]

    @property
    def recipe(self) -> str:
        return self.path.stem.removeprefix("decode_")

    def name_of(self, engine: str) -> str:
        return f"{NAME}, {self.recipe}"

    def file_of(self, engine: str) -> Path:
        return self.path

    def template(self, name: str | None) -> ChatTemplate:
        return find_template(name, TOKENIZER)

    def open(self, engine: str, serial_port: str | None = None) -> LocalSource:
        return LocalSource(LitertReferenceEngine(self.path), load_tokenizer(TOKENIZER))


def page() -> Page:
    """Return the page."""
    models = [FolderModel(path) for path in sorted(FOLDER.glob("*.tflite"))]
    engines = Engines({model.recipe: lambda model=model: model for model in models})
    sampling = Sampling()
    values = {key: getattr(sampling, key) for key in SAMPLING}
    return Page(engines, Settings(models[0].recipe, ENGINE, system="", **values), sampling)


if __name__ == "__main__":
    demo = page().blocks  # the name that a Space looks for
    demo.launch(max_file_size=1, **LOOKS)  # in bytes: the page takes no files
