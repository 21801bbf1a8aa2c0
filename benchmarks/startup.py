"""The time of set-up and of first outputs, compared with the obvious alternative in the same run. Prints JSON.

    python benchmarks/startup.py [--repeats 15] [--predictions 5] [--chats 5] [--setup]

* help, a configuration error and the table of keys, against `python -c "import hydra"`: medians of alternating runs, so
  that other load affects all equally;
* the first character of `prediction` with a pretrained int8 model and no tracking store yet, against
  `python -c "import mlflow, keras"`, the start-up of a program that imports everything first; and the modules imported
  by then;
* the prompt of `chat` with a pretrained int8 model in a terminal, and from there the first token of an answer; and the
  heavy modules imported by the end of an answer;
* with --setup, `make setup` in copies of the project, by uv and by pip, both with empty caches: downloads 1 GB twice.

Processor seconds are user and system time, including ended child processes.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil

PROJECT = Path(__file__).resolve().parents[1]
MAIN = str(PROJECT / "stm32ai_main.py")
COMMANDS = {
    "import_hydra": ["-c", "import hydra"],
    "help": [MAIN, "--help"],
    "configuration_error": [MAIN, "model.nlayers=3", "training.steps=abc", "operation_mode=chain_tqf"],
    "describe": [MAIN, "operation_mode=describe"],
}
PROMPT = "The "
PREDICTION = [MAIN, "operation_mode=prediction", "model=tiny_lm", "pretrained=true", f"prediction.prompt={PROMPT}"]
CHAT = [MAIN, "operation_mode=chat", "model=gpt", "pretrained=true", "chat.history=false"]
QUESTION = "What can you do?"
# What the editor writes when a prompt begins; and at its end, behind which the answer begins.
PROMPT_BEGINS, PROMPT_ENDS = "\x1b[?2004h", re.compile("\x1b\\[\\?2004l[^\x1b]")
# Before its first prompt the editor asks where the cursor is, and waits for the answer that a terminal gives.
WHERE, HERE = "\x1b[6n", "\x1b[2;1R"
EAGER = ["-c", "import mlflow, keras"]
# Packages that take seconds to import.
HEAVY = ("tensorflow", "keras", "mlflow", "matplotlib", "pandas", "jax", "torch")
# A line of `python -X importtime`: own microseconds, cumulative microseconds, the module.
IMPORT_LINE = re.compile(r"^import time: +\d+ \| +\d+ \| +([\w.]+)$", re.MULTILINE)
Seconds = dict[str, float]


def processor_seconds(process: psutil.Process) -> float:
    """Return the processor time of a process, including its ended children."""
    times = process.cpu_times()
    return times.user + times.system + times.children_user + times.children_system


def timed(command: Sequence[str], **options: object) -> Seconds:
    """Measure wall and processor time of a program until its end."""
    start, before = time.perf_counter(), processor_seconds(psutil.Process())
    subprocess.run(command, capture_output=True, check=False, **options)
    return {
        "seconds": time.perf_counter() - start,
        "processor_seconds": processor_seconds(psutil.Process()) - before,
    }


def until_text(process: subprocess.Popen) -> str:
    """Return the output of a prediction up to the first character after its prompt."""
    printed = ""
    while f"\n{PROMPT}" not in printed:
        piece = os.read(process.stdout.fileno(), 1 << 16)
        if not piece:
            raise SystemExit(f"the prediction ended without its text:\n{printed}")
        printed += piece.decode("utf-8", "replace")
    return printed


def first_character() -> Seconds:
    """Measure the times until the first character is printed, in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        command = [sys.executable, *PREDICTION]
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            until_text(process)
            seconds = {
                "seconds": time.perf_counter() - start,
                "processor_seconds": processor_seconds(psutil.Process(process.pid)),
            }
            process.communicate()
    return seconds


def chat_in_terminal() -> Seconds:
    """Measure the time until a chat shows its prompt, and from the question to the first character of the answer."""
    import pexpect  # one of the packages for development

    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "TERM": "xterm-256color"}
        start = time.perf_counter()
        child = pexpect.spawn(sys.executable, CHAT, cwd=folder, env=environment, encoding="utf-8", timeout=120)
        child.delaybeforesend = None
        child.expect_exact(WHERE)
        child.send(HERE)
        child.expect_exact(PROMPT_BEGINS)
        prompted = time.perf_counter()
        child.send(f"{QUESTION}\r")
        child.expect(PROMPT_ENDS)
        answered = time.perf_counter()
        child.expect_exact(WHERE)
        child.send(HERE)
        child.expect_exact(PROMPT_BEGINS)
        child.sendeof()
        child.expect(pexpect.EOF)
        child.close()
    return {"prompt_seconds": prompted - start, "first_token_seconds": answered - prompted}


def chat(repeats: int) -> dict[str, object]:
    """Measure a chat in a terminal; return medians, and the heavy modules that it imports."""
    rows = [chat_in_terminal() for _ in range(repeats + 1)][1:]
    figures = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
    return {**figures, "heavy_modules_imported": heavy_ones(imported_by_chat())}


def imported_by_chat() -> list[str]:
    """Return the modules that are imported by the end of an answer to a pipe, without those imported by a string."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-X", "importtime", *CHAT]
        done = subprocess.run(command, cwd=folder, input=f"{QUESTION}\n", capture_output=True, text=True, check=True)
    return IMPORT_LINE.findall(done.stderr)


def imported_before_text() -> list[str]:
    """Return the modules that are imported before the first character, without those imported by a string."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-X", "importtime", *PREDICTION]
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            printed = until_text(process)
            process.communicate()
    return IMPORT_LINE.findall(printed.partition(f"\n{PROMPT}")[0])


def heavy_ones(modules: list[str]) -> list[str]:
    """Return which packages of HEAVY the modules belong to."""
    packages = {name.partition(".")[0] for name in modules}
    return [name for name in HEAVY if name in packages]


def medians(measures: dict[str, Callable[[], Seconds]], repeats: int) -> dict[str, Seconds]:
    """Return median times of alternating measurements; the first round is not counted."""
    rounds = [{name: measure() for name, measure in measures.items()} for _ in range(repeats + 1)][1:]
    kinds = ("seconds", "processor_seconds")
    return {name: {kind: statistics.median(row[name][kind] for row in rounds) for kind in kinds} for name in measures}


def against(rows: dict[str, Seconds], reference: str) -> dict[str, Seconds]:
    """Return the rows with their processor time as a multiple of a reference row's."""
    base = rows[reference]["processor_seconds"]
    return {name: {**row, f"times_{reference}": row["processor_seconds"] / base} for name, row in rows.items()}


def answers(repeats: int) -> dict[str, Seconds]:
    """Measure short commands of the program."""
    measures = {name: lambda command=command: timed([sys.executable, *command]) for name, command in COMMANDS.items()}
    return against(medians(measures, repeats), "import_hydra")


def prediction(repeats: int) -> dict[str, object]:
    """Measure the time to the first character, and return the modules imported by then."""
    measures = {"first_character": first_character, "import_mlflow_keras": lambda: timed([sys.executable, *EAGER])}
    modules = imported_before_text()
    return {
        **against(medians(measures, repeats), "import_mlflow_keras"),
        "modules_imported": len(modules),
        "heavy_modules_imported": heavy_ones(modules),
    }


def copies() -> Iterator[Path]:
    """Yield new copies of the tracked files, each deleted before the next one."""
    listed = subprocess.run(["git", "-C", PROJECT, "ls-files", "-z"], capture_output=True, text=True, check=True).stdout
    while True:
        with tempfile.TemporaryDirectory() as folder:
            for name in filter(None, listed.split("\0")):
                (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(PROJECT / name, Path(folder) / name)
            yield Path(folder)


def set_up() -> dict[str, object]:
    """Measure `make setup` by uv and by pip, with empty caches."""
    rows: dict[str, Seconds] = {}
    for installer, folder in zip(("uv", "pip"), copies(), strict=False):
        caches = {name: str(folder / name.lower()) for name in ("UV_CACHE_DIR", "PIP_CACHE_DIR")}
        environment = {**os.environ, **caches, "INSTALLER": installer}
        environment.pop("PYTHONPATH", None)
        rows[installer] = timed(["make", "setup"], cwd=folder, env=environment)
        if not (folder / ".venv" / "ready").is_file():
            raise SystemExit(f"the set-up by {installer} failed")
    ratio = {f"pip_{kind}_ratio": rows["pip"][kind] / rows["uv"][kind] for kind in rows["uv"]}
    return {**rows, **ratio}


def rounded(values: object) -> object:
    """Round numbers in nested dicts to three decimals."""
    if isinstance(values, dict):
        return {name: rounded(value) for name, value in values.items()}
    return round(values, 3) if isinstance(values, float) else values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15, help="repeats of the short commands")
    parser.add_argument("--predictions", type=int, default=5, help="repeats of the prediction")
    parser.add_argument("--chats", type=int, default=5, help="repeats of the chat")
    parser.add_argument("--setup", action="store_true", help="also measure make setup (takes minutes)")
    options = parser.parse_args()
    figures: dict[str, object] = {"answers": answers(options.repeats)}
    if options.predictions:
        figures["prediction"] = prediction(options.predictions)
    if options.chats:
        figures["chat"] = chat(options.chats)
    if options.setup:
        figures["setup"] = set_up()
    print(json.dumps(rounded(figures), indent=2))


if __name__ == "__main__":
    main()
