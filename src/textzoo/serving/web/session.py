"""What one browser talks about: a conversation, the engine that answers it, and the answer that is being made."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

from textzoo.common.errors import UserError, raise_all
from textzoo.common.settings import build_section
from textzoo.serving.conversation import Conversation, Reply, Turn
from textzoo.serving.figures import counted
from textzoo.serving.http.errors import ApiError
from textzoo.serving.http.worker import Job
from textzoo.serving.sources import Sampling
from textzoo.serving.web.engines import Engines, Opened
from textzoo.text.chat_templates import ASSISTANT, USER
from textzoo.text.settings import SamplingConfig

# How long the page waits for text before it looks whether somebody still wants it.
POLL_SECONDS = 0.2
# Pieces that come faster are shown together.
SHOW_SECONDS = 0.04
MAX_TEXT = 1000  # characters


@dataclass(frozen=True)
class Settings:
    """What a browser keeps: its values are the user's, so they are checked wherever they are used.

    Attributes:
        model: Name of the choice.
        engine: Name of the engine.
        temperature, max_tokens, top_k, seed: As in the section `prediction`.
        system: Text at the beginning.
    """

    model: str
    engine: str
    temperature: float
    max_tokens: int
    top_k: int
    seed: int
    system: str

    def sampling(self, base: Sampling) -> Sampling:
        """Return a sampling with these values; raise UserError if one of all has a wrong type or is out of range."""
        errors = [
            UserError(f"wrong {key}", expected=f"a text of at most {MAX_TEXT} characters")
            for key in ("model", "engine", "system")
            if not isinstance(text := getattr(self, key), str) or len(text) > MAX_TEXT
        ]
        values = {key: getattr(self, key) for key in SAMPLING}
        section = build_section(SamplingConfig, values, "", errors)
        raise_all(errors)
        return dataclasses.replace(base, **{key: getattr(section, key) for key in SAMPLING})


SAMPLING = ("temperature", "max_tokens", "top_k", "seed")


class Replay(Job):
    """A conversation's answers, made again on another engine to count the tokens that differ."""

    def __init__(self, conversation: Conversation, opened: Opened) -> None:
        super().__init__(lambda: conversation.ask(""))
        self.conversation, self.source, self.differing = conversation, opened.source, 0

    def run(self) -> None:
        try:
            self.differing = sum(self.conversation.replay(self.source))
        except UserError as error:
            self.error = ApiError(502, error.what, code="engine_failed")


class PageSession:
    """One browser's page.

    Args:
        engines: All that can answer.
        sampling: What the settings do not say: stop texts, and what to do with unknown characters.

    Attributes:
        opened: What answers; None before the first choice.
        conversation: With it.
        job: The answer that is being made, or waits for its turn.
        before, asked, text: The turns before it, the message that it answers, and the answer so far.
        is_busy: Whether an answer is being made, or an engine opened.
        notice: What the user should know about the last action; "" for nothing.
    """

    def __init__(self, engines: Engines, sampling: Sampling) -> None:
        self.engines, self.base = engines, sampling
        self.opened: Opened | None = None
        self.conversation: Conversation | None = None
        self.job: Job | None = None
        self.before: list[Turn] = []
        self.asked = self.text = self.notice = ""
        self.is_busy = False

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Do one thing at a time; raise UserError if something is being done."""
        if self.is_busy:
            raise UserError("an answer is being made", remedy="Stop it first.")
        self.is_busy = True
        try:
            yield
        finally:
            self.is_busy = False

    async def choose(self, model: str, engine: str) -> None:
        """Let a model on an engine answer; the conversation goes on if only the engine is another one.

        Raises:
            UserError: It cannot be opened; what answered before stays.
        """
        opened = await asyncio.to_thread(self.engines.open, model, engine)
        self.notice = ""
        if self.conversation and self.opened and self.opened.choice == opened.choice:
            await self.go_on_with(opened)
        else:
            self.conversation = Conversation(opened.source, opened.template, self.base, keeps_logits=False)
            self.opened = opened

    async def go_on_with(self, opened: Opened) -> None:
        """Let another engine answer, after it has made all answers again."""
        conversation = self.conversation
        if opened.source is not conversation.source and conversation.turns:
            replay = Replay(conversation, opened)
            await self.done(replay, opened)
            tokens = counted(sum(len(turn.tokens) for turn in conversation.turns), "token")
            self.notice = f"{opened.source.title} answers now. Made again: {replay.differing} of {tokens} differ."
        self.opened, conversation.source = opened, opened.source

    async def done(self, job: Job, opened: Opened) -> None:
        """Wait for a job that makes no text; raise UserError if it failed."""
        with refusals_for_people():
            opened.worker.submit(job)
            await job.next()

    async def ask(self, text: str, settings: Settings) -> AsyncIterator[None]:
        """Answer a message; after each step `text` holds more of the answer.

        Raises:
            UserError: The message cannot be asked, or the engine failed; what there is of the answer stays.
        """
        conversation = await self.ready(settings)
        conversation.prompt_for(text, conversation.sampling)
        async for _ in self.answered(conversation.turns, text, lambda: conversation.ask(text)):
            yield

    async def regenerate(self, settings: Settings) -> AsyncIterator[None]:
        """Answer the last message again with the next seed; raise UserError as `ask` does, or if there is none."""
        conversation = await self.ready(settings)
        if not conversation.turns:
            conversation.regenerate()  # says so
        *before, user, _ = kept = conversation.turns
        conversation.turns = before
        try:
            conversation.prompt_for(user.text, conversation.sampling)
        finally:
            conversation.turns = kept
        async for _ in self.answered(before, user.text, conversation.regenerate):
            yield

    async def ready(self, settings: Settings) -> Conversation:
        """Return the conversation with the settings; what has failed is opened anew."""
        sampling = settings.sampling(self.base)
        await self.choose(settings.model, settings.engine)
        self.notice = ""
        self.conversation.sampling = sampling
        self.conversation.system = settings.system if self.opened.template.has_roles else ""
        return self.conversation

    async def answered(self, before: list[Turn], asked: str, begin: Callable[[], Reply]) -> AsyncIterator[None]:
        worker = self.opened.worker
        self.before, self.asked, self.text = [*before], asked, ""
        self.job = job = Job(begin)
        try:
            with refusals_for_people():
                worker.submit(job)
                async for _ in self.pieces(job):
                    yield
        finally:
            worker.cancel(job)
            self.job = None

    async def pieces(self, job: Job) -> AsyncIterator[None]:
        """Add pieces to the text as they come, and step now and then, also while there are none."""
        loop = asyncio.get_running_loop()
        shown = loop.time()
        while not self.was_taken_back(job):
            try:
                piece = await asyncio.wait_for(job.next(), POLL_SECONDS)
            except TimeoutError:
                yield
                continue
            except ApiError:
                if job.is_stopped:  # an answer that was stopped is what the user wanted
                    return
                raise
            if piece is None:
                return
            self.text += piece.text
            if loop.time() - shown > SHOW_SECONDS:
                yield
                shown = loop.time()

    def was_taken_back(self, job: Job) -> bool:
        """Return whether a job was stopped before its turn, so that nothing comes of it."""
        return job.is_stopped and job.reply is None and job not in self.opened.worker.jobs

    def stop(self) -> None:
        """End the answer after at most one further token; what there is of it stays."""
        if self.job:
            self.opened.worker.cancel(self.job)

    def edit(self) -> str:
        """Take back the last message and its answer; return the message, "" if there is none."""
        if self.is_busy or not self.conversation or not self.conversation.turns:
            return ""
        *self.conversation.turns, user, _ = self.conversation.turns
        self.notice = ""
        return user.text

    def clear(self) -> None:
        """Forget all turns."""
        if self.conversation and not self.is_busy:
            self.conversation.clear()
            self.notice = ""

    @property
    def turns(self) -> list[Turn]:
        """The turns before the answer that is being made, or all."""
        if self.job:
            return self.before
        return [*self.conversation.turns] if self.conversation else []

    @property
    def running(self) -> list[Turn]:
        """The message that is being answered, and its answer so far."""
        return [Turn(USER, self.asked), Turn(ASSISTANT, self.text)] if self.job else []

    @property
    def left_out(self) -> int:
        """Number of turns, the oldest, that the last answer was made without."""
        if self.job and self.job.reply:
            return self.job.reply.prompt.left_out
        return self.turns[-1].left_out if self.turns else 0

    @property
    def waiting(self) -> int:
        """Number of answers before the one that is asked for."""
        with contextlib.suppress(ValueError, AttributeError):
            return list(self.opened.worker.jobs).index(self.job)
        return 0


@contextlib.contextmanager
def refusals_for_people() -> Iterator[None]:
    """Turn errors of the queue into errors of the page."""
    try:
        yield
    except ApiError as error:
        raise UserError(error.message) from None
