"""The web page in headless Chromium, and page servers with models that tests hold in their hand."""

import contextlib
import json
from dataclasses import dataclass

from api_client import GPT, SAMPLING
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from textzoo.serving.http.server import bind
from textzoo.serving.templates import DIALOGUE
from textzoo.serving.web.engines import Engines
from textzoo.serving.web.page import Page
from textzoo.serving.web.server import PageServer
from textzoo.serving.web.session import Settings

WAIT_SECONDS = 20


@dataclass
class GivenModel:
    """A model whose sources are given by the names of their engines."""

    sources: dict
    chat_template: object = DIALOGUE
    name: str = "gpt_int8"

    @property
    def engines(self):
        return [*self.sources]

    def name_of(self, engine):
        return self.name

    def file_of(self, engine):
        return GPT / "decode_static_wi8_ai8.tflite"

    def template(self, name):
        return self.chat_template

    def open(self, engine, serial_port=None):
        self.sources[engine].name = engine
        return self.sources[engine]


@contextlib.contextmanager
def page_running(*models, sampling=SAMPLING):
    """A page with models, named by their places."""
    engines = Engines({f"model {index}": lambda model=model: model for index, model in enumerate(models)})
    start = Settings("model 0", "auto", sampling.temperature, sampling.max_tokens, sampling.top_k, sampling.seed, "")
    with PageServer(lambda: Page(engines, start, sampling), bind("127.0.0.1", 0, "web"), "127.0.0.1") as server:
        yield server
        engines.close()


class WebPage:
    """The page in a browser."""

    def __init__(self, driver, url):
        self.driver, self.url = driver, url

    def open(self):
        """Load the page until it is ready; what it kept stays."""
        self.driver.get(self.url)
        self.wait(lambda: "context" in self.text("status"))

    def wait(self, holds):
        ignored = (Exception,)  # parts of the page come and go
        WebDriverWait(self.driver, WAIT_SECONDS, 0.05, ignored).until(lambda driver: holds())

    def element(self, name, inner=""):
        return self.driver.find_element(By.CSS_SELECTOR, f"#{name} {inner}")

    def text(self, name):
        return self.element(name).get_property("textContent")

    def texts(self, selector):
        return [one.get_property("textContent") for one in self.driver.find_elements(By.CSS_SELECTOR, selector)]

    @property
    def said(self):
        """What people and models said, without the marks of the page."""
        return [text for text in self.texts("#transcript .message-content > .md") if text]

    def send(self, text):
        """Begin to ask, also for characters that the driver cannot type."""
        box = self.element("message", "textarea")
        script = """const [box, text] = arguments;
            Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(box, text);
            box.dispatchEvent(new Event("input", {bubbles: true}));"""
        self.driver.execute_script(script, box, text)
        box.send_keys(Keys.ENTER)

    def say(self, text):
        """Ask, and wait for the end of the answer."""
        self.send(text)
        self.wait(lambda: self.value("message", "textarea") == "")
        self.wait(lambda: self.is_idle() and "sha256" in self.text("status"))

    def is_idle(self):
        return self.element("send").is_enabled() and not self.element("stop").is_enabled()

    def click(self, name):
        self.element(name).click()

    def choose(self, name, value):
        """Choose a value of a list."""
        self.element(name, "input").click()
        options = self.driver.find_elements(By.CSS_SELECTOR, "[role=option]")
        next(one for one in options if one.get_attribute("aria-label") == value).click()

    def value(self, name, inner="input"):
        return self.element(name, inner).get_property("value")

    def requests(self):
        """Addresses that the browser has asked for since the last call, those of its own pages left out."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        urls = [one["params"]["request"]["url"] for one in events if one["method"] == "Network.requestWillBeSent"]
        return [url for url in urls if not url.startswith(("chrome:", "data:", "blob:"))]
