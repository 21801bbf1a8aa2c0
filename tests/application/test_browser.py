"""board=Browser: the module in Node.js and the page in Chromium say what Python says, and what is wrong with them."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from toy import ToyEngine, toy_define, toy_tokenizer
from toy_projects import TOY_SIZES, change_model, render_toy, toy_files

from browser import Page, chromium, firmware, page_of, window
from compilers import need
from textzoo.common.errors import UserError
from textzoo.common.paths import PLATFORM_SOURCES, PRETRAINED_MODELS
from textzoo.config import pretrained
from textzoo.config.boards import load_board
from textzoo.engines.generate import generate
from textzoo.engines.litert_engine import LitertReferenceEngine
from textzoo.engines.settings import PredictionConfig
from textzoo.pipeline.firmware import make_firmware
from textzoo.pipeline.inputs import load_tokenizer
from textzoo.targets.browser.chat_template import chat_template
from textzoo.targets.browser.module_size import module_size, sections_of
from textzoo.targets.emulators import build_image, emulate
from textzoo.targets.platforms import render_project
from textzoo.targets.toolchains import run_make
from textzoo.text.chat_templates import HEADER

TOOLS = ("make", "wasm", "node")
CONTEXT = toy_define("MODEL_CONTEXT_LENGTH")
OPTIONS = {"seed": 11, "temperature": 0.9, "top_k": 5, "max_tokens": 40}
TOO_MANY = 10**8  # tokens: nobody waits for the last one
# A change of model.c, behind the tokens of the self-check.
TRAP = ("    return logits;", "    if (position == 8) {\n        __builtin_trap();\n    }\n    return logits;")
# WCAG 2.1, level AA, for text.
CONTRAST = 4.5


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    need(*TOOLS)
    project = render_toy("Browser", tmp_path_factory.mktemp("browser") / "toy")
    build_image(project, load_board("Browser"))
    return project


@pytest.fixture(scope="module")
def driver():
    need("chromium")
    with chromium() as driver:
        yield driver


@pytest.fixture
def page(driver, project):
    window(driver, 820, 900, "light")
    page = Page(driver, page_of(project))
    page.open()
    return page


def toy_text(prompt, **options):
    return "".join(generate(ToyEngine(), toy_tokenizer(), prompt, **{**OPTIONS, **options}))


# ---- in Node.js ----


def test_the_module_says_what_python_says(project):
    with emulate(project, load_board("Browser")) as console:
        replies = list(console.command({"command": "generate", "prompt": "abc€", **OPTIONS}))
        memory = console.ask({"command": "memory"})
    assert "".join(reply.get("text", "") for reply in replies) == toy_text("abc€")
    assert replies[-1]["counter"] == "nanoseconds"
    assert 0 < memory["stack_bytes"] < memory["stack_reserved_bytes"]


def test_a_trap_is_reported_as_a_crash(tmp_path):
    need(*TOOLS)
    project = render_toy("Browser", tmp_path / "p")
    change_model(project, TRAP)
    with (
        emulate(project, load_board("Browser")) as console,
        pytest.raises(UserError, match=r"crashed: .*unreachable"),
    ):
        console.ask({"command": "generate", "prompt": "abc", "max_tokens": 9})


def test_sizes_are_read_from_the_sections(project, tmp_path):
    path = project / "build" / "board" / "toy.wasm"
    sizes, module = module_size(path, 65536), path.read_bytes()
    assert sizes.flash.weights == toy_define("MODEL_WEIGHT_BYTES")
    assert sizes.flash.code == len(dict(sections_of(module))[10])
    assert sizes.stack_reserved == 65536
    assert (sizes.ram + sizes.flash.weights + sizes.flash.constants) % 65536 == 0
    assert f"{len(module)} build/board/toy.wasm" in run_make(project, "size")


@pytest.mark.parametrize("cut", [0, 7, 9, 20, -1])
def test_a_module_that_is_cut_off_is_refused(project, cut):
    content = (project / "build" / "board" / "toy.wasm").read_bytes()
    with pytest.raises(ValueError, match="module"):
        list(sections_of(content[:cut]))


# ---- the page ----

# prompt, options of the page
ANSWERS = {
    "plain": ("abc€", {}),
    "greedy": ("abc", {"temperature": 0}),
    "the largest seed": ("abc", {"seed": 2**32 - 1, "top_k": 0}),
    "longer than the context": ("ab\nc z" * CONTEXT, {}),
    "one token": ("z", {"max_tokens": 1}),
    "stop text": ("abc", {"stop": "c", "max_tokens": 200}),
    "stop text with a new line": ("abc", {"stop": "\n", "max_tokens": 200}),
    "characters beyond 16 bits": ("\U0001f600", {"max_tokens": 200}),
}


@pytest.mark.parametrize(("prompt", "options"), ANSWERS.values(), ids=ANSWERS)
def test_the_page_writes_what_python_writes(page, prompt, options):
    expected = toy_text(prompt, **options)
    shown = {**OPTIONS, "stop": "", **options}
    shown["stop_text"] = shown.pop("stop").replace("\n", "\\n")
    assert page.answer(prompt, **shown) == expected
    assert page.texts(".prompt")[-1] == prompt


def test_the_page_begins_with_the_options_of_the_project_and_its_check(page):
    values = {name: page.driver.find_element(By.ID, name).get_property("value") for name in ("seed", "top_k")}
    assert values == {"seed": "1", "top_k": "0"}
    logits = toy_define("MODEL_CHECK_TOKENS") * toy_define("MODEL_VOCABULARY_SIZE")
    assert page.text("check") == f"the weights' CRC-32 is right; 0 of {logits} logits differ from LiteRT's"


def parts(prompt, count, seed):
    """Texts of nine tokens, each of which continues all before it, up to one with <unk>, which nothing follows."""
    found = []
    for _ in range(count):
        found.append(toy_text(prompt + "".join(found), max_tokens=9, seed=seed))
        if "\ufffd" in found[-1]:
            break
    return found


def test_texts_go_on_and_can_be_written_anew(page):
    seed = next(seed for seed in range(999) if all("\ufffd" not in part for part in parts("abc", 3, seed)))
    expected = parts("abc", 3, seed)
    page.answer("abc", **{**OPTIONS, "max_tokens": 9, "seed": seed})
    for _ in range(2):
        page.click("further")
        page.wait(page.is_ready)
    assert page.texts(".answer") == expected
    page.click("again")
    page.wait(page.is_ready)
    assert page.texts(".answer")[-1] == toy_text("abc", max_tokens=9, seed=seed + 1)
    page.click("clear")
    assert page.texts(".answer") == []


def conversation(messages, template, **options):
    """The prompts of a conversation that a context of CONTEXT tokens has room for, and their answers."""
    turns, prompts = [], []
    room = CONTEXT - min(options["max_tokens"], CONTEXT // 2)
    for message in messages:
        turns.append(template["user"][0] + message + template["user"][1])
        kept = list(turns)
        while len(kept) > 1 and len("".join(kept) + template["assistant"][0].rstrip(" ")) > room:
            kept = kept[2:]
        prompts.append("".join(kept) + template["assistant"][0].rstrip(" "))
        answer = toy_text(prompts[-1], stop=template["stop"] or None, **options)
        answer = answer.lstrip(" ") if template["stop"] else answer
        turns.append(template["assistant"][0] + answer + template["assistant"][1])
        yield prompts[-1], answer


PLAIN = {"system": ["", "\n"], "user": ["", ""], "assistant": ["", "\n"], "stop": ""}
DIALOGUE = {
    **HEADER,
    "name": "toy",
    "system": ["", "\n"],
    "user": ["a ", "\n"],
    "assistant": ["b ", "\n"],
    "stop": "\n",
}


@pytest.mark.parametrize("template", [PLAIN, DIALOGUE], ids=["plain", "dialogue"])
def test_a_conversation_continues_what_fits_the_context(driver, project, tmp_path, template):
    if template is not PLAIN:
        files = toy_files() | {"chat_template.json": json.dumps(template)}
        project = render_project(load_board("Browser"), files, TOY_SIZES, [], tmp_path / "p")
        build_image(project, load_board("Browser"))
    page = Page(driver, page_of(project))
    page.open()
    options = {**OPTIONS, "max_tokens": 3}
    messages = ["a", "bz", "c", "abcabc", "z" * CONTEXT, "a"]
    for number, (_, answer) in enumerate(conversation(messages, template, **options)):
        assert page.answer(messages[number], **options) == answer
    assert "no longer fit the context" in page.texts(".turn .hint")[-1]
    page.forget()
    assert page.answer("a", **options) == next(conversation(["a"], template, **options))[1]


CHANGES = [{"user": ["a"]}, {"stop": None}, {"stop": "a" * 1001}, {"version": 2}, {"program": "rm"}]
WRONG_TEMPLATES = ["{", "[]", "{}", *(json.dumps({**DIALOGUE, **change}) for change in CHANGES)]


@pytest.mark.parametrize("content", WRONG_TEMPLATES)
def test_a_wrong_chat_template_is_refused(tmp_path, content):
    with pytest.raises(UserError, match=r"chat_template\.json"):
        render_project(
            load_board("Browser"), toy_files() | {"chat_template.json": content}, TOY_SIZES, [], tmp_path / "p"
        )
    assert not (tmp_path / "p").exists()


def test_a_template_cannot_end_its_element(tmp_path):
    (tmp_path / "chat_template.json").write_text(json.dumps({**DIALOGUE, "stop": "</script><b>"}))
    assert "<" not in chat_template(tmp_path)
    assert json.loads(chat_template(tmp_path))["stop"] == "</script><b>"


@pytest.fixture(scope="module")
def slow_project(tmp_path_factory):
    """The toy takes as long for a token as a language model, so that texts do not grow without end."""
    need(*TOOLS)
    project = render_toy("Browser", tmp_path_factory.mktemp("slow") / "toy")
    wait = "    for (volatile int32_t turn = 0; turn < 100000; ++turn) {\n    }\n"
    change_model(project, ("    return logits;", f"{wait}    return logits;"))
    build_image(project, load_board("Browser"))
    return project


@pytest.mark.slow
@pytest.mark.parametrize("way", ["button", "key"])
def test_an_answer_can_be_stopped_at_any_token(driver, slow_project, way):
    page = Page(driver, page_of(slow_project))
    page.open()
    page.ask("abc", **{**OPTIONS, "max_tokens": TOO_MANY})
    page.wait(lambda: len(page.texts(".answer")[0]) > 0)
    assert page.driver.find_element(By.CSS_SELECTOR, ".turn").get_attribute("aria-busy") == "true"
    if way == "button":
        page.click("stop")
    else:
        page.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    page.wait(page.is_ready)
    written = page.texts(".answer")[0]
    assert "; stopped" in page.texts(".turn .hint")[0]
    tokens = int(re.match(r"[\d,]+", page.texts(".turn .hint")[0])[0].replace(",", ""))
    some = min(tokens, 500)
    assert written.startswith(toy_text("abc", max_tokens=some)[:-1])
    # And it goes on with another text as if nothing had been.
    page.forget()
    assert page.answer("abc€", **OPTIONS) == toy_text("abc€")


def test_keys_are_enough(page):
    prompt = page.driver.switch_to.active_element
    assert prompt.get_attribute("id") == "prompt"
    prompt.send_keys("abc", Keys.SHIFT, Keys.ENTER, Keys.NULL, "z", Keys.ENTER)
    page.wait(lambda: page.texts(".prompt") == ["abc\nz"])
    page.wait(page.is_ready)
    reached = []
    for _ in range(8):
        page.driver.switch_to.active_element.send_keys(Keys.TAB)
        reached.append(page.driver.switch_to.active_element.get_attribute("id"))
    assert [name for name in ("send", "further", "again", "clear") if name not in reached] == []


# options of the page, what it says
REFUSED = {
    "empty": ("", {}, "Write at least one character."),
    "temperature": ("a", {"temperature": "hot"}, "temperature: expected a number, 0 (greedy) to 32768"),
    "too many": ("a", {"max_tokens": 2**31}, "max tokens: expected a whole number"),
    "seed": ("a", {"seed": 2**32}, "seed: expected a whole number, 0 to 4294967295"),
    "nothing": ("a", {"top_k": " "}, "top k: expected a whole number, 0 for all tokens"),
    "long stop": ("a", {"stop_text": "€" * 11}, "stop: expected UTF-8 of at most 32 bytes, without U+FFFD"),
    "unknown character": ("ab<img src=x>", {}, 'The model has no token for "<".'),
}


@pytest.mark.parametrize(("prompt", "options", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_said(page, prompt, options, message):
    page.ask(prompt, **options)
    page.wait(lambda: page.text("message") == message)
    assert page.texts(".turn") == []


def test_a_name_is_never_a_part_of_the_page(tmp_path):
    sizes = replace(TOY_SIZES, name='<img src=x>"&')
    project = render_project(load_board("Browser"), toy_files(), sizes, [], tmp_path / "p")
    text = (project / "board" / "page.html").read_text()
    assert "<img" not in text
    assert "<h1>&lt;img src=x&gt;&#34;&amp;</h1>" in text


def test_a_text_is_never_a_part_of_the_page(page):
    """Shown with unknown characters, which the toy model reads as <unk>."""
    page.driver.execute_script("model.set('unknown', 'unk')")
    prompt = "<img src=x onerror=document.title='1'><b>&amp;</b>\u202e\x00\ud7ff"
    page.answer(prompt, **OPTIONS)
    assert page.texts(".prompt")[0] == prompt
    assert page.driver.find_elements(By.CSS_SELECTOR, "img, b") == []


def test_the_page_needs_no_network_and_runs_no_other_script(page):
    page.answer("abc", **OPTIONS)
    assert page.driver.execute_script("return performance.getEntriesByType('resource').length") == 0
    script = """
        const done = arguments[0], reports = [];
        document.addEventListener("securitypolicyviolation", event => reports.push(event.effectiveDirective));
        document.body.append(Object.assign(document.createElement("script"), {textContent: "document.title = 'bad'"}));
        document.body.append(Object.assign(new Image(), {src: "http://127.0.0.1:9/x.png"}));
        fetch("http://127.0.0.1:9/").catch(() => {}).then(() => setTimeout(() => done(reports), 200));"""
    reports = page.driver.execute_async_script(script)
    assert {"connect-src", "img-src", "script-src-elem"} <= set(reports)
    assert page.driver.title == "toy: a language model in one file"


@pytest.mark.parametrize("width", [320, 390, 820, 1600])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_nothing_hangs_over_the_edge_in_any_colours(page, width, colours):
    window(page.driver, width, 800, colours)
    page.answer("z" * 400, **OPTIONS)
    over, paper = page.driver.execute_script(
        "return [document.documentElement.scrollWidth - document.documentElement.clientWidth,"
        " getComputedStyle(document.body).backgroundColor]"
    )
    assert over <= 0
    assert (luminance([int(part) for part in re.findall(r"\d+", paper)]) < 0.2) == (colours == "dark")


def test_every_input_has_a_label_and_buttons_are_large_enough_for_a_finger(page):
    unlabelled, small = page.driver.execute_script(
        "document.querySelector('details').open = true;"
        "return [[...document.querySelectorAll('input, textarea')].filter(it => it.labels.length !== 1).length,"
        " [...document.querySelectorAll('button')].filter(it => it.offsetHeight < 40).length]"
    )
    assert (unlabelled, small) == (0, 0)


def luminance(colour):
    """Of red, green and blue, as WCAG defines it."""
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def palettes():
    """The colours of the page by name: light, dark."""
    blocks = re.findall(r":root \{(.*?)\}", (PLATFORM_SOURCES / "browser/page.css").read_text(), re.DOTALL)
    return [dict(re.findall(r"--([\w-]+): #(\w{6})", block)) for block in blocks]


@pytest.mark.parametrize("place", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "paper"),
    [*((ink, paper) for ink in ("ink", "faint") for paper in ("paper", "panel")), ("on-accent", "accent")]
    + [(ink, "paper") for ink in ("accent", "good", "bad")],
)
def test_texts_stand_out_from_what_is_behind_them(place, ink, paper):
    colours = {name: luminance(bytes.fromhex(code)) for name, code in palettes()[place].items()}
    dark, light = sorted((colours[ink], colours[paper]))
    assert (light + 0.05) / (dark + 0.05) >= CONTRAST


@pytest.mark.slow
def test_a_trap_ends_the_answer_and_not_the_page(driver, tmp_path):
    need(*TOOLS)
    project = render_toy("Browser", tmp_path / "p")
    change_model(project, TRAP)
    build_image(project, load_board("Browser"))
    page = Page(driver, page_of(project))
    page.open()
    page.answer("abc", **OPTIONS)
    assert page.text("message") == "The model cannot go on: unreachable"
    page.forget()
    assert page.answer("abc", **{**OPTIONS, "max_tokens": 4}) == toy_text("abc", max_tokens=4)


# change of model.c, what the page says
DAMAGED = {
    "weights": ("{54, 15,", "{55, 15,", "the weights are DAMAGED"),
    "logits": ("* 1664525u", "* 1664527u", "the logits DIFFER from LiteRT's"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("old", "new", "message"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_model_is_noticed(driver, tmp_path, old, new, message):
    need(*TOOLS)
    project = render_toy("Browser", tmp_path / "p")
    change_model(project, (old, new))
    build_image(project, load_board("Browser"))
    page = Page(driver, page_of(project))
    page.open()
    assert message in page.text("check")
    assert page.driver.find_element(By.ID, "check").get_attribute("class") == "bad"


@pytest.mark.parametrize("missing", ["WebAssembly", "DecompressionStream"])
def test_an_old_browser_is_told_which_one_to_take(driver, project, missing):
    page, source = Page(driver, page_of(project)), {"source": f"delete window.{missing}"}
    script = driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", source)
    page.open()
    driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
    assert page.text("check").startswith(f"This browser cannot run the model: {missing} is not defined")
    assert "Chromium 91, Firefox 113" in page.text("check")
    assert not page.is_ready()


# ---- a trained model ----

PROMPTS = {"pico_gpt": ("ROMEO:\n", "k" * 300), "tiny_lm": ("The file é€\U0001f600", "\x7f")}


@pytest.mark.slow
@pytest.mark.parametrize("name", PROMPTS)
def test_a_pretrained_model_writes_on_the_page_what_litert_writes(driver, tmp_path, name):
    """Past the end of its context; and its page is at most 1.4 times as large as its weights, code included."""
    need(*TOOLS)
    made = firmware(name, "Browser", tmp_path / name)
    build_image(made.project, made.board)
    page, folder = Page(driver, page_of(made.project)), PRETRAINED_MODELS / name
    page.open()
    engine = LitertReferenceEngine(folder / "decode_static_wi8_ai8.tflite")
    tokenizer = load_tokenizer(folder / "tokenizer.json")
    options = {"seed": 7, "temperature": 0.8, "top_k": 40, "max_tokens": 180}
    for prompt in PROMPTS[name]:
        expected = "".join(generate(engine, tokenizer, prompt, **options))
        assert page.answer(prompt, **options, stop_text="") == expected
    assert page.speed() > 0
    if made.sizes.weight_bytes > 200_000:
        assert page.path.stat().st_size <= 1.4 * made.sizes.weight_bytes


@pytest.mark.slow
def test_the_page_copies_from_the_message_under_a_grammar(driver, tmp_path):
    """Not from the template's text around it, nor from what was said before."""
    need(*TOOLS)
    (tmp_path / "grammar.json").write_text('{"type": "string", "format": "input-span"}')
    (tmp_path / "template.json").write_text(json.dumps(DIALOGUE))
    defaults = PredictionConfig(grammar=str(tmp_path / "grammar.json"), max_tokens=30)
    paths, board = pretrained.overrides("tiny_lm", "static_wi8_ai8"), load_board("Browser")
    model, tokenizer = Path(paths["model.quantized_model_path"]), load_tokenizer(Path(paths["tokenizer.path"]))
    options = {"defaults": defaults, "template": tmp_path / "template.json"}
    made = make_firmware(model, tokenizer, board, tmp_path / "project", **options)
    build_image(made.project, board)
    page = Page(driver, page_of(made.project))
    page.open()
    for message in ("Zyx", "Qor"):
        assert page.answer(message, stop_text="") == f'"{message}"'
