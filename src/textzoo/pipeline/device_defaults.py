"""The defaults of a device's console, defaults.h: temperature, max_tokens and stop of `prediction`.

The prompt is typed at the console, and its default seed is 1.
"""

from textzoo.common.errors import raise_all
from textzoo.compiler.backend.templates import template
from textzoo.engines.sampling import temperature_q16
from textzoo.engines.settings import PredictionConfig
from textzoo.targets.rules import stop_mistakes

MAX_TOKENS = 2**31 - 1
# Characters that need no escape in a C string; "?" does, because of trigraphs.
PLAIN = set(map(chr, range(0x20, 0x7F))) - set('"\\?')


def render_defaults(settings: PredictionConfig) -> dict[str, str]:
    """Return the generated source by name: defaults.h.

    Raises:
        UserError: A device cannot stop at the stop text.
    """
    stop = settings.stop or ""
    raise_all(stop_mistakes(stop))
    values = {
        "temperature": settings.temperature,
        "temperature_q16": temperature_q16(settings.temperature),
        "max_tokens": min(settings.max_tokens, MAX_TOKENS),
        "stop": c_characters(stop.encode("utf-8")),
    }
    return {"defaults.h": template("common/defaults.h.j2").render(values)}


def c_characters(data: bytes) -> str:
    """Return bytes as the content of a C string, with octal escapes of three digits."""
    return "".join(chr(byte) if chr(byte) in PLAIN else f"\\{byte:03o}" for byte in data)
