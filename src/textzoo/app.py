"""From a composed configuration to finished steps: plan, run, report; reuse what an earlier try finished."""

import contextlib
import dataclasses
import importlib
import logging
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from textzoo import configuration, interruption
from textzoo.chains import CHAINS, SERVICES, TEXT_FIRST, UNTRACKED, Service
from textzoo.errors import UserError, collecting, raise_all
from textzoo.files import file_digest, value_digest
from textzoo.progress import console
from textzoo.report import Report, RunSummary, print_report, write_report
from textzoo.run_labels import run_name, run_tags
from textzoo.run_records import log_inputs, log_result, log_service, log_step
from textzoo.schema import Config, walk
from textzoo.tracking import NullTracker, RunSink, Tracker, git_commit
from textzoo.tracking.secrets import MaskingFormatter, hide_secrets
from textzoo.workspace import FinishedStep, Workspace

SUCCESS, PROGRAM_ERROR, USER_MISTAKE, INTERRUPTED = 0, 1, 2, 130
CONFIGURATION_FOLDER = Path(__file__).resolve().parents[2] / "conf"
LOG_FILE = "textzoo.log"
logger = logging.getLogger("textzoo")


def run(composed: DictConfig) -> int:
    """Run one composed configuration in Hydra's output folder; return the exit code."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("MPLBACKEND", "Agg")
    root = Path(HydraConfig.get().runtime.output_dir)
    with errors_to_exit_code(root) as outcome:
        config = typed_config(composed)
        outcome.show_traceback = config.general.traceback
        execute(config, Workspace(root))
    return outcome.code


def typed_config(composed: DictConfig) -> Config:
    config, errors = configuration.check(OmegaConf.to_container(composed, resolve=True), CONFIGURATION_FOLDER)
    raise_all(errors)
    return config


@dataclass
class Outcome:
    """How an invocation ended."""

    code: int = SUCCESS
    show_traceback: bool = False


def remedy_of(error: OSError) -> str:
    if isinstance(error, FileExistsError | IsADirectoryError | NotADirectoryError):
        return "A file stands where a folder is wanted, or the other way round: rename it, or give another path."
    return "Check the disk's space and the folder's permissions."


@contextlib.contextmanager
def errors_to_exit_code(root: Path) -> Iterator[Outcome]:
    """Turn exceptions into one message and an exit code; the traceback goes to the log."""
    outcome = Outcome()
    interruption.listen()
    try:
        yield outcome
    except KeyboardInterrupt:
        interruption.heard()
        outcome.code = INTERRUPTED
        say(f"Interrupted. Continue with: python stm32ai_main.py general.resume={shown_path(root)}")
    except UserError as error:
        outcome.code = USER_MISTAKE
        say(str(error))
    except OSError as error:
        outcome.code = USER_MISTAKE
        say(f"The system refused: {error}. {remedy_of(error)}")
    except Exception as error:
        outcome.code = PROGRAM_ERROR
        say(f"TextZoo failed: {type(error).__name__}: {error}. The traceback is in {shown_path(root / LOG_FILE)}.")
    if outcome.code in (USER_MISTAKE, PROGRAM_ERROR):
        logger.error(traceback.format_exc())
        if outcome.show_traceback:
            sys.stderr.write(traceback.format_exc())


def say(message: str) -> None:
    sys.stderr.write(message + "\n")


def shown_path(path: Path) -> str:
    """The path relative to the current folder where that is shorter."""
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


def execute(config: Config, workspace: Workspace) -> Report:
    """Plan, print the plan, run the steps and write the report."""
    log_to(workspace.path(LOG_FILE))
    with workspace.lock():
        plan = make_plan(config, workspace)
        for line in plan_lines(config, plan, workspace):
            console.print(line, markup=False, soft_wrap=True)
            logger.info(line)
        hide_secrets(workspace.path(".hydra"), config.mlflow.uri)
        tags = {**run_tags(config), "mlflow.source.git.commit": git_commit(CONFIGURATION_FOLDER)}
        name = run_name(config, workspace.root)
        with (
            make_tracker(config, workspace) as tracker,
            tracker.run(name, tags=tags, system=config.mlflow.system_metrics) as parent,
        ):
            return run_plan(config, plan, workspace, tracker, parent)


def make_tracker(config: Config, workspace: Workspace) -> Tracker | NullTracker:
    """The tracker of this invocation; a mode that only looks at the store makes no run in it."""
    if config.operation_mode in UNTRACKED:
        return NullTracker()
    text_first = config.operation_mode in TEXT_FIRST
    return Tracker(config.mlflow.uri, config.general.project_name, workspace.root, text_first=text_first)


def log_to(path: Path) -> None:
    """Send the project's log to a file of the run's folder."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(MaskingFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    for old in logger.handlers[:]:
        logger.removeHandler(old)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


@dataclass
class Step:
    """One service of the plan; `reused` holds the finished step whose result serves again."""

    name: str
    service: Service
    reused: FinishedStep | None = None


@dataclass
class Plan:
    """The steps of an invocation, and the content hash of the text that they read ("" if none does)."""

    steps: list[Step]
    corpus_sha256: str


def make_plan(config: Config, workspace: Workspace) -> Plan:
    """The steps of the mode. A step is reused while all before it are, and nothing it reads has changed."""
    names = CHAINS[config.operation_mode]
    plan = Plan([], read_texts(config, names))
    reusing = True
    for index, name in enumerate(names):
        step = Step(f"{index + 1}_{name}", SERVICES[name])
        if reusing:
            step.reused = workspace.finished(step.name, step_key(config, step, workspace, plan.corpus_sha256))
        reusing = step.reused is not None
        plan.steps.append(step)
    return plan


def read_texts(config: Config, names: Sequence[str]) -> str:
    """Content hash of the corpus, "" where no step reads it; what is wrong with texts is found before anything runs."""
    from textzoo.text.corpora import load_corpus
    from textzoo.text.reading import joined_text

    digest = ""
    errors: list[UserError] = []
    with collecting(errors):
        if any("corpus" in SERVICES[name].inputs for name in names):
            digest = load_corpus(config.dataset).sha256
    with collecting(errors):
        if "quantization" in names and config.quantization.calibration_path:
            joined_text(config.quantization.calibration_path)
    raise_all(errors)
    return digest


def step_key(config: Config, step: Step, workspace: Workspace, corpus_sha256: str) -> str:
    """Content hash of all that a step is made from: its configuration and the files that it reads."""
    service = step.service
    values = {name: configured(config, name) for name in service.sections}
    named_files = {
        name: digest_of(configured(config, name))
        for name, entry in walk()
        if entry.metadata.get("path") and name.partition(".")[0] in service.sections and configured(config, name)
    }
    corpus = corpus_sha256 if "corpus" in service.inputs else ""
    later = workspace.outputs_not_before(step.name)
    files = {name: digest for name, digest in workspace.digests(service.inputs).items() if name not in later}
    return value_digest([values, named_files, corpus, files])


def configured(config: Config, name: str) -> Any:
    """The value of a dotted key, or a whole section as a dict."""
    value: Any = config
    for part in name.split("."):
        value = getattr(value, part)
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) else value


def step_keys(service: Service) -> list[str]:
    """The dotted names of all keys that a service's result depends on."""
    sections = tuple(service.sections)
    return [name for name, _ in walk() if name in sections or name.startswith(tuple(f"{part}." for part in sections))]


def digest_of(paths: str | list[str]) -> list[str]:
    """Content hashes of files, and of the files inside folders."""
    found = [Path(path) for path in (paths if isinstance(paths, list) else [paths])]
    files = [file for path in found for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    return [file_digest(file) for file in files if file.is_file()]


def plan_lines(config: Config, plan: Plan, workspace: Workspace) -> list[str]:
    """The plan as text: per step what it does, reads and writes, and whether an earlier result serves again."""
    lines = [f"{config.operation_mode} in {shown_path(workspace.root)}"]
    for step in plan.steps:
        reads = ", ".join(step.service.inputs)
        writes = ", ".join(step.service.outputs) or "report"
        verb = "reuse" if step.reused else "run"
        lines.append(f"  {step.name:15} {verb:5}  {step.service.text}  [{reads} -> {writes}]")
    return lines


def run_plan(config: Config, plan: Plan, workspace: Workspace, tracker: Tracker, parent: RunSink) -> Report:
    """Run the steps; the report is written after each, so that a chain that dies leaves what it found."""
    report = Report()
    log_inputs(config, plan.corpus_sha256, parent)
    summary = RunSummary(config.operation_mode, "RUNNING", str(workspace.root), parent.run_id)
    try:
        for step in plan.steps:
            report.merge(run_step(config, step, workspace, tracker, parent, plan.corpus_sha256))
            log_step(report, parent)
            summary.mlflow_run_id = parent.run_id
            write_report(workspace.root, summary, report)
        tracker.wait_for_id(parent)
        summary.status = "FINISHED"
    except KeyboardInterrupt:
        summary.status = "KILLED"
        raise
    except BaseException:
        summary.status = "FAILED"
        raise
    finally:
        summary.mlflow_run_id = parent.run_id
        write_report(workspace.root, summary, report)
        log_result(workspace, parent, LOG_FILE)
    print_report(console, dataclasses.replace(summary, run_dir=shown_path(workspace.root)), report)
    return report


def run_step(
    config: Config, step: Step, workspace: Workspace, tracker: Tracker, parent: RunSink, corpus_sha256: str
) -> Report:
    """Run one service as a child run and enter it into the ledger, or take its earlier result."""
    if step.reused:
        return Report.from_dict(step.reused.report)
    module, function = step.service.place.split(":")
    key = step_key(config, step, workspace, corpus_sha256)
    console.rule(step.name)
    with tracker.run(step.name, parent) as sink:
        sink.params({name: configured(config, name) for name in step_keys(step.service)})
        report = getattr(importlib.import_module(module), function)(config, workspace, sink)
        log_service(config, step.service, workspace, sink, parent)
    outputs = workspace.digests(step.service.outputs)
    workspace.finish(step.name, FinishedStep(key, outputs, report.to_dict()))
    return report
