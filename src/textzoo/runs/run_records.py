"""What every invocation tells the tracker of itself: its configuration, its text, its figures, its models."""

import dataclasses

from textzoo.config.chains import Service
from textzoo.config.publishing import published_values
from textzoo.config.schema import Config
from textzoo.records.headlines import headline_figures
from textzoo.records.report import Report
from textzoo.records.tracking import RunRecorder, flatten
from textzoo.records.workspace import ROLES, Workspace

DESCRIPTION_TAG = "mlflow.note.content"
# Roles that are kept as models of the run, with their kind.
MODELS = {"float_model": "keras", "quantized_model": "tflite"}
RESULTS = ("report.json", "report.md", "report.html")


def log_inputs(config: Config, corpus_sha256: str, workspace: Workspace, parent: RunRecorder) -> None:
    """Log the whole configuration as params, and the text as the run's data set; nothing that names this machine."""
    values = published_values(flatten(dataclasses.asdict(config)), workspace.root)
    del values["mlflow.uri"]  # it may hold a password
    parent.params({**values, "data_sha256": corpus_sha256 or "none"})
    if corpus_sha256:
        paths = {kind: values[f"dataset.{kind}_path"] for kind in ("training", "validation")}
        name = config.dataset.name
        parent.dataset(name, corpus_sha256, "local" if paths["training"] else "textzoo", {"name": name, **paths})


def log_step(report: Report, parent: RunRecorder) -> None:
    """Log the headline figures known so far."""
    parent.metrics(0, headline_figures(report))


def log_service(
    config: Config, service: Service, workspace: Workspace, recorder: RunRecorder, parent: RunRecorder
) -> None:
    """Log what a service wrote: artifacts of its own run, and its models as models of the parent run."""
    for role in service.outputs:
        for path in workspace.files(role) if role in ROLES else []:
            recorder.artifact(path, "models" if path.parent.name == "models" else "")
            if role in MODELS:
                parent.model(path, f"{config.model.name} {path.stem}", MODELS[role], model=config.model.name)


def log_result(workspace: Workspace, parent: RunRecorder, log_file: str) -> None:
    """Log the report, as the run's description too, the configuration as composed, and the log file."""
    for name in (*RESULTS, log_file):
        parent.artifact(workspace.path(name))
    parent.artifact(workspace.path(".hydra", "config.yaml"), ".hydra")
    for picture in sorted(workspace.path("plots").glob("*.png")):
        parent.artifact(picture, "plots")
    parent.tags({DESCRIPTION_TAG: workspace.path("report.md").read_text(encoding="utf-8")})
