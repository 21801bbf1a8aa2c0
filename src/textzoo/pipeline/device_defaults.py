"""What a device's console begins with, defaults.h: the options of `prediction`, and the board's name."""

from textzoo.common.errors import raise_all
from textzoo.compiler.backend.rendering import plain_text
from textzoo.compiler.backend.templates import template
from textzoo.engines.sampling import temperature_q16
from textzoo.engines.settings import PredictionConfig
from textzoo.targets.registry import HOST
from textzoo.targets.rules import stop_mistakes

MAX_TOKENS = 2**31 - 1
# Characters that need no escape in a C string; "?" does, because of trigraphs.
PLAIN = set(map(chr, range(0x20, 0x7F))) - set('"\\?')


def render_defaults(settings: PredictionConfig, board: str = HOST) -> dict[str, str]:
    """Return the generated source by name: defaults.h.

    Args:
        settings: The section `prediction`.
        board: Name of the project's board.

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
    }
    return {"defaults.h": template("common/defaults.h.j2").render(values)}


def render_board(board: str) -> dict[str, str]:
    """Return the generated source of a project without options, by name: defaults.h with the board's name."""
    return {"defaults.h": template("common/board_name.h.j2").render({"board": plain_text(board)})}


def c_characters(data: bytes) -> str:
    """Return bytes as the content of a C string, with octal escapes of three digits."""
    return "".join(chr(byte) if chr(byte) in PLAIN else f"\\{byte:03o}" for byte in data)
