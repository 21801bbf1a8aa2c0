"""The queue before a source: one thread makes one answer after the other."""

import asyncio
import contextlib
import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from textzoo.common.errors import UserError
from textzoo.serving.answer import INTERRUPTED, Answer, likeliest, log_probabilities
from textzoo.serving.conversation import Reply
from textzoo.serving.http.errors import ApiError, ending, failed_before, full, internal, of_prompt
from textzoo.serving.sources import ContextLengthError, Step

logger = logging.getLogger("textzoo")


@dataclass(frozen=True)
class LoggedToken:
    """A token of an answer, and what the model thought of it.

    Attributes:
        token: The token.
        start: Number of characters of the answer before it.
        log_probability: Natural logarithm.
        alternatives: The likeliest tokens and their log probabilities.
    """

    token: int
    start: int
    log_probability: float
    alternatives: list[tuple[int, float]]


@dataclass(frozen=True)
class Piece:
    """A part of an answer's text.

    Attributes:
        text: Not empty.
        tokens: Those that begin in it; empty if nobody asked.
    """

    text: str
    tokens: tuple[LoggedToken, ...] = ()


def joined(pieces: list[Piece]) -> Piece:
    """Return pieces that follow each other as one."""
    tokens = itertools.chain.from_iterable(piece.tokens for piece in pieces)
    return Piece("".join(piece.text for piece in pieces), tuple(tokens))


class Job:
    """An answer that is asked for: waiting, being made, or ended. Made in the event loop that takes its pieces.

    Args:
        begin: Begins the answer, in the worker's thread.
        alternatives: Number of likeliest tokens to report with each token; None for no probabilities at all.

    Attributes:
        reply: The answer in its conversation, once it has begun.
    """

    def __init__(self, begin: Callable[[], Reply], alternatives: int | None = None) -> None:
        self.begin, self.alternatives = begin, alternatives
        self.reply: Reply | None = None
        self.error: ApiError | None = None
        self.is_stopped = False
        self.loop = asyncio.get_running_loop()
        self.pieces: asyncio.Queue[Piece | None] = asyncio.Queue()

    async def next(self) -> Piece | None:
        """Return all text that has come since the last time, at least a piece; None at the end.

        Raises:
            ApiError: There is no answer, or no more of it.
        """
        pieces = [await self.pieces.get()]
        while pieces[-1] is not None and not self.pieces.empty():
            pieces.append(self.pieces.get_nowait())
        if pieces == [None]:
            if self.error:
                raise self.error
            return None
        if pieces[-1] is None:
            self.pieces.put_nowait(pieces.pop())  # the end is told alone
        return joined(pieces)

    def stop(self) -> None:
        """End the answer soon, or as soon as it begins. Safe from any thread."""
        self.is_stopped = True
        if self.reply:
            self.reply.stop()

    def fail(self, error: ApiError) -> None:
        self.error = error
        self.deliver(None)

    def deliver(self, piece: Piece | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it whoever asked
            self.loop.call_soon_threadsafe(self.pieces.put_nowait, piece)

    def run(self) -> None:
        """Make the answer, or note why there is none; the end itself is told by whoever calls."""
        try:
            self.reply = self.begin()
            if self.is_stopped:
                self.reply.stop()
            self.make(self.reply)
            if self.reply.answer.ended == INTERRUPTED:
                self.error = ending()
        except ContextLengthError as error:  # checked before; a source has the last word
            self.error = of_prompt(error, "")
        except KeyboardInterrupt:  # the main thread's, noticed here while waiting for a device
            self.error = ending()
        except UserError as error:  # the rest of its text may hold what the device said to others
            logger.error("an answer failed: %s", error.what)
            self.error = ApiError(502, f"the model's device failed: {error.what}", code="engine_failed")
        except Exception:
            logger.exception("an answer failed")
            self.error = internal()

    def make(self, reply: Reply) -> None:
        told = 0
        for text in reply:
            end = end_of_text(reply.answer)
            tokens = self.logged(reply.answer, told, end)
            told = end
            self.deliver(Piece(text, tokens))

    def logged(self, answer: Answer, first: int, end: int) -> tuple[LoggedToken, ...]:
        """Return tokens with their probabilities, if these are asked for; their logits take much memory and go."""
        found = []
        for index in range(first, end):
            step = answer.steps[index]
            if self.alternatives is not None:
                found.append(logged_token(step, answer.starts[index], self.alternatives))
            answer.steps[index] = Step(step.token)
        return tuple(found)


def end_of_text(answer: Answer) -> int:
    """Return the number of tokens that begin in an answer's text so far."""
    length, end = len(answer.text), len(answer.steps)
    while end and answer.starts[end - 1] >= length:
        end -= 1
    return end


def logged_token(step: Step, start: int, alternatives: int) -> LoggedToken:
    own = float(log_probabilities(step.logits)[step.token])
    return LoggedToken(step.token, start, own, likeliest(step.logits, alternatives))


class Worker:
    """One thread that makes answers in the order in which they were asked for.

    Args:
        max_waiting: Number of jobs that may wait while one is being made.
        on_end: Called in the worker's thread with each job that has ended.
    """

    def __init__(self, max_waiting: int, on_end: Callable[[Job], None]) -> None:
        self.max_waiting, self.on_end = max_waiting, on_end
        self.jobs: deque[Job] = deque()  # the first one is being made
        self.changed = threading.Condition()
        self.is_closed = False
        self.refusal = ending  # makes the error of jobs that come too late
        self.thread = threading.Thread(target=self.work, name="textzoo-answers", daemon=True)
        self.thread.start()

    @property
    def waiting(self) -> int:
        """Number of jobs behind the one that is being made."""
        return max(len(self.jobs) - 1, 0)

    def submit(self, job: Job) -> None:
        """Add a job to the queue; raise ApiError if it is full or closed."""
        with self.changed:
            if self.is_closed:
                raise self.refusal()
            if len(self.jobs) > self.max_waiting:
                raise full(self.waiting)
            self.jobs.append(job)
            self.changed.notify()

    def cancel(self, job: Job) -> None:
        """Take a job out of the queue, or stop its answer; do nothing if it has ended."""
        with self.changed:
            if job in self.jobs and job is not self.jobs[0]:
                self.jobs.remove(job)
        job.stop()

    def work(self) -> None:
        while job := self.first():
            if job.is_stopped:
                job.fail(ending())
            else:
                job.run()
                self.on_end(job)
                job.deliver(None)
            with self.changed:
                self.jobs.popleft()
        with self.changed:
            left = [*self.jobs]
        for job in left:
            job.fail(self.refusal())

    def first(self) -> Job | None:
        """Wait for a job and return it; None if the worker is closed."""
        with self.changed:
            self.changed.wait_for(lambda: self.jobs or self.is_closed)
            return None if self.is_closed else self.jobs[0]

    def close(self) -> None:
        """Stop the answer that is being made, wait for its end, and refuse what waits."""
        with self.changed:
            self.is_closed = True
            running = [*self.jobs][:1]
            self.changed.notify()
        for job in running:
            job.stop()
        self.thread.join()

    def give_up(self) -> None:
        """Refuse what waits, and end with the job that is being made, because its source is of no more use."""
        with self.changed:
            self.refusal, self.is_closed = failed_before, True
