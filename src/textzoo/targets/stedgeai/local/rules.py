"""Rules for benchmarks by the installed program: what is known to fail is said before anything is trained."""

from collections.abc import Set
from typing import Any

from textzoo.common.errors import UserError, collecting
from textzoo.common.settings import Rule
from textzoo.targets.settings import BenchmarkingConfig, DeploymentConfig
from textzoo.targets.stedgeai.local.program import check_serves, find_program, installed


def check_installed(
    tools: Any, benchmarking: BenchmarkingConfig, deployment: DeploymentConfig, services: Set[str]
) -> list[UserError]:
    """Check that ST Edge AI Core is on this machine, in a version that serves the board."""
    if "benchmarking" not in services or benchmarking.measured_by != "stedgeai" or tools.stm32ai.on_cloud:
        return []
    errors: list[UserError] = []
    with collecting(errors):
        program, board = installed(find_program()), deployment.hardware_setup
        errors += check_serves(program, board.family, board.name, tools.stm32ai.version)
    return errors


RULES: tuple[Rule, ...] = (check_installed,)
