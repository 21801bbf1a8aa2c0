"""What can answer on the page: models, each on its engines, opened when they are first wanted, with a queue each."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from textzoo.common.files import file_digest
from textzoo.common.registry import unknown_name
from textzoo.serving.http.worker import Job, Worker
from textzoo.serving.sources import TokenSource
from textzoo.text.chat_templates import ChatTemplate

MAX_WAITING = 100


class Model(Protocol):
    """A model, which may run on several engines (`textzoo.pipeline.token_sources.TalkingModel`)."""

    @property
    def engines(self) -> list[str]: ...

    def name_of(self, engine: str) -> str: ...

    def file_of(self, engine: str) -> Path: ...

    def template(self, name: str | None) -> ChatTemplate: ...

    def open(self, engine: str, serial_port: str | None = None) -> TokenSource: ...


@dataclass(frozen=True)
class Opened:
    """A model on an engine.

    Attributes:
        choice: Name of the model among the choices.
        name: Of the model with its recipe.
        sha256: Of the model's file.
        template: How turns become text.
        source: What answers.
        worker: The queue before it: one answer at a time.
    """

    choice: str
    name: str
    sha256: str
    template: ChatTemplate
    source: TokenSource
    worker: Worker


class Engines:
    """All that can answer; safe from any thread.

    Args:
        models: Name of each choice -> makes the model, or raises UserError.
        template: Of all models, as chat.template; None for each model's own.
        serial_port: Of the board, for the engine "serial".
    """

    def __init__(
        self, models: Mapping[str, Callable[[], Model]], template: str | None = None, serial_port: str | None = None
    ) -> None:
        self.makers, self.template, self.serial_port = models, template, serial_port
        self.models: dict[str, Model] = {}
        self.opened: dict[tuple[str, str], Opened] = {}
        self.lock = threading.Lock()

    @property
    def choices(self) -> list[str]:
        return [*self.makers]

    def model(self, choice: str) -> Model:
        """Return the model of a choice; raise UserError if there is none, or if its files are wrong."""
        if choice not in self.makers:
            raise unknown_name("model", choice, self.makers)
        if choice not in self.models:
            self.models[choice] = self.makers[choice]()
        return self.models[choice]

    def open(self, choice: str, engine: str) -> Opened:
        """Return a model on an engine, opened at most once; for a board this can take a minute.

        Raises:
            UserError: There is no such model, or it does not run so.
        """
        if found := self.opened.get((choice, engine)):  # nobody waits for a board that others open
            return found
        with self.lock:
            model = self.model(choice)
            name = model.engines[0] if engine == "auto" else engine
            if name not in model.engines:
                raise unknown_name("engine", name, model.engines)
            if (choice, name) not in self.opened:
                self.opened[choice, name] = self.begun(choice, model, name)
            return self.opened[choice, name]

    def begun(self, choice: str, model: Model, engine: str) -> Opened:
        template, source = model.template(self.template), model.open(engine, self.serial_port)
        digest = file_digest(model.file_of(engine))
        worker = Worker(MAX_WAITING, lambda job: self.drop_failed((choice, engine), source, job))
        return Opened(choice, model.name_of(engine), digest, template, source, worker)

    def drop_failed(self, key: tuple[str, str], source: TokenSource, job: Job) -> None:
        """Let an engine that has failed be opened anew next time: a device may be gone."""
        opened = self.opened.get(key)
        if job.error and job.error.is_failure and opened and opened.source is source:
            del self.opened[key]
            opened.worker.give_up()
            source.close()

    def close(self) -> None:
        """Stop all answers and let go of all engines."""
        while self.opened:
            _, opened = self.opened.popitem()
            opened.worker.close()
            opened.source.close()
