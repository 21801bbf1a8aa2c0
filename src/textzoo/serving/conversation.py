"""A conversation: turns, a template that makes them a prompt, and a source that answers."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from textzoo.common.errors import UserError
from textzoo.engines.generate import guide_of
from textzoo.serving.answer import Answer
from textzoo.serving.sources import ContextLengthError, Sampling, TokenSource
from textzoo.text.chat_templates import ASSISTANT, SYSTEM, USER, ChatTemplate, Message
from textzoo.text.tokenizers.base import REPLACEMENT
from textzoo.text.tokenizers.unknown import UnknownTextError

CHAT, SINGLE = "chat", "single"
MODES = (CHAT, SINGLE)
MASK32 = 2**32 - 1
# What an error calls a message; that of the user is the one that was just given.
NAMES = {SYSTEM: "the system text: ", USER: "", ASSISTANT: "an earlier answer: "}


@dataclass(frozen=True)
class Prompt:
    """What a model is given to answer.

    Attributes:
        text: The template's text of the system text and of the turns that fit.
        tokens: Its number of tokens.
        left_out: Number of turns, the oldest, that the context has no room for.
        unknown: How it is encoded: "error" or "unk", as `Sampling.unknown`.
    """

    text: str
    tokens: int
    left_out: int
    unknown: str


@dataclass(frozen=True)
class Turn(Message):
    """What was said, and how an answer came about.

    Attributes:
        mode: "chat", or "single" for a message that stands alone, and its answer: later prompts do not continue them.
        prompt: What an answer continues; None for the user's turns, and for answers of another program.
        prompt_tokens: Its number of tokens.
        sampling: How it was sampled.
        tokens: Its tokens, those of the stop text included.
        ended: "stop", "length" or "interrupted".
        engine: Name of the source.
        left_out: Turns before it that were no longer in the context.
        seconds: Time that it took.
        cost: What the tokens cost, in units of the source's counter; None if it does not count.
    """

    mode: str = CHAT
    prompt: str | None = None
    prompt_tokens: int = 0
    sampling: Sampling | None = None
    tokens: tuple[int, ...] = ()
    ended: str = ""
    engine: str = ""
    left_out: int = 0
    seconds: float = 0.0
    cost: int | None = None


class Reply:
    """An answer within a conversation: iterate over its pieces; at the end it becomes a turn.

    That is so however it ends, but for a source that fails before the first token: then there is no answer.
    """

    def __init__(self, conversation: "Conversation", user: Turn, prompt: Prompt, answer: Answer) -> None:
        self.conversation, self.user, self.prompt, self.answer = conversation, user, prompt, answer
        self.pieces = self._kept()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return next(self.pieces)

    def stop(self) -> None:
        """End the answer after at most one further token; what there is of it stays. Safe from any thread."""
        self.answer.stop()

    def close(self) -> None:
        """End the answer now; what there is of it stays, if it has begun."""
        self.pieces.close()

    def _kept(self) -> Iterator[str]:
        text, has_failed = "", False
        pieces = without_leading_spaces(self.answer) if self.conversation.template.has_roles else self.answer
        try:
            for piece in pieces:
                text += piece
                yield piece
        except UserError:
            has_failed = True
            raise
        finally:
            self.answer.close()
            if self.answer.tokens or not has_failed:
                self.conversation.add(self, text)


def without_leading_spaces(pieces: Iterator[str]) -> Iterator[str]:
    """Yield the pieces without the spaces before the first word, which belong to the template."""
    for piece in pieces:
        if begun := piece.lstrip(" "):
            yield begun
            break
    yield from pieces


class Conversation:
    """Turns with a model.

    Args:
        source: What answers; may be replaced between two answers.
        template: How turns become text.
        sampling: How answers are sampled; may be replaced.
        system: Text at the beginning, which never leaves the context.
        mode: "chat", or "single": every prompt stands alone.
        keeps_logits: Whether answers hold their logits, which take much memory.

    Attributes:
        turns: All turns, also those that the context has no room for any more.
    """

    def __init__(
        self,
        source: TokenSource,
        template: ChatTemplate,
        sampling: Sampling,
        system: str = "",
        mode: str = CHAT,
        *,
        keeps_logits: bool = True,
    ) -> None:
        self.keeps_logits = keeps_logits
        self.source, self.template, self.sampling = source, template, sampling
        self.system, self.mode = system, mode
        self.turns: list[Turn] = []

    def ask(self, text: str, sampling: Sampling | None = None) -> Reply:
        """Begin the answer to a message; it and the message become turns when the reply ends.

        Raises:
            ContextLengthError: The message and the system text alone are longer than the context.
            UserError: The message holds text outside the vocabulary, or nothing.
        """
        sampling = sampling or self.sampling
        prompt = self.prompt_for(text, sampling)
        sampling = dataclasses.replace(sampling, stops=self.stops(sampling), unknown=prompt.unknown)
        if sampling.grammar:
            sampling = dataclasses.replace(sampling, input_text=text)
        answer = Answer(self.source, prompt.text, sampling, keeps_logits=self.keeps_logits)
        return Reply(self, Turn(USER, text, self.mode), prompt, answer)

    def stops(self, sampling: Sampling) -> tuple[str, ...]:
        """Return the texts before which an answer ends: the template's, and those of a sampling."""
        return (*([self.template.stop] if self.template.stop else []), *sampling.stops)

    def check_grammar(self, text: str, sampling: Sampling) -> None:
        """Raise UserError if no answer to a message can obey the grammar of a sampling, if it has one."""
        guide_of(sampling.grammar, self.source.tokenizer, self.stops(sampling), sampling.max_tokens, text)

    def prompt_for(self, text: str, sampling: Sampling) -> Prompt:
        """Return the prompt that a message of the user makes; raise UserError as `ask` does.

        Earlier turns may hold what `sampling.unknown` refuses, such as an answer with <unk> in it: they were accepted.
        """
        turns = [*self.remembered, Turn(USER, text)]
        try:
            return self.prompt_of(turns, sampling)
        except UnknownTextError as error:
            for message in (Message(SYSTEM, self.system), turns[-1]):
                self.check(message, sampling)
            if self.source.tokenizer.unknown_token is None:
                remedy = "Begin a new conversation, or take another chat template."
                what = f"what was said before cannot be continued: {error.what}"
                raise UserError(what, received=error.received, remedy=remedy) from error
        return self.prompt_of(turns, dataclasses.replace(sampling, unknown="unk"))

    def check(self, message: Message, sampling: Sampling) -> None:
        """Raise UnknownTextError, with the places in the message, if it holds text outside the vocabulary.

        In an answer U+FFFD is <unk>, if the vocabulary has it.
        """
        tokenizer, turn = self.source.tokenizer, self.template.turn(message)
        try:
            tokenizer.encode(turn, unknown=sampling.unknown)
        except UnknownTextError as error:
            if message.role == ASSISTANT and tokenizer.unknown_token is not None:
                is_unknown = tokenizer.encode(turn, unknown="unk") == tokenizer.unknown_token
                if np.count_nonzero(is_unknown) <= message.text.count(REPLACEMENT):
                    return
            raise self.error_in(message, sampling, error) from None

    def error_in(self, message: Message, sampling: Sampling, error: UnknownTextError) -> UnknownTextError:
        """Return an error about a turn with the places in the message, not in the template's text around it."""
        try:
            self.source.tokenizer.encode(message.text, unknown=sampling.unknown)
        except UnknownTextError as found:
            error = found
        return UnknownTextError(f"{NAMES[message.role]}{error.what}", received=error.received, remedy=error.remedy)

    @property
    def remembered(self) -> list[Turn]:
        """The turns that a new prompt continues, before those are left out that do not fit."""
        return [turn for turn in self.turns if turn.mode == CHAT] if self.mode == CHAT else []

    def add(self, reply: Reply, text: str) -> None:
        """Keep a message and its answer, if it has begun, as turns."""
        answer = reply.answer
        made = Turn(
            ASSISTANT,
            text,
            mode=reply.user.mode,
            prompt=answer.prompt,
            prompt_tokens=answer.prompt_tokens,
            sampling=answer.sampling,
            tokens=tuple(answer.tokens),
            ended=answer.ended,
            engine=answer.engine,
            left_out=reply.prompt.left_out,
            seconds=answer.seconds,
            cost=answer.cost,
        )
        self.turns += [reply.user, made]

    def regenerate(self) -> Reply:
        """Begin another answer to the last message, with the next seed; the last answer is dropped.

        Raises:
            UserError: There is no answer yet, or the message cannot be asked any more; then it stays as it is.
        """
        if not self.turns:
            raise UserError("there is no answer to make again", remedy="Say something first.")
        kept = self.turns
        *self.turns, user, last = kept
        seed = (last.sampling or self.sampling).seed
        try:
            return self.ask(user.text, dataclasses.replace(self.sampling, seed=(seed + 1) & MASK32))
        except UserError:
            self.turns = kept
            raise

    def clear(self) -> None:
        """Forget all turns; system text and settings stay."""
        self.turns = []

    def prompt_of(self, turns: list[Turn], sampling: Sampling) -> Prompt:
        """Return the prompt of turns, the last one of the user: the oldest leave whole where they do not fit.

        Half of the context is kept free for an answer, less for a shorter one. The last turn never leaves, even if it
        takes more; the rest begins with a turn of the user.

        Raises:
            ContextLengthError: The last turn and the system text alone are longer than the context.
        """
        room = self.source.context_length - min(sampling.max_tokens, self.source.context_length // 2)
        starts = [index for index, turn in enumerate(turns) if turn.role == USER]
        prompt = self._prompt_from(starts[-1], turns, sampling)
        if prompt.tokens > self.source.context_length:
            raise ContextLengthError(
                "the message is longer than the model's context",
                expected=f"at most {self.source.context_length} tokens, with the system text",
                received=f"{prompt.tokens} tokens",
                remedy="Shorten it, or choose a model with a longer context.",
            )
        for start in reversed(starts[:-1]):  # from the newest on, so that a long history costs no more than what fits
            longer = self._prompt_from(start, turns, sampling)
            if longer.tokens > room:
                break
            prompt = longer
        return prompt

    def _prompt_from(self, start: int, turns: list[Turn], sampling: Sampling) -> Prompt:
        text = self.template.prompt([Message(SYSTEM, self.system), *turns[start:]])
        tokens = len(self.source.tokenizer.encode(text, unknown=sampling.unknown))
        return Prompt(text, tokens, start, sampling.unknown)

    def replay(self, source: TokenSource) -> list[int]:
        """Make every answer again on another source; return for each how many of its tokens differ.

        Answers that were interrupted are compared as far as they went.
        """
        return [differing(turn, source) for turn in self.turns if turn.prompt is not None]


def differing(turn: Turn, source: TokenSource) -> int:
    """Return how many tokens of an answer differ when a source makes it again; missing ones count."""
    if not turn.tokens:
        return 0
    sampling = dataclasses.replace(turn.sampling, max_tokens=len(turn.tokens))
    try:
        answer = Answer(source, turn.prompt, sampling, keeps_logits=False)
    except UserError:  # an answer of another model, to what this one cannot read
        return len(turn.tokens)
    again = answer.finish().tokens
    return sum(one != other for one, other in zip_longest(turn.tokens, again))
