"""Page servers with models that tests hold in their hand."""

import contextlib
from dataclasses import dataclass

from api_client import GPT, SAMPLING

from textzoo.serving.http.server import bind
from textzoo.serving.web.engines import Engines
from textzoo.serving.web.session import Settings
from textzoo.text.chat_templates import DIALOGUE


@dataclass
class GivenModel:
    """A model whose sources are given by the names of their engines."""

    sources: dict
    chat_template: object = DIALOGUE
    name: str = "gpt_int8"

    @property
    def engines(self):
        return [*self.sources]

    def name_of(self, engine):
        return self.name

    def file_of(self, engine):
        return GPT / "decode_static_wi8_ai8.tflite"

    def template(self, name):
        return self.chat_template

    def open(self, engine, serial_port=None):
        self.sources[engine].name = engine
        return self.sources[engine]


@contextlib.contextmanager
def page_running(*models, sampling=SAMPLING):
    """A page with models, named by their places."""
    from textzoo.serving.web.page import Page  # Gradio takes seconds: not while tests are collected
    from textzoo.serving.web.server import PageServer

    engines = Engines({f"model {index}": lambda model=model: model for index, model in enumerate(models)})
    start = Settings("model 0", "auto", sampling.temperature, sampling.max_tokens, sampling.top_k, sampling.seed, "")
    with PageServer(lambda: Page(engines, start, sampling), bind("127.0.0.1", 0, "web"), "127.0.0.1") as server:
        yield server
        engines.close()
