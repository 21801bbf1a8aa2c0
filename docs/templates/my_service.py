"""My service: the vocabulary of a model as a list, one token per line."""

from textzoo.common.files import write_text
from textzoo.common.progress import console
from textzoo.config.schema import Config
from textzoo.pipeline import inputs
from textzoo.records.report import Report
from textzoo.records.tracking import Recorder
from textzoo.records.workspace import ROLES, Workspace


def run(config: Config, workspace: Workspace, recorder: Recorder) -> Report:
    """Write the number and the text of every token, and hand the file to the tracker."""
    tokenizer = inputs.tokenizer(config, workspace)
    path = workspace.path(ROLES["vocabulary"])
    write_text(path, "".join(f"{number}\t{text!a}\n" for number, text in enumerate(tokenizer.tokens)))
    recorder.artifact(path)
    console.print(f"{tokenizer.vocabulary_size} tokens of kind {tokenizer.name}")
    return Report()
