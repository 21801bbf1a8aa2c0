"""`operation_mode=web` as a user starts and ends it; its texts are those of chat and serve, on every engine."""

import json
import signal
import socket
import urllib.request

import pytest
from gradio_client import Client

import startup
from browser import chromium
from compilers import need
from page_driver import WebPage
from served_program import MODEL, served

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Gradio's packages warn of themselves

PATIENCE = 100
WEB = ("operation_mode=web", *MODEL)
TURNS = ["Hello", "What can you do?", "How are you?"]
MAX_TOKENS, SEED = 70, 5
OPTIONS = [f"prediction.max_tokens={MAX_TOKENS}", f"prediction.seed={SEED}"]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with served(tmp_path_factory.mktemp("web"), *OPTIONS, mode="web") as program:
        yield program.url


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The texts of `operation_mode=serve`, each asked with the turns before it."""
    texts, messages = [], []
    with served(tmp_path_factory.mktemp("serve"), *OPTIONS) as program:
        for turn in TURNS:
            messages.append({"role": "user", "content": turn})
            values = {"model": "gpt_int8", "messages": messages}
            request = urllib.request.Request(
                f"{program.url}/chat/completions", json.dumps(values).encode(), {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                texts.append(json.load(response)["choices"][0]["message"]["content"])
            messages.append({"role": "assistant", "content": texts[-1]})
    return texts


def both(texts):
    """Turns of the user with their answers."""
    return [text for pair in zip(TURNS, texts, strict=True) for text in pair]


@pytest.mark.parametrize("engine", ["litert_ref", "native"])
def test_a_terminal_says_the_same(program, expected, engine):
    need("host", "make")
    done = program(*MODEL, "operation_mode=chat", f"chat.engine={engine}", *OPTIONS, input="\n".join(TURNS))
    assert done.stdout.splitlines() == expected


def test_a_browser_says_the_same_also_on_another_engine(address, expected):
    need("chromium", "host", "make")
    with chromium("--window-size=1200,900") as driver:
        page = WebPage(driver, address)
        page.open()
        for turn in TURNS:
            page.say(turn)
        assert page.said == both(expected)
        assert "The context is full: the 4 turns above left it." in page.text("transcript")
        page.choose("engine", "native")
        page.wait(lambda: "native answers now" in page.text("status"))
        assert "Made again: 0 of " in page.text("status")
        page.click("clear")
        page.wait(lambda: page.said == [])
        for turn in TURNS:
            page.say(turn)
        assert page.said == both(expected)
        assert "gpt_int8 on native" in page.text("status")


def test_an_emulated_board_says_the_same_and_what_it_costs(tmp_path, expected):
    need("chromium", "arm", "make", "qemu")
    with (
        served(tmp_path, *OPTIONS, "board=STM32F4", mode="web") as program,
        chromium("--window-size=1200,900") as driver,
    ):
        page = WebPage(driver, program.url)
        page.open()
        page.say(TURNS[0])
        page.choose("engine", "emulator")
        page.wait(lambda: "Made again: 0 of " in page.text("status"), PATIENCE)
        page.say(TURNS[1])
        assert page.said == both(expected)[:4]
        assert "instructions/token" in page.text("status")


def test_clients_of_gradio_get_the_same_at_once(address, expected):
    clients = [Client(address, verbose=False, analytics_enabled=False) for _ in range(4)]
    values = [0.8, MAX_TOKENS, 0, SEED, ""]
    for client in clients:
        ask(client, "begin", None, None)
    for index, turn in enumerate(TURNS):
        jobs = [submitted(client, "ask", turn, "gpt_int8", "litert_ref", *values) for client in clients]
        for job in jobs:
            _, transcript, *_ = job.result(timeout=PATIENCE)
            shown = [message["content"][0]["text"] for message in transcript["value"] if message["content"]]
            assert [text for text in shown if text][-1] == expected[index]


def submitted(client, name, *values):
    """Call an event of the page, which is closed to programs until they insist."""
    found = next(one for one in client.endpoints.values() if one.dependency["api_name"] == name)
    found.is_valid = True
    return client.submit(*values, fn_index=found.fn_index)


def ask(client, name, *values):
    return submitted(client, name, *values).result(timeout=PATIENCE)


def test_programs_find_no_endpoints(address):
    client = Client(address, verbose=False, analytics_enabled=False)
    assert client.view_api(return_format="dict") == {"named_endpoints": {}, "unnamed_endpoints": {}}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_it_is_told_and_leaves_nothing(tmp_path, number):
    with served(tmp_path, mode="web", python_options=["-X", "importtime"]) as program:
        heavy = startup.heavy_ones(startup.IMPORT_LINE.findall(program.printed))
        assert heavy == ["pandas"]  # Gradio's own
        program.process.send_signal(number)
        out, printed = program.process.communicate(timeout=PATIENCE)
        assert (program.process.returncode, out) == (0, ""), printed
    assert list(tmp_path.iterdir()) == []


MISTAKES = [
    (["web.host=no.such.host.invalid"], "cannot listen on web.host=no.such.host.invalid"),
    (["web.host=''"], "web.host"),
    (["web.port=65536"], "web.port"),
    (["web.port=0", "chat.template=no_such"], "chat template"),
]


@pytest.mark.parametrize(("arguments", "text"), MISTAKES)
def test_mistakes(program, arguments, text):
    done = program(*WEB, *arguments)
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken(program):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = program(*WEB, f"web.port={listener.getsockname()[1]}")
    assert done.returncode == 2
    assert "another program listens there; choose another web.port" in done.stderr


def test_without_gradio_it_says_how_to_install_it(program):
    missing = "import runpy, sys; sys.modules['gradio'] = None; del sys.argv[0]; "
    missing += "runpy.run_path(sys.argv[0], run_name='__main__')"
    done = program(*WEB, python_options=["-c", missing])
    assert done.returncode == 2
    assert "pip install 'textzoo[web]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1
