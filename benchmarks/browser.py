"""The speed and size of board=Browser: native code, Node.js and Chromium in one run.

Run: python benchmarks/browser.py [--models pico_gpt tiny_lm] [--answers 20] [--pictures docs/pictures]
Prints JSON: for each pretrained model the tokens per second of its native program, of the WebAssembly module in Node.js
and of its page in headless Chromium (medians over answers of one context, the same seeds in all three, whose texts must
be equal), the logits that differ from LiteRT's in Node.js, and the bytes of weights, module and page. `--pictures` also
writes pictures of the page: wide and light, and as narrow and dark as on a phone.
"""

import argparse
import contextlib
import json
import re
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from textzoo.common.paths import PRETRAINED_MODELS
from textzoo.config.boards import load_board
from textzoo.pipeline.firmware import Firmware, make_firmware
from textzoo.pipeline.inputs import load_tokenizer
from textzoo.services.benchmarking import mismatches
from textzoo.targets.console import Console
from textzoo.targets.emulators import build_image, emulate, run_host

MODELS = ("pico_gpt", "tiny_lm")
RECIPE = "decode_static_wi8_ai8.tflite"
PROMPT = "The "
TOKENS_CHECKED = 1000
WAIT_SECONDS = 60
# After which the browser has optimized the module.
WARM_UP_TOKENS = 2000
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip
SPEED = re.compile(r"([\d,]+) tokens per second")
# Name of a picture -> width and height of the window in CSS pixels, colours, texts to continue.
PICTURES = {
    "browser": (820, 900, "light", ("ROMEO:\n", "What light ")),
    "browser_phone": (390, 844, "dark", ("JULIET:\nO ",)),
}


@contextlib.contextmanager
def chromium(*flags: str, logs: tuple[str, ...] = ()) -> Iterator[webdriver.Chrome]:
    """Start headless Chromium with an empty profile, keeping logs of these kinds; it ends with the block."""
    options = webdriver.ChromeOptions()
    options.set_capability("goog:loggingPrefs", dict.fromkeys(logs, "ALL"))
    options.binary_location = shutil.which("chromium") or ""
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    with tempfile.TemporaryDirectory(prefix="textzoo-chromium-", ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}", *flags):
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=service)
        try:
            yield driver
        finally:
            driver.quit()


@dataclass
class Page:
    """The page of a model in a browser.

    Args:
        driver: The browser.
        path: The page's file, which is opened without a server.
    """

    driver: webdriver.Chrome
    path: Path

    def open(self) -> None:
        """Load the page, until it is ready or says why it cannot run."""
        self.driver.get(self.path.resolve().as_uri())
        self.wait(lambda: self.text("check") != "running")

    def wait(self, condition: Callable[[], bool]) -> None:
        WebDriverWait(self.driver, WAIT_SECONDS, poll_frequency=0.02).until(lambda driver: condition())

    def is_ready(self) -> bool:
        """Return whether the page waits for a text."""
        return self.driver.find_element(By.ID, "send").is_enabled()

    def text(self, name: str) -> str:
        """Return the text of the element with this id."""
        return self.driver.find_element(By.ID, name).get_property("textContent")

    def texts(self, selector: str) -> list[str]:
        found = self.driver.find_elements(By.CSS_SELECTOR, selector)
        return [element.get_property("textContent") for element in found]

    def set(self, name: str, value: str) -> None:
        """Set an input as typing does, also to characters that the driver cannot type."""
        self.driver.execute_script("document.getElementById(arguments[0]).value = arguments[1]", name, value)

    def forget(self) -> None:
        """Let every text stand alone."""
        self.driver.execute_script("document.getElementById('remember').checked = false")

    def click(self, name: str) -> None:
        self.driver.find_element(By.ID, name).click()

    def answer(self, prompt: str, **options: Any) -> str:
        """Continue a prompt with options by their ids in the page; return the continuation."""
        self.ask(prompt, **options)
        self.wait(self.is_ready)
        return self.texts(".answer")[-1]

    def ask(self, prompt: str, **options: Any) -> None:
        """Begin to continue a prompt."""
        for name, value in options.items():
            self.set(name, str(value))
        self.set("prompt", prompt)
        self.click("send")

    def speed(self) -> float:
        """Return the tokens per second of the latest answer."""
        return float(SPEED.search(self.text("speed"))[1].replace(",", ""))


def page_of(project: Path) -> Path:
    """Return the page that a project builds."""
    return project / "build" / "textzoo.html"


def firmware(name: str, board: str | None, folder: Path) -> Firmware:
    """Make the project of a pretrained model for a board, or for this machine (None)."""
    path = PRETRAINED_MODELS / name / RECIPE
    tokenizer = load_tokenizer(path.with_name("tokenizer.json"))
    target = load_board(board) if board else None
    return make_firmware(path, tokenizer, target, folder, name=name, tokens_checked=TOKENS_CHECKED)


def console_answer(console: Console, tokens: int, seed: int) -> tuple[str, float]:
    """Let a console continue PROMPT; return the text and its tokens per second."""
    command = {"command": "generate", "prompt": PROMPT, "max_tokens": tokens, "seed": seed, "stop": ""}
    replies = list(console.command(command))
    return "".join(reply["text"] for reply in replies[:-1]), 1e9 * replies[-1]["tokens"] / replies[-1]["cost"]


def page_answer(page: Page, tokens: int, seed: int) -> tuple[str, float]:
    """Let the page do the same."""
    return page.answer(PROMPT, max_tokens=tokens, seed=seed, stop_text=""), page.speed()


def measure(name: str, answers: int, folder: Path) -> dict[str, Any]:
    """Measure a model; raise ValueError if a text is another one."""
    native, module = firmware(name, None, folder / "native"), firmware(name, "Browser", folder / "module")
    tokens = module.engine.context_length - len(PROMPT) + 1  # which fill the context and do not slide
    image = build_image(module.project, module.board)
    page = page_of(module.project)
    figures: dict[str, list[float]] = {"native": [], "node": [], "chromium": []}
    with run_host(native.project) as here, emulate(module.project, module.board) as node, chromium() as driver:
        wrong = mismatches(module, node, TOKENS_CHECKED)
        opened = Page(driver, page)
        opened.open()
        opened.forget()
        for seed in range(answers):
            found = {
                "native": console_answer(here, tokens, seed),
                "node": console_answer(node, tokens, seed),
                "chromium": page_answer(opened, tokens, seed),
            }
            if len({text for text, _ in found.values()}) > 1:
                raise ValueError(f"{name}, seed {seed}: {found}")
            for place, (_, speed) in found.items():
                figures[place].append(speed)
        check = opened.text("check")
    speeds = {place: round(statistics.median(found)) for place, found in figures.items()}
    weights = module.sizes.weight_bytes
    return {
        "model": name,
        "tokens_per_second": speeds,
        "of_native": {place: round(speeds[place] / speeds["native"], 2) for place in ("node", "chromium")},
        "mismatching_logits": wrong,
        "tokens_checked": TOKENS_CHECKED,
        "self_check": check,
        "weight_bytes": weights,
        "module_bytes": image.stat().st_size,
        "page_bytes": page.stat().st_size,
        "page_per_weights": round(page.stat().st_size / weights, 3),
    }


def draw(folder: Path, into: Path) -> None:
    """Write PICTURES of pico_gpt's page."""
    module = firmware("pico_gpt", "Browser", folder / "pictured")
    build_image(module.project, module.board)
    for name, (width, height, colours, prompts) in PICTURES.items():
        with chromium() as driver:
            window(driver, width, height, colours)
            page = Page(driver, page_of(module.project))
            page.open()
            page.answer(PROMPT, max_tokens=WARM_UP_TOKENS)
            page.click("clear")
            for seed, prompt in enumerate(prompts, 1):
                page.answer(prompt, max_tokens=160, seed=seed)
            driver.save_screenshot(str(into / f"{name}.png"))


def window(driver: webdriver.Chrome, width: int, height: int, colours: str) -> None:
    """Show pages as a screen of this size does that prefers light or dark colours."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1.5, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    media = {"features": [{"name": "prefers-color-scheme", "value": colours}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="*", default=MODELS)
    parser.add_argument("--answers", type=int, default=20)
    parser.add_argument("--pictures", type=Path)
    arguments = parser.parse_args()
    # Only JSON goes to the standard output.
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        rows = [measure(name, arguments.answers, Path(folder) / name) for name in arguments.models]
        if arguments.pictures:
            draw(Path(folder), arguments.pictures)
    print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
