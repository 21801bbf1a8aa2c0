"""The same seed gives the same text on every engine, over several turns; devices are what they say they are."""

import contextlib
import dataclasses
import json
import re
import shutil
import subprocess
import threading

import pytest

from compilers import need
from textzoo.common import processes
from textzoo.common.errors import UserError
from textzoo.config import pretrained
from textzoo.config.boards import load_board, read_facts
from textzoo.config.check import check
from textzoo.engines.settings import PredictionConfig
from textzoo.grammars.grammar import Grammar
from textzoo.pipeline.firmware import make_firmware, prepare
from textzoo.pipeline.token_sources import TalkingModel
from textzoo.records.tracking.recorders import NullRecorder
from textzoo.records.workspace import Workspace
from textzoo.serving import device_source
from textzoo.serving.answer import INTERRUPTED, Answer
from textzoo.serving.conversation import Conversation
from textzoo.serving.device_source import DeviceSource
from textzoo.serving.sources import Sampling
from textzoo.targets.emulators import build_image, run_host
from textzoo.targets.platforms import platform_of
from textzoo.text.chat_templates import DIALOGUE, PLAIN, load_template
from textzoo.text.chat_templates import FILE as TEMPLATE

pytestmark = pytest.mark.slow

MESSAGES = ("What can you do?", "What is a square?", "and a triangle?", "Thanks!", "Bye!")
# Seeds and temperatures of some conversations; the last one stops at another text than the template's, and slides.
SAMPLINGS = [
    Sampling(temperature=0.3, seed=1),
    Sampling(temperature=1.5, seed=2**32 - 1, top_k=5, max_tokens=40),
    Sampling(temperature=0.0, max_tokens=30),
    Sampling(temperature=1.0, seed=3, stops=("e ", "\nUser"), max_tokens=150),
]
ORDERS = 'root ::= " " ("turn" | "say") " " [a-z ]{3,30} ("."|"!") | " No."'


def talking_model(folder, name="gpt", board="STM32F4", **sections):
    """A pretrained model, with a board for its emulator."""
    paths = pretrained.overrides(name, "static_wi8_ai8")
    files = {key: paths[f"model.{key}"] for key in ("float_model_path", "quantized_model_path")}
    values = {
        "model": {"name": name, **files},
        "tokenizer": {"path": paths["tokenizer.path"]},
        "deployment": {"hardware_setup": read_facts(board)},
        **sections,
    }
    config, _ = check(values)
    return TalkingModel(config, Workspace(folder))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return talking_model(tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="module")
def emulator(model):
    need("arm", "make", "qemu")
    source = model.open("emulator")
    yield source
    source.close()


@pytest.fixture(scope="module")
def reference(model):
    return model.open("litert_ref")


def test_a_page_has_the_template_beside_the_tokenizer(model, tmp_path):
    """As a chat has it: the model's own file may lie elsewhere."""
    alone = shutil.copy(model.quantized_path, tmp_path)
    values = {
        "operation_mode": "deployment",
        "model": {"quantized_model_path": str(alone)},
        "tokenizer": {"path": str(model.tokenizer_path)},
        "deployment": {"hardware_setup": read_facts("Browser")},
    }
    config, errors = check(values)
    assert not errors
    made = prepare(config, Workspace(tmp_path / "run"), NullRecorder(), tokens_checked=1)
    assert load_template(made.project / "model" / TEMPLATE) == model.template(None) != PLAIN


def conversation(source, sampling, template):
    talking = Conversation(source, template, sampling, "Bot is kind.")
    for message in MESSAGES:
        list(talking.ask(message))
    return talking


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=range(len(SAMPLINGS)))
@pytest.mark.parametrize("plain", [False, True], ids=["dialogue", "plain"])
def test_the_same_seed_gives_the_same_text(sampling, plain, model, reference, emulator):
    need("host")
    template = PLAIN if plain else model.template(None)
    expected = conversation(reference, sampling, template)
    for source in (model.open("native"), emulator):
        found = conversation(source, sampling, template)
        assert [(turn.text, turn.tokens, turn.ended) for turn in found.turns] == [
            (turn.text, turn.tokens, turn.ended) for turn in expected.turns
        ]
        assert expected.replay(source) == [0] * len(MESSAGES)


def test_a_device_obeys_its_grammar_as_this_machine_does(tmp_path):
    need("arm", "make", "qemu")
    (tmp_path / "orders.gbnf").write_text(ORDERS)
    model = talking_model(tmp_path, prediction={"grammar": str(tmp_path / "orders.gbnf"), "max_tokens": 20})
    grammar, template = Grammar("gbnf", ORDERS), model.template(None)
    reference, device = model.open("litert_ref"), model.open("emulator")
    with contextlib.closing(device):
        for options in (
            {"seed": 1},
            {"seed": 2, "temperature": 2.0},
            {"temperature": 0.0, "max_tokens": 10},
            {"top_k": 2},
        ):
            sampling = Sampling(**{"max_tokens": 60, **options}, grammar=grammar)
            expected, found = (conversation(source, sampling, template) for source in (reference, device))
            answers = [(turn.text, turn.tokens, turn.ended) for turn in found.turns[1::2]]
            assert answers == [(turn.text, turn.tokens, turn.ended) for turn in expected.turns[1::2]]
            assert [text for text, *_ in answers if not re.fullmatch(r"(turn|say) [a-z ]{3,30}[.!]|No\.", text)] == []
        free = Sampling(seed=5, max_tokens=30)
        texts = [[turn.text for turn in conversation(one, free, template).turns] for one in (device, reference)]
        assert texts[0] == texts[1]
        with pytest.raises(UserError, match="built with another grammar"):
            Answer(device, "a", Sampling(grammar=Grammar("gbnf", 'root ::= "b"'))).finish()
        with pytest.raises(UserError, match="max_tokens of at least 5"):
            Answer(device, "a", Sampling(grammar=grammar, max_tokens=3, stops=(template.stop,))).finish()


SAID = ("turn on the lamp", "a", " it's 50% of 10.\n", "one two " * 14, '"' * 100)
COPIES = r'root ::= " \"" input-span "\"" ("!" | " \"" input-span "\".")'


def test_a_device_copies_from_the_message_as_this_machine_does(tmp_path):
    """From the message, not from the template's text around it; also where the prompt needs more than a line."""
    need("host", "make")
    (tmp_path / "copies.gbnf").write_text(COPIES)
    model = talking_model(tmp_path, "tiny_lm")
    defaults = PredictionConfig(grammar=str(tmp_path / "copies.gbnf"), stop=DIALOGUE.stop)
    made = make_firmware(model.quantized_path, model.tokenizer, None, tmp_path / "host", defaults=defaults)
    reference = model.open("litert_ref")
    with run_host(made.project) as console:
        info, logits_format = console.ask({"command": "info"}), reference.engine.logits_format
        device = DeviceSource("serial", console, model.tokenizer, logits_format, info, lambda: None)
        for seed, message in enumerate(SAID):
            sampling = Sampling(seed=seed, temperature=2.0, max_tokens=700, grammar=Grammar("gbnf", COPIES))
            talks = [Conversation(source, DIALOGUE, sampling) for source in (reference, device)]
            texts = ["".join(talk.ask(message)) for talk in talks]
            assert texts[0] == texts[1]
            copied = re.fullmatch(r'"(.*?)"(?:!| "(.*)"\.)', texts[1]).groups()
            assert all(json.loads(f'"{text}"') in message for text in copied if text)
            assert talks[0].replay(device) == [0]
        console.load_prompt([1, 2])
        with pytest.raises(UserError, match="input is missing"):
            console.ask({"command": "generate", "max_tokens": 20})


def test_a_device_counts_what_tokens_cost(emulator, model):
    talking = conversation(emulator, SAMPLINGS[0], model.template(None))
    for turn in talking.turns[1::2]:
        assert 110_000 < turn.cost / len(turn.tokens) < 170_000


def test_a_device_tells_the_likeliest_tokens(emulator, reference):
    tokens = reference.tokenizer.encode("User: What is a square?\nBot:").tolist()
    assert (emulator.next_logits(tokens) == reference.next_logits(tokens)).all()


def test_an_answer_of_a_device_is_stopped_and_the_next_one_is_right(emulator, reference):
    long = Sampling(max_tokens=100_000)
    for stopper in ("this thread", "another thread"):
        answer = Answer(emulator, "What", long)
        next(answer)
        if stopper == "this thread":
            answer.stop()
        else:
            thread = threading.Thread(target=answer.stop)
            thread.start()
            thread.join()
        before = len(answer.steps)
        answer.finish()
        assert (answer.ended, len(answer.steps) <= before + 1) == (INTERRUPTED, True)
        made = dataclasses.replace(long, max_tokens=len(answer.steps))
        assert answer.tokens == Answer(reference, "What", made).finish().tokens
    closed = Answer(emulator, "What", long)
    next(closed)
    closed.close()
    assert (
        Answer(emulator, "User: Hi", SAMPLINGS[0]).finish().tokens
        == Answer(reference, "User: Hi", SAMPLINGS[0]).finish().tokens
    )


def test_a_prompt_longer_than_a_line_is_sent_in_parts(emulator, reference, monkeypatch):
    monkeypatch.setattr(device_source, "LINE_BYTES", 50)
    prompt = "User: What is a square?\nBot: A square has 4 equal sides.\nUser: Thanks!\nBot:"
    found, expected = (Answer(source, prompt, SAMPLINGS[0]).finish() for source in (emulator, reference))
    assert (found.text, found.tokens) == (expected.text, expected.tokens)


# Texts outside a vocabulary with <unk>, of which UTF-8 has no lone surrogates.
STRANGE = ["\ud800", "a\udcff b", "\0", "\x1b[2J", "\U0010ffff\ufffd", 'xyzzy"\\']


def test_strange_text_is_unknown_on_a_device_as_on_this_machine(tmp_path, monkeypatch):
    need("host", "make")
    model = talking_model(tmp_path, "tiny_bert_generator")
    made = make_firmware(model.quantized_path, model.tokenizer, None, tmp_path / "host")
    sampling = Sampling(unknown="unk", max_tokens=8)
    with run_host(made.project) as console:
        monkeypatch.setattr(TalkingModel, "emulator", lambda _: contextlib.nullcontext(console))
        device, reference = model.open("emulator"), model.open("litert_ref")
        for prompt in STRANGE:
            found, expected = (Answer(source, prompt, sampling).finish() for source in (device, reference))
            assert (found.text, found.tokens) == (expected.text, expected.tokens), prompt


# Texts that a device cannot be asked to continue, parts of the message.
REFUSED = [
    ("é", "not in the vocabulary"),
    ("\ud800", "not in the vocabulary"),
    ("a" * 129, "longer than the model's context"),
    ("", "nothing to continue"),
]


@pytest.mark.parametrize(("prompt", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_a_device_refuses_is_known_before(prompt, message, emulator):
    with pytest.raises(UserError, match=message):
        Answer(emulator, prompt, Sampling())


def test_a_board_with_another_model_is_refused(model, tmp_path, monkeypatch):
    need("host", "make")
    other = pretrained.FOLDER / "pico_gpt"
    tokenizer = talking_model(tmp_path, "pico_gpt").tokenizer
    made = make_firmware(other / "decode_static_wi8_ai8.tflite", tokenizer, None, tmp_path / "host")
    with run_host(made.project) as console:
        monkeypatch.setattr(TalkingModel, "emulator", lambda _: contextlib.nullcontext(console))
        with pytest.raises(UserError, match="holds another model"):
            model.open("emulator")


def test_engines_that_a_model_cannot_have_are_named(model, tmp_path):
    with pytest.raises(UserError, match="no serial port '/dev/ttyNowhere'"):
        model.open("serial", "/dev/ttyNowhere")
    config = dataclasses.replace(model.config, model=dataclasses.replace(model.config.model, quantized_model_path=None))
    with pytest.raises(UserError, match="the engine emulator needs a quantized model"):
        TalkingModel(config, Workspace(tmp_path)).open("emulator")


@pytest.fixture(scope="module")
def serial_port(model, tmp_path_factory):
    """The serial port of a board that runs the model: QEMU's pseudo-terminal."""
    need("arm", "make", "qemu")
    board = load_board("STM32F4")
    project = tmp_path_factory.mktemp("project") / board.name
    make_firmware(model.quantized_path, model.tokenizer, board, project)
    emulator = board.emulator()
    image = build_image(project, board, emulator)
    command = [*platform_of(board).emulator_command(emulator, serial="pty"), str(image)]
    with processes.started(command, project, stdout=subprocess.PIPE, text=True) as process:
        yield re.search(r"/dev/\S+", process.stdout.readline())[0]


def test_a_board_on_a_serial_line_says_the_same(model, reference, serial_port):
    source = model.open("serial", serial_port)
    try:
        expected = conversation(reference, SAMPLINGS[0], model.template(None))
        found = conversation(source, SAMPLINGS[0], model.template(None))
        assert [turn.tokens for turn in found.turns] == [turn.tokens for turn in expected.turns]
        answer = Answer(source, "What", Sampling(max_tokens=100_000))
        next(answer)
        answer.stop()
        assert answer.finish().ended == INTERRUPTED
        assert expected.replay(source) == [0] * len(MESSAGES)
        with pytest.raises(UserError, match="is in use"):
            model.open("serial", serial_port)
    finally:
        source.close()
    model.open("serial", serial_port).close()
