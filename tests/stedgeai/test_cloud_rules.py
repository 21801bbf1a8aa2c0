"""What is known to fail in the Developer Cloud is a mistake of the configuration, before anything runs."""

import dataclasses
import time

import pytest

from textzoo.common.settings import build_section
from textzoo.config.boards import board_names, load_board
from textzoo.config.schema import Config
from textzoo.targets.stedgeai.cloud.rules import check_cloud
from textzoo.targets.stedgeai.cloud.tokens import Tokens, save_tokens, token_path

ACCOUNT = {"stmai_username": "someone", "stmai_password": "something"}
# Environment, board, further values; and what is found, all at once.
CASES = [
    (ACCOUNT, "STM32H7", {}, []),
    ({}, "STM32H7", {}, ["there is no terminal to ask for it"]),
    ({"stmai_username": "someone"}, "STM32H7", {}, ["stmai_password is not"]),
    (ACCOUNT, "ESP32", {}, ["ESP32 is not in ST's Developer Cloud"]),
    ({}, "ESP32", {}, ["there is no terminal to ask for it", "ESP32 is not in ST's Developer Cloud"]),
    ({**ACCOUNT, "NO_SSL_VERIFY": "1"}, "STM32H7", {}, ["always verified"]),
    ({**ACCOUNT, "BASE_URL_DEVCLOUD": "https://x.example"}, "STM32H7", {}, ["must end with a slash"]),
    ({}, "ESP32", {"benchmarking": {"measured_by": "emulator"}}, []),
    ({}, "ESP32", {"tools": {"stm32ai": {"on_cloud": False}}}, []),
]


def found(board, values, services=("benchmarking",)):
    errors = []
    on_cloud = {"benchmarking": {"measured_by": "stedgeai"}, "tools": {"stm32ai": {"on_cloud": True}}}
    config = build_section(Config, on_cloud | values, "", errors)
    assert not errors
    deployment = dataclasses.replace(config.deployment, hardware_setup=load_board(board))
    return check_cloud(config.tools, config.benchmarking, deployment, frozenset(services))


@pytest.mark.parametrize(("environment", "board", "values", "messages"), CASES)
def test_obstacles_are_found_all_at_once(monkeypatch, environment, board, values, messages):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    errors = found(board, values)
    assert len(errors) == len(messages)
    for error, message in zip(errors, messages, strict=True):
        assert message in str(error)


def test_a_chain_without_a_benchmark_needs_no_account():
    assert not found("STM32H7", {}, ("training",))


@pytest.mark.parametrize(("refresh", "left", "is_enough"), [("refresh", 0, True), ("", 3600, True), ("", 0, False)])
def test_a_login_that_was_kept_is_enough(refresh, left, is_enough):
    tokens = Tokens("access", refresh, time.time() + left, "https://stedgeai-dc.st.com/", "someone")
    save_tokens(token_path(), tokens)
    assert bool(found("STM32H7", {})) != is_enough


@pytest.mark.parametrize("name", board_names())
def test_every_board_of_st_names_one_of_the_cloud(name):
    board = load_board(name)
    assert bool(board.cloud) == board.family.startswith("stm32")
