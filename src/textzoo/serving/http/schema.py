"""Requests of OpenAI's API, as far as they are supported: from untrusted JSON to checked values.

What is not supported is refused by name. Keys that are null count as left out.
"""

import itertools
import json
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from textzoo.common.untrusted_json import parse_json
from textzoo.grammars.grammar import Grammar
from textzoo.serving.http.errors import ApiError, invalid, shown, unsupported
from textzoo.text.chat_templates import ASSISTANT, SYSTEM, USER

MAX_BODY_BYTES = 1 << 20
MAX_MESSAGES = 500
MAX_CHARACTERS = 1 << 16  # of one text
MAX_TOKENS = 4096  # of one answer: others wait for it
MAX_STOPS, MAX_STOP_CHARACTERS = 4, 1000
MAX_ALTERNATIVES, MAX_CHAT_ALTERNATIVES = 5, 20
# Parameters of the API, and of servers like it, that are not supported -> values of them that ask for nothing.
NEUTRAL: dict[str, tuple[Any, ...]] = {
    "audio": (),
    "best_of": (1,),
    "frequency_penalty": (0,),
    "function_call": ("none", "auto"),
    "functions": ([],),
    "logit_bias": ({},),
    "metadata": ({},),
    "min_p": (0,),
    "modalities": (["text"],),
    "n": (1,),
    "parallel_tool_calls": (True, False),
    "prediction": (),
    "presence_penalty": (0,),
    "reasoning_effort": ("none",),
    "repeat_penalty": (1,),
    "service_tier": ("auto", "default"),
    "store": (False,),
    "suffix": ("",),
    "tool_choice": ("none", "auto"),
    "tools": ([],),
    "top_p": (1,),
    "verbosity": (),
    "web_search_options": (),
}
# Who asks, which changes no answer.
LABELS = ("user", "safety_identifier", "prompt_cache_key")
ERROR_CODES = {"missing": "missing_required_parameter", "extra_forbidden": "unknown_parameter"}


def listed(value: Any) -> Any:
    """Return one text as a list of it."""
    return [value] if isinstance(value, str) else value


def only_one(value: Any) -> Any:
    """Return the text of a list of one text."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def parts_of(value: Any) -> Any:
    """Return a text as a list of one part."""
    return [{"type": "text", "text": value}] if isinstance(value, str) else value


Text = Annotated[str, Field(max_length=MAX_CHARACTERS)]
Stop = Annotated[str, Field(min_length=1, max_length=MAX_STOP_CHARACTERS)]
TokenCount = Annotated[int, Field(ge=1, le=MAX_TOKENS)]


class Strict(BaseModel):
    """Values of exactly the types given, and no others."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    def check(self) -> None:
        """Raise ApiError for values that do not go together."""


class StreamOptions(Strict):
    """What a stream says beside the text."""

    include_usage: bool = False
    include_obfuscation: Literal[False] = False


class JsonSchema(Strict):
    """A named schema, as OpenAI's API wraps it."""

    name: str = Field("", max_length=MAX_CHARACTERS)
    description: str | None = Field(None, max_length=MAX_CHARACTERS)
    schema_: dict[str, Any] = Field(alias="schema")
    strict: bool | None = None


class TextFormat(Strict):
    """Any text."""

    type: Literal["text"]


class JsonObjectFormat(Strict):
    """Any JSON object, which nests without a bound; with a schema as llama.cpp's server takes it, an object of it."""

    type: Literal["json_object"]
    schema_: dict[str, Any] | None = Field(None, alias="schema")


class JsonSchemaFormat(Strict):
    """JSON that a schema allows."""

    type: Literal["json_schema"]
    json_schema: JsonSchema


ResponseFormat = Annotated[TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")]


class TextPart(Strict):
    """A part of a message."""

    type: Literal["text"]
    text: Text


class ChatMessage(Strict):
    """One turn."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[list[TextPart], BeforeValidator(parts_of), Field(max_length=MAX_MESSAGES)]

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.content)

    @property
    def own_role(self) -> str:
        """The role of this project's templates."""
        return {"user": USER, "assistant": ASSISTANT}.get(self.role, SYSTEM)


class Request(Strict):
    """What all requests for an answer have."""

    model: str = Field(max_length=MAX_CHARACTERS)
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    stop: Annotated[list[Stop], BeforeValidator(listed), Field(max_length=MAX_STOPS)] | None = None
    seed: int | None = Field(None, ge=0, lt=2**32)
    temperature: float | None = Field(None, ge=0.0, le=10.0)
    top_k: int | None = Field(None, ge=0, le=65535)
    max_tokens: TokenCount | None = None
    response_format: ResponseFormat | None = None
    grammar: str | None = Field(None, max_length=MAX_CHARACTERS)
    json_schema: dict[str, Any] | None = None

    def asked_grammar(self) -> Grammar | None:
        """Return what the answer has to obey: a GBNF grammar, or the JSON Schema of a format; None for anything."""
        schema = self.asked_schema()
        if schema is not None:
            return Grammar("json_schema", json.dumps(schema, ensure_ascii=False))
        return Grammar("gbnf", self.grammar) if self.grammar else None

    def asked_schema(self) -> dict[str, Any] | None:
        match self.response_format:
            case JsonSchemaFormat(json_schema=wrapped):
                return wrapped.schema_
            case JsonObjectFormat(schema_=schema):
                return schema
        return self.json_schema

    def check(self) -> None:
        if isinstance(self.response_format, JsonObjectFormat) and self.response_format.schema_ is None:
            why = "an object of any depth is no regular grammar; use json_schema"
            raise unsupported("response_format", why)
        given = [self.response_format, self.grammar or None, self.json_schema]
        if sum(one is not None for one in given) > 1:
            raise invalid("grammar", "only one of response_format, grammar and json_schema")
        if not self.stream and self.stream_options != StreamOptions():
            raise invalid("stream_options", "needs stream=true")


class CompletionRequest(Request):
    """POST /v1/completions."""

    prompt: Annotated[Text, BeforeValidator(only_one)]
    echo: bool = False
    logprobs: int | None = Field(None, ge=0, le=MAX_ALTERNATIVES)

    @property
    def alternatives(self) -> int | None:
        """How many likeliest tokens are asked for beside each token; None for no probabilities."""
        return self.logprobs

    def check(self) -> None:
        super().check()
        if self.echo and self.logprobs is not None:
            raise unsupported("logprobs", "not together with echo")


class ChatRequest(Request):
    """POST /v1/chat/completions."""

    messages: list[ChatMessage] = Field(min_length=1, max_length=MAX_MESSAGES)
    max_completion_tokens: TokenCount | None = None
    logprobs: bool = False
    top_logprobs: int | None = Field(None, ge=0, le=MAX_CHAT_ALTERNATIVES)

    @property
    def alternatives(self) -> int | None:
        """How many likeliest tokens are asked for beside each token; None for no probabilities."""
        return (self.top_logprobs or 0) if self.logprobs else None

    def check(self) -> None:
        super().check()
        self.check_roles()
        if self.top_logprobs is not None and not self.logprobs:
            raise invalid("top_logprobs", "needs logprobs=true")
        if None not in (self.max_tokens, self.max_completion_tokens):
            raise invalid("max_tokens", "means the same as max_completion_tokens: leave one out")

    def check_roles(self) -> None:
        """Raise ApiError for an order that templates do not know."""
        roles = [message.own_role for message in self.messages]
        if SYSTEM in roles[len(self.system_texts) :]:
            raise unsupported("messages", "system messages are only possible before all others")
        if roles[-1] != USER:
            raise invalid("messages", "the last one is not the user's")

    @property
    def system_texts(self) -> list[str]:
        """The messages before the first turn."""
        leading = itertools.takewhile(lambda message: message.own_role == SYSTEM, self.messages)
        return [message.text for message in leading]

    @property
    def turns(self) -> list[ChatMessage]:
        return self.messages[len(self.system_texts) :]


class TokenizeRequest(Strict):
    """POST /tokenize."""

    content: str = Field(max_length=MAX_BODY_BYTES)


class DetokenizeRequest(Strict):
    """POST /detokenize."""

    tokens: list[Annotated[int, Field(ge=0, lt=2**16)]] = Field(max_length=MAX_CHARACTERS)


Kind = TypeVar("Kind", bound=Strict)


def parse(kind: type[Kind], body: bytes) -> Kind:
    """Return a request of a kind; raise ApiError for anything else."""
    values = {key: value for key, value in json_object(body).items() if value is not None}
    values = {key: value for key, value in values.items() if key in kind.model_fields or not is_neutral(key, value)}
    for nested in [values.get("stream_options"), *lists_of(values.get("messages"))]:
        drop_nulls(nested)
    try:
        request = kind.model_validate(values)
    except ValidationError as error:
        raise of_validation(error) from None
    request.check()
    return request


def json_object(body: bytes) -> dict[str, Any]:
    try:
        values = parse_json(body)
        json.dumps(values, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        reason = "lone surrogates" if isinstance(error, UnicodeEncodeError) else str(error)
        raise ApiError(400, f"the body is not valid JSON: {shown(reason)}", code="invalid_json") from None
    if not isinstance(values, dict):
        raise ApiError(400, f"the body is not a JSON object but {type(values).__name__}", code="invalid_json")
    return values


def is_neutral(key: str, value: Any) -> bool:
    """Return whether a key that changes nothing is known; raise ApiError if it asks for something after all."""
    if key in LABELS:
        if not isinstance(value, str):
            raise ApiError(400, f"{key}: not a text", param=key, code="invalid_type")
        return True
    if key not in NEUTRAL:
        return False
    same = [known for known in NEUTRAL[key] if value == known and isinstance(value, bool) == isinstance(known, bool)]
    if not same:
        alone = "; only " + " or ".join(map(json.dumps, NEUTRAL[key])) if NEUTRAL[key] else ""
        raise unsupported(key, f"leave it out{alone}")
    return True


def lists_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def drop_nulls(values: Any) -> None:
    if isinstance(values, dict):
        for key in [key for key, value in values.items() if value is None]:
            del values[key]


def of_validation(error: ValidationError) -> ApiError:
    """Return the first mistake that was found."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    param = shown("".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip("."))
    code = ERROR_CODES.get(first["type"], "invalid_type" if first["type"].endswith("_type") else "invalid_value")
    message = "unknown parameter" if code == "unknown_parameter" else first["msg"]
    return ApiError(400, f"{param}: {message}", param=param, code=code)
