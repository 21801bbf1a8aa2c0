"""Serve: programs talk with a model over HTTP, through OpenAI's API."""

import json
import shlex

from textzoo.common import signals
from textzoo.common.escaping import visible_line
from textzoo.common.files import file_digest
from textzoo.common.progress import console
from textzoo.config.schema import Config
from textzoo.pipeline.token_sources import TalkingModel
from textzoo.records.report import Report
from textzoo.records.tracking import Recorder
from textzoo.records.workspace import Workspace
from textzoo.serving.http.api import Api, ServedModel
from textzoo.serving.http.guard import OPEN_TO_OTHERS, is_loopback
from textzoo.serving.http.server import HttpServer, bind
from textzoo.serving.reopened_source import ReopenedSource
from textzoo.serving.sources import TokenSource

EXAMPLE_TOKENS = 50


def run(config: Config, workspace: Workspace, recorder: Recorder) -> Report:
    """Answer requests until a Ctrl-C or a SIGTERM, which is the usual end and no error."""
    model = TalkingModel(config, workspace)
    with bind(config.serve.host, config.serve.port) as listener:
        source = ReopenedSource(lambda: model.open(config.serve.engine, config.chat.serial_port))
        try:
            api = Api(served_model(config, model, source), config.serve.max_waiting)
            with HttpServer(api, listener, config.serve.host) as server:
                tell(config, api.model, server.url)
                wait(server)
        finally:
            source.close()
    return Report()


def served_model(config: Config, model: TalkingModel, source: TokenSource) -> ServedModel:
    """Return what the server says about the model, and how it answers."""
    path = model.file_of(source.name)
    return ServedModel(
        name=model.name_of(source.name),
        sha256=file_digest(path),
        created=int(path.stat().st_mtime),
        source=source,
        template=model.template(config.chat.template),
        sampling=model.sampling,
        system=config.chat.system,
    )


def tell(config: Config, model: ServedModel, url: str) -> None:
    """Print where the server is, and a request to try."""
    console.print(visible_line(f"{model.name} on {model.source.title}: {url} (Ctrl-C ends it)"))
    if not is_loopback(config.serve.host):
        console.print(OPEN_TO_OTHERS)
    values = {"model": model.name, "prompt": config.prediction.prompt, "max_tokens": EXAMPLE_TOKENS}
    header, data = map(shlex.quote, ("Content-Type: application/json", json.dumps(values)))
    console.print(visible_line(f"Try: curl {url}/completions -H {header} -d {data}"))


def wait(server: HttpServer) -> None:
    try:
        server.wait()
    except KeyboardInterrupt:
        signals.heard()
        console.print("Ending: answers stop, and connections are closed. A second Ctrl-C does not wait for them.")
