"""Open what answers in a conversation, by its name: an engine of this machine, the emulated board, or a real one."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from textzoo.common import signals
from textzoo.common.errors import UserError, collecting, raise_all
from textzoo.common.files import file_digest, shown_path
from textzoo.common.registry import unknown_name
from textzoo.config.hub_files import origin_of
from textzoo.config.schema import Config
from textzoo.engines.litert_engine import LitertReferenceEngine
from textzoo.engines.opening import open_engine
from textzoo.engines.registry import ENGINES
from textzoo.engines.settings import PredictionConfig
from textzoo.pipeline import inputs
from textzoo.pipeline.firmware import make_firmware, readable_name
from textzoo.records.workspace import Workspace
from textzoo.serving.device_source import DeviceSource
from textzoo.serving.local_source import LocalSource
from textzoo.serving.registry import EMULATOR, SERIAL, SOURCES
from textzoo.serving.sources import Sampling, TokenSource
from textzoo.targets.answers import FLASH_AGAIN, check_model
from textzoo.targets.console import Console
from textzoo.targets.emulators import emulate, open_serial
from textzoo.targets.serial_ports import find_board
from textzoo.text.chat_templates import ChatTemplate, find_template
from textzoo.text.tokenizers.base import Tokenizer

FLOAT_ENGINE, REFERENCE_ENGINE = "keras", "litert_ref"


class TalkingModel:
    """A model as a conversation needs it: its files, tokenizer and chat template.

    Args:
        config: With the sections model, tokenizer, deployment, prediction, benchmarking.emulator.
        workspace: The run's folder, whose models come first.

    Attributes:
        name: For people and programs.
        tokenizer: The model's own.
        engines: Names of what can answer, the preferred one first.

    Raises:
        UserError: There is no model, or no tokenizer.
    """

    def __init__(self, config: Config, workspace: Workspace) -> None:
        self.config = config
        quantized = inputs.quantized_model_paths(config, workspace)
        self.quantized_path = quantized[-1] if quantized else None
        self.float_path = inputs.float_model_path(config, workspace)
        self.tokenizer_path = inputs.tokenizer_path(config, workspace)
        errors: list[UserError] = []
        if not self.quantized_path and not self.float_path:
            errors.append(UserError("there is no model to talk with", remedy="Set model.quantized_model_path=<file>."))
        with collecting(errors):
            self.tokenizer: Tokenizer = inputs.tokenizer(config, workspace)
        raise_all(errors)

    @property
    def engines(self) -> list[str]:
        integer = [REFERENCE_ENGINE, *(name for name in ENGINES if name not in (REFERENCE_ENGINE, FLOAT_ENGINE))]
        quantized = [*integer, EMULATOR, SERIAL] if self.quantized_path else []
        return [*quantized, *([FLOAT_ENGINE] if self.float_path else [])]

    @property
    def name(self) -> str:
        """The name of a model's architecture, or of its repository on the hub, and its recipe."""
        return self.name_of(self.engines[0])

    def name_of(self, engine: str) -> str:
        """Return the name with the recipe of what an engine runs; that of a float model is "float"."""
        path = self.file_of(engine)
        label = "float" if engine == FLOAT_ENGINE else inputs.model_label(path)
        found = origin_of(path)
        name = found.reference.repository.partition("/")[2] if found else self.config.model.name
        return f"{name}_{label}"

    def file_of(self, engine: str) -> Path:
        """Return the file of the model that an engine runs."""
        return self.float_path if engine == FLOAT_ENGINE else self.quantized_path

    def facts(self) -> dict[str, str]:
        """Return what there is to say about the model: name -> value."""
        path = self.quantized_path or self.float_path
        tokenizer = f"{self.tokenizer.name}, {self.tokenizer.vocabulary_size:,} tokens"
        return {
            "model": self.name,
            "file": f"{shown_path(path)}, {path.stat().st_size:,} bytes",
            "sha256": file_digest(path),
            "tokenizer": tokenizer,
            "engines": ", ".join(self.engines),
            "board": self.config.deployment.hardware_setup.name,
        }

    def template(self, name: str | None) -> ChatTemplate:
        """Return the chat template of that name; that of the model for None."""
        return find_template(name, self.tokenizer_path)

    @property
    def sampling(self) -> Sampling:
        """How answers are sampled, as `prediction` says, and the model's own grammar."""
        settings = inputs.with_own_grammar(self.config.prediction, self.tokenizer_path)
        return Sampling.of(settings, inputs.grammar(settings))

    def open(self, engine: str, serial_port: str | None = None) -> TokenSource:
        """Open what answers.

        Args:
            engine: "auto" for the first of `engines`, or one of their names.
            serial_port: Of the board, for "serial".

        Raises:
            UserError: The model cannot be run so, or the board holds another model.
        """
        name = self.engines[0] if engine == "auto" else engine
        if name not in SOURCES:
            raise unknown_name("engine", name, self.engines)
        if name not in self.engines:
            wanted = "a float model" if name == FLOAT_ENGINE else "a quantized model"
            raise UserError(
                f"the engine {name} needs {wanted}", expected=f"one of {', '.join(self.engines)}", received=name
            )
        if name in (EMULATOR, SERIAL):
            return self.open_device(name, serial_port)
        with signals.held_back():  # an import that was interrupted cannot be repeated
            ENGINES.get(name)
        source = LocalSource(
            open_engine(name, self.float_path if name == FLOAT_ENGINE else self.quantized_path), self.tokenizer
        )
        inputs.check_vocabulary(source.engine.vocabulary_size, self.tokenizer.vocabulary_size)
        return source

    def open_device(self, name: str, serial_port: str | None) -> DeviceSource:
        with contextlib.ExitStack() as stack:
            opened = self.emulator() if name == EMULATOR else self.serial_line(serial_port)
            console = stack.enter_context(opened)
            info = console.ask({"command": "info"})
            check_model(info, console.name, file_digest(self.quantized_path), FLASH_AGAIN)
            logits_format = LitertReferenceEngine(self.quantized_path).logits_format
            return DeviceSource(name, console, self.tokenizer, logits_format, info, stack.pop_all().close)

    @contextlib.contextmanager
    def emulator(self) -> Iterator[Console]:
        """Build the firmware for the configured board, and run it on the board's emulator.

        Under a grammar it ends its answers before the stop text of the chat template, if there is one.
        """
        settings, board = self.config.deployment, self.config.deployment.hardware_setup
        with tempfile.TemporaryDirectory(prefix="textzoo-chat-") as folder:
            made = make_firmware(
                self.quantized_path,
                self.tokenizer,
                board,
                Path(folder) / board.name,
                name=readable_name(self.quantized_path),
                settings=settings,
                defaults=self.device_defaults(),
            )
            with emulate(made.project, board, self.config.benchmarking.emulator) as console:
                yield console

    def device_defaults(self) -> PredictionConfig:
        """Return what the firmware begins with: `prediction`, and under a grammar the chat template's stop text."""
        defaults = inputs.with_own_grammar(self.config.prediction, self.tokenizer_path)
        stop = self.template(self.config.chat.template).stop if defaults.grammar else ""
        return replace(defaults, stop=stop) if stop else defaults

    def serial_line(self, port: str | None) -> contextlib.AbstractContextManager[Console]:
        board = self.config.deployment.hardware_setup
        return open_serial(find_board(port, board, "chat.serial_port").path, board.uart.baud, board.name)
