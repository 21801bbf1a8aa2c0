"""The chat template of a page: the texts around the turns of a conversation."""

import json
from dataclasses import asdict
from pathlib import Path

from textzoo.text.chat_templates import FILE, PLAIN, load_template


def chat_template(model: Path) -> str:
    """Return the template of a project, plain without one, as JSON that a page can contain.

    Args:
        model: The project's folder of the model.

    Raises:
        UserError: The file is not a template.
    """
    path = model / FILE
    template = load_template(path) if path.exists() else PLAIN
    used = {key: text for key, text in asdict(template).items() if key != "name"}
    return json.dumps(used).replace("<", "\\u003c")  # which could end the element of the page
