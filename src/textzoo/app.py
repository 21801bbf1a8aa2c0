"""From a composed configuration to finished steps: plan, run, report; reuse what an earlier try finished."""

import contextlib
import dataclasses
import importlib
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from textzoo import configuration, continuing, interruption
from textzoo.chains import CHAINS, SERVICES, TEXT_FIRST, UNTRACKED, Service
from textzoo.errors import UserError, collecting, raise_all
from textzoo.escaping import tolerate_missing_characters, visible, visible_line
from textzoo.files import file_digest, remove_unused, shown_path, value_digest
from textzoo.places import published, published_values
from textzoo.progress import console
from textzoo.report import Report, RunSummary, print_report, write_report
from textzoo.resuming import keep_command_line
from textzoo.run_labels import run_name, run_tags
from textzoo.run_records import log_inputs, log_result, log_service, log_step
from textzoo.schema import Config, walk
from textzoo.secrets import masked_for
from textzoo.standard_streams import losses
from textzoo.tracking import NullTracker, RunSink, Tracker, git_commit
from textzoo.workspace import LOCK, FinishedStep, Workspace, open_own

if TYPE_CHECKING:
    from textzoo.text.reading import LeftOut

SUCCESS, PROGRAM_ERROR, USER_MISTAKE, INTERRUPTED = 0, 1, 2, 130
CONFIGURATION_FOLDER = Path(__file__).resolve().parents[2] / "conf"
LOG_FILE = "textzoo.log"
# What a run without a step leaves.
REPORTS = (".hydra", "report.html", "report.json", "report.md")
# Made from the weights of an earlier training, and not from those of this one.
LEFT_BEHIND = ("quantized_model", "forward_model")
logger = logging.getLogger("textzoo")
logger.addHandler(logging.NullHandler())


def run(composed: DictConfig) -> int:
    """Run one composed configuration in Hydra's output folder; return the exit code."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("MPLBACKEND", "Agg")
    tolerate_missing_characters()
    losses.text_is_all = composed.get("operation_mode") in UNTRACKED
    hydra = HydraConfig.get()
    root = Path(hydra.runtime.output_dir)
    if hydra.mode == RunMode.MULTIRUN:  # of which Hydra keeps everything, passwords too; each run keeps its own
        Path(hydra.sweep.dir, "multirun.yaml").unlink(missing_ok=True)
    with errors_to_exit_code(root) as outcome:
        config = typed_config(composed)
        outcome.show_traceback = config.general.traceback
        execute(config, Workspace(root), lambda: keep_command_line(root, composed, hydra, CONFIGURATION_FOLDER))
    if outcome.is_mistake:
        remove_traces(root, composed.get("operation_mode"))
    return outcome.code


def remove_traces(root: Path, mode: Any) -> None:
    """Remove the new folder of a run that was refused before any step began; of one that leaves no other trace, too."""
    log_to(None)
    with contextlib.suppress(UserError, OSError), Workspace(root).lock():
        remove_unused(root, {LOCK, LOG_FILE, *(REPORTS if mode in UNTRACKED else ())})


def typed_config(composed: DictConfig) -> Config:
    config, errors = configuration.check(OmegaConf.to_container(composed, resolve=True), CONFIGURATION_FOLDER)
    raise_all(errors)
    return config


@dataclass
class Outcome:
    """How an invocation ended."""

    code: int = SUCCESS
    show_traceback: bool = False
    is_mistake: bool = False


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
        outcome.code, outcome.is_mistake = USER_MISTAKE, True
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
            sys.stderr.write(visible(traceback.format_exc()))


def say(message: str) -> None:
    sys.stderr.write(visible(message) + "\n")


def execute(config: Config, workspace: Workspace, on_start: Callable[[], None] = lambda: None) -> Report:
    """Plan, print the plan, run the steps and write the report.

    Args:
        config: What to run.
        workspace: Where; nothing of an earlier run there is changed before it is sure that this one can start.
        on_start: Called once it is.
    """
    log_to(None)
    with workspace.lock():
        log_to(workspace.path(LOG_FILE), config.mlflow.uri)
        plan = make_plan(config, workspace)
        for line in plan_lines(config, plan, workspace):
            console.print(visible_line(line))
            logger.info(line)
        tags = {**run_tags(config), "mlflow.source.git.commit": git_commit(CONFIGURATION_FOLDER)}
        name = run_name(config, workspace.root)
        with (
            make_tracker(config, workspace) as tracker,
            tracker.run(name, tags=tags, system=config.mlflow.system_metrics) as parent,
        ):
            on_start()
            return run_plan(config, plan, workspace, tracker, parent)


def make_tracker(config: Config, workspace: Workspace) -> Tracker | NullTracker:
    """The tracker of this invocation; a mode that only looks at the store makes no run in it."""
    if config.operation_mode in UNTRACKED:
        return NullTracker()
    text_first = config.operation_mode in TEXT_FIRST
    return Tracker(config.mlflow.uri, config.general.project_name, workspace.root, text_first=text_first)


class PublishedLines(logging.Formatter):
    """Lines of a run's log, which may leave this machine, and are read on terminals: what harms one is escaped."""

    def __init__(self, root: Path, uri: str | None) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self.root, self.uri = root, uri

    def format(self, record: logging.LogRecord) -> str:
        return visible(published(masked_for(super().format(record), self.uri), self.root))


class RunLog(logging.FileHandler):
    """A log that is no link, and no other file's second name."""

    def _open(self) -> TextIO:
        return open_own(Path(self.baseFilename))


def log_to(path: Path | None, uri: str | None = None) -> None:
    """Send the project's log to a file of the run's folder, or nowhere: not to that of a sweep's run before.

    Args:
        path: The file.
        uri: Of the tracking store; its password is not written.
    """
    handler = RunLog(path) if path else logging.NullHandler()
    if path:
        handler.setFormatter(PublishedLines(path.parent, uri))
    for old in logger.handlers[:]:
        logger.removeHandler(old)
        old.close()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    losses.tell()


@dataclass
class Step:
    """One service of the plan; `reused` holds the finished step whose result serves again, `remark` why none does."""

    name: str
    service: Service
    reused: FinishedStep | None = None
    remark: str = ""


@dataclass
class Plan:
    """The steps of an invocation, and the content hash of the text that they read ("" if none does)."""

    steps: list[Step]
    corpus_sha256: str
    changed: list[str] = dataclasses.field(default_factory=list)  # settings with which a training goes on


def make_plan(config: Config, workspace: Workspace) -> Plan:
    """The steps of the mode. A step is reused while all before it are, and nothing it reads has changed."""
    names = CHAINS[config.operation_mode]
    plan = Plan([], read_texts(config, names))
    reusing = True
    for index, name in enumerate(names):
        step = Step(f"{index + 1}_{name}", SERVICES[name])
        if reusing:
            look_for_result(step, step_key(config, step, workspace, plan.corpus_sha256), workspace)
        reusing = step.reused is not None
        plan.steps.append(step)
    if config.general.resume:
        trains = any(step.name.endswith("_training") and not step.reused for step in plan.steps)
        reads_model = trains or "training" not in names
        if reads_model:
            plan.changed = continuing.check(workspace, *made_from(config, plan.corpus_sha256), trains=trains)
    return plan


def look_for_result(step: Step, key: str, workspace: Workspace) -> None:
    """Let the step's earlier result serve again, if it was made from the same and nobody has changed it since."""
    step.reused = workspace.finished(step.name, key)
    step.remark = workspace.damage_of(step.name)
    if step.reused:
        try:
            Report.from_dict(step.reused.report)
        except (TypeError, KeyError, AttributeError, ValueError):
            step.reused, step.remark = None, "its report has another form than those of this version"


def made_from(config: Config, corpus_sha256: str) -> tuple[dict[str, Any], dict[str, list[str]], str]:
    """What a model is made from: dotted key -> value, dotted key of a path -> content hashes, hash of the corpus."""
    sections = SERVICES["training"].sections
    values = {name: configured(config, name) for name, _ in walk() if name.startswith(sections)}
    contents = {name: digest_of(values[name]) for name in sorted(continuing.CONTENT_COUNTS) if values[name]}
    return published_values(values), contents, corpus_sha256


def read_texts(config: Config, names: Sequence[str]) -> str:
    """Content hash of the corpus, "" where no step reads it; what is wrong with texts is found before anything runs."""
    from textzoo.text.corpora import load_corpus
    from textzoo.text.reading import as_paths, joined_text, left_out

    digest = ""
    errors: list[UserError] = []
    with collecting(errors):
        if any("corpus" in SERVICES[name].inputs for name in names):
            corpus = load_corpus(config.dataset)
            digest = corpus.sha256
            tell_left_out("dataset", corpus.left_out)
    with collecting(errors):
        if "quantization" in names and config.quantization.calibration_path:
            joined_text(config.quantization.calibration_path)
            tell_left_out("quantization.calibration_path", left_out(as_paths(config.quantization.calibration_path)))
    raise_all(errors)
    return digest


def tell_left_out(key: str, entries: Sequence["LeftOut"]) -> None:
    """One line on the console about what lies in folders of texts and is not read; the list goes to the log."""
    from textzoo.text.reading import counted

    if not entries:
        return
    told = counted([entry.reason for entry in entries])
    console.print(f"{key}: not read of the folders given: {told}; {LOG_FILE} lists them.")
    for entry in entries:
        logger.info("%s: not read: %r: %s", key, entry.path, entry.reason)


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
        again = f"  again, because {step.remark}" if step.remark else ""
        lines.append(f"  {step.name:15} {verb:5}  {step.service.text}  [{reads} -> {writes}]{again}")
    if plan.changed:
        lines.append(f"  The training goes on with other settings: {'; '.join(plan.changed)}")
    return lines


def run_plan(config: Config, plan: Plan, workspace: Workspace, tracker: Tracker, parent: RunSink) -> Report:
    """Run the steps; the report is written after each, so that a chain that dies leaves what it found."""
    report = Report()
    log_inputs(config, plan.corpus_sha256, workspace, parent)
    summary = RunSummary(config.operation_mode, "RUNNING", workspace.root.name, parent.run_id)
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
    was_streamed = any(step.name.endswith("prediction") and not step.reused for step in plan.steps)
    shown = dataclasses.replace(summary, run_dir=shown_path(workspace.root))
    print_report(console, shown, report, with_samples=not was_streamed)
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
    if step.name.endswith("_training"):
        workspace.set_aside(LEFT_BEHIND)
        continuing.record(workspace, *made_from(config, corpus_sha256))
    with tracker.run(step.name, parent) as sink:
        values = {name: configured(config, name) for name in step_keys(step.service)}
        sink.params(published_values(values, workspace.root))
        report = getattr(importlib.import_module(module), function)(config, workspace, sink)
        log_service(config, step.service, workspace, sink, parent)
    outputs = workspace.digests(step.service.outputs)
    workspace.finish(step.name, FinishedStep(key, outputs, report.to_dict()))
    return report
