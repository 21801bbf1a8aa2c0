"""How fast the program answers: --help and a configuration error against `python -c "import hydra"`.

Prints JSON: median seconds of each, alternated so that a busy machine slows all alike, and the ratios to the import.
Run: python benchmarks/startup.py [--repeats 15]
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

MAIN = str(Path(__file__).resolve().parents[1] / "stm32ai_main.py")
COMMANDS = {
    "import_hydra": ["-c", "import hydra"],
    "help": [MAIN, "--help"],
    "configuration_error": [MAIN, "model.nlayers=3", "training.steps=abc", "operation_mode=chain_tqf"],
}


def seconds_of(arguments: list[str]) -> float:
    """Wall time of one Python process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    rounds = [{name: seconds_of(command) for name, command in COMMANDS.items()} for _ in range(repeats + 1)]
    median = {name: statistics.median(row[name] for row in rounds[1:]) for name in COMMANDS}
    ratios = {f"{name}_ratio": median[name] / median["import_hydra"] for name in COMMANDS if name != "import_hydra"}
    figures = {f"{name}_seconds": value for name, value in median.items()} | ratios
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}, indent=2))


if __name__ == "__main__":
    main()
