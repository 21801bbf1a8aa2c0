"""The web page in headless Chromium."""

import json

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

WAIT_SECONDS = 60


class WebPage:
    """The page in a browser."""

    def __init__(self, driver, url):
        self.driver, self.url = driver, url

    def open(self):
        """Load the page until it is ready; what it kept stays."""
        self.driver.get(self.url)
        self.wait(lambda: "context" in self.text("status"))

    def wait(self, holds, seconds=WAIT_SECONDS):
        ignored = (Exception,)  # parts of the page come and go
        WebDriverWait(self.driver, seconds, 0.05, ignored).until(lambda driver: holds())

    def element(self, name, inner=""):
        return self.driver.find_element(By.CSS_SELECTOR, f"#{name} {inner}")

    def text(self, name):
        return self.element(name).get_property("textContent")

    def texts(self, selector):
        return [one.get_property("textContent") for one in self.driver.find_elements(By.CSS_SELECTOR, selector)]

    @property
    def said(self):
        """What people and models said, without the marks of the page."""
        return self.texts("#transcript .message-content > .md:not(:has(.mark))")

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
