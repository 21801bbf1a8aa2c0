"""The chat template of a page: the texts around the turns of a conversation."""

import json
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.untrusted_json import read_json_object

FILE = "chat_template.json"
MAX_FILE_BYTES = 1 << 16
ROLES = ("system", "user", "assistant")
# Of a model that only continues texts: a new message begins on a new line.
PLAIN = {"system": ["", "\n"], "user": ["", ""], "assistant": ["", "\n"], "stop": ""}


def chat_template(model: Path) -> str:
    """Return the template of a project as JSON that a page can contain.

    Args:
        model: The project's folder of the model.

    Raises:
        UserError: The file is not a template.
    """
    path = model / FILE
    values = read_json_object(path, MAX_FILE_BYTES) if path.exists() else PLAIN
    if not (all(is_pair(values.get(role)) for role in ROLES) and isinstance(values.get("stop"), str)):
        raise UserError(
            f"{FILE} is not a chat template",
            expected=f"the texts before and after a turn for {', '.join(ROLES)}, and stop, a text",
        )
    used = {key: values[key] for key in (*ROLES, "stop")}
    return json.dumps(used).replace("<", "\\u003c")  # which could end the element of the page


def is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(text, str) for text in value)
