"""Run by tests of stores: `log STORE EXPERIMENT FOLDER` logs a run; `migrate STORE` makes one as old programs did."""

import sys
from pathlib import Path


def log(uri, experiment, folder):
    from textzoo.records.tracking import Tracker

    with Tracker(uri, experiment, Path(folder)) as tracker, tracker.run(Path(folder).name) as run:
        run.metrics(0, {"loss": 1.0})


def migrate(uri):
    from mlflow import MlflowClient

    MlflowClient(uri).search_experiments()


if __name__ == "__main__":
    {"log": log, "migrate": migrate}[sys.argv[1]](*sys.argv[2:])
