"""Hundreds of requests over bad cables, to this machine's program, to an emulated board, or to a real one (--board)."""

import contextlib
import subprocess

import pytest
from bad_cable import CABLES, REQUESTS_PER_CABLE, run_requests, serial_line
from test_emulators import emulated_serial_line
from toy_projects import render_toy

from compilers import need
from textzoo.common.processes import started
from textzoo.targets.emulators import build_image
from textzoo.targets.serial_ports import open_port

PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    need("host", "make")
    return build_image(render_toy("host", tmp_path_factory.mktemp("cable") / "host"))


def connection(program, board, baud):
    """What connects to the real board, if one was named, or else starts this machine's program."""

    @contextlib.contextmanager
    def connect():
        if board:
            with open_port(board, baud) as port:
                yield port.fileno(), port.fileno()
        else:
            with started([str(program)], **PIPES) as process:
                yield process.stdout.fileno(), process.stdin.fileno()

    return connect


@pytest.mark.slow
def test_requests_over_bad_cables_are_answered_rightly_or_with_a_clear_error(program, request):
    """`pytest tests/application/test_bad_cable.py --requests 10000 [--board /dev/ttyACM0 --baud 115200]`."""
    options = request.config.option
    count = options.requests
    outcomes = run_requests(connection(program, options.board, options.baud), count, seed=1)
    print("\n".join(f"{number:6} {outcome}" for outcome, number in outcomes.most_common()))
    assert sum(outcomes.values()) == count
    assert outcomes["right"] >= 0.9 * count


@pytest.mark.slow
def test_an_emulated_board_answers_over_bad_cables_too(tmp_path):
    need("make", "arm", "qemu")
    projects = {"STM32F4": render_toy("STM32F4", tmp_path / "STM32F4")}

    @contextlib.contextmanager
    def connect():
        with emulated_serial_line(projects, "STM32F4") as path, serial_line(path) as ends:
            yield ends

    count = len(CABLES) * REQUESTS_PER_CABLE // 2
    outcomes = run_requests(connect, count, seed=2)
    assert sum(outcomes.values()) == count
    assert outcomes["right"] >= 0.9 * count
