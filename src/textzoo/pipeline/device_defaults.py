"""What a device's console begins with: temperature, max_tokens and stop of `prediction`, as defaults.h.

The prompt and the seed stay the console's own: a person brings the one, and the other is 1 as everywhere.
"""

from textzoo.common.errors import raise_all
from textzoo.compiler.backend.templates import template
from textzoo.engines.sampling import temperature_q16
from textzoo.engines.settings import PredictionConfig
from textzoo.targets.rules import stop_mistakes

MAX_TOKENS = 2**31 - 1
# Characters that stand for themselves in a C string; "?" does not, for the sake of trigraphs.
PLAIN = set(map(chr, range(0x20, 0x7F))) - set('"\\?')


def render_defaults(settings: PredictionConfig) -> dict[str, str]:
    """The generated source by name: defaults.h.

    Raises:
        UserError: The stop text is none for a device.
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
    """Bytes as they are written between the quotes of a C string: octal escapes, which end after three digits."""
    return "".join(chr(byte) if chr(byte) in PLAIN else f"\\{byte:03o}" for byte in data)
