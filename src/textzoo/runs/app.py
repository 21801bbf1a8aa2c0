"""From a composed configuration to finished steps: plan, run, report; reuse what an earlier try finished."""

import contextlib
import dataclasses
import importlib
import logging
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra._internal.callbacks import Callbacks
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_search_path_impl import ConfigSearchPathImpl
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import run_job
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from textzoo.common import signals
from textzoo.common.errors import UserError, raise_all
from textzoo.common.escaping import tolerate_missing_characters, visible, visible_line
from textzoo.common.files import remove_unused, shown_path, shown_setting
from textzoo.common.paths import CONFIGURATION, IS_INSTALLED, PROGRAM
from textzoo.common.progress import console
from textzoo.common.secrets import masked, remember_environment
from textzoo.common.standard_streams import STANDARD_OUTPUT, end, losses, without_notes
from textzoo.config.chains import SERVICES, TALKING, TEXT_FIRST, UNTRACKED
from textzoo.config.check import check
from textzoo.config.command_line import SingleRun
from textzoo.config.publishing import published_values
from textzoo.config.resuming import FOLDER, can_be_resumed, keep_command_line
from textzoo.config.schema import Config
from textzoo.config.section_view import view_of
from textzoo.config.traces import is_run
from textzoo.records.ledger import FinishedStep
from textzoo.records.report import Report, RunSummary, print_report, write_report
from textzoo.records.tracking import NullTracker, Recorder, RunRecorder, Tracker, git_commit
from textzoo.records.tracking.recorders import NullRecorder
from textzoo.records.workspace import LOCK, Workspace
from textzoo.runs import continuing
from textzoo.runs.planning import LEFT_BEHIND, LOG_FILE, REPORTS, Plan, make_plan, plan_lines
from textzoo.runs.run_labels import run_name, run_tags
from textzoo.runs.run_log import log_to
from textzoo.runs.run_records import log_inputs, log_result, log_service, log_step
from textzoo.runs.sources import made_from, sources_of
from textzoo.runs.steps import Step

SUCCESS, PROGRAM_ERROR, USER_MISTAKE, INTERRUPTED = 0, 1, 2, 130
NOT_BEGUN = "Interrupted before the run began: nothing is left of it."
logger = logging.getLogger("textzoo")


def run_composed(single: SingleRun) -> int:
    """Run what was composed and checked, as a job of Hydra: in its folder, with its callbacks; return the exit code."""
    if not is_run(single.config):
        return talk(single.config)
    composed = single.composed
    with read_write(composed), open_dict(composed):
        composed.hydra.mode = RunMode.RUN
    callbacks, name = Callbacks(composed), composed.hydra.job.config_name
    context = HydraContext(ConfigLoaderImpl(ConfigSearchPathImpl()), callbacks)
    callbacks.on_run_start(config=composed, config_name=name)
    job = run_job(lambda values: run(values, single.config), composed, "hydra.run.dir", None, context)
    callbacks.on_run_end(config=composed, config_name=name, job_return=job)
    return job.return_value


def talk(config: Config) -> int:
    """Run a mode of which nothing is left; return the exit code.

    It may read the models of a run's folder, but works in a temporary one.
    """
    prepare_process()
    with errors_to_exit_code(None) as outcome, contextlib.ExitStack() as stack:
        outcome.show_traceback = config.general.traceback
        folder = config.general.resume or stack.enter_context(tempfile.TemporaryDirectory(prefix="textzoo-"))
        mode = config.operation_mode
        console.stderr = True  # the standard output is for answers
        losses.text_is_all = False  # what runs is ended in order, even if nobody reads them
        service_function(mode)(view_of(config, mode), Workspace(Path(folder)), NullRecorder())
    if STANDARD_OUTPUT in losses.reasons:
        end(losses.reasons[STANDARD_OUTPUT])
    return outcome.code


def prepare_process() -> None:
    """Quieten the libraries, and make the standard streams and addresses ready; a sweep's runs have processes too."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("MPLBACKEND", "Agg")
    tolerate_missing_characters()
    remember_environment()


def run(composed: DictConfig, config: Config | None = None) -> int:
    """Run one composed configuration in Hydra's output folder; return the exit code.

    Args:
        composed: The project's sections.
        config: The same, checked and typed; built here for a run of a sweep, which Hydra has composed.
    """
    prepare_process()
    losses.text_is_all = composed.get("operation_mode") in UNTRACKED
    hydra = HydraConfig.get()
    root = Path(hydra.runtime.output_dir)
    if hydra.mode == RunMode.MULTIRUN:  # of which Hydra keeps everything, passwords too; each run keeps its own
        Path(hydra.sweep.dir, "multirun.yaml").unlink(missing_ok=True)
    with errors_to_exit_code(root) as outcome:
        config = config or typed_config(composed)
        outcome.show_traceback = config.general.traceback
        execute(config, Workspace(root), lambda: keep_command_line(root, composed, hydra))
    if outcome.is_mistake or not outcome.has_begun:
        remove_traces(root, composed.get("operation_mode"))
    return outcome.code


def remove_traces(root: Path, mode: Any) -> None:
    """Remove the new folder of a run that was refused before any step began; of one that leaves no other trace, too."""
    log_to(None)
    with contextlib.suppress(UserError, OSError), Workspace(root).lock():
        remove_unused(root, {LOCK, LOG_FILE, FOLDER, *(REPORTS if mode in UNTRACKED else ())})


def typed_config(composed: DictConfig) -> Config:
    """Return composed values as a typed configuration; all mistakes in them are raised at once."""
    config, errors = check(OmegaConf.to_container(composed, resolve=True))
    raise_all(errors)
    return config


@dataclass
class Outcome:
    """How an invocation ended."""

    code: int = SUCCESS
    show_traceback: bool = False
    is_mistake: bool = False
    has_begun: bool = True


def remedy_of(error: OSError) -> str:
    """Return what the user can do about an error of the system."""
    if isinstance(error, FileExistsError | IsADirectoryError | NotADirectoryError):
        return "There is a file where a folder is wanted, or the other way round: rename it, or give another path."
    return "Check the disk's space and the folder's permissions."


@contextlib.contextmanager
def errors_to_exit_code(root: Path | None) -> Iterator[Outcome]:
    """Turn exceptions into one message and an exit code; the traceback goes to the log of the run's folder, if any."""
    outcome = Outcome()
    signals.listen()
    try:
        with signals.interruption_again():
            yield outcome
    except KeyboardInterrupt:
        signals.heard()
        outcome.code = INTERRUPTED
        outcome.has_begun = root is not None and can_be_resumed(root)
        if root is None:
            say("Interrupted.")
        elif outcome.has_begun:
            say(f"Interrupted. Continue with: {PROGRAM} {shown_setting('general.resume', root)}")
        else:
            say(NOT_BEGUN)
    except UserError as error:
        outcome.code, outcome.is_mistake = USER_MISTAKE, True
        say(str(error))
    except OSError as error:
        outcome.code = USER_MISTAKE
        say(f"The system refused: {error}. {remedy_of(error)}")
    except Exception as error:
        outcome.code = PROGRAM_ERROR
        where = f"is in {shown_path(root / LOG_FILE)}" if root else "is shown with general.traceback=true"
        say(f"TextZoo failed: {type(error).__name__}: {error}. The traceback {where}.")
    if outcome.code in (USER_MISTAKE, PROGRAM_ERROR):
        logger.error(traceback.format_exc())
        if outcome.show_traceback:
            sys.stderr.write(visible(masked(traceback.format_exc())))


def say(message: str) -> None:
    """Write a message to stderr, without secrets and signs that harm a terminal."""
    sys.stderr.write(visible(masked(message)) + "\n")


def execute(config: Config, workspace: Workspace, on_start: Callable[[], None] = lambda: None) -> Report:
    """Plan, print the plan, run the steps and write the report.

    Args:
        config: What to run.
        workspace: Where; nothing of an earlier run there is changed before it is sure that this one can start.
        on_start: Called once it is.
    """
    log_to(None)
    console.stderr = config.operation_mode in TALKING  # where the standard output is for answers
    with workspace.lock():
        log_to(workspace.path(LOG_FILE), config.mlflow.uri)
        plan = make_plan(config, workspace)
        for line in plan_lines(config, plan, workspace):
            console.print(visible_line(line))
            logger.info(line)
        # An installed package may be inside a repository of the user's.
        commit = "unknown" if IS_INSTALLED else git_commit(CONFIGURATION)
        tags = {**run_tags(config), "mlflow.source.git.commit": commit}
        name = run_name(config, workspace.root)
        with (
            make_tracker(config, workspace) as tracker,
            tracker.run(name, tags=tags, system=config.mlflow.system_metrics) as parent,
        ):
            on_start()
            return run_plan(config, plan, workspace, tracker, parent)


def make_tracker(config: Config, workspace: Workspace) -> Tracker | NullTracker:
    """Return the tracker of this invocation; a mode that only looks at the store starts no run in it."""
    if config.operation_mode in UNTRACKED:
        return NullTracker()
    text_first = config.operation_mode in TEXT_FIRST
    return Tracker(config.mlflow.uri, config.general.project_name, workspace.root, text_first=text_first)


def run_plan(config: Config, plan: Plan, workspace: Workspace, tracker: Tracker, parent: RunRecorder) -> Report:
    """Run the steps; the report is written after each, so that a chain that dies leaves what it found."""
    report = Report()
    log_inputs(config, plan.corpus_sha256, workspace, parent)
    summary = RunSummary(config.operation_mode, "RUNNING", workspace.root.name, parent.run_id)
    try:
        for step in plan.steps:
            report.merge(run_step(config, step, plan, workspace, tracker, parent))
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
        if summary.status == "FINISHED" or report != Report() or not workspace.path("report.json").is_file():
            write_report(workspace.root, summary, report)  # not over an earlier one as long as nothing was found
        log_result(workspace, parent, LOG_FILE)
    shown = dataclasses.replace(summary, run_dir=shown_path(workspace.root))
    shown_already = plan.runs("prediction") or plan.runs("chat")
    print_report(console, shown, report, with_samples=not shown_already)
    return report


def service_function(kind: str) -> Callable[[Config, Workspace, Recorder], Report]:
    """Import and return `run(config, workspace, recorder)` of the service of that name in SERVICES."""
    module, function = SERVICES[kind].address.split(":")
    with without_notes():
        return getattr(importlib.import_module(module), function)


def run_step(
    config: Config, step: Step, plan: Plan, workspace: Workspace, tracker: Tracker, parent: RunRecorder
) -> Report:
    """Run one service as a child run and enter it into the ledger, or take its earlier result."""
    if step.reused:
        return Report.from_dict(step.reused.report)
    sources = sources_of(config, step, workspace, plan.corpus_sha256, plan.ledger)
    console.rule(step.name)
    if step.kind == "training":
        workspace.set_aside(LEFT_BEHIND)
        continuing.record(workspace, *made_from(config, plan.corpus_sha256))
    with tracker.run(step.name, parent) as recorder:
        recorder.params(published_values(sources.keys, workspace.root))
        report = service_function(step.kind)(view_of(config, step.kind), workspace, recorder)
        log_service(config, step.service, workspace, recorder, parent)
    outputs = workspace.digests(step.service.outputs)
    ingredients = sources.ingredients(workspace.root)
    row = FinishedStep(sources.key(), outputs, report.to_dict(), ingredients)
    plan.ledger = workspace.finish(step.name, row, plan.ledger)
    return report
