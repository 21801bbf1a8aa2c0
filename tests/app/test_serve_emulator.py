"""The firmware of an emulated STM32F4 behind OpenAI's API: what it says is what this machine says."""

import dataclasses
import functools
import threading

import openai
import psutil
import pytest

from compilers import need
from llm_command import run_llm
from served_program import served
from textzoo.common.paths import PRETRAINED_MODELS
from textzoo.engines.opening import open_engine
from textzoo.serving.conversation import Conversation, Turn
from textzoo.serving.local_source import LocalSource
from textzoo.serving.sources import Sampling
from textzoo.text.chat_templates import PLAIN, find_template
from textzoo.text.tokenizers.base import load_tokenizer

pytestmark = pytest.mark.slow

FOLDER = PRETRAINED_MODELS / "gpt"
TEMPLATE = find_template(None, FOLDER / "tokenizer.json")
SAMPLING = Sampling(max_tokens=20)
TURNS = ["Hello", "Hi!", "What is your name?"]
MESSAGES = [{"role": role, "content": text} for role, text in zip(["user", "assistant"] * 2, TURNS, strict=False)]
LONG = "Once upon a time"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    need("arm", "make", "qemu")
    options = ["serve.engine=emulator", "board=STM32F4"]
    options += [f"prediction.{key}={getattr(SAMPLING, key)}" for key in ("max_tokens", "temperature", "top_k")]
    options += ["prediction.stop=null"]
    with served(tmp_path_factory.mktemp("emulated"), *options) as program:
        yield program


@pytest.fixture(scope="module")
def address(program):
    return program.url


@pytest.fixture
def client(address):
    with openai.OpenAI(base_url=address, api_key="none", max_retries=0) as opened:
        yield opened


@pytest.fixture(scope="module")
def here():
    """The same model on this machine."""
    engine = open_engine("litert_ref", FOLDER / "decode_static_wi8_ai8.tflite")
    return LocalSource(engine, load_tokenizer(FOLDER / "tokenizer.json"))


def told_here(source, template, turns, **changes):
    conversation = Conversation(source, template, dataclasses.replace(SAMPLING, **changes))
    conversation.turns = [Turn(message["role"], message["content"]) for message in MESSAGES[: len(turns) - 1]]
    return "".join(conversation.ask(turns[-1]))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("seed", [1, 7])
def test_a_chat(client, here, seed, stream):
    expected = told_here(here, TEMPLATE, TURNS, seed=seed)
    answer = client.chat.completions.create(model="gpt_int8", messages=MESSAGES, seed=seed, stream=stream)
    if stream:
        assert "".join(chunk.choices[0].delta.content or "" for chunk in answer) == expected
    else:
        assert answer.choices[0].message.content == expected
        assert answer.model_extra["textzoo"]["counter"] == "instructions"
        assert answer.model_extra["textzoo"]["cost"] > 0


@pytest.mark.parametrize("options", [[], ["--no-stream"]])
def test_llm(address, here, tmp_path, options):
    printed = run_llm(tmp_path, address, "gpt_int8", "-m", "tiny", "-o", "seed", "5", "Hello", *options)
    assert printed == told_here(here, TEMPLATE, TURNS[:1], seed=5)


@pytest.mark.parametrize("stop", [None, ["e"], ["zz", "o", "t"]])
def test_a_completion(client, here, stop):
    answer = client.completions.create(
        model="gpt_int8", prompt="The ", stop=stop, temperature=0.5, extra_body={"top_k": 5}
    )
    expected = told_here(here, PLAIN, ["The "], stops=tuple(stop or ()), temperature=0.5, top_k=5)
    assert answer.choices[0].text == expected


def test_clients_at_once_get_the_answers_that_are_given_alone(client, here):
    texts = {}

    def ask(seed):
        texts[seed] = client.completions.create(model="gpt_int8", prompt="The ", seed=seed).choices[0].text

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == {seed: told_here(here, PLAIN, ["The "], seed=seed) for seed in range(6)}


def test_a_client_that_goes_away_disturbs_nobody(client, here):
    with client.completions.create(model="gpt_int8", prompt="The ", max_tokens=400, stream=True) as stream:
        next(iter(stream))
    answer = client.completions.create(model="gpt_int8", prompt="The ", seed=3)
    assert answer.choices[0].text == told_here(here, PLAIN, ["The "], seed=3)


def test_what_the_firmware_cannot_do_is_refused(client):
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(model="gpt_int8", prompt="The ", logprobs=1)
    assert caught.value.param == "logprobs"


def test_a_board_that_was_lost_is_opened_again(program, client, here):
    (emulator,) = psutil.Process(program.process.pid).children()
    emulator.kill()
    ask = functools.partial(client.completions.create, model="gpt_int8", prompt="The ", seed=4)
    with pytest.raises(openai.InternalServerError, match=r"closed the connection|does not accept commands"):
        ask()
    assert ask().choices[0].text == told_here(here, PLAIN, ["The "], seed=4)
