"""From a sentence to a pin: what is typed on the serial line of an emulated STM32F4 switches its GPIO.

A small model learns a few commands; a grammar says what its answers may be. What is typed stands in
docs/how_to/commands.md.

The image is the board's own. QEMU's netduinoplus2, an STM32F405, knows where GPIO ports lie and reports each access.
"""

import json
import re
import subprocess
import threading
from dataclasses import dataclass

import numpy as np
import pytest

from compilers import need
from textzoo.common.processes import started
from textzoo.config.boards import load_board
from textzoo.engines.settings import PredictionConfig
from textzoo.pipeline.firmware import make_firmware
from textzoo.targets.emulators import build_image
from textzoo.targets.platforms import platform_of
from textzoo.text.chat_templates import COMMANDS
from textzoo.text.documents import Documents
from textzoo.text.settings import TokenizerConfig
from textzoo.text.tokenizers.base import make_tokenizer

pytestmark = pytest.mark.slow
SEED = 1
SECONDS = 120
AREAS = ("kitchen", "office")
NUMBERS = {"one": 1, "two": 2, "three": 3, "ten": 10}
SWITCHED = [(way, area) for way in ("on", "off") for area in AREAS]
LEARNT = {f"turn {way} the {area} lamp": {"intent": f"turn_{way}", "area": area} for way, area in SWITCHED}
LEARNT |= {f"set a timer for {word} seconds": {"intent": "set_timer", "seconds": NUMBERS[word]} for word in NUMBERS}
LEARNT |= {"what is the time": {"intent": "none"}}
INTENTS = [
    {"intent": {"enum": ["turn_on", "turn_off"]}, "area": {"enum": [*AREAS]}},
    {"intent": {"const": "set_timer"}, "seconds": {"type": "integer", "minimum": 1, "maximum": 60}},
    {"intent": {"const": "none"}},
]
SCHEMA = {"anyOf": [{"type": "object", "properties": slots, "required": [*slots]} for slots in INTENTS]}
# What RM0090 says of port D, whose pin 12 is the STM32F4DISCOVERY's green LED.
PORT, PIN, MODES, SWITCH = "GPIOD", 12, 0x00, 0x18
WRITE = re.compile(
    rf"^{PORT}: unimplemented device write \(size 4, offset (0x\w+), value (0x\w+)\)$",
    re.MULTILINE,
)


def answer_of(sentence):
    return json.dumps(LEARNT[sentence], separators=(",", ":"))


@dataclass
class CommandData:
    """Sentences and answers, learnt one by one as tokens (n,); the answers count."""

    train: np.ndarray
    documents: dict
    sha256: str = "commands"
    parts: tuple = ()

    @property
    def validation(self):
        return self.train

    @classmethod
    def of(cls, tokenizer):
        parts = [[tokenizer.encode(f"{text}\n") for text in (sentence, answer_of(sentence))] for sentence in LEARNT]
        ends = np.cumsum([len(tokens) for pair in parts for tokens in pair])
        bounds = np.append(0, ends).repeat([1] * len(ends) + [2]).reshape(-1, 2).astype(np.int64)
        documents = Documents(bounds, answers_only=True)
        tokens = np.concatenate([tokens for pair in parts for tokens in pair]).astype(np.uint16)
        return cls(tokens, {"training": documents, "validation": documents})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The firmware of a model that has learnt the commands."""
    need("make", "arm", "qemu")
    import keras  # seconds, which tests that are not chosen do not need

    from textzoo.models.files import build_model
    from textzoo.models.settings import ModelConfig
    from textzoo.quantizers.quantize import quantize_decode_step
    from textzoo.quantizers.settings import QuantizationConfig
    from textzoo.training.settings import TrainingConfig
    from textzoo.training.trainer import train

    folder = tmp_path_factory.mktemp("commands")
    texts = [f"{sentence}\n{answer_of(sentence)}\n" for sentence in LEARNT]
    tokenizer = make_tokenizer(TokenizerConfig(name="word"), "".join(texts))
    data = CommandData.of(tokenizer)
    keras.utils.set_random_seed(SEED)
    sizes = {"name": "gpt", "n_layers": 2, "n_heads": 2, "d_model": 32, "context_length": 32, "weight_tying": "tied"}
    model = build_model(ModelConfig(**sizes), tokenizer.vocabulary_size)
    steps = {"steps": 300, "eval_interval": 300, "eval_tokens": 500, "warmup_steps": 10, "learning_rate": 1e-2}
    train(model, data, TrainingConfig(**steps), folder=folder, seed=SEED)
    quantization = QuantizationConfig(recipe="static_wi8_ai8", calibration_windows=16, report_tokens=32)
    path = quantize_decode_step(model, data.train, quantization, folder)
    COMMANDS.save(folder)
    (folder / "grammar.json").write_text(json.dumps(SCHEMA))
    defaults = PredictionConfig(grammar=str(folder / "grammar.json"))
    return make_firmware(path, tokenizer, load_board("STM32F4"), folder / "project", name="commands", defaults=defaults)


class TypedBoard:
    """The emulated board at the end of its serial line, and what its GPIO ports were told."""

    def __init__(self, process, log):
        self.process, self.log = process, log

    def until(self, text):
        """What the board says until a text, without the carriage returns of its lines."""
        said = b""
        while not said.endswith(text.encode()):
            byte = self.process.stdout.read(1)
            assert byte, said
            said += byte.replace(b"\r", b"")
        return said.decode()

    def type(self, line):
        """What the board says to a line that is typed, its echo first, up to the end of a second line of its own."""
        self.process.stdin.write(f"{line}\n".encode())
        return self.until("\n") + self.until("\n") + self.until("\n")

    def writes(self):
        """(offset, value) of all writes to the LED's port."""
        return [(int(offset, 16), int(value, 16)) for offset, value in WRITE.findall(self.log.read_text())]


@pytest.fixture
def board(made, tmp_path):
    log, emulator = tmp_path / "qemu.log", made.board.emulator("netduinoplus2")
    image = build_image(made.project, made.board, emulator)
    command = [*platform_of(made.board).emulator_command(emulator), str(image), "-d", "unimp", "-D", str(log)]
    with started(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        watch = threading.Timer(
            SECONDS, process.kill
        )  # a board that is silent ends, and with it the wait for its words
        watch.start()
        typed = TypedBoard(process, log)
        typed.until("or :help\n")
        yield typed
        watch.cancel()


def test_a_sentence_switches_the_pin_of_the_lamp(board):
    assert board.writes() == []  # nothing touches the pin before the first command
    said = board.type("turn on the kitchen lamp")
    assert said == 'turn on the kitchen lamp\n{"intent":"turn_on","area":"kitchen"}\nlamp on\n'
    output = (MODES, 1 << 2 * PIN)
    assert board.writes() == [(SWITCH, 1 << PIN), output]
    assert board.type("what is the time").endswith('{"intent":"none"}\nthat is no command\n')
    assert len(board.writes()) == 2
    said = board.type("turn off the office lamp")
    assert said.endswith('{"intent":"turn_off","area":"office"}\nlamp off\n')
    assert board.writes()[2:] == [(SWITCH, 1 << PIN + 16), output]


def test_the_users_file_names_the_intents(made):
    assert " *     turn_on: area\n *     turn_off: area\n" in (made.project / "on_command.c").read_text()


def test_every_sentence_gets_its_answer(board):
    board.process.stdin.write("".join(f"{line}\n" for line in [*LEARNT, ":exit"]).encode())
    said = board.process.stdout.read().decode()
    assert re.findall(r"\{.*?\}", said) == [answer_of(sentence) for sentence in LEARNT]


def test_a_timer_ends_while_nothing_is_typed(board):
    assert board.type("set a timer for two seconds").endswith("timer of 2 s\n")
    assert board.until("\n") == "the timer has ended\n"


def test_a_program_does_not_switch_the_lamp(board):
    board.process.stdin.write(b'{"command":"generate","prompt":"turn on the kitchen lamp\\n"}\n')
    assert '"ended":"stop"' in board.until('"status":"ok"') + board.until("\n")
    assert board.writes() == []
