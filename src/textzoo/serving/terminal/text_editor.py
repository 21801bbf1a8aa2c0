"""The user's own editor, for a message that is long."""

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from textzoo.common.errors import UserError
from textzoo.common.escaping import without_surrogates
from textzoo.serving.terminal.reading import text_of_file

VARIABLES = ("VISUAL", "EDITOR")
EDITORS = ("editor", "nano", "vi")  # where none of these is set
HOW = "Set EDITOR to the command of an editor, e.g. EDITOR=nano."


def edited(text: str) -> str:
    """Return a text as the user leaves it in $VISUAL or $EDITOR, without the newlines at its end.

    Raises:
        UserError: There is no editor, it failed, or what it left is no text.
    """
    command = editor_command()
    with tempfile.TemporaryDirectory(prefix="textzoo-chat-") as folder:
        path = Path(folder) / "message.txt"
        path.write_text(without_surrogates(text), encoding="utf-8", newline="\n")
        try:
            code = subprocess.run([*command, str(path)], check=False).returncode
        except OSError as error:
            raise UserError(f"cannot start the editor '{command[0]}'", received=error.strerror, remedy=HOW) from error
        if code:
            raise UserError(f"the editor '{command[0]}' ended with {code}, so the text stays as it was")
        return text_of_file(path)


def editor_command() -> list[str]:
    """Return the command of the editor; raise UserError without one."""
    given = next((os.environ[name] for name in VARIABLES if os.environ.get(name, "").strip()), "")
    try:
        command = shlex.split(given)
    except ValueError as error:
        raise UserError("cannot read the name of the editor", received=f"{given} ({error})", remedy=HOW) from error
    if not command:
        command = [name for name in EDITORS if shutil.which(name)][:1]
    if not command:
        raise UserError("there is no editor", remedy=HOW)
    return command
