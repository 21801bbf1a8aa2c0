"""Rules for benchmarks in the Developer Cloud: what is known to fail is said before anything is trained."""

from collections.abc import Set
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.settings import Rule
from textzoo.targets.settings import BenchmarkingConfig, DeploymentConfig
from textzoo.targets.stedgeai.cloud.readiness import obstacles


def check_cloud(
    tools: Any, benchmarking: BenchmarkingConfig, deployment: DeploymentConfig, services: Set[str]
) -> list[UserError]:
    """Check that the board is one of the cloud's, and that nothing stands in the way of a login."""
    if "benchmarking" not in services or benchmarking.measured_by != "stedgeai" or not tools.stm32ai.on_cloud:
        return []
    board = deployment.hardware_setup
    errors = obstacles()
    if not board.cloud:
        what = f"{board.name} is not in ST's Developer Cloud (tools.stm32ai.on_cloud=true)"
        remedy = "deployment.hardware_setup.cloud=<name> names another board of the cloud."
        errors.append(UserError(what, expected="a board of ST, e.g. board=STM32H7", remedy=remedy))
    return errors


RULES: tuple[Rule, ...] = (check_cloud,)
