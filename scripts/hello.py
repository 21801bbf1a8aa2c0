"""Run a pretrained model on an emulated STM32F4, within a minute: `make hello`.

Without training or tracking, pretrained_models/gpt is compiled to C, built for the board, and run in QEMU.
Run: python scripts/hello.py; needs arm-none-eabi-gcc, make and qemu-system-arm (`make tools-stm32`).
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError, raise_all
from textzoo.common.standard_streams import guarded_streams
from textzoo.config import pretrained
from textzoo.config.boards import load_board
from textzoo.engines.generate import generate
from textzoo.engines.settings import PredictionConfig
from textzoo.pipeline.cycles import modelled
from textzoo.pipeline.firmware import Firmware, make_firmware
from textzoo.records.report.rows import end_text
from textzoo.targets.boards import Board
from textzoo.targets.console import Console, generate_command
from textzoo.targets.cycles.measure import CyclesUnavailableError
from textzoo.targets.emulators import emulate
from textzoo.targets.toolchains import GROUPS, missing_tools
from textzoo.text.tokenizers.base import load_tokenizer

PROJECT = Path(__file__).resolve().parents[1]
MODEL, RECIPE, BOARD = "gpt", "static_wi8_ai8", "STM32F4"
FOLDER = Path("experiments_outputs") / "hello"
BEGINNING = """Hello! {name}, a language model of {parameters:,} parameters that was trained on synthetic dialogues,
is now compiled to C and runs on an emulated {title}.
"""
BUILT = """  compiled: {flash:,} bytes of weights and tables, {ram:,} bytes of state and working memory
  project:  {project} (C99; no Python, no interpreter, no heap)
  building it with arm-none-eabi-gcc and starting {machine} ...
"""
# The end of each dialogue that the model was trained on.
STOP = "\n<end>"
END = """
{tokens} tokens from the chip; LiteRT on the PC writes {same} text with the same seed.
{instructions:,} instructions per token, including sampling and the serial line.
{speed}

What next?
  make -C {project} emulate           talk to it yourself (:help lists commands)
  make -C {project} flash             put it on a real board
  make demo                           train your own model, quantize it, and run it on an emulated STM32H7
  .venv/bin/python stm32ai_main.py operation_mode=prediction model=tiny_lm pretrained=true prediction.prompt="The "
  .venv/bin/python stm32ai_main.py dataset=text dataset.training_path=my_text.txt     on your own text
"""


PROJECTED = """{cycles:,} cycles per token by the model of core and memories (±{error_percent:g} %),
{stalls:.0%} of them stalls: {low} to {high} tokens/s on a board at {clock:.0f} MHz (projected, not measured)."""
NOT_PROJECTED = "Cycles were not counted: {reason}"


def main() -> None:
    """Compile, build and run the model; exit with 2 after a UserError or OSError, with 130 after Ctrl-C."""
    sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with guarded_streams():
            raise_all(missing_tools(list(GROUPS["stm32"])))
            hello()
    except (UserError, OSError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        sys.exit(130)


def hello() -> None:
    """Print the whole demonstration to the standard output."""
    board, card = load_board(BOARD), pretrained.card(MODEL)
    settings = settings_of(card["samples"][RECIPE])
    show(BEGINNING.format(name=MODEL, parameters=card["model"]["parameters"], title=board.title))
    folder = pretrained.FOLDER / MODEL
    tokenizer = load_tokenizer(folder / pretrained.TOKENIZER)
    made = make_firmware(
        folder / f"decode_{RECIPE}.tflite", tokenizer, board, FOLDER / BOARD, name=MODEL, defaults=settings
    )
    show(BUILT.format(**facts(made, board)))
    with emulate(made.project, board) as console:
        show(f"The prompt, and how the chip continues it:\n\n{settings.prompt}")
        text, total = answer(console, settings)
    options = {key: getattr(settings, key) for key in ("max_tokens", "temperature", "top_k", "seed", "stop")}
    expected = "".join(generate(made.engine, tokenizer, settings.prompt, **options))
    show(
        "\n"
        + END.format(
            tokens=total["tokens"],
            instructions=instructions_of(total),
            same="the same" if text == expected else "ANOTHER",
            speed=speed_text(made),
            project=made.project,
        )
    )


def settings_of(sample: dict[str, Any]) -> PredictionConfig:
    """Return the prediction options of a sample on the model's card."""
    names = {"prompt": "prompt", "tokens": "max_tokens", "temperature": "temperature", "top_k": "top_k", "seed": "seed"}
    return PredictionConfig(**{option: sample[name] for name, option in names.items()}, stop=STOP)


def facts(made: Firmware, board: Board) -> dict[str, Any]:
    plan = made.compiled.plan
    return {
        "flash": made.compiled.flash.total,
        "ram": plan.state_bytes + plan.arena_bytes,
        "project": made.project,
        "machine": board.emulator().title,
    }


def answer(console: Console, settings: PredictionConfig) -> tuple[str, dict[str, Any]]:
    """Show the chip's text while it is generated; return it, and the last reply, with its cost."""
    replies: Iterator[dict[str, Any]] = console.command(generate_command(settings, settings.prompt))
    text = ""
    for reply in replies:
        if "status" not in reply:
            show(reply["text"])
            text += reply["text"]
    return text, reply


def instructions_of(total: dict[str, Any]) -> int:
    """Return instructions per computed token, including the prompt's."""
    return round(total["cost"] / (total["prompt_tokens"] + total["tokens"]))


def speed_text(made: Firmware) -> str:
    """Return cycles and speed by the model of the board, or why there is none."""
    try:
        projected = modelled(made, with_operators=False)
    except CyclesUnavailableError as error:
        return NOT_PROJECTED.format(reason=error)
    low, high = map(end_text, projected.tokens_per_second)
    stalls, clock = projected.stall_cycles / projected.cycles, projected.clock_hz / 1e6
    return PROJECTED.format(**vars(projected), stalls=stalls, low=low, high=high, clock=clock)


def show(text: str) -> None:
    print(text, end="", flush=True)


if __name__ == "__main__":
    main()
