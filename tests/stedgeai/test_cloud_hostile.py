"""Whatever a server answers, the client returns a result or raises a UserError, and waits for a bounded time."""

import contextlib
import json
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from textzoo.common.errors import UserError
from textzoo.targets.stedgeai.cloud.addresses import Addresses
from textzoo.targets.stedgeai.cloud.benchmarks import Patience
from textzoo.targets.stedgeai.cloud.client import DeveloperCloud
from textzoo.targets.stedgeai.cloud.jobs import Polling
from textzoo.targets.stedgeai.cloud.parameters import Parameters
from textzoo.targets.stedgeai.cloud.session import Session
from textzoo.targets.stedgeai.cloud.tokens import Tokens
from textzoo.targets.stedgeai.cloud.transport import Answer, Limits

# Keys and values that the client looks at, and others.
KEYS = st.sampled_from(
    [
        *("state", "result", "message", "error", "errors", "path", "status", "runtimeId", "benchmarkId", "url", "info"),
        *("benchmark", "memoryMapping", "upload", "deleted", "name", "version", "isLatest", "platform", "boardCount"),
        *("STM32H747I-DISCO", "access_token", "refresh_token", "expires_at", "supportsNeuralArt", "progress", "step"),
    ]
)
WORDS = st.sampled_from(["done", "DONE", "error", "ok", "4.0.1", "../x", "a/b", "\x00\x1b[0m", "", "run-1", "{"])
PLAIN = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), WORDS)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
BODIES = VALUES.map(lambda values: json.dumps(values).encode()) | st.binary(max_size=40)
# Most answers are what is expected, so that the later steps are reached, too.
GOOD = [
    {"upload": True, "deleted": True, "runtimeId": "run-1", "benchmarkId": "b", "STM32H747I-DISCO": {"boardCount": 1}},
    [{"version": "4.0.1", "isLatest": True}],
]
ANSWERS = st.tuples(
    st.sampled_from([200] * 8 + [204, 302, 401, 404, 422, 500]),
    st.sampled_from([json.dumps(values).encode() for values in GOOD]) | BODIES,
    st.sampled_from(["application/json", "application/zip", "text/html", ""]),
)
CALLS = st.sampled_from(
    [
        lambda cloud, model: cloud.versions(),
        lambda cloud, model: cloud.boards(),
        lambda cloud, model: cloud.files.models(),
        lambda cloud, model: cloud.analyze(model, Parameters()),
        lambda cloud, model: cloud.generate(model, model.parent / "out", Parameters()),
        lambda cloud, model: cloud.benchmark(model, "STM32H747I-DISCO", Parameters()),
    ]
)


@settings(max_examples=150)
@given(data=st.data(), call=CALLS)
def test_any_answer_is_a_result_or_an_error(data, call, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp()
    model = folder / "model.tflite"
    model.write_bytes(b"TFL3")
    session = Session(Addresses(), Limits(between_tries=0), {}, folder / "tokens.json")
    session.tokens = Tokens("access", "refresh", time.time() + 3600, session.addresses.base, "user")
    cloud = DeveloperCloud(session, Polling(0, 0.01), Patience(0, 0.01, 0.02))

    def sent(method, url, what, limit, content):
        status, body, kind = data.draw(ANSWERS)
        return Answer(status, body, {"content-type": kind}, url)

    session.transport.sent = sent
    with contextlib.suppress(UserError):
        call(cloud, model)
    cloud.session.close()
    (folder / "tokens.json").unlink(missing_ok=True)
