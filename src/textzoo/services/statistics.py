"""Statistics: what the corpus is made of, and what of its validation text the training text already has."""

from textzoo.config.schema import Config
from textzoo.pipeline import inputs
from textzoo.records.report import Report
from textzoo.records.tracking import Recorder
from textzoo.records.workspace import Workspace


def run(config: Config, workspace: Workspace, recorder: Recorder) -> Report:
    """Prepare the configured corpus; its statistics.md and statistics.json are written on the way, as in every run."""
    inputs.prepared_dataset(config, workspace, recorder)
    return Report()
