"""What a device's console begins with, defaults.h: the options of `prediction`, the board's name, commands."""

from dataclasses import replace

from textzoo.common.errors import raise_all
from textzoo.compiler.backend.rendering import plain_text
from textzoo.compiler.backend.templates import template
from textzoo.engines.sampling import temperature_q16
from textzoo.engines.settings import PredictionConfig
from textzoo.targets.protocol import LINE_BYTES
from textzoo.targets.registry import HOST
from textzoo.targets.rules import stop_mistakes
from textzoo.text.chat_templates import ChatTemplate

MAX_TOKENS = 2**31 - 1
# Characters that need no escape in a C string; "?" does, because of trigraphs.
PLAIN = set(map(chr, range(0x20, 0x7F))) - set('"\\?')
# Of the counter on a machine that has no clock of its own to name: it counts nanoseconds.
HOST_HZ = 10**9
# Of deployment/application/command.h; and RAM for a user's own data.
COMMAND_MAX_BYTES = 512
USER_RAM_BYTES = 64


def render_defaults(
    settings: PredictionConfig, board: str = HOST, commands: ChatTemplate | None = None, clock_hz: int = HOST_HZ
) -> dict[str, str]:
    """Return the generated source by name: defaults.h.

    Args:
        settings: The section `prediction`.
        board: Name of the project's board.
        commands: The chat template whose texts are around a command; None if lines are no commands.
        clock_hz: Of the board's core, for times in a project with commands.

    Raises:
        UserError: A device cannot stop at the stop text.
    """
    stop = settings.stop or ""
    raise_all(stop_mistakes(stop))
    values = {
        "board": plain_text(board),
        "seed": settings.seed,
        "temperature": settings.temperature,
        "temperature_q16": temperature_q16(settings.temperature),
        "top_k": settings.top_k,
        "max_tokens": min(settings.max_tokens, MAX_TOKENS),
        "stop": c_characters(stop.encode("utf-8")),
        "commands": command_values(commands, clock_hz) if commands else None,
    }
    return {"defaults.h": template("common/defaults.h.j2").render(values)}


def command_values(template: ChatTemplate, clock_hz: int) -> dict[str, int | str]:
    """Return the values of defaults.h about commands: the texts around a line as the contents of C strings."""
    before, after = template.user
    texts = {"before": before, "after": after + template.answer_start}
    return {"clock_hz": clock_hz} | {key: c_characters(text.encode("utf-8")) for key, text in texts.items()}


def command_ram_bytes(template: ChatTemplate) -> int:
    """Return the RAM that commands take: a line with the texts around it, and an answer."""
    around = "".join((*template.user, template.answer_start))
    return LINE_BYTES + len(around.encode("utf-8")) + COMMAND_MAX_BYTES + USER_RAM_BYTES


def command_defaults(settings: PredictionConfig, template: ChatTemplate) -> PredictionConfig:
    """Return what a console for commands begins with.

    A command is the most probable one, unless prediction.temperature says something else than its default, and ends at
    the template's stop text, unless prediction.stop names another.
    """
    is_default = settings.temperature == PredictionConfig.temperature
    temperature = 0.0 if is_default else settings.temperature
    return replace(settings, temperature=temperature, stop=settings.stop or template.stop or None)


def render_board(board: str) -> dict[str, str]:
    """Return the generated source of a project without options, by name: defaults.h with the board's name."""
    return {"defaults.h": template("common/board_name.h.j2").render({"board": plain_text(board)})}


def c_characters(data: bytes) -> str:
    """Return bytes as the content of a C string, with octal escapes of three digits."""
    return "".join(chr(byte) if chr(byte) in PLAIN else f"\\{byte:03o}" for byte in data)
