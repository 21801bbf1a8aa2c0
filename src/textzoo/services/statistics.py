"""Statistics: sizes and frequencies of the corpus, and the overlap of validation and training text."""

from textzoo.config.schema import Config
from textzoo.pipeline import inputs
from textzoo.records.report import Report
from textzoo.records.tracking import Recorder
from textzoo.records.workspace import Workspace


def run(config: Config, workspace: Workspace, recorder: Recorder) -> Report:
    """Prepare the configured corpus, which writes its statistics.md and statistics.json, as in every run."""
    inputs.prepared_dataset(config, workspace, recorder)
    return Report()
