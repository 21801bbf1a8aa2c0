"""TextZoo's entry point: `python stm32ai_main.py operation_mode=chain_tqe`; `--help` tells the rest.

Only Hydra is imported here, so that help and mistakes in the configuration are answered at once.
"""

import sys
from pathlib import Path

import hydra
from omegaconf import DictConfig

from textzoo import command_line

CONFIGURATION_FOLDER = Path(__file__).resolve().parent / "conf"
exit_codes: list[int] = []


@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def run(config: DictConfig) -> None:
    from textzoo import app

    exit_codes.append(app.run(config))


if __name__ == "__main__":
    sys.argv[1:] = command_line.prepare(sys.argv[1:], CONFIGURATION_FOLDER)
    run()
    sys.exit(max(exit_codes, default=0))
