"""The page, of Gradio's components. It draws, and hands what is pressed to the session."""

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Any

import gradio as gr

from textzoo.common.errors import UserError
from textzoo.serving.sources import Sampling
from textzoo.serving.web import keeping, view
from textzoo.serving.web.engines import Engines
from textzoo.serving.web.session import MAX_TEXT, SAMPLING, PageSession, Settings

TITLE = "TextZoo"
PURPOSE = "Tiny language models for microcontrollers: they continue a text, and know next to nothing of the world."
STORAGE, STORAGE_TALK = "textzoo-settings", "textzoo-conversation"
# Not a secret: the browser's values are checked whatever they are. A fixed one, so that they outlive the server.
STORAGE_KEY = "textzoo"
NAMES = [entry.name for entry in dataclasses.fields(Settings)]
PRIVATE = {"api_visibility": "private", "show_progress": "hidden"}
FONTS = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}
CSS = """
.gradio-container { max-width: 1100px !important; margin: 0 auto !important; }
#title h1 { margin: 0; font-size: 1.4rem; }
#transcript .message-content > .md { display: block; white-space: pre-wrap; overflow-wrap: anywhere;
  unicode-bidi: plaintext; text-align: start; }
textarea { unicode-bidi: plaintext; }
#transcript .icon-button-wrapper { display: none; }
#transcript .bot:has(.mark) { background: none; border: 0; box-shadow: none; }
.one-text { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: plaintext; }
.one-text { min-height: 12rem; padding: 1rem; font-size: 1rem; line-height: 1.6; }
.one-text .said { font-weight: 600; }
.mark { display: block; margin: .5rem 0; padding: .1rem .6rem; border-left: 3px solid var(--color-accent);
  font-size: .85rem; font-weight: 400; color: var(--body-text-color); }
#transcript .mark { margin: 0; }
.min_value, .max_value, ::placeholder { color: var(--block-label-text-color) !important; opacity: 1 !important; }
.dark ::placeholder { opacity: .6 !important; }
input:focus-visible { outline: 2px solid var(--color-accent); outline-offset: 2px; }
.figures { font-size: .85rem; color: var(--body-text-color); overflow-wrap: anywhere; }
.notice { margin-top: .3rem; white-space: pre-wrap; overflow-wrap: anywhere; color: var(--body-text-color);
  padding: .3rem .6rem; border-left: 3px solid var(--color-accent); }
"""
# Makes of the settings' components what the browser keeps; it asks nobody.
KEEP = f"(...values) => Object.fromEntries({json.dumps(NAMES)}.map((name, index) => [name, values[index]]))"
# The theme's orange is too light behind white letters.
COLOURS = {f"button_primary_background_fill{kind}": "*primary_700" for kind in ("", "_dark")}
COLOURS |= {f"button_primary_background_fill_hover{kind}": "*primary_800" for kind in ("", "_dark")}
# A tab keeps its own conversation until it is closed, unless the browser forbids it.
FETCH = """(stored, _) => {
  try { return [stored, sessionStorage.getItem("NAME") || ""] } catch { return [stored, ""] } }"""
FETCH = FETCH.replace("NAME", STORAGE_TALK)
KEEP_TALK = f'(kept) => {{ try {{ sessionStorage.setItem("{STORAGE_TALK}", kept) }} catch {{}} }}'
# How the page is launched or mounted. Gradio's history of runs would keep conversations, and offer to send them away.
LOOKS = {"theme": gr.themes.Default(**FONTS).set(**COLOURS), "css": CSS, "footer_links": []}
LOOKS |= {"run_history": False, "ssr_mode": False}


class Page:
    """The page.

    Args:
        engines: All that can answer.
        start: What counts in a browser that has kept nothing.
        sampling: What the settings do not say.
    """

    def __init__(self, engines: Engines, start: Settings, sampling: Sampling) -> None:
        self.engines, self.start, self.sampling = engines, start, sampling
        self.blocks = gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True)
        with self.blocks:
            self.session = gr.State(None)
            self.stored = gr.BrowserState(None, storage_key=STORAGE, secret=STORAGE_KEY)
            self.kept = gr.Textbox(visible="hidden")
            gr.HTML(f"<h1>{TITLE}</h1>{PURPOSE}", elem_id="title")
            with gr.Row():
                with gr.Column(scale=3, min_width=320):
                    self.lay_out_conversation()
                with gr.Column(scale=1, min_width=260):
                    self.lay_out_settings()
            self.connect()
        self.blocks.queue(default_concurrency_limit=None, api_open=False)

    def lay_out_conversation(self) -> None:
        self.transcript = gr.Chatbot(
            elem_id="transcript",
            label="Conversation",
            height=460,
            render_markdown=False,  # what people and models write is shown as it is: `view` escapes it
            allow_tags=True,
            latex_delimiters=[],
            buttons=[],
            group_consecutive_messages=False,
            feedback_options=None,
        )
        self.text = gr.HTML(elem_id="text", visible=False, container=True, label="Text", js_on_load=None)
        self.message = gr.Textbox(
            elem_id="message", label="Message", show_label=False, placeholder="Say something", lines=1, max_lines=8
        )
        with gr.Row():
            self.send = gr.Button("Send", variant="primary", elem_id="send", min_width=80)
            self.stop = gr.Button("Stop", variant="stop", elem_id="stop", min_width=80, interactive=False)
            self.again = gr.Button("Regenerate", elem_id="again", min_width=130)
            self.edit = gr.Button("Edit", elem_id="edit", min_width=80)
            self.clear = gr.Button("Clear", elem_id="clear", min_width=80)
        self.status = gr.HTML(elem_id="status", js_on_load=None)

    def lay_out_settings(self) -> None:
        start = self.start
        self.model = gr.Dropdown(self.engines.choices, value=start.model, label="Model", elem_id="model")
        self.engine = gr.Dropdown([start.engine], value=start.engine, label="Engine", elem_id="engine")
        self.values = [
            gr.Slider(
                0,
                max(2, start.temperature),
                value=start.temperature,
                step=0.05,
                label="Temperature",
                elem_id="temperature",
            ),
            gr.Slider(
                1,
                max(1000, start.max_tokens),
                value=start.max_tokens,
                step=1,
                label="Longest answer, in tokens",
                elem_id="max_tokens",
            ),
            gr.Number(start.top_k, precision=0, label="Top k (0: all tokens)", elem_id="top_k"),
            gr.Number(start.seed, precision=0, label="Seed", elem_id="seed"),
            gr.Textbox(start.system, max_length=MAX_TEXT, lines=2, label="System text", elem_id="system"),
        ]

    @property
    def settings(self) -> list[Any]:
        """The components of Settings, in its order."""
        return [self.model, self.engine, *self.values]

    @property
    def shown(self) -> list[Any]:
        """The components that `view` fills."""
        return [self.transcript, self.text, self.status, self.send, self.stop, self.kept]

    def connect(self) -> None:
        """Say what happens when something is pressed."""
        inputs, outputs = [self.session, *self.settings], [self.message, *self.shown]
        self.blocks.load(
            self.begin,
            [self.stored, self.kept],
            [self.session, *self.settings, *self.shown],
            js=FETCH,
            api_name="begin",
            **PRIVATE,
        )
        self.kept.change(None, [self.kept], None, js=KEEP_TALK, **PRIVATE)
        gr.on(
            [self.message.submit, self.send.click],
            self.ask,
            [self.session, self.message, *self.settings],
            outputs,
            api_name="ask",
            **PRIVATE,
        )
        self.again.click(self.regenerate, inputs, outputs, api_name="regenerate", **PRIVATE)
        self.stop.click(stop, [self.session], None, api_name="stop", **PRIVATE)
        self.edit.click(take_back, [self.session, self.message], outputs, api_name="edit", **PRIVATE)
        gr.on(
            [self.clear.click, self.transcript.clear],
            clear,
            [self.session],
            self.shown,
            api_name="clear",
            **PRIVATE,
        )
        # Not `input`, which Gradio sends twice: when a value is chosen, and when its list loses the focus.
        self.model.select(self.choose_model, inputs, [*self.settings, *self.shown], api_name="model", **PRIVATE)
        self.engine.select(self.choose_engine, inputs, [*self.settings, *self.shown], api_name="engine", **PRIVATE)
        gr.on([one.change for one in self.settings], None, self.settings, self.stored, js=KEEP, **PRIVATE)

    async def begin(self, stored: Any, kept: Any) -> list[Any]:
        """Return a new session with what the browser has kept, as far as it is possible now."""
        session = PageSession(self.engines, self.sampling)
        settings, talk = self.readable(stored), keeping.read(kept)
        if talk:
            settings = dataclasses.replace(settings, model=talk.model, engine=talk.engine)
        try:
            await session.choose(settings.model, settings.engine)
        except UserError as error:
            settings = dataclasses.replace(settings, model=self.start.model, engine=self.start.engine)
            await session.choose(settings.model, settings.engine)
            session.notice = str(error)
        if talk and session.opened.choice == talk.model:
            session.conversation.turns = await asyncio.to_thread(keeping.turns_for, talk, session.opened.source)
        return [session, *self.filled(session, settings), *shown(session)]

    def readable(self, stored: Any) -> Settings:
        """Return kept settings where they are some that this page could have kept."""
        try:
            found = dataclasses.replace(self.start, **stored)
            found.sampling(self.sampling)
        except (TypeError, UserError):
            return self.start
        return found

    def filled(self, session: PageSession, settings: Settings) -> list[Any]:
        """Return the settings' components with what is chosen now."""
        opened = session.opened
        return [
            opened.choice,
            gr.Dropdown(self.engines.model(opened.choice).engines, value=opened.source.name),
            *(getattr(settings, key) for key in SAMPLING),
            gr.Textbox(settings.system, visible=opened.template.has_roles),
        ]

    async def ask(self, session: PageSession, message: str, *values: Any) -> AsyncIterator[list[Any]]:
        check(session)
        if not message:
            yield [message, *shown(session)]
            return
        async for view_now in stepped(session, session.ask(message, Settings(*values))):
            yield ["", *view_now]
        if session.notice:
            yield [message, *shown(session)]  # it was not answered: the user can change it

    async def regenerate(self, session: PageSession, *values: Any) -> AsyncIterator[list[Any]]:
        check(session)
        async for view_now in stepped(session, session.regenerate(Settings(*values))):
            yield [gr.skip(), *view_now]

    async def choose_model(self, session: PageSession, model: str, _engine: str, *values: Any) -> list[Any]:
        return await self.chosen(session, Settings(model, "auto", *values))

    async def choose_engine(self, session: PageSession, *values: Any) -> list[Any]:
        return await self.chosen(session, Settings(*values))

    async def chosen(self, session: PageSession, settings: Settings) -> list[Any]:
        """Let a model on an engine answer, or say why that is not possible; then what answered before stays chosen."""
        check(session)
        try:
            settings.sampling(self.sampling)
            with session.alone():
                await session.choose(settings.model, settings.engine)
        except UserError as error:
            session.notice = str(error)
            settings = self.readable(dataclasses.asdict(settings))
        return [*self.filled(session, settings), *shown(session)]


async def stepped(session: PageSession, steps: AsyncIterator[None]) -> AsyncIterator[list[Any]]:
    """Show the session at each step, and at the end, whatever it is."""
    try:
        with session.alone():
            async for _ in steps:
                yield shown(session)
    except UserError as error:
        session.notice = str(error)
    yield shown(session)


def check(session: PageSession | None) -> None:
    """Raise Gradio's error for a page that an earlier server has shown."""
    if session is None:
        raise gr.Error("The server has begun anew: reload the page.", print_exception=False)


def stop(session: PageSession) -> None:
    check(session)
    session.stop()


def take_back(session: PageSession, message: str) -> list[Any]:
    check(session)
    return [session.edit() or message, *shown(session)]


def clear(session: PageSession) -> list[Any]:
    check(session)
    session.clear()
    return shown(session)


def shown(session: PageSession) -> list[Any]:
    """Return the components that show the session."""
    has_roles, is_busy = session.opened.template.has_roles, session.job is not None
    return [
        gr.Chatbot(view.messages(session) if has_roles else [], visible=has_roles),
        gr.HTML("" if has_roles else view.one_text(session), visible=not has_roles),
        view.status(session),
        gr.Button(interactive=not is_busy),
        gr.Button(interactive=is_busy),
        gr.skip() if is_busy else keeping.kept(session),
    ]
