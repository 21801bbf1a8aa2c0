"""The sections of the configuration about talking with a model."""

from dataclasses import dataclass

from textzoo.common.settings import setting
from textzoo.serving.registry import SOURCES

MAX_WAITING = 100_000


@dataclass(frozen=True)
class ChatConfig:
    """A conversation in the terminal (operation_mode=chat)."""

    engine: str = setting(
        "auto",
        "What answers: an engine on this machine, the firmware on the board's emulator, or a board on a serial line; "
        "auto is the quantized model with LiteRT's reference kernels, or the float model where there is no other.",
        choices=("auto", *SOURCES),
    )
    system: str = setting("", "Text at the beginning of every conversation; it never leaves the context.")
    template: str | None = setting(
        None,
        "How turns become text: plain, dialogue, commands, or the path of a chat_template.json; null takes the one "
        "beside the model's tokenizer, else plain.",
    )
    history: bool = setting(True, "Keep what is typed in the user's state folder, for later sessions.")
    track: bool = setting(False, "Keep the conversation as a run: folder, report and tracking.")
    serial_port: str | None = setting(None, "Serial port of the board for engine=serial; null looks for one.")


@dataclass(frozen=True)
class ServeConfig:
    """An HTTP server for programs (operation_mode=serve); system text, template and serial port are those of chat."""

    host: str = setting("127.0.0.1", "Address to listen on; 0.0.0.0 lets other machines connect.")
    port: int = setting(8080, "Port to listen on; 0 takes a free one.", low=0, high=65535)
    engine: str = setting("auto", "What answers, as chat.engine.", choices=("auto", *SOURCES))
    max_waiting: int = setting(
        256, "Requests that may wait; others are refused with status 503.", low=0, high=MAX_WAITING
    )


@dataclass(frozen=True)
class WebConfig:
    """A web page to talk on (operation_mode=web)."""

    host: str = setting("127.0.0.1", "Address to listen on; 0.0.0.0 lets other machines connect.")
    port: int = setting(7860, "Port to listen on; 0 takes a free one.", low=0, high=65535)
