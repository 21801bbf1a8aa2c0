"""A session: a conversation on a terminal or over a pipe, with the engine that answers it."""

import contextlib
from typing import Protocol

import numpy as np

from textzoo.common import signals
from textzoo.common.errors import UserError
from textzoo.serving.answer import INTERRUPTED
from textzoo.serving.conversation import Conversation, Reply, Turn
from textzoo.serving.figures import counted, figures_of, used_of
from textzoo.serving.registry import SERIAL
from textzoo.serving.sources import TokenSource
from textzoo.serving.terminal.display import Display
from textzoo.serving.transcripts import Transcript
from textzoo.text.chat_templates import ChatTemplate
from textzoo.text.tokenizers.base import Tokenizer
from textzoo.text.tokenizers.unknown import UNKNOWN, UnknownTextError

SLID = "the context is full: the answer goes on with the last half of it"
SLID_AGAIN = "full again"


class Model(Protocol):
    """The model of a conversation, which may run on several engines (`textzoo.pipeline.token_sources.TalkingModel`)."""

    tokenizer: Tokenizer

    @property
    def name(self) -> str: ...

    @property
    def engines(self) -> list[str]: ...

    def template(self, name: str | None) -> ChatTemplate: ...

    def open(self, engine: str, serial_port: str | None = None) -> TokenSource: ...

    def facts(self) -> dict[str, str]:
        """Return what there is to say about the model: name -> value."""


class Session:
    """What commands change, and messages go through.

    Args:
        model: The model.
        conversation: Of its template and with an open source.
        display: Where all is shown.
        serial_port: Of the board, for the engine "serial".
        stops_answers: Whether a Ctrl-C ends only the answer, and the session goes on.

    Attributes:
        over: Whether the session was left.
        mistakes: Number of messages and commands that were refused.
        was_interrupted: Whether a Ctrl-C has ended the last answer or command, so that another one leaves.
    """

    def __init__(
        self,
        model: Model,
        conversation: Conversation,
        display: Display,
        *,
        serial_port: str | None = None,
        stops_answers: bool = False,
    ) -> None:
        self.model, self.conversation, self.display = model, conversation, display
        self.serial_port, self.stops_answers = serial_port, stops_answers
        self.over = self.was_interrupted = False
        self.mistakes = 0
        self._left_out = 0
        self._start = (conversation.sampling, conversation.system, conversation.mode, conversation.template)

    @property
    def last(self) -> Turn | None:
        """The last answer."""
        return self.conversation.turns[-1] if self.conversation.turns else None

    def send(self, text: str) -> None:
        """Show the answer to a message.

        Raises:
            UserError: The message cannot be asked, or the device failed; what there is of the answer stays.
        """
        try:
            reply = self.conversation.ask(text)
        except UnknownTextError as error:
            raise self.unknown_text(error) from None
        self.show(reply)

    def unknown_text(self, error: UnknownTextError) -> UserError:
        """Return the error with what can be done about it here."""
        has_unknown = self.model.tokenizer.unknown_token is not None
        remedy = (
            f"Leave them out, or replace them by {UNKNOWN}: /set unknown unk." if has_unknown else "Leave them out."
        )
        return UserError(error.what, received=error.received, remedy=remedy)

    def show(self, reply: Reply) -> None:
        """Show an answer as it comes, with marks where text fell out of the context; a Ctrl-C may stop it."""
        self.note_left_out(reply.prompt.left_out)
        answer, slides = reply.answer, 0
        listening = signals.first_stops(reply.stop) if self.stops_answers else contextlib.nullcontext()
        try:
            with listening, contextlib.closing(reply), self.display.answer() as show:
                for piece in reply:
                    if answer.slides > slides:
                        self.display.mark(SLID_AGAIN if slides else SLID)
                        slides = answer.slides
                    show(piece)
                    if self.display.is_gone:
                        reply.stop()
        except KeyboardInterrupt:  # a second one
            self.over = True
            raise
        except UserError as error:  # of a device
            remedy = f"{error.remedy} /engine {self.conversation.source.name} opens it anew.".lstrip()
            what, received = error.what.rstrip(), error.received
            raise UserError(what, expected=error.expected, received=received, remedy=remedy) from error
        finally:
            self.display.end_answer()
        if answer.ended == INTERRUPTED and not self.display.is_gone:
            self.was_interrupted = True
            self.display.note("The answer was interrupted.")

    def note_left_out(self, left_out: int) -> None:
        """Say that turns fell out of the context, whenever there are more of them."""
        if left_out > self._left_out:
            self.display.note(f"The context is full: the first {counted(left_out, 'turn')} left it.")
        self._left_out = left_out

    def regenerate(self) -> None:
        """Show another answer to the last message.

        Raises:
            UserError: There is none.
        """
        self.show(self.conversation.regenerate())

    def switch(self, engine: str) -> None:
        """Let another engine answer, after it has made all answers again and the tokens were compared.

        Raises:
            UserError: It cannot be opened or failed; the one before stays.
        """
        if engine == self.conversation.source.name == SERIAL:
            self.conversation.source.close()  # a port is opened once
        source = self.model.open(engine, self.serial_port)
        try:
            differing = sum(self.conversation.replay(source))
        except BaseException:
            source.close()
            raise
        self.conversation.source.close()
        self.conversation.source = source
        tokens = sum(len(turn.tokens) for turn in self.conversation.turns)
        self.display.lines(
            [f"{source.title} answers now. Made again: {differing} of {counted(tokens, 'token')} differ."]
        )

    def next_logits(self, text: str) -> np.ndarray:
        """Return the logits (vocabulary_size,) of the token that follows a message, or the last answer for "".

        Raises:
            UserError: There is no answer yet, or the context is full.
        """
        source, answered = self.conversation.source, ()
        if text:
            found = self.conversation.prompt_for(text, self.conversation.sampling)
            prompt, unknown = found.text, found.unknown
        elif self.last and self.last.prompt is not None:
            prompt, unknown, answered = self.last.prompt, self.last.sampling.unknown, self.last.tokens
        else:
            raise UserError("there is no answer yet", remedy="Say something first, or give a message: /top 5 TEXT.")
        tokens = [*map(int, source.encoded(prompt, unknown)), *answered]
        if len(tokens) > source.context_length:
            raise UserError(
                "the context is full", expected=f"at most {source.context_length} tokens", received=f"{len(tokens)}"
            )
        return source.next_logits(tokens)

    def load(self, transcript: Transcript) -> None:
        """Go on where a saved conversation ended."""
        self.clear()
        transcript.restore(self.conversation)

    def clear(self) -> None:
        """Forget all turns."""
        self.conversation.clear()
        self._left_out = 0

    def reset(self) -> None:
        """Forget all turns, and take the settings that the session began with."""
        self.clear()
        conversation = self.conversation
        conversation.sampling, conversation.system, conversation.mode, conversation.template = self._start

    @property
    def context_used(self) -> int:
        """Number of tokens that the model looks back on after the last answer."""
        return used_of(self.conversation)

    def figures(self) -> dict[str, str]:
        """Return what the status line tells, the most important first."""
        return figures_of(self.conversation)
