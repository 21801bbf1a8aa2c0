"""Answers as objects of OpenAI's API: whole, or as the chunks of a stream."""

import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from textzoo.serving.answer import Answer
from textzoo.serving.conversation import Reply
from textzoo.serving.http.worker import LoggedToken, Piece
from textzoo.text.tokenizers.base import Tokenizer

Values = dict[str, Any]


class Form(ABC):
    """The objects of one route, for one answer.

    Args:
        model: The model's name.
        fingerprint: Of the model's file.
        tokenizer: The model's.

    Attributes:
        whole: Name of the object that is a whole answer.
        chunk: Name of the objects of a stream.
        prefix: Beginning of the answers' ids.
    """

    whole: str
    chunk: str
    prefix: str

    def __init__(self, model: str, fingerprint: str, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.id = self.prefix + secrets.token_hex(12)
        self.facts = {
            "created": int(time.time()),
            "model": model,
            "system_fingerprint": fingerprint,
        }

    @abstractmethod
    def whole_text(self, text: str) -> Values:
        """Return the part of a choice that holds the whole text."""

    @abstractmethod
    def piece_of_text(self, text: str) -> Values:
        """Return the part of a choice that holds a piece of the text."""

    @abstractmethod
    def probabilities(self, tokens: Sequence[LoggedToken]) -> Values:
        """Return tokens with their log probabilities."""

    def answer(self, pieces: Sequence[Piece], reply: Reply, *, echo: str = "", logged: bool = False) -> Values:
        """Return a whole answer.

        Args:
            pieces: All of it.
            reply: The answer in its conversation, which has ended.
            echo: Text to put before it.
            logged: Whether the log probabilities were asked for.
        """
        text = echo + "".join(piece.text for piece in pieces)
        tokens = [token for piece in pieces for token in piece.tokens]
        choice = self.choice(self.whole_text(text), self.probabilities(tokens) if logged else None, reply.answer.ended)
        return {
            **self.head(self.whole),
            "choices": [choice],
            "usage": usage(reply.answer),
            "textzoo": details(reply),
        }

    def head(self, kind: str) -> Values:
        """Return what all objects of one answer have in common."""
        return {"id": self.id, "object": kind, **self.facts}

    def piece(self, piece: Piece) -> Values:
        """Return a chunk with a piece of the text."""
        return self.chunk_of(self.piece_of_text(piece.text), self.probabilities(piece.tokens) if piece.tokens else None)

    def first(self, echo: str) -> list[Values]:
        """Return the chunks before the first piece."""
        return [self.chunk_of(self.piece_of_text(echo))] if echo else []

    def last(self, reply: Reply) -> Values:
        """Return the chunk that says how the answer ended."""
        return {**self.chunk_of(self.end(), ended=reply.answer.ended), "textzoo": details(reply)}

    def end(self) -> Values:
        """Return the part of a choice of the last chunk."""
        return self.piece_of_text("")

    def usage_chunk(self, reply: Reply) -> Values:
        return {**self.head(self.chunk), "choices": [], "usage": usage(reply.answer)}

    def chunk_of(self, content: Values, probabilities: Values | None = None, ended: str | None = None) -> Values:
        return {**self.head(self.chunk), "choices": [self.choice(content, probabilities, ended)]}

    def choice(self, content: Values, probabilities: Values | None, ended: str | None) -> Values:
        return {"index": 0, **content, "logprobs": probabilities, "finish_reason": ended}


class CompletionForm(Form):
    """/v1/completions."""

    whole = chunk = "text_completion"
    prefix = "cmpl-"

    def whole_text(self, text: str) -> Values:
        return {"text": text}

    piece_of_text = whole_text

    def probabilities(self, tokens: Sequence[LoggedToken]) -> Values:
        texts = self.tokenizer.tokens
        return {
            "tokens": [texts[token.token] for token in tokens],
            "token_logprobs": [token.log_probability for token in tokens],
            "top_logprobs": [{texts[other]: value for other, value in token.alternatives} for token in tokens],
            "text_offset": [token.start for token in tokens],
        }


class ChatForm(Form):
    """/v1/chat/completions."""

    whole, chunk = "chat.completion", "chat.completion.chunk"
    prefix = "chatcmpl-"

    def whole_text(self, text: str) -> Values:
        return {"message": {"role": "assistant", "content": text}}

    def piece_of_text(self, text: str) -> Values:
        return {"delta": {"content": text}}

    def first(self, echo: str) -> list[Values]:
        return [self.chunk_of({"delta": {"role": "assistant", "content": ""}})]

    def end(self) -> Values:
        return {"delta": {}}

    def probabilities(self, tokens: Sequence[LoggedToken]) -> Values:
        rows = [
            {
                **self.token(token.token, token.log_probability),
                "top_logprobs": [self.token(*alternative) for alternative in token.alternatives],
            }
            for token in tokens
        ]
        return {"content": rows, "refusal": None}

    def token(self, token: int, value: float) -> Values:
        data = [*self.tokenizer.token_bytes[token]]
        return {"token": self.tokenizer.tokens[token], "logprob": value, "bytes": data}


def usage(answer: Answer) -> Values:
    made = len(answer.steps)
    return {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": made,
        "total_tokens": answer.prompt_tokens + made,
    }


def details(reply: Reply) -> Values:
    """Return what the API has no place for: the engine, what the context had no room for, time and cost."""
    answer = reply.answer
    values = {"engine": answer.engine, "left_out": reply.prompt.left_out, "seconds": round(answer.seconds, 6)}
    if answer.cost is not None:
        values |= {"cost": answer.cost, "counter": reply.conversation.source.counter}
    return values
