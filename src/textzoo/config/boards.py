"""Boards by name: conf/board/NAME.yaml, read by Hydra as it reads every group of the configuration."""

import copy
import dataclasses
import functools
from collections.abc import Set
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from textzoo.common.errors import UserError, collecting, raise_all
from textzoo.common.paths import BOARD_FOLDER
from textzoo.common.registry import unknown_name
from textzoo.common.settings import Rule, build_section
from textzoo.config.composing import composed_of
from textzoo.config.config_files import bound_files
from textzoo.config.named_boards import SECTION, board_names
from textzoo.config.primary import PrimaryConfig
from textzoo.targets.board_facts import missing_facts, wrong_characters, wrong_facts
from textzoo.targets.boards import Board, check_second_core
from textzoo.targets.registry import HOST, LIBRARY
from textzoo.targets.settings import BenchmarkingConfig, DeploymentConfig


def load_board(name: str, folder: Path = BOARD_FOLDER) -> Board:
    """Return the board of a YAML; UserError for unknown names and for facts that are missing or wrong."""
    facts = copy.deepcopy(shipped_facts(name)) if folder == BOARD_FOLDER else read_facts(name, folder)
    return board_from_facts(facts, f"{folder / name}.yaml: ")


@functools.cache
def shipped_facts(name: str) -> dict[str, Any]:
    """Return a board's YAML of conf/board/ as nested values, which must not be changed: composing takes 0.1 s."""
    return read_facts(name)


def read_facts(name: str, folder: Path = BOARD_FOLDER) -> dict[str, Any]:
    """Return a board's YAML as nested values, on top of the boards that it builds upon."""
    if name not in board_names(folder):
        raise unknown_name("board", name, board_names(folder))
    bound_files()
    composed = composed_of([], PrimaryConfig(folder.resolve(), name))
    facts = OmegaConf.select(composed, SECTION) or OmegaConf.masked_copy(composed, {*composed} - {"hydra"})
    return OmegaConf.to_container(facts, resolve=True)


def board_from_facts(facts: dict[str, Any], prefix: str) -> Board:
    """Return nested values as a Board, everything checked, all mistakes raised at once."""
    errors: list[UserError] = []
    board = build_section(Board, facts, prefix, errors)
    absent = {entry.name for entry in dataclasses.fields(Board)} - set(facts)
    errors += missing_facts(absent, prefix)
    raise_all([*errors, *wrong_characters(board, prefix)] if errors else wrong_facts(board, prefix))
    return board


@functools.cache
def boards_with_two_cores() -> list[str]:
    """Return the boards on which a program can use a second core."""
    return [name for name in board_names() if load_board(name).cores > 1]


def check_board(deployment: DeploymentConfig, benchmarking: BenchmarkingConfig, services: Set[str]) -> list[UserError]:
    """Check that a board is known, its facts are right, and it has the second core and the emulator asked for."""
    board, errors = deployment.hardware_setup, list[UserError]()
    if board.board not in board_names():
        return [unknown_name("board", board.board, board_names())]
    if not {"benchmarking", "deployment"} & services:
        return []
    on_host = deployment.target in (HOST, LIBRARY) or benchmarking.measured_by == HOST
    if not on_host:
        errors += wrong_facts(board, f"{SECTION}.")
    with collecting(errors):
        with_two = boards_with_two_cores() if deployment.second_core else []
        check_second_core(None if on_host else board, deployment.second_core, with_two)
    is_emulated = benchmarking.measured_by == "emulator" or (
        benchmarking.measured_by == "stedgeai" and benchmarking.emulator is not None
    )
    if not errors and not on_host and "benchmarking" in services and is_emulated:
        with collecting(errors):
            board.emulator(benchmarking.emulator)
    return errors


RULES: tuple[Rule, ...] = (check_board,)
