"""Somebody who follows a page from its top to its end, in a copy of the project, every run at toy size."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pages import COMMANDS, FILE, INSIDE, PLANNED, PROJECT, RUN, Block, arguments_of

from textzoo.config.chains import CHAINS
from textzoo.config.schema import Config
from warm_process import WarmProcess

# What must be in the copy of the project itself, because pages change it, and what may lie elsewhere.
COPIED = (
    *("src", "conf", "deployment", "docs", "tests", "datasets"),
    *("pyproject.toml", "user_config.yaml", "stm32ai_main.py", "Makefile", "LICENSE"),
)
LINKED = ("pretrained_models", "scripts", "benchmarks")
# Texts of the user's that pages speak of.
TEXT = "\n\n".join(f"The model has read token {number} and now writes token {number + 1}." for number in range(200))
TEXTS = ("my_text.txt", "book.txt", "letters/first.txt")
# Service -> what makes it small. Where a command gives another value, it runs with this one.
TOY = {
    "training": {
        "training.steps": 2,
        "training.eval_interval": 1,
        "training.warmup_steps": 1,
        "training.batch_size": 4,
        "training.eval_tokens": 64,
    },
    "quantization": {"quantization.calibration_windows": 2, "quantization.report_tokens": 16},
    "evaluation": {"evaluation.max_tokens": 64, "prediction.max_tokens": 16},
    "prediction": {"prediction.max_tokens": 40},
    "benchmarking": {"benchmarking.tokens_checked": 8, "benchmarking.inputs_checked": 2, "prediction.max_tokens": 8},
}
# What needs its sizes, and is made small by its steps alone.
AS_WRITTEN = {"experiment=commands_gpt": {"training.steps": 100, "training.eval_interval": 100}}
SMALL = {"model.d_model": 16, "model.context_length": 16}
# Architecture -> what else makes it small.
MODELS = {"pico_gpt": {"model.n_layers": 1, "model.n_heads": 2}, "my_model": {}, "tiny_lm": {}}
# Where pages have a board.
SERIAL_LINE = "/dev/ttyACM0"


def copied_project(folder: Path) -> Path:
    """A copy of the project, with the texts that pages speak of."""
    for name in COPIED:
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "pictures"))
        else:
            shutil.copy(PROJECT / name, folder)
    for name in LINKED:
        (folder / name).symlink_to(PROJECT / name)
    for name in TEXTS:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(TEXT, encoding="utf-8")
    return folder


class Reader:
    """Somebody who follows a page."""

    def __init__(self, project: Path, store: str) -> None:
        self.project = project
        self.store = store
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = {
            **os.environ,
            "PATH": path,
            "PYTHONPATH": str(project / "src"),
            "COLUMNS": "200",
            "XDG_STATE_HOME": str(project.parent / "state"),
        }

    @contextmanager
    def emulated_board(self) -> Iterator[str]:
        """The pseudo-terminal of QEMU with the newest project's image, in the place of a board's serial line."""
        project = max(self.project.glob("experiments_outputs/*/c_project/*"), key=lambda path: path.parents[1].name)
        command = subprocess.run(["make", "-n", "emulate"], cwd=project, capture_output=True, text=True, check=True)
        *_, line = command.stdout.strip().splitlines()
        subprocess.run(
            ["make", f"IMAGE={shlex.split(line)[-1].split('/')[1]}"], cwd=project, stdout=subprocess.DEVNULL, check=True
        )
        words = ["pty" if word == "stdio" else word for word in shlex.split(line)]
        with subprocess.Popen(words, cwd=project, stdout=subprocess.PIPE, text=True) as emulator:
            try:
                yield re.search(r"/dev/\S+", emulator.stdout.readline())[0]
            finally:
                emulator.kill()

    def follow(self, block: Block) -> None:
        """Do what a block says."""
        if SERIAL_LINE in block.text and block.kind == RUN:
            with self.emulated_board() as line:
                self.act(replace(block, text=block.text.replace(SERIAL_LINE, line)))
        else:
            self.act(block)

    def act(self, block: Block) -> None:
        if block.kind == FILE:
            self.write(block.rest, block.text)
        elif block.kind == INSIDE:
            path, _, line = block.rest.partition(" behind ")
            self.insert(path, line.strip("`"), block)
        elif block.kind == PLANNED:
            calls = [shlex.join(arguments_of(command)) for command in block.commands]
            self.start(Path(__file__).with_name("plan_only.py"), calls, block)
        elif block.kind == RUN and block.language in COMMANDS:
            for command in block.commands:
                self.run(command, block)
        elif block.kind == RUN and block.language == "python":
            self.shell([sys.executable, "-c", block.text], block)

    def write(self, name: str, text: str) -> None:
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def insert(self, name: str, line: str, block: Block) -> None:
        """Put the lines of a block behind a line of a file."""
        text = (self.project / name).read_text(encoding="utf-8")
        assert text.count(f"\n{line}\n") == 1, f"{block.place}: {name} does not have one line '{line}'"
        self.write(name, text.replace(f"\n{line}\n", f"\n{line}\n{block.text}"))

    def run(self, command: str, block: Block) -> None:
        arguments = arguments_of(command)
        if arguments is None:
            self.shell(["bash", "-euc", self.with_run(command)], block)
        else:
            self.start(self.project / "stm32ai_main.py", self.at_toy_size(arguments), block)

    def start(self, program: Path, arguments: list[str], block: Block) -> None:
        """Run the program, the large libraries imported already."""
        output = self.project.parent / "output"
        output.mkdir(exist_ok=True)
        arguments = [self.with_run(argument) for argument in arguments]
        answer = WarmProcess(program, arguments, self.project, self.environment, output).wait(600)
        assert answer.returncode == 0, f"{block.place}: {arguments}\n{answer.stdout}{answer.stderr}"

    def shell(self, command: list[str], block: Block) -> None:
        answer = subprocess.run(
            command, cwd=self.project, env=self.environment, capture_output=True, text=True, timeout=600, check=False
        )
        assert answer.returncode == 0, f"{block.place}: {command[-1]}\n{answer.stdout}{answer.stderr}"

    def with_run(self, text: str) -> str:
        """The text with `<run>` for the newest run that has the file or folder meant."""
        for whole, rest in re.findall(r"(experiments_outputs/<run>([\w./-]*))", text):
            runs = sorted((self.project / "experiments_outputs").iterdir(), reverse=True)
            run = next(run for run in runs if (run / rest.strip("/")).exists())
            text = text.replace(whole, f"experiments_outputs/{run.name}{rest}")
        return text

    def at_toy_size(self, arguments: list[str]) -> list[str]:
        """The arguments of a run, with what makes it small."""
        given = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
        toy = {"mlflow.uri": self.store, "mlflow.system_metrics": "false"}
        for argument in set(arguments) & set(AS_WRITTEN):
            toy |= AS_WRITTEN[argument]
            return [*arguments, *(f"{key}={value}" for key, value in toy.items())]
        services = CHAINS[given.get("operation_mode", Config().operation_mode)]
        for service in services:
            toy |= TOY.get(service, {})
        if "training" in services:
            toy |= SMALL | MODELS[given.get("model", Config().model.name)]
        kept = [argument for argument in arguments if argument.partition("=")[0] not in toy]
        return [*kept, *(f"{key}={value}" for key, value in toy.items())]
