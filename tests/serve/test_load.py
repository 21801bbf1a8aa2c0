"""Many clients at once: nothing is lost, mixed up or kept. (A minute of it: benchmarks/serve_load.py.)"""

import gc
import os
import threading
import time

import psutil
import pytest
from api_client import NAME, gpt_source, running

import serve_load
from textzoo.serving.answer import Answer
from textzoo.serving.conversation import Conversation
from textzoo.serving.http.worker import Job

CLIENTS = 200
# The loop's, the worker's, and those in which asyncio encodes prompts.
THREADS = 2 + min(32, (os.cpu_count() or 1) + 4)
KEPT = (Answer, Conversation, Job)


def kept_objects():
    gc.collect()
    return [value for value in gc.get_objects() if isinstance(value, KEPT)]


@pytest.mark.slow
def test_200_clients_get_the_answers_that_are_given_alone():
    before, kept_before = threading.active_count(), len(kept_objects())  # other tests keep some, too
    questions = serve_load.questions_of(gpt_source())
    assert len({question.answer for question in questions}) > len(questions) // 2
    with running(gpt_source()) as server:
        sizes = []
        for _ in range(3):
            received = serve_load.load(server.url, NAME, questions, CLIENTS, seconds=0)
            assert len(received) == CLIENTS
            assert all(one.is_right for one in received)
            sizes.append(psutil.Process().memory_info().rss)
        while server.server.server_state.tasks or server.server.server_state.connections:
            time.sleep(0.01)
        assert len(kept_objects()) - kept_before <= len(KEPT)  # the worker's last one of each
        assert threading.active_count() - before <= THREADS
    assert sizes[2] - sizes[1] < 50 << 20


def test_figures_of_a_load():
    received = [serve_load.Received(number != 3, 10, number / 10) for number in range(1, 11)]
    rows = serve_load.figures(received, 2.0)
    assert (rows["requests"], rows["answers_that_differ"], rows["tokens_per_second"]) == (10, 1, 50.0)
    assert rows["latency_seconds"]["p50"] == pytest.approx(0.55)
