"""The plan of an invocation: its steps, which of them take an earlier result, and why the others run."""

import dataclasses
import logging
import types
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from textzoo.common.errors import UserError, collecting, raise_all
from textzoo.common.files import shown_path
from textzoo.common.progress import console
from textzoo.common.secrets import masked
from textzoo.config.chains import CHAINS, SERVICES
from textzoo.config.hub_files import origins_of
from textzoo.config.schema import Config
from textzoo.hub.downloads import origin_text
from textzoo.records.ledger import LEDGER, MAX_SHOWN, FinishedStep, Ledger, changes, told
from textzoo.records.report import Report
from textzoo.records.tracking.addresses import DEFAULT_STORE, sqlite_path
from textzoo.records.workspace import ROLES, Workspace
from textzoo.runs import continuing
from textzoo.runs.sources import Sources, made_from, sources_of
from textzoo.runs.steps import Step
from textzoo.targets.registry import HOST, LIBRARY

if TYPE_CHECKING:
    from textzoo.text.corpora.reading import LeftOut

LOG_FILE = "textzoo.log"
# Derived from the weights of an earlier training, and not from those of this one.
LEFT_BEHIND = ("quantized_model", "forward_model")
REPORTS = ("report.html", "report.json", "report.md")
UNKNOWN_CHANGE = f"its inputs changed ({LEDGER} does not say which)"
logger = logging.getLogger("textzoo")


@dataclass
class Plan:
    """The steps of an invocation, and what is to be said about them.

    Attributes:
        corpus_sha256: Content hash of the text that they read ("" if none does).
        ledger: What is known of finished steps.
        changed: Settings with which a training goes on.
        notes: Further sentences for the user.
    """

    steps: list[Step]
    corpus_sha256: str
    ledger: Ledger
    changed: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)

    def runs(self, kind: str) -> bool:
        """Return whether a service runs, and is not just taken from an earlier try."""
        return any(step.kind == kind and not step.reused for step in self.steps)


def make_plan(config: Config, workspace: Workspace) -> Plan:
    """Plan the steps of the mode. A step is reused while all before it are, and nothing it reads has changed."""
    kinds = CHAINS[config.operation_mode]
    plan = Plan([], read_texts(config, kinds), workspace.ledger())
    for number, kind in enumerate(kinds, 1):
        step = Step(number, kind)
        look_for_result(step, config, workspace, plan)
        plan.steps.append(step)
    for step in plan.steps:
        if not step.reused:
            step.replaced, step.set_aside = files_in_the_way(step, config, workspace, plan)
    plan.notes = [*notes_on_ledger(plan), *notes_on_reports(workspace, plan), *notes_on_store(config)]
    plan.notes += [f"{key} is {origin_text(found)}" for key, found in origins_of(config).items()]
    if config.general.resume and (plan.runs("training") or "training" not in kinds):
        made = made_from(config, plan.corpus_sha256)
        plan.changed = continuing.check(workspace, *made, trains=plan.runs("training"))
        plan.notes += [damage] if (damage := continuing.damage_of_record(workspace)) else []
    return plan


def look_for_result(step: Step, config: Config, workspace: Workspace, plan: Plan) -> None:
    """Let the step's earlier result serve again if neither its inputs nor its files have changed; or say why not.

    Args:
        step: Gets the result or the reasons.
        config: The configuration now.
        workspace: The run's folder.
        plan: Its steps so far are those before this one.
    """
    ledger = plan.ledger
    row = ledger.rows.get(step.name)
    if row is not None and not step.service.is_repeatable:
        step.reasons = ["it comes out differently every time"]
        return
    if row is None:
        why = f"{LEDGER} is damaged" if ledger.damage else ledger.damaged.get(step.name)
        step.reasons = [why] if why else []
        return
    anew = next((before.name for before in plan.steps if not before.reused), "")
    sources = sources_of(config, step, workspace, plan.corpus_sha256, ledger)
    step.reasons = [f"{anew} runs again"] if anew else []
    step.reasons += changes_since(row, sources, workspace, with_files=not anew)
    if not anew and (missing := workspace.missing(row)):
        step.reasons.append(missing)
    if not step.reasons and not is_report(row.report):
        step.reasons = ["its report has another form than those of this version"]
    if not step.reasons:
        step.reused = row


def changes_since(row: FinishedStep, sources: Sources, workspace: Workspace, *, with_files: bool) -> list[str]:
    """Return what differs from the inputs of a row; without files that are about to be written anew."""
    if row.key == sources.key():
        return []
    now = sources.ingredients(workspace.root)
    if not with_files:
        del now["files"]
    found = list(changes(row.made_from, now)) if row.made_from else []
    return found or ([UNKNOWN_CHANGE] if with_files else [])


def is_report(values: dict[str, Any]) -> bool:
    """Return whether the values of a row are a report that this version can take over."""
    try:
        return has_type(Report.from_dict(values), Report)
    except (TypeError, KeyError, AttributeError, ValueError, RecursionError):
        return False


def has_type(value: Any, kind: Any) -> bool:
    """Return whether a value, and all within it, has the type that a dataclass says; numbers may be whole or not."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        return any(has_type(value, part) for part in parts)
    if origin is list:
        return isinstance(value, list) and all(has_type(item, parts[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(has_type(item, parts[1]) for item in value.values())
    if dataclasses.is_dataclass(kind):
        entries = dataclasses.fields(kind)
        return isinstance(value, kind) and all(has_type(getattr(value, entry.name), entry.type) for entry in entries)
    return type(value) in ((int, float) if kind in (int, float) else (kind,))


def read_texts(config: Config, names: Sequence[str]) -> str:
    """Return the content hash of the corpus, "" where no step reads it; mistakes in texts are found before any run."""
    from textzoo.text.corpora.loading import load_corpus
    from textzoo.text.corpora.reading import as_paths, joined_text, left_out

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
    """Print one line about what is in folders of texts and is not read; the list goes to the log."""
    from textzoo.text.corpora.reading import counted

    if not entries:
        return
    counts = counted([entry.reason for entry in entries])
    console.print(f"{key}: not read of the folders given: {counts}; {LOG_FILE} lists them.")
    for entry in entries:
        logger.info("%s: not read: %r: %s", key, entry.path, entry.reason)


def files_in_the_way(step: Step, config: Config, workspace: Workspace, plan: Plan) -> tuple[list[str], list[str]]:
    """Return the files of earlier results that a step which runs writes over, and those that it moves away."""
    trains = step.kind == "training"
    moved = names_of(workspace, LEFT_BEHIND) if trains else []
    gone = LEFT_BEHIND if plan.runs("training") else ()  # by the time that later steps begin
    roles = [role for role in step.service.outputs if role in ROLES and role not in gone]
    stars = names_for_stars(step, config)
    written = {ROLES[role].replace("*", stars.get(role, "*")) for role in roles}
    return [shown_result(name) for name in names_of(workspace, roles) if name in written], moved


def names_of(workspace: Workspace, roles: Sequence[str]) -> list[str]:
    """Return the paths in the run's folder of all files of some roles."""
    return [path.relative_to(workspace.root).as_posix() for role in roles for path in workspace.files(role)]


def names_for_stars(step: Step, config: Config) -> dict[str, str]:
    """Return role -> what takes the star of its pattern in what a step writes."""
    hosts = {config.deployment.target, config.benchmarking.measured_by if step.kind == "benchmarking" else ""}
    board = HOST if HOST in hosts else config.deployment.hardware_setup.board
    if config.deployment.target == LIBRARY:
        board = config.deployment.library_name
    recipe = config.quantization.recipe
    return {"quantized_model": recipe, "forward_model": recipe, "c_project": board, "benchmark": board}


def shown_result(name: str) -> str:
    """Return a result as users know it: of a project, its folder."""
    path = PurePosixPath(name)
    return str(path.parent if path.name.startswith(".") else path)


def notes_on_ledger(plan: Plan) -> Iterator[str]:
    """Yield that the ledger is damaged, or rows of it that belong to no step of the plan."""
    ledger = plan.ledger
    if ledger.damage:
        yield f"{LEDGER} is damaged ({ledger.damage}): no earlier result is believed, and all steps run."
    others = sorted({*ledger.damaged} - {step.name for step in plan.steps})
    if others:
        yield f"{LEDGER} is damaged: it is not believed about {told([name[:MAX_SHOWN] for name in others])}."


def notes_on_reports(workspace: Workspace, plan: Plan) -> Iterator[str]:
    """Yield which earlier reports are replaced."""
    there = [name for name in REPORTS if workspace.path(name).is_file()]
    if there and not all(step.reused for step in plan.steps):
        yield f"The earlier {listed(there)} replaced."


def listed(names: Sequence[str]) -> str:
    """Return names and their verb: "a is", "a, b are"."""
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}"


def notes_on_store(config: Config) -> Iterator[str]:
    """Yield where runs are tracked, if the folder that is resumed says so: it may have come from elsewhere."""
    uri = config.mlflow.uri
    if not uri or sqlite_path(uri) == DEFAULT_STORE.absolute() / "mlflow.db":
        return
    if config.general.resume and uri in continuing.addresses_of(Path(config.general.resume)):
        store = f"mlflow.uri={masked(uri)}"
        yield f"Tracked in {store}, which the resumed folder names; mlflow.uri=null is the default one."


def plan_lines(config: Config, plan: Plan, workspace: Workspace) -> list[str]:
    """Return the plan as text: per step what it does, reads and writes, and whether an earlier result serves again."""
    lines = [f"{config.operation_mode} in {shown_path(workspace.root)}"]
    for step in plan.steps:
        reads = ", ".join(step.service.inputs)
        writes = ", ".join(step.service.outputs) or "report"
        verb = "reuse" if step.reused else "run"
        lines.append(f"  {step.name:15} {verb:5}  {step.service.text}  [{reads} -> {writes}]{fate_of_earlier(step)}")
    if plan.changed:
        lines.append(f"  The training goes on with other settings: {'; '.join(plan.changed)}")
    return [*lines, *(f"  {note}" for note in plan.notes)]


def fate_of_earlier(step: Step) -> str:
    """Return why a step runs again, and what becomes of the earlier result; "" where there is none."""
    clauses = [
        f"again, because {told(step.reasons)}" if step.reasons else "",
        f"the earlier {listed(step.replaced)} replaced" if step.replaced else "",
        f"the earlier {listed(step.set_aside)} moved to earlier/" if step.set_aside else "",
    ]
    text = "; ".join(clause for clause in clauses if clause)
    return f"  {text}" if text else ""
