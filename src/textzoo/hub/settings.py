"""The section of the configuration about publishing a model."""

from dataclasses import dataclass

from textzoo.common.settings import setting


@dataclass(frozen=True)
class PublishConfig:
    """A model and its card as a folder, and on the Hugging Face hub (operation_mode=publish)."""

    repository: str | None = setting(None, "Repository on the hub: owner/name; made if it is not there.")
    dry_run: bool = setting(True, "Only write the folder publish/ and say what would be uploaded.")
    private: bool = setting(True, "A new repository is private; into one that everybody can read nothing is uploaded.")
    license: str | None = setting(
        None, "Licence of the weights in the hub's words, e.g. apache-2.0; null: that of a pretrained model, else none."
    )
