r"""Chat templates: how the turns of a conversation become the text that a model continues.

A template lies beside the model's tokenizer, as chat_template.json:

    {"format": "textzoo_chat_template", "version": 1, "name": "dialogue",
     "system": ["", "\n"], "user": ["User: ", "\n"], "assistant": ["Bot: ", "\n"], "stop": "\n"}

Each role has the text before and after a turn; "has_memory": false says that the model reads only the last turn. It
continues the text before an assistant's turn without its final spaces, because in most vocabularies a space belongs to
the word behind it.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError, raise_all
from textzoo.common.files import kind_of_path, user_path, write_json
from textzoo.common.registry import did_you_mean
from textzoo.common.untrusted_json import is_same, read_json_object

FILE = "chat_template.json"
HEADER = {"format": "textzoo_chat_template", "version": 1}
MAX_FILE_BYTES = 1 << 16
MAX_TEXT = 1000  # characters of one text of a template
SHOWN = 200  # characters of a name in errors
SYSTEM, USER, ASSISTANT = "system", "user", "assistant"
ROLES = (SYSTEM, USER, ASSISTANT)


@dataclass(frozen=True)
class Message:
    """What one side said.

    Attributes:
        role: "system", "user" or "assistant".
        text: Without the template's text around it.
    """

    role: str
    text: str


@dataclass(frozen=True)
class ChatTemplate:
    """Texts around the turns.

    Attributes:
        name: For people.
        system: Text before and after the system text.
        user: Text before and after what the user says.
        assistant: Text before and after an answer.
        stop: Text at which an answer ends; "" for a model that knows no turns.
        has_memory: Whether the model reads earlier turns, too; commands are read one by one.
    """

    name: str
    system: tuple[str, str]
    user: tuple[str, str]
    assistant: tuple[str, str]
    stop: str
    has_memory: bool = True

    @property
    def has_roles(self) -> bool:
        """Whether the model tells who speaks; without, a conversation is one text that both sides continue."""
        return bool(self.stop)

    @property
    def answer_start(self) -> str:
        """The text before an answer, as the model continues it."""
        return self.assistant[0].rstrip(" ")

    def prompt(self, messages: list[Message]) -> str:
        """Return the text to continue with the next answer."""
        read = messages if self.has_memory else messages[-1:]
        return "".join(self.turn(message) for message in read) + self.answer_start

    def turn(self, message: Message) -> str:
        """Return a turn with the text around it; an empty system text is no turn."""
        before, after = getattr(self, message.role)
        return before + message.text + after if message.text or message.role != SYSTEM else ""

    def save(self, folder: Path) -> Path:
        """Write chat_template.json; return its path."""
        path = folder / FILE
        write_json(path, {**HEADER, **asdict(self)})
        return path


# A model that continues texts: each answer continues the user's text, and the next message begins on a new line.
PLAIN = ChatTemplate("plain", ("", "\n"), ("", ""), ("", "\n"), "")
# The corpus `conversations`.
DIALOGUE = ChatTemplate("dialogue", ("", "\n"), ("User: ", "\n"), ("Bot: ", "\n"), "\n")
# Corpora of commands (textzoo.text.commands): a sentence, and in the next line what it asks for.
COMMANDS = ChatTemplate("commands", ("", "\n"), ("", "\n"), ("", "\n"), "\n", has_memory=False)
TEMPLATES = {template.name: template for template in (PLAIN, DIALOGUE, COMMANDS)}


def find_template(name: str | None, tokenizer_path: Path | None) -> ChatTemplate:
    """Return the template that chat.template names.

    Args:
        name: A name in TEMPLATES, the path of a file, or None for the file beside the tokenizer.
        tokenizer_path: The model's tokenizer.json; None for a template without one.

    Raises:
        UserError: There is no such template, or its file is invalid.
    """
    if name is None:
        beside = tokenizer_path.with_name(FILE) if tokenizer_path else None
        return load_template(beside) if beside and beside.is_file() else PLAIN
    if name in TEMPLATES:
        return TEMPLATES[name]
    path = user_path(name)
    if name and kind_of_path(path):
        return load_template(path)
    raise UserError(
        f"unknown chat template '{name[:SHOWN]}'",
        expected=f"{', '.join(TEMPLATES)}, or the path of a {FILE}",
        remedy=did_you_mean(name, TEMPLATES),
    )


def load_template(path: Path) -> ChatTemplate:
    """Read and check an untrusted chat_template.json; raise UserError with all that is wrong with it."""
    values = read_json_object(path, MAX_FILE_BYTES)
    raise_all(template_mistakes(values, path))
    around = {role: tuple(values[role]) for role in ROLES}
    return ChatTemplate(values["name"], stop=values["stop"], has_memory=values.get("has_memory", True), **around)


def template_mistakes(values: dict[str, Any], path: Path) -> list[UserError]:
    expected = {
        **{key: (repr(value), is_same(values.get(key), value)) for key, value in HEADER.items()},
        **{role: ("the texts before and after a turn", is_pair(values.get(role))) for role in ROLES},
        **{key: ("a text", is_text(values.get(key))) for key in ("name", "stop")},
        "has_memory": ("true or false", isinstance(values.get("has_memory", True), bool)),
    }
    wrong = {key: what for key, (what, fits) in expected.items() if not fits}
    errors = [
        UserError(f"'{path}': wrong {key}", expected=what, received=repr(values.get(key))[:80])
        for key, what in wrong.items()
    ]
    unknown = sorted(values.keys() - expected.keys())
    return errors + [UserError(f"'{path}': unknown key {key[:80]!r}") for key in unknown]


def is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT


def is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(is_text, value))
