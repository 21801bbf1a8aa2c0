"""The web page in Chromium: what is asked, stopped, changed and shown, by models that the tests hold in their hand."""

import asyncio
import dataclasses
import json
import re
import sys
from importlib.util import find_spec

import pytest
from api_client import SAMPLING, GatedSource, get, gpt_source, send, told_alone
from given_pages import GivenModel, page_running

from browser import chromium, window
from compilers import need
from page_driver import WebPage
from textzoo.common.errors import UserError
from textzoo.serving.conversation import Conversation, Turn
from textzoo.serving.http.errors import ApiError
from textzoo.serving.http.worker import Job
from textzoo.serving.local_source import LocalSource
from textzoo.serving.sources import Step, TokenStream
from textzoo.serving.transcripts import stored
from textzoo.serving.web import keeping, library
from textzoo.serving.web.engines import Engines
from textzoo.serving.web.session import PageSession, Settings
from textzoo.text.chat_templates import DIALOGUE, PLAIN
from textzoo.text.tokenizers.byte import ByteTokenizer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("gradio") is None, reason="gradio: not installed"),
    pytest.mark.filterwarnings("ignore"),  # of Gradio and pandas, whose server they would end
]

OWNED = "document.title='owned'"
HOSTILE = (
    f'<script>{OWNED}</script><img src=x onerror="{OWNED}"><b>b</b> **b** _i_ `c` [l](javascript:{OWNED}) # h '
    f"![x](http://evil.example/x.png) $$x^2$$ \\(y\\) ${{{OWNED}}} {{{{7*7}}}} &lt; <think>t</think>"
)


@pytest.fixture(scope="module")
def driver():
    need("chromium")
    with chromium("--window-size=1200,900", logs=("performance",)) as opened:
        yield opened


@pytest.fixture(scope="module")
def other_driver():
    need("chromium")
    with chromium("--window-size=1200,900") as opened:
        yield opened


def opened(driver, server):
    page = WebPage(driver, server.url)
    page.open()
    return page


class Parrot(LocalSource):
    """Says a text again and again."""

    def __init__(self, text):
        self.tokenizer, self.context_length, self.said = ByteTokenizer(), 2048, text
        self.name = self.title = "parrot"

    def tokens(self, prompt, sampling):
        return ParrotStream(self.tokenizer.encode(self.said))


class ParrotStream(TokenStream):
    def __init__(self, tokens):
        self.left = iter(tokens)

    def __next__(self):
        return Step(int(next(self.left)))

    def stop(self):
        self.left = iter(())


@pytest.mark.parametrize("template", [DIALOGUE, PLAIN], ids=["roles", "one text"])
def test_texts_are_shown_as_they_are(driver, template):
    with page_running(GivenModel({"parrot": Parrot(HOSTILE)}, template, name=HOSTILE)) as server:
        page = opened(driver, server)
        page.requests()
        page.say(HOSTILE)
        if template is DIALOGUE:
            assert page.said == [HOSTILE, HOSTILE]
        else:
            assert page.texts(".one-text span") == [HOSTILE, HOSTILE + "\n"]
        assert HOSTILE in page.text("status")
        asked = page.requests()
        assert asked
        assert [url for url in asked if not url.startswith(server.url)] == []
        assert driver.title == "TextZoo"


def test_the_page_asks_nobody_else(driver):
    with page_running(GivenModel({"litert_ref": gpt_source()})) as server:
        page = opened(driver, server)
        page.requests()
        page.open()
        asked = page.requests()
        assert len(asked) > 10
        assert [url for url in asked if not url.startswith(server.url)] == []


def test_an_answer_is_stopped_and_the_conversation_goes_on(driver):
    gated = GatedSource()
    with page_running(GivenModel({"gated": gated})) as server:
        page = opened(driver, server)
        page.send("Hello")
        gated.let(3)
        page.wait(lambda: page.said == ["Hello", "aaa"])
        assert "answers" in page.text("status")
        page.click("stop")
        gated.let(1)
        page.wait(lambda: page.is_idle() and "The answer was interrupted." in page.text("transcript"))
        gated.let(100)
        page.say("Hi")
        assert page.said[2:] == ["Hi", "a" * SAMPLING.max_tokens]


def test_browsers_wait_for_each_other(driver, other_driver):
    gated = GatedSource()
    with page_running(GivenModel({"gated": gated})) as server:
        first, second = opened(driver, server), opened(other_driver, server)
        first.send("Hello")
        gated.let(1)
        first.wait(lambda: first.said == ["Hello", "a"])
        second.send("Hi")
        second.wait(lambda: "waits behind 1 answer" in second.text("status"))
        second.click("stop")
        second.wait(second.is_idle)
        second.send("Hi!")
        second.wait(lambda: "waits behind 1 answer" in second.text("status"))
        gated.let(100)
        for page, text in ((first, "Hello"), (second, "Hi!")):
            page.wait(page.is_idle)
            assert page.said == [text, "a" * SAMPLING.max_tokens]
    assert len(gated.prompts) == 2


def test_a_browser_that_leaves_stops_its_answer(driver):
    gated = GatedSource()
    with page_running(GivenModel({"gated": gated})) as server:
        page = opened(driver, server)
        page.send("Hello")
        gated.let(1)
        page.wait(lambda: page.said == ["Hello", "a"])
        driver.get("about:blank")
        gated.let(1)
        assert gated.stops.acquire(timeout=60)
        gated.let(100)
        page.open()
        page.say("Hi")
        assert page.said == ["Hi", "a" * SAMPLING.max_tokens]


def test_who_waits_for_an_engine_that_fails_is_told(gated):
    engines = Engines({"one": lambda: GivenModel({"gated": gated})})

    async def both():
        opened = engines.open("one", "auto")
        first, second = [Job(lambda: Conversation(gated, DIALOGUE, SAMPLING).ask("Hello")) for _ in range(2)]
        gated.failure = RuntimeError("a cable")
        for job in (first, second):
            opened.worker.submit(job)
        gated.let(1)
        for job, text in ((first, "the server failed"), (second, "failed in the middle of an earlier answer")):
            with pytest.raises(ApiError, match=text):
                await job.next()
        opened.worker.thread.join()
        assert engines.open("one", "auto") is not opened

    asyncio.run(both())
    engines.close()
    assert len(gated.prompts) == 1


def test_an_engine_that_fails_is_told_and_opened_anew(driver):
    gated = GatedSource()
    with page_running(GivenModel({"gated": gated})) as server:
        page = opened(driver, server)
        gated.failure = RuntimeError("a cable")
        gated.let(100)
        page.send("Hello")
        page.wait(lambda: "the server failed" in page.text("status"))
        gated.failure = None
        page.say("Hi")
        assert page.said[-2:] == ["Hi", "a" * SAMPLING.max_tokens]


def test_answers_are_made_again_and_messages_taken_back(driver):
    alone = gpt_source()
    with page_running(GivenModel({"litert_ref": gpt_source()})) as server:
        page = opened(driver, server)
        page.say("Hello")
        assert page.said == ["Hello", told_alone(alone, ["Hello"], SAMPLING)]
        page.click("again")
        page.wait(lambda: "seed 2" in page.text("status"))
        again = told_alone(alone, ["Hello"], type(SAMPLING)(max_tokens=SAMPLING.max_tokens, seed=2))
        assert page.said == ["Hello", again]
        page.say("What can you do?")
        page.click("edit")
        page.wait(lambda: page.value("message", "textarea") == "What can you do?")
        assert page.said == ["Hello", again]
        page.click("clear")
        page.wait(lambda: page.said == [])


def test_a_conversation_is_still_there_after_a_reload_and_in_no_other_tab(driver):
    with page_running(GivenModel({"one": gpt_source(), "two": gpt_source()})) as server:
        page = opened(driver, server)
        page.say("Hello")
        page.say("What can you do?")
        page.choose("engine", "two")
        page.wait(lambda: "Made again: 0 of" in page.text("status"))
        said, figures = page.said, page.texts("#status .figures")
        page.open()
        assert (page.said, page.value("engine"), page.texts("#status .figures")) == (said, "two", figures)
        page.choose("engine", "one")
        page.wait(lambda: "Made again: 0 of" in page.text("status"))
        page.click("again")
        page.wait(lambda: "seed 2" in page.text("status"))
        driver.switch_to.new_window("tab")
        page.open()
        assert page.said == []
        driver.close()
        driver.switch_to.window(driver.window_handles[0])
        page.click("clear")
        page.wait(lambda: page.said == [])
        page.open()
        assert page.said == []


ASKED, TOLD = {"role": "user", "text": "Hello"}, {"role": "assistant", "text": "Hi!"}
MADE = stored(Turn("assistant", "Hi!", "chat", "User: Hello", 11, SAMPLING, (1, 2), "length", "one", 0, 0.5, None))
# What a browser says that it has kept -> how many of its turns are taken.
KEPT = [
    ([ASKED, TOLD], 2),
    ([ASKED, MADE], 2),
    ([ASKED, TOLD] * 50, 100),
    ([ASKED, TOLD] * 51, 0),
    ([ASKED], 0),
    ([TOLD, ASKED], 0),
    ([ASKED, {**MADE, "tokens": [76]}], 0),
    ([ASKED, {**MADE, "prompt": "€"}], 0),
    ([ASKED, {**MADE, "prompt": "a" * 200}], 0),
    ([ASKED, {**MADE, "prompt": None}], 0),
    ([ASKED, {**MADE, "sampling": {"temperature": -1}}], 0),
    ([ASKED, {**TOLD, "text": 5}], 0),
    ([5, None], 0),
]


@pytest.mark.parametrize(("turns", "taken"), KEPT, ids=map(str, range(len(KEPT))))
def test_what_a_browser_has_kept_is_checked(turns, taken):
    found = keeping.read(json.dumps({"model": "model 0", "engine": "one", "turns": turns}))
    assert len(keeping.turns_for(found, gpt_source())) == taken


@pytest.mark.parametrize("text", [None, "", 5, "[", "[]", "\ud800", "{}", '{"model": 1}', "[" * 100_000])
def test_nothing_is_kept_by_a_browser_that_makes_no_sense(text):
    assert keeping.read(text) is None


def test_of_a_long_conversation_the_end_is_kept():
    session = PageSession(Engines({"one": lambda: GivenModel({"one": gpt_source()})}), SAMPLING)
    asyncio.run(session.choose("one", "auto"))
    answer = Turn("assistant", "b", "chat", "The ", 4, SAMPLING, (1,), "length", "one", left_out=110)
    session.conversation.turns = [Turn("user", "a"), answer] * 60
    found = keeping.read(keeping.kept(session))
    assert [turn["left_out"] for turn in found.turns if turn["role"] == "assistant"] == [90] * 50
    session.conversation.turns = [Turn("user", "a" * 100_000), answer] * 60
    assert len(keeping.read(keeping.kept(session)).turns) == 4
    session.conversation.turns = [Turn("user", "a" * 1_000_000), answer]
    assert keeping.kept(session) == ""
    session.engines.close()


def test_what_does_not_fit_is_told_and_the_message_stays(driver):
    with page_running(GivenModel({"litert_ref": gpt_source()})) as server:
        page = opened(driver, server)
        page.send("a" * 200)
        page.wait(lambda: "longer than the model's context" in page.text("status"))
        page.wait(lambda: page.value("message", "textarea") == "a" * 200)
        page.click("again")
        page.wait(lambda: "no answer to make again" in page.text("status"))
        seed = page.element("seed", "input")
        seed.clear()
        seed.send_keys("-5\t")
        page.send("Hello")
        page.wait(lambda: "seed is out of range" in page.text("status"))
        page.wait(lambda: page.value("message", "textarea") == "Hello")
        assert page.said == []


def test_settings_are_kept_and_a_model_without_roles_is_one_text(driver):
    with page_running(GivenModel({"litert_ref": gpt_source()}), GivenModel({"one": gpt_source()}, PLAIN)) as server:
        page = opened(driver, server)
        assert page.element("system").is_displayed()
        page.requests()
        page.choose("model", "model 1")
        page.wait(lambda: page.value("engine") == "one")
        page.wait(lambda: page.element("text").is_displayed())
        assert len([url for url in page.requests() if "/queue/join" in url]) == 1  # chosen once
        assert page.driver.find_elements("id", "system") == []
        page.say("User: Hello")
        assert page.texts(".one-text .made") == [
            told_alone(gpt_source(), ["User: Hello"], SAMPLING, template=PLAIN) + "\n"
        ]
        seed = page.element("seed", "input")
        seed.clear()
        seed.send_keys("77\t")
        page.wait(lambda: "textzoo" in str(driver.execute_script("return Object.keys(localStorage)")))
        page.say("User: Hi")
        assert "seed 77" in page.text("status")
        page.open()
        assert (page.value("model"), page.value("engine"), page.value("seed")) == ("model 1", "one", "77")


# The contrast of a text with what is behind it, as the Web Content Accessibility Guidelines define it.
CONTRAST = """
    const light = text => {
        const [r, g, b] = text.match(/[\\d.]+/g).map(part => part / 255)
            .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
    };
    let behind = arguments[0];
    while (/, 0\\)|transparent/.test(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
    const both = [getComputedStyle(arguments[0]).color, getComputedStyle(behind).backgroundColor].map(light);
    return Math.max(...both) / Math.min(...both);"""


@pytest.mark.parametrize(("width", "height", "colours"), [(390, 844, "dark"), (1200, 900, "light")])
def test_it_fits_narrow_and_wide_windows_light_and_dark(driver, width, height, colours):
    with page_running(GivenModel({"litert_ref": gpt_source()})) as server:
        window(driver, width, height, colours)
        page = opened(driver, server)
        page.say("Hello")
        assert driver.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
        background = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert all((int(part) < 128) == (colours == "dark") for part in re.findall(r"\d+", background)[:3])
        for part in ("#send", "#max_tokens .max_value", "#status .figures", "#transcript .md"):
            assert driver.execute_script(CONTRAST, driver.find_element("css selector", part)) >= 4.5, part
        for button in ("send", "stop", "again", "edit", "clear"):
            script = "return arguments[0].scrollWidth <= arguments[0].clientWidth + 1"
            assert driver.execute_script(script, page.element(button)), button


HOSTILE_VALUES = [None, [], {}, "x" * 5000, -1, 1e300]


@pytest.mark.parametrize("value", HOSTILE_VALUES, ids=map(str, range(len(HOSTILE_VALUES))))
@pytest.mark.parametrize("key", [entry.name for entry in dataclasses.fields(Settings)])
def test_values_of_other_programs_are_refused_by_name(key, value):
    engines = Engines({"model": lambda: GivenModel({"litert_ref": gpt_source()})})
    session = PageSession(engines, SAMPLING)
    settings = Settings("model", "litert_ref", 0.5, 5, 0, 1, "")

    async def ask():
        async for _ in session.ask("Hello", dataclasses.replace(settings, **{key: value})):
            pass

    with pytest.raises(UserError):
        asyncio.run(ask())
    engines.close()


REFUSED = {
    "another host": (403, "GET", "/", {"Host": "evil.example"}),
    "another page": (403, "POST", "/gradio_api/queue/join", {"Origin": "http://evil.example"}),
    "a picture of another page": (403, "GET", "/config", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}),
    "a file to keep": (404, "POST", "/gradio_api/upload", {}),
    "a file of this machine": (404, "GET", "/gradio_api/file=/etc/passwd", {}),
    "another address": (404, "GET", "/gradio_api/proxy=http://127.0.0.1/", {}),
    "a call": (404, "POST", "/gradio_api/call/ask", {}),
    "a part of Gradio that nobody needs": (404, "GET", "/gradio_api/runs", {}),
    "100 MB": (413, "POST", "/gradio_api/queue/join", {"Content-Length": "100000000"}),
}


@pytest.fixture(scope="module")
def server():
    with page_running(GivenModel({"litert_ref": gpt_source()})) as started:
        yield started


@pytest.mark.parametrize(("status", "method", "path", "headers"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_the_page_is_refused(server, status, method, path, headers):
    assert send(server, method, path, headers=headers).status == status


def test_the_page_may_load_nothing_from_elsewhere(server):
    got = get(server, "/")
    assert got.status == 200
    assert "default-src 'self'" in got.headers["Content-Security-Policy"]


def test_a_missing_package_is_named_with_its_installation(monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(UserError, match=r"pip install 'textzoo\[web\]'"):
        library.prepare_gradio()
