"""The routes: OpenAI's models, completions and chat completions; tokens, health and metrics."""

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from textzoo.common.errors import UserError
from textzoo.serving.conversation import Conversation, Prompt, Turn
from textzoo.serving.http import errors
from textzoo.serving.http.errors import ApiError, json_bytes, json_response
from textzoo.serving.http.metrics import Metrics
from textzoo.serving.http.replies import ChatForm, CompletionForm, Form
from textzoo.serving.http.schema import (
    MAX_BODY_BYTES,
    ChatRequest,
    CompletionRequest,
    DetokenizeRequest,
    Request,
    TokenizeRequest,
    parse,
)
from textzoo.serving.http.worker import Job, Piece, Worker
from textzoo.serving.sources import Sampling, TokenSource
from textzoo.text.chat_templates import PLAIN, ChatTemplate

LEFT_OUT_HEADER = "X-TextZoo-Left-Out"
MODELS = "/v1/models"
CLIENT_GONE = 499  # as nginx has it
Result = TypeVar("Result")
logger = logging.getLogger("textzoo")


@dataclass(frozen=True)
class ServedModel:
    """The one model of a server.

    Attributes:
        name: Its id in the API.
        sha256: Of its file.
        created: When the file was written, in seconds since 1970.
        source: What answers.
        template: How messages become text.
        sampling: What counts where a request says nothing.
        system: System text of conversations that bring none.
    """

    name: str
    sha256: str
    created: int
    source: TokenSource
    template: ChatTemplate
    sampling: Sampling
    system: str = ""

    @property
    def fingerprint(self) -> str:
        return f"fp_{self.sha256[:12]}"

    @property
    def values(self) -> dict[str, Any]:
        """The API's object, with facts that a client of a small model needs."""
        return {
            "id": self.name,
            "object": "model",
            "created": self.created,
            "owned_by": "textzoo",
            "context_length": self.source.context_length,
            "vocabulary_size": self.source.tokenizer.vocabulary_size,
            "engine": self.source.name,
            "template": self.template.name,
            "sha256": self.sha256,
        }


@dataclass(frozen=True)
class Question:
    """What a request asks for.

    Attributes:
        conversation: With the turns before the last message.
        text: The last message.
        form: How its answer is written.
        echo: Text to put before the answer.
    """

    conversation: Conversation
    text: str
    form: Form
    echo: str = ""

    def check_grammar(self) -> None:
        """Raise UserError if no answer can obey the grammar that a request asks for."""
        self.conversation.check_grammar(self.text, self.conversation.sampling)

    def prompt(self) -> Prompt:
        """Return what will be continued; raise UserError if that is not possible."""
        conversation, sampling = self.conversation, self.conversation.sampling
        for earlier in conversation.turns:
            conversation.check(earlier, sampling)
        prompt = conversation.prompt_for(self.text, sampling)
        conversation.source.encoded(prompt.text, prompt.unknown)
        return prompt


class Api:
    """The application.

    Args:
        model: The model that answers.
        max_waiting: Number of requests that may wait for it.

    Attributes:
        worker: The queue before the model.
    """

    def __init__(self, model: ServedModel, max_waiting: int) -> None:
        self.model, self.worker = model, Worker(max_waiting, self.note)
        self.metrics = Metrics(lambda: self.worker.waiting)
        self.has_failed = False
        posts = {
            "/v1/completions": self.completions,
            "/v1/chat/completions": self.chat_completions,
            "/tokenize": self.tokenize,
            "/detokenize": self.detokenize,
        }
        gets = {MODELS: self.models, "/health": self.health, "/metrics": self.show_metrics}
        self.paths = {*posts, *gets}
        self.app = Starlette(
            routes=[
                *(Route(path, answer, methods=["POST"]) for path, answer in posts.items()),
                *(Route(path, answer) for path, answer in gets.items()),
                Route(f"{MODELS}/{{name:path}}", self.one_model),
            ],
            exception_handlers=SHOWN_ERRORS,
        )
        self.app.router.redirect_slashes = False  # to an address that the request's Host would name

    def route_of(self, path: str) -> str:
        """Return the name of the route of a path, for metrics."""
        if path in self.paths:
            return path
        return f"{MODELS}/{{model}}" if path.startswith(f"{MODELS}/") else "other"

    async def models(self, request: HttpRequest) -> Response:
        return json_response({"object": "list", "data": [self.model.values]})

    async def one_model(self, request: HttpRequest) -> Response:
        self.check_model(request.path_params["name"])
        return json_response(self.model.values)

    async def health(self, request: HttpRequest) -> Response:
        """Say whether the last answer was made without a failure of the engine or device."""
        status = "failed" if self.has_failed else "ok"
        return json_response({"status": status, "waiting": self.worker.waiting}, 503 if self.has_failed else 200)

    async def show_metrics(self, request: HttpRequest) -> Response:
        return self.metrics.response

    async def tokenize(self, request: HttpRequest) -> Response:
        asked = parse(TokenizeRequest, await body_of(request))
        with prompt_errors("content"):
            unknown = self.model.sampling.unknown
            tokens = await asyncio.to_thread(self.model.source.tokenizer.encode, asked.content, unknown)
        return json_response({"tokens": tokens.tolist()})

    async def detokenize(self, request: HttpRequest) -> Response:
        asked, tokenizer = parse(DetokenizeRequest, await body_of(request)), self.model.source.tokenizer
        if any(token >= tokenizer.vocabulary_size for token in asked.tokens):
            raise errors.invalid("tokens", f"the vocabulary has {tokenizer.vocabulary_size} tokens")
        return json_response({"content": tokenizer.decode(asked.tokens)})

    async def completions(self, request: HttpRequest) -> Response:
        asked = parse(CompletionRequest, await body_of(request))
        conversation = self.conversation(asked, PLAIN, asked.max_tokens)
        echo = asked.prompt if asked.echo else ""
        question = Question(conversation, asked.prompt, self.form(CompletionForm), echo)
        return await self.answered(request, asked, question, "prompt")

    async def chat_completions(self, request: HttpRequest) -> Response:
        asked = parse(ChatRequest, await body_of(request))
        max_tokens = asked.max_completion_tokens or asked.max_tokens
        conversation = self.conversation(asked, self.model.template, max_tokens)
        conversation.system = "\n".join(asked.system_texts) or self.model.system
        *earlier, last = asked.turns
        conversation.turns = [Turn(message.own_role, message.text) for message in earlier]
        return await self.answered(request, asked, Question(conversation, last.text, self.form(ChatForm)), "messages")

    def form(self, kind: type[Form]) -> Form:
        return kind(self.model.name, self.model.fingerprint, self.model.source.tokenizer)

    def conversation(self, asked: Request, template: ChatTemplate, max_tokens: int | None) -> Conversation:
        """Return a conversation without turns; raise ApiError if a request asks for another model or too much."""
        self.check_model(asked.model)
        sampling = self.sampling(asked, max_tokens)
        return Conversation(self.model.source, template, sampling, keeps_logits=asked.alternatives is not None)

    def sampling(self, asked: Request, max_tokens: int | None) -> Sampling:
        """Return the model's sampling with what a request says."""
        if asked.alternatives is not None and not self.model.source.gives_logits:
            raise errors.unsupported("logprobs", f"{self.model.source.title} sends no logits")
        given = {
            "temperature": asked.temperature,
            "top_k": asked.top_k,
            "seed": asked.seed,
            "max_tokens": max_tokens,
            "stops": None if asked.stop is None else tuple(asked.stop),
            "grammar": asked.asked_grammar(),
        }
        return dataclasses.replace(
            self.model.sampling, **{key: value for key, value in given.items() if value is not None}
        )

    def check_model(self, name: str) -> None:
        if name != self.model.name:
            message = f"there is no model {errors.shown(name)!r}; this server has {self.model.name!r}"
            raise ApiError(404, message, param="model", code="model_not_found")

    async def answered(self, request: HttpRequest, asked: Request, question: Question, param: str) -> Response:
        """Wait for the beginning of the answer, then send it whole or as a stream."""
        with prompt_errors("grammar" if asked.grammar else "response_format"):
            await asyncio.to_thread(question.check_grammar)
        with prompt_errors(param):
            prompt = await asyncio.to_thread(question.prompt)
        job = Job(lambda: question.conversation.ask(question.text), asked.alternatives)
        self.worker.submit(job)
        headers = {LEFT_OUT_HEADER: str(prompt.left_out)}
        try:
            first = await while_connected(request, job.next())
            if asked.stream:
                events = events_of(job, first, question, asked.stream_options.include_usage)
                return AnswerStream(events, lambda: self.worker.cancel(job), headers)
            pieces = await while_connected(request, all_pieces(job, first))
        except BaseException:
            self.worker.cancel(job)
            raise
        logged = asked.alternatives is not None
        return json_response(
            question.form.answer(pieces, job.reply, echo=question.echo, logged=logged), headers=headers
        )

    def note(self, job: Job) -> None:
        """Take an ended answer into the figures."""
        self.has_failed = bool(job.error and job.error.is_failure)
        if job.reply:
            self.metrics.count(job.reply.answer)


class AnswerStream(StreamingResponse):
    """Events as they are made.

    Args:
        events: Yields them.
        on_end: Called at the end, also if the client has gone.
        headers: Additional headers.
    """

    def __init__(self, events: AsyncIterator[bytes], on_end: Callable[[], None], headers: dict[str, str]) -> None:
        super().__init__(events, media_type="text/event-stream", headers={**headers, "Cache-Control": "no-cache"})
        self.on_end = on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.on_end()


async def events_of(job: Job, first: Piece | None, question: Question, include_usage: bool) -> AsyncIterator[bytes]:
    """Yield the events of a stream."""
    form, no_usage = question.form, {"usage": None} if include_usage else {}
    try:
        for values in form.first(question.echo):
            yield event({**values, **no_usage})
        async for piece in following(job, first):
            yield event({**form.piece(piece), **no_usage})
        yield event({**form.last(job.reply), **no_usage})
        if include_usage:
            yield event(form.usage_chunk(job.reply))
        yield b"data: [DONE]\n\n"
    except ApiError as error:
        yield event(error.body)


def event(values: dict[str, Any]) -> bytes:
    return b"data: " + json_bytes(values) + b"\n\n"


async def following(job: Job, first: Piece | None) -> AsyncIterator[Piece]:
    """Yield the pieces of a job of which the first one was taken already."""
    piece = first
    while piece is not None:
        yield piece
        piece = await job.next()


async def all_pieces(job: Job, first: Piece | None) -> list[Piece]:
    return [piece async for piece in following(job, first)]


async def body_of(request: HttpRequest) -> bytes:
    """Return a request's body; raise ApiError as soon as it is too long."""
    length = request.headers.get("content-length", "0")
    if int(length) > MAX_BODY_BYTES:
        raise too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise too_large()
    return bytes(body)


def too_large() -> ApiError:
    return ApiError(413, f"the body is longer than {MAX_BODY_BYTES:,} bytes", code="request_too_large")


@contextlib.contextmanager
def prompt_errors(param: str) -> Iterator[None]:
    """Convert a UserError about the model's input to the API's error."""
    try:
        yield
    except UserError as error:
        raise errors.of_prompt(error, param) from None


async def while_connected(request: HttpRequest, awaited: Coroutine[Any, Any, Result]) -> Result:
    """Return what is awaited; raise ClientDisconnect if the client goes away before."""
    wanted, gone = asyncio.create_task(awaited), asyncio.create_task(disconnected(request))
    try:
        await asyncio.wait({wanted, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not wanted.done():
            raise ClientDisconnect
        return wanted.result()
    finally:
        wanted.cancel()
        gone.cancel()


async def disconnected(request: HttpRequest) -> None:
    """Wait until the client of a request, whose body has been read, goes away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def show(request: HttpRequest, error: ApiError) -> Response:
    return error.response


async def show_http(request: HttpRequest, error: HTTPException) -> Response:
    """Show an unknown route, or a method that it does not have."""
    message = f"{request.method} {errors.shown(request.url.path)}: {error.detail}"
    return ApiError(error.status_code, message, code="unknown_route", headers=error.headers).response


async def show_gone(request: HttpRequest, error: ClientDisconnect) -> Response:
    """Return a response that nobody gets, for the metrics."""
    return Response(status_code=CLIENT_GONE)


async def show_failure(request: HttpRequest, error: Exception) -> Response:
    logger.error("a request failed", exc_info=error)
    return errors.internal().response


SHOWN_ERRORS = {ApiError: show, HTTPException: show_http, ClientDisconnect: show_gone, Exception: show_failure}
