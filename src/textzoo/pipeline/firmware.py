"""The firmware for deployment and benchmarking: the model compiled for a board, and its project."""

import json
import logging
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from textzoo.common.errors import UserError, collecting, raise_all
from textzoo.common.files import read_bytes, write_text
from textzoo.common.signals import raise_if_interrupted
from textzoo.compiler.artifacts.grammar_table import render_grammar
from textzoo.compiler.artifacts.tokenizer_tables import render_tokenizer, tokenizer_tables
from textzoo.compiler.artifacts.weight_export import FOLDER as WEIGHT_FOLDER
from textzoo.compiler.artifacts.weight_export import weight_files
from textzoo.compiler.backend.emitter import SelfCheck
from textzoo.compiler.backend.kernels import source_of
from textzoo.compiler.compile import CompiledModel, Saving, compile_file
from textzoo.compiler.operators.base import Target
from textzoo.config import pretrained
from textzoo.config.schema import Config
from textzoo.engines.generate import generate_tokens
from textzoo.engines.litert_engine import LitertReferenceEngine
from textzoo.engines.model_check import model_mistakes
from textzoo.engines.settings import PredictionConfig
from textzoo.grammars.table import GrammarTable, grammar_table
from textzoo.pipeline import inputs
from textzoo.pipeline.budget import CODE_BYTES_EXPECTED
from textzoo.pipeline.device_defaults import HOST_HZ, command_defaults, command_ram_bytes, render_defaults
from textzoo.records.report import DeploymentReport, PassReport
from textzoo.records.tracking import Recorder
from textzoo.records.workspace import Workspace
from textzoo.targets.boards import Board, Budget, check_second_core
from textzoo.targets.placement import IN_FLASH, place
from textzoo.targets.platforms import platform_of, render_project
from textzoo.targets.project import APPLICATION_RAM_BYTES, SECOND_STACK_BYTES, STACK_BYTES, ModelSizes
from textzoo.targets.registry import HOST
from textzoo.targets.settings import DeploymentConfig
from textzoo.text.chat_templates import COMMANDS, MAX_FILE_BYTES, PLAIN, ChatTemplate, load_template
from textzoo.text.chat_templates import FILE as CHAT_TEMPLATE
from textzoo.text.commands.schema import intents_in
from textzoo.text.tokenizers.base import Tokenizer

logger = logging.getLogger("textzoo")
SELF_CHECK_TOKENS = 32
C_HEADERS = Path("c_headers")
COPIED_HEADERS = ("model.h", "tokenizer.h", "embedding.h")
COPIED_HEADERS_OF_GRAPH = ("model.h", "graph.h")


@dataclass
class BuiltModel:
    """A compiled model of any kind and its project.

    Attributes:
        board: None for this machine.
        model_path: The .tflite.
        compiled: The model in C.
        sizes: The sizes in its model.h.
        project: Folder of the rendered project.
        grammar: The table of its grammar; None without one.
    """

    board: Board | None
    model_path: Path
    compiled: CompiledModel
    sizes: ModelSizes
    project: Path
    grammar: GrammarTable | None = field(default=None, kw_only=True)

    @property
    def grammar_bytes(self) -> int | None:
        """What the table of the grammar takes in flash."""
        return self.grammar.bytes if self.grammar else None

    @property
    def grammar_ram_bytes(self) -> int | None:
        """What a place in a text of the grammar takes in RAM."""
        return self.grammar.ram_bytes if self.grammar else None

    @property
    def target_name(self) -> str:
        return self.board.name if self.board else HOST


@dataclass
class Firmware(BuiltModel):
    """A compiled decode step and its project.

    Attributes:
        tokens: (n,) tokens that the model itself generated, for comparing logits.
        engine: The same model on LiteRT's reference kernels.
        defaults: What its console begins with.
    """

    tokens: np.ndarray
    engine: LitertReferenceEngine
    defaults: PredictionConfig


def prepare(
    config: Config, workspace: Workspace, recorder: Recorder, *, tokens_checked: int, on_host: bool = False
) -> Firmware:
    """Compile the quantized model for the configured target, or for this machine, and render its project.

    Raises:
        UserError: No model, operators that the compiler does not support, or a model that does not fit the board.
    """
    board = target_of(config, on_host=on_host)
    path = quantized_model(config, workspace)
    made = make_firmware(
        path,
        tokenizer_of(path, config, workspace),
        board,
        workspace.path("c_project", board.name if board else HOST),
        name=model_name(config, workspace, path),
        tokens_checked=tokens_checked,
        settings=config.deployment,
        defaults=inputs.prediction(config, workspace),
        with_savings=True,
        template=inputs.template_path(config, workspace),
    )
    record_compilation(made, workspace, recorder)
    return made


def target_of(config: Config, *, on_host: bool) -> Board | None:
    """Return the configured board; None for this machine, which may be asked for whatever is configured."""
    return None if on_host or config.deployment.target == HOST else config.deployment.hardware_setup


def make_firmware(
    path: Path,
    tokenizer: Tokenizer,
    board: Board | None,
    folder: Path,
    *,
    name: str = "model",
    tokens_checked: int = SELF_CHECK_TOKENS,
    settings: DeploymentConfig | None = None,
    defaults: PredictionConfig | None = None,
    with_savings: bool = False,
    template: Path | None = None,
) -> Firmware:
    """Compile a quantized decode step and render its project into a folder.

    Args:
        path: The .tflite.
        tokenizer: The model's own.
        board: None for this machine.
        folder: Folder of the project.
        name: Name of the model in the project's sources.
        tokens_checked: Minimum number of `Firmware.tokens`.
        settings: Packing of weights, second core, passes left out, weight files; target and board are not read.
        defaults: Defaults of the project's console.
        with_savings: Whether to measure what each pass of the compiler saves.
        template: The model's chat template, for a page; None for the one beside the model, if there is one.

    Raises:
        UserError: Operators that the compiler does not support, a model that does not fit the board, or no second core.
    """
    settings, defaults = settings or DeploymentConfig(), defaults or PredictionConfig()
    check_second_core(board, settings.second_core)
    engine = LitertReferenceEngine(path)
    inputs.check_vocabulary(engine.vocabulary_size, tokenizer.vocabulary_size)
    tokens = written_tokens(engine, max(tokens_checked, SELF_CHECK_TOKENS))
    compiled = compiled_for(board, path, name, self_check(engine, tokens), settings, with_savings)
    template = template or path.with_name(CHAT_TEMPLATE)
    commands = commands_of(template, settings)
    defaults = command_defaults(defaults, commands) if commands else defaults
    files = {**platform_of(board).model_files(compiled), **render_tokenizer(tokenizer), **chat_template_of(template)}
    files |= defaults_of(board, defaults, commands)
    grammar = grammar_of(defaults, tokenizer)
    files |= render_grammar(tokenizer.vocabulary_size, grammar, str(defaults.grammar))
    further = further_ram(grammar, commands)
    if board:
        budget(board, compiled, further_flash(tokenizer, grammar), further).check()
    weights = {WEIGHT_FOLDER: weight_files(path)} if settings.weight_files else {}
    own = replace(platform_of(board).model_sizes(compiled), has_commands=commands is not None)
    sizes = placed(board, compiled, settings, replace(own, further_ram_bytes=sum(further.values())))
    render_project(board, files, sizes, sources_for(board, compiled), folder, weights, intents_of(defaults))
    return Firmware(board, path, compiled, sizes, folder, tokens, engine, defaults, grammar=grammar)


def grammar_of(settings: PredictionConfig, tokenizer: Tokenizer) -> GrammarTable | None:
    """Return the table of the grammar of `prediction`; None without one."""
    grammar = inputs.grammar(settings)
    if grammar is None:
        return None
    stops = (settings.stop,) if settings.stop else ()
    return grammar_table(grammar.automaton(tokenizer, stops), grammar.name)


def commands_of(path: Path, settings: DeploymentConfig) -> ChatTemplate | None:
    """Return the chat template whose texts are around a command; None where lines are no commands.

    Args:
        path: Where the model's template may be; a model without one gets plain texts if commands are asked for.
        settings: deployment.on_command.

    Raises:
        UserError: The file is not a template.
    """
    if settings.on_command is False:
        return None
    template = load_template(path) if path.is_file() else PLAIN
    return template if settings.on_command or template.name == COMMANDS.name else None


def defaults_of(board: Board | None, defaults: PredictionConfig, commands: ChatTemplate | None) -> dict[str, str]:
    """Return defaults.h of a project, by name."""
    if board is None:
        return render_defaults(defaults, HOST, commands, HOST_HZ)
    return render_defaults(defaults, board.name, commands, board.clock_hz)


def chat_template_of(path: Path) -> dict[str, bytes]:
    """Return a chat template, if the file exists, as a file of a project, for a page."""
    return {CHAT_TEMPLATE: read_bytes(path, MAX_FILE_BYTES)} if path.is_file() else {}


def intents_of(settings: PredictionConfig) -> dict[str, list[str]]:
    """Return intent -> its slots by the grammar of `prediction`; empty without one, or for another kind of grammar."""
    grammar = inputs.grammar(settings)
    is_schema = grammar is not None and grammar.kind == "json_schema"
    return intents_in(json.loads(grammar.content)) if is_schema else {}


def further_flash(tokenizer: Tokenizer, grammar: GrammarTable | None) -> dict[str, int]:
    """Return the constants beside the model's: part -> bytes."""
    tables = {"tokenizer": tokenizer_tables(tokenizer).table_bytes}
    return {**tables, "grammar": grammar.bytes} if grammar else tables


def further_ram(grammar: GrammarTable | None, commands: ChatTemplate | None) -> dict[str, int]:
    """Return the RAM of what only some projects have: part -> bytes."""
    ram = {"grammar": grammar.ram_bytes} if grammar else {}
    return {**ram, "commands": command_ram_bytes(commands)} if commands else ram


def placed(board: Board | None, compiled: CompiledModel, settings: DeploymentConfig, sizes: ModelSizes) -> ModelSizes:
    """Return the sizes of a compiled model with the constants that the board's image copies at its start."""
    if board is None or settings.placement == IN_FLASH or not platform_of(board).copies_weights:
        return sizes
    return replace(sizes, placement=place(board, compiled.read_constants(), sizes.ram_bytes))


def variant_of(board: Board | None) -> str:
    return board.variant if board else HOST


def compiled_for(
    board: Board | None, path: Path, name: str, check: SelfCheck | None, settings: DeploymentConfig, with_savings: bool
) -> CompiledModel:
    """Return the model in C, for the kernels and cores of a board."""
    target = Target(variant_of(board), settings.weights, cores=2 if settings.second_core else 1)
    without = frozenset(settings.without_passes) | platform_of(board).without_passes
    return compile_file(path, target, name=name, check=check, without=without, with_savings=with_savings)


def sources_for(board: Board | None, compiled: CompiledModel) -> list[str]:
    """Return the runtime's sources that the model and the platform need."""
    return sorted({*compiled.sources, *(source_of(kernel, variant_of(board)) for kernel in platform_of(board).kernels)})


def quantized_model(config: Config, workspace: Workspace) -> Path:
    """Return the decode step of this run, or the one that the configuration names."""
    own = workspace.find("quantized_model")
    if own is None and config.model.quantized_model_path is None:
        raise UserError("there is no quantized model", remedy="Set model.quantized_model_path=<file>.tflite.")
    return own or Path(config.model.quantized_model_path)


def tokenizer_of(path: Path, config: Config, workspace: Workspace) -> Tokenizer:
    """Return the tokenizer of a model; raise errors of the model's file together with a missing tokenizer."""
    errors = model_mistakes(path, compiled=True)
    with collecting(errors):
        tokenizer = inputs.tokenizer(config, workspace)
    raise_all(errors)
    return tokenizer


def model_name(config: Config, workspace: Workspace, path: Path) -> str:
    """Return the architecture's name for a model of this run, the file's name for another model."""
    return config.model.name if workspace.find("quantized_model") else readable_name(path)


def readable_name(path: Path) -> str:
    r"""Return a pretrained model's name, or a file's without suffix, as printable text.

    Invalid UTF-8 and line ends become escapes (\xe9).
    """
    name = path.parent.name if pretrained.recipe_of(str(path)) else path.stem
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def written_tokens(engine: LitertReferenceEngine, count: int) -> np.ndarray:
    """Return (count,) tokens that the model generates at temperature 1 from token 0: typical inputs of the model."""
    start = np.zeros(1, np.int64)
    rest = generate_tokens(engine, start, max_tokens=count - 1, temperature=1.0, seed=1)
    return np.concatenate([start, np.fromiter(rest, np.int64)])


def self_check(engine: LitertReferenceEngine, tokens: np.ndarray) -> SelfCheck:
    """Return the self-check of the device at its start: tokens, and the CRC of LiteRT's logits."""
    chosen = [int(token) for token in tokens[: min(SELF_CHECK_TOKENS, engine.context_length)]]
    return SelfCheck(tuple(chosen), zlib.crc32(reference_logits(engine, chosen).tobytes()))


def reference_logits(engine: LitertReferenceEngine, tokens: list[int]) -> np.ndarray:
    """Return raw logits after a reset, (tokens, vocabulary_size), little endian."""
    engine.reset()
    rows = []
    for token in tokens:
        raise_if_interrupted()
        rows.append(engine.step_raw(token))
    logits = np.stack(rows)
    return logits.astype(logits.dtype.newbyteorder("<"))


def budget(
    board: Board, compiled: CompiledModel, flash: Mapping[str, int], ram: Mapping[str, int] = MappingProxyType({})
) -> Budget:
    """Return the bytes that a compiled model needs on a board, with further parts; the code size is an estimate."""
    needed = {
        "state": compiled.plan.state_bytes,
        "arena": compiled.plan.arena_bytes,
        "stack": STACK_BYTES,
        "application": APPLICATION_RAM_BYTES,
        **ram,
    }
    if compiled.program.uses_second_core:
        needed["stack of the second core"] = SECOND_STACK_BYTES
    return Budget(board, {**compiled.flash.by_kind, **flash, "code (estimated)": CODE_BYTES_EXPECTED}, needed)


def record_compilation(made: BuiltModel, workspace: Workspace, recorder: Recorder) -> None:
    """Copy the headers, draw the memory map, and log what each pass saved."""
    from textzoo.compiler.artifacts.memory_map import draw_memory_map  # imports Matplotlib

    keep_headers(made, workspace.path("c_headers"))
    picture = workspace.path("plots", "memory_map.png")
    draw_memory_map(made.compiled, picture)
    recorder.artifact(picture, "plots")
    for line in made.compiled.saving_lines():
        logger.info(line)


def keep_headers(made: BuiltModel, folder: Path) -> None:
    """Copy headers into a folder of the run, and into ./c_headers if that can be written."""
    names = COPIED_HEADERS_OF_GRAPH if made.sizes.is_graph else COPIED_HEADERS
    headers = {name: (made.project / "model" / name).read_text(encoding="utf-8") for name in names}
    for name, text in headers.items():
        write_text(folder / name, text)
    try:
        for name, text in headers.items():
            write_text(C_HEADERS / name, text)
    except OSError as error:  # the current folder may be read-only
        logger.info("no headers in %s: %s", C_HEADERS, error)


def deployment_report(firmware: BuiltModel, workspace: Workspace) -> DeploymentReport:
    """Return the project's path in the run's folder, and the memory that the model needs."""
    return DeploymentReport(
        c_project=firmware.project.relative_to(workspace.root).as_posix(),
        target=firmware.target_name,
        model_sha256=firmware.compiled.facts.sha256,
        arena_bytes=firmware.sizes.arena_bytes,
        state_bytes=firmware.compiled.plan.state_bytes,
        constant_bytes=firmware.compiled.flash.total,
        copied_bytes=firmware.sizes.placement.bytes_by_memory or None,
        grammar_bytes=firmware.grammar_bytes,
        grammar_ram_bytes=firmware.grammar_ram_bytes,
        passes=[pass_report(saving) for saving in firmware.compiled.savings],
    )


def pass_report(saving: Saving) -> PassReport:
    """Return what a pass of the compiler changed."""
    before, after = saving.before, saving.after
    return PassReport(
        text=saving.text,
        statements_before=before.statements,
        statements_after=after.statements,
        arena_bytes_before=before.arena_bytes,
        arena_bytes_after=after.arena_bytes,
        constant_bytes_before=before.constant_bytes,
        constant_bytes_after=after.constant_bytes,
    )
