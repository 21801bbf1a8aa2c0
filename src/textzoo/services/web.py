"""Web: people talk with the pretrained models, and with one of their own, on a page in the browser."""

import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

from textzoo.common import signals
from textzoo.common.escaping import visible_line
from textzoo.common.progress import console
from textzoo.config import pretrained
from textzoo.config.schema import Config
from textzoo.models.settings import ModelConfig
from textzoo.pipeline import inputs
from textzoo.pipeline.token_sources import TalkingModel
from textzoo.quantizers.recipes import decode_file
from textzoo.records.report import Report
from textzoo.records.tracking import Recorder
from textzoo.records.workspace import Workspace
from textzoo.serving.http.guard import OPEN_TO_OTHERS, is_loopback
from textzoo.serving.http.server import bind
from textzoo.serving.web.engines import Engines
from textzoo.serving.web.library import prepare_gradio
from textzoo.serving.web.session import SAMPLING, Settings
from textzoo.text.settings import TokenizerConfig


def run(config: Config, workspace: Workspace, recorder: Recorder) -> Report:
    """Show the page until a Ctrl-C or a SIGTERM, which is the usual end and no error.

    Raises:
        UserError: Gradio is not installed, the port is taken, or there is no such model, engine or template.
    """
    prepare_gradio()
    with bind(config.web.host, config.web.port, "web") as listener, tempfile.TemporaryDirectory() as empty:
        own = TalkingModel(config, workspace)
        engines = Engines(choices(config, own, Workspace(Path(empty))), config.chat.template, config.chat.serial_port)
        try:
            show(config, own, engines, listener)
        finally:
            engines.close()
    return Report()


def choices(config: Config, own: TalkingModel, empty: Workspace) -> dict[str, Callable[[], TalkingModel]]:
    """Return the configured model, and then the pretrained ones: name -> makes it."""
    found = {
        choice_of(name, pretrained.FOLDER / name / decode_file(recipe)): lambda name=name, recipe=recipe: TalkingModel(
            of_pretrained(config, name, recipe), empty
        )
        for name in pretrained.names()
        for recipe in pretrained.recipes(name)
    }
    return {own_choice(own): lambda: own, **found}


def choice_of(name: str, path: Path) -> str:
    return f"{name}_{inputs.model_label(path)}"


def own_choice(own: TalkingModel) -> str:
    """Return the name of the configured model among the choices: that of a pretrained one is the folder's."""
    path = own.quantized_path
    if pretrained.recipe_of(str(path) if path else None):
        return choice_of(path.parent.name, path)
    return f"{own.name} (your own)"


def of_pretrained(config: Config, name: str, recipe: str) -> Config:
    """Return a configuration with another model; raise UserError if its files are not those that were measured."""
    implied = pretrained.overrides(name, recipe)
    model = ModelConfig(
        name,
        float_model_path=implied["model.float_model_path"],
        quantized_model_path=implied["model.quantized_model_path"],
    )
    return Config(
        model=model,
        tokenizer=TokenizerConfig(path=implied["tokenizer.path"]),
        prediction=config.prediction,
        deployment=config.deployment,
        benchmarking=config.benchmarking,
    )


def show(config: Config, own: TalkingModel, engines: Engines, listener: socket.socket) -> None:
    """Show the page until it is ended; what answers first is opened before, so that mistakes are found at once."""
    opened = engines.open(engines.choices[0], config.chat.engine)
    from textzoo.serving.web.page import Page  # Gradio takes seconds
    from textzoo.serving.web.server import PageServer

    sampling = own.sampling
    start = Settings(
        opened.choice,
        opened.source.name,
        **{key: getattr(sampling, key) for key in SAMPLING},
        system=config.chat.system,
    )
    with PageServer(lambda: Page(engines, start, sampling), listener, config.web.host) as server:
        try:
            console.print(visible_line(f"{opened.name} on {opened.source.title}: {server.url} (Ctrl-C ends it)"))
            if not is_loopback(config.web.host):
                console.print(OPEN_TO_OTHERS)
            server.wait()
        except KeyboardInterrupt:
            signals.heard()
            console.print("Ending: answers stop, and connections are closed.")
