"""What deployment and benchmarking share: the model compiled for a board, and the project around it."""

import logging
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from textzoo.common.errors import UserError, collecting, raise_all
from textzoo.common.files import write_text
from textzoo.common.signals import raise_if_interrupted
from textzoo.compiler.artifacts.tokenizer_tables import render_tokenizer, tokenizer_tables
from textzoo.compiler.artifacts.weight_export import FOLDER as WEIGHT_FOLDER
from textzoo.compiler.artifacts.weight_export import weight_files
from textzoo.compiler.backend.emitter import SelfCheck
from textzoo.compiler.backend.kernels import source_of
from textzoo.compiler.compile import CompiledModel, Saving, compile_file
from textzoo.compiler.operators.base import Target
from textzoo.compiler.packing.choice import BALANCED
from textzoo.config.schema import Config, PredictionConfig
from textzoo.engines.generate import generate_tokens
from textzoo.engines.litert_engine import LitertReferenceEngine
from textzoo.engines.model_check import model_mistakes
from textzoo.pipeline import inputs
from textzoo.pipeline.budget import CODE_BYTES_EXPECTED
from textzoo.pipeline.device_defaults import render_defaults
from textzoo.records.report import DeploymentReport, PassReport
from textzoo.records.tracking import Sink
from textzoo.records.workspace import Workspace
from textzoo.targets.boards import Board, Budget, board_of, check_second_core
from textzoo.targets.platforms import HOST, platform_of, render_project
from textzoo.targets.project import APPLICATION_RAM_BYTES, SECOND_STACK_BYTES, STACK_BYTES, ModelSizes
from textzoo.text.tokenizers.base import Tokenizer

logger = logging.getLogger("textzoo")
SELF_CHECK_TOKENS = 32
C_HEADERS = Path("c_headers")
COPIED_HEADERS = ("model.h", "tokenizer.h", "embedding.h")


@dataclass
class Firmware:
    """A model as a project.

    Attributes:
        board: None for this machine.
        model_path: The .tflite that it was made from.
        compiled: The model in C.
        sizes: What its model.h says of itself.
        project: Folder of the rendered project.
        tokens: (n,) text that the model itself wrote: what logits are compared over.
        engine: LiteRT's reference kernels with the same model.
    """

    board: Board | None
    model_path: Path
    compiled: CompiledModel
    sizes: ModelSizes
    project: Path
    tokens: np.ndarray
    engine: LitertReferenceEngine

    @property
    def target_name(self) -> str:
        return self.board.name if self.board else HOST


def prepare(
    config: Config, workspace: Workspace, sink: Sink, *, tokens_checked: int, on_host: bool = False
) -> Firmware:
    """Compile the quantized model at hand for the configured target, or for this machine, and render its project.

    Raises:
        UserError: No model, operators that the compiler lacks, or a model that does not fit the board.
    """
    on_host = on_host or config.deployment.target == HOST
    board = None if on_host else board_of(config.deployment.hardware_setup)
    path = quantized_model(config, workspace)
    made = make_firmware(
        path,
        tokenizer_of(path, config, workspace),
        board,
        workspace.path("c_project", board.name if board else HOST),
        name=model_name(config, workspace, path),
        tokens_checked=tokens_checked,
        without=frozenset(config.deployment.without_passes),
        weights=config.deployment.weights,
        with_weight_files=config.deployment.weight_files,
        second_core=config.deployment.second_core,
        defaults=config.prediction,
        with_savings=True,
    )
    keep(made, workspace, sink)
    return made


def make_firmware(
    path: Path,
    tokenizer: Tokenizer,
    board: Board | None,
    folder: Path,
    *,
    name: str = "model",
    tokens_checked: int = SELF_CHECK_TOKENS,
    without: frozenset[str] = frozenset(),
    weights: str = BALANCED,
    with_weight_files: bool = False,
    second_core: bool = False,
    defaults: PredictionConfig | None = None,
    with_savings: bool = False,
) -> Firmware:
    """Compile a quantized decode step for a board (None: this machine) and render its project into a folder.

    Its console begins with the options of `defaults`, or those of the schema.

    Raises:
        UserError: Operators that the compiler lacks, a model that does not fit the board, or no second core there.
    """
    check_second_core(board, second_core)
    engine = LitertReferenceEngine(path)
    inputs.check_vocabulary(engine.vocabulary_size, tokenizer.vocabulary_size)
    tokens = written_tokens(engine, max(tokens_checked, SELF_CHECK_TOKENS))
    platform = platform_of(board)
    target = Target(board.variant if board else HOST, weights, cores=2 if second_core else 1)
    without |= platform.without_passes
    check = self_check(engine, tokens)
    compiled = compile_file(path, target, name=name, check=check, without=without, with_savings=with_savings)
    files = {
        **platform.model_files(compiled),
        **render_tokenizer(tokenizer),
        **render_defaults(defaults or PredictionConfig()),
    }
    if board:
        budget(board, compiled, tokenizer_tables(tokenizer).table_bytes).check()
    beside = {WEIGHT_FOLDER: weight_files(path)} if with_weight_files else {}
    sources = {*compiled.sources, *(source_of(kernel, target.variant) for kernel in platform.kernels)}
    sizes = platform.model_sizes(compiled)
    render_project(board, files, sizes, sorted(sources), folder, beside)
    return Firmware(board, path, compiled, sizes, folder, tokens, engine)


def quantized_model(config: Config, workspace: Workspace) -> Path:
    """The decode step of this run, or the one that the configuration names."""
    own = workspace.find("quantized_model")
    if own is None and config.model.quantized_model_path is None:
        raise UserError("there is no quantized model", remedy="Give model.quantized_model_path=<file>.tflite.")
    return own or Path(config.model.quantized_model_path)


def tokenizer_of(path: Path, config: Config, workspace: Workspace) -> Tokenizer:
    """The tokenizer of a model; what the model's file lacks is told before, or together with, a missing tokenizer."""
    errors = model_mistakes(path, compiled=True)
    with collecting(errors):
        tokenizer = inputs.tokenizer(config, workspace)
    raise_all(errors)
    return tokenizer


def model_name(config: Config, workspace: Workspace, path: Path) -> str:
    """The architecture's name for a model of this run, the file's for a model brought along."""
    return config.model.name if workspace.find("quantized_model") else readable_name(path)


def readable_name(path: Path) -> str:
    """A file's name without its ending, as text of UTF-8: bytes that are not stand as \\xe9, and so do line ends."""
    text = os.fsencode(path.stem).decode("utf-8", "backslashreplace")
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def written_tokens(engine: LitertReferenceEngine, count: int) -> np.ndarray:
    """(count,) tokens that the model writes at temperature 1, beginning with token 0: what it meets in use."""
    start = np.zeros(1, np.int64)
    rest = generate_tokens(engine, start, max_tokens=count - 1, temperature=1.0, seed=1)
    return np.concatenate([start, np.fromiter(rest, np.int64)])


def self_check(engine: LitertReferenceEngine, tokens: np.ndarray) -> SelfCheck:
    """What the device recomputes at its start, as LiteRT computes it."""
    chosen = [int(token) for token in tokens[: min(SELF_CHECK_TOKENS, engine.context_length)]]
    return SelfCheck(tuple(chosen), zlib.crc32(reference_logits(engine, chosen).tobytes()))


def reference_logits(engine: LitertReferenceEngine, tokens: list[int]) -> np.ndarray:
    """(tokens, vocabulary_size) raw logits after a reset, little endian."""
    engine.reset()
    rows = []
    for token in tokens:
        raise_if_interrupted()
        rows.append(engine.step_raw(token))
    logits = np.stack(rows)
    return logits.astype(logits.dtype.newbyteorder("<"))


def budget(board: Board, compiled: CompiledModel, tokenizer_bytes: int) -> Budget:
    """Bytes asked of the board, before anything is built: the code is an estimate."""
    ram = {
        "state": compiled.plan.state_bytes,
        "arena": compiled.plan.arena_bytes,
        "stack": STACK_BYTES,
        "application": APPLICATION_RAM_BYTES,
    }
    flash = {**compiled.flash.by_kind, "tokenizer": tokenizer_bytes, "code (estimated)": CODE_BYTES_EXPECTED}
    if compiled.program.uses_second_core:
        ram["stack of the second core"] = SECOND_STACK_BYTES
    return Budget(board, flash, ram)


def keep(made: Firmware, workspace: Workspace, sink: Sink) -> None:
    """Headers where a reader finds them, the memory map, and what each pass saved in the log."""
    keep_headers(made, workspace.path("c_headers"))
    picture = workspace.path("plots", "memory_map.png")
    from textzoo.compiler.artifacts.memory_map import (
        draw_memory_map,  # brings matplotlib, which only this picture needs
    )

    draw_memory_map(made.compiled, picture)
    sink.artifact(picture, "plots")
    for line in made.compiled.saving_lines():
        logger.info(line)


def keep_headers(made: Firmware, folder: Path) -> None:
    """Headers into a folder of the run, and beside the program where that can be written."""
    headers = {name: (made.project / "model" / name).read_text(encoding="utf-8") for name in COPIED_HEADERS}
    for name, text in headers.items():
        write_text(folder / name, text)
    try:
        for name, text in headers.items():
            write_text(C_HEADERS / name, text)
    except OSError as error:  # of the current folder, which need not be ours
        logger.info("no headers in %s: %s", C_HEADERS, error)


def deployment_report(firmware: Firmware, workspace: Workspace) -> DeploymentReport:
    """Where the project lies in the run's folder, and what the model takes."""
    return DeploymentReport(
        c_project=firmware.project.relative_to(workspace.root).as_posix(),
        target=firmware.target_name,
        model_sha256=firmware.compiled.facts.sha256,
        arena_bytes=firmware.sizes.arena_bytes,
        state_bytes=firmware.compiled.plan.state_bytes,
        constant_bytes=firmware.compiled.flash.total,
        passes=[pass_report(saving) for saving in firmware.compiled.savings],
    )


def pass_report(saving: Saving) -> PassReport:
    """What a pass of the compiler changed."""
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
