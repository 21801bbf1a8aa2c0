"""The Developer Cloud's client on a stand-in: what it returns, what it leaves behind, and every failure by its name."""

import contextlib
import hashlib
import json
import signal
import stat

import pytest

from stand_in_cloud import BOARDS, FAILURES, PASSWORD, STATES, USER, VERSIONS
from textzoo.common import secrets
from textzoo.common.errors import UserError
from textzoo.targets.stedgeai.cloud import errors
from textzoo.targets.stedgeai.cloud.benchmarks import Clock, Patience, old_body
from textzoo.targets.stedgeai.cloud.parameters import Parameters
from textzoo.targets.stedgeai.cloud.tokens import token_path

BALANCED = Parameters(optimization="balanced")
BOARD = "STM32H747I-DISCO"


# What can be asked for, each with a client, a model and an empty folder.
CALLS = {
    "versions": lambda cloud, model, folder: cloud.versions(),
    "boards": lambda cloud, model, folder: cloud.boards(),
    "models": lambda cloud, model, folder: cloud.files.models(),
    "analyze": lambda cloud, model, folder: cloud.analyze(model, BALANCED),
    "validate": lambda cloud, model, folder: cloud.validate(model, BALANCED),
    "generate": lambda cloud, model, folder: cloud.generate(model, folder / "generated", BALANCED),
    "benchmark": lambda cloud, model, folder: cloud.benchmark(model, BOARD, BALANCED),
}
EXPANDED = "expands to"
# Failure, what is asked for, the type of the error, and what its message says.
FAILED = [
    ("500 on trigger", "benchmark", errors.ServerFailedError, "HTTP 500: Internal Server Error nginx"),
    ("500 on trigger", "analyze", errors.ServerFailedError, "HTTP 500: Internal Server Error nginx"),
    ("422 on trigger", "benchmark", errors.ParametersError, ".body.mpool: bad pool"),
    ("422 on trigger", "generate", errors.ParametersError, ".body.mpool: bad pool"),
    ("benchmark error", "benchmark", errors.JobFailedError, r"layer BATCH_MATMUL \x1b[31mis not supported"),
    ("benchmark stuck", "benchmark", errors.TimeLimitError, "has been in the state in_queue for more than 0.3 s"),
    ("benchmark without result", "benchmark", errors.NotUnderstoodError, "is done, but without a result"),
    ("benchmark without state", "benchmark", errors.NotUnderstoodError, "the answer has no state"),
    ("run error without result", "analyze", errors.JobFailedError, "4.0.1 in the Developer Cloud failed"),
    ("run error with message", "validate", errors.JobFailedError, "BATCH_MATMUL"),
    ("run stuck", "analyze", errors.TimeLimitError, "takes longer than 0.3 s; received state running"),
    ("trigger ko", "generate", errors.JobFailedError, "was not started; received The tool could not be started"),
    ("401 on files", "models", errors.NotAuthorizedError, "HTTP 401: Unauthorized: Bearer ***"),
    ("401 on files", "benchmark", errors.NotAuthorizedError, "HTTP 401: Unauthorized: Bearer ***"),
    ("wrong password", "boards", errors.WrongPasswordError, "You have 3 attempts left"),
    ("blocked account", "boards", errors.AccountBlockedError, "You have exceeded 5 login attempts. Please click below"),
    ("page without form", "boards", errors.LoginPageError, "We are moving"),
    ("second factor", "boards", errors.UnexpectedPageError, "the code that we have sent to your phone"),
    ("login denied", "boards", errors.LoginError, "The terms are not accepted access_denied"),
    ("redirects without end", "boards", errors.NotUnderstoodError, "more than 20 redirects"),
    ("redirect to nowhere", "boards", errors.NotUnderstoodError, "HTTP 302 without Location"),
    ("sso 503", "boards", errors.ServerFailedError, "HTTP 503: Down for maintenance"),
    ("no tokens", "boards", errors.NotUnderstoodError, "these are no tokens"),
    ("unknown user", "boards", errors.LoginError, "HTTP 403: who is this?"),
    ("not a zip", "generate", errors.NotUnderstoodError, "no archive that can be unpacked"),
    ("zip leads outside", "generate", errors.NotUnderstoodError, "'../outside.c'"),
    ("zip expands", "generate", errors.NotUnderstoodError, EXPANDED),
    ("upload not kept", "analyze", errors.NotUnderstoodError, "The storage of the account is full"),
    ("versions 500", "versions", errors.ServerFailedError, "HTTP 500"),
    ("versions 500", "benchmark", errors.ServerFailedError, "HTTP 500"),
    ("versions empty", "analyze", errors.NotUnderstoodError, "no list of versions"),
    ("boards 500", "benchmark", errors.ServerFailedError, "HTTP 500"),
    ("503 on boards", "boards", errors.ServerFailedError, "HTTP 503: Service unavailable"),
    ("not json", "models", errors.NotUnderstoodError, "Maintenance"),
    ("endless answer", "boards", errors.NotUnderstoodError, "at most 33,554,432 bytes"),
    ("dropped connection", "versions", errors.UnreachableError, "no answer from 127.0.0.1"),
    ("redirect with token", "boards", errors.NotUnderstoodError, "not followed with a token"),
    ("compressed answer", "boards", errors.NotUnderstoodError, "is compressed"),
]
# Failures that a user does not notice, but for a line in the log.
MENDED = ("token revoked", "refresh refused", "expired token", "dropped once", "503 once", "deletion fails")


def test_every_failure_is_injected():
    assert {row[0] for row in FAILED} | set(MENDED) == set(FAILURES)


@pytest.mark.parametrize(("failure", "call", "kind", "message"), FAILED, ids=lambda value: str(value)[:30])
def test_a_failure_has_a_type_and_says_what_the_server_says(
    stand_in, connect, model, tmp_path, failure, call, kind, message
):
    stand_in.inject(failure)
    cloud = connect(stand_in, unchanged=0.3, limit=0.3)
    with pytest.raises(UserError) as caught:
        CALLS[call](cloud, model, tmp_path)
    assert type(caught.value) is kind
    assert message in str(caught.value)
    assert not stand_in.models, "the model is still in the account"
    assert not (tmp_path / "outside.c").exists()
    for secret in (PASSWORD, USER, *stand_in.access, *stand_in.refreshers, *stand_in.codes):
        assert secret not in str(caught.value)


def test_a_wrong_password_is_tried_once_for_a_whole_benchmark(stand_in, cloud, model, caplog):
    """Five wrong ones block the account."""
    stand_in.inject("wrong password")
    with pytest.raises(errors.WrongPasswordError):
        cloud.benchmark(model, BOARD, BALANCED)
    with pytest.raises(errors.WrongPasswordError), cloud.files.uploaded(model):
        pytest.fail("nothing is uploaded")
    assert "may be left" not in caplog.text
    assert stand_in.count_of("POST", "/cas/login") == 2


def test_a_benchmark_returns_figures_of_the_model_that_was_given(stand_in, cloud, model):
    """Also if the account has another one of the same file name."""
    stand_in.models[model.name] = b"stale"
    seen = []
    result = cloud.benchmark(model, BOARD.lower(), BALANCED, on_progress=seen.append)
    assert result["benchmark"]["info"]["memory_footprint"]["weights"] == model.stat().st_size // 2
    assert (result["board"], result["version"]) == (BOARD, "4.0.1")
    assert stand_in.models == {model.name: b"stale"}
    assert [progress.state for progress in seen] == [*(state.lower() for state in STATES), "done"]
    assert [progress.step for progress in seen[:-1]] == list(range(len(STATES)))
    ((name, content),) = stand_in.uploads
    assert content == model.read_bytes()
    assert hashlib.sha256(content).hexdigest()[:32] in name
    assert stand_in.bodies == [{"model": name, "optimization": "balanced", "version": "4.0.1"}]


@pytest.mark.parametrize("call", ["analyze", "validate"])
def test_a_job_returns_its_result(stand_in, cloud, model, tmp_path, call):
    result = CALLS[call](cloud, model, tmp_path)
    assert result["info"]["memory_footprint"]["weights"] == model.stat().st_size // 2
    assert ("POST", f"/api/4.0.1/stm32ai//{call}") in stand_in.requests
    assert not stand_in.models


def test_generated_files_are_unpacked(cloud, model, tmp_path):
    """The address of the archive names another server, which gets no request, let alone the token."""
    paths = cloud.generate(model, tmp_path / "out", BALANCED)
    assert len(paths) == 301
    assert hashlib.sha256(model.read_bytes()).hexdigest() in (tmp_path / "out" / "network.c").read_text()


def test_boards_and_versions(cloud):
    boards = cloud.boards()
    assert {name: board.count for name, board in boards.items()} == {
        name: facts["boardCount"] for name, facts in BOARDS.items()
    }
    assert boards[BOARD].processor == "Cortex-M7"
    assert [version.version for version in cloud.versions()] == [row["version"] for row in VERSIONS]
    assert [version.version for version in cloud.versions() if version.is_latest] == ["4.0.1"]


# Board, version that is asked for, what goes to the server; or the error.
BODIES = [
    ("STM32F469I-DISCO", "latest", {"version": "4.0.1", "optimization": "balanced"}),
    ("STM32F469I-DISCO", "2.2.0", {"version": "2.2.0", "optimization": "balanced"}),
    (
        "STM32N6570-DK",
        "4.0.1",
        {"version": "4.0.1", "optimization": "balanced", "target": "stm32n6", "stNeuralArt": "default"}
        | {"atonnOptions": {"enable-epoch-controller": True}},
    ),
    ("STM32MP257F-EV1", "latest", {"version": "2.2.0", "engine": "hw_accelerator", "nbCores": 2}),
    ("STM32MP257F-EV1", "4.0.1", "has no target for MPUs since 3.0; expected 2.2.0"),
    ("STM32N6570-DK", "8.1.0", "has no support of Neural-ART"),
    ("STM32F469I-DISCO", "4.0.0", "expected latest or one of 2.2.0, 4.0.1, 8.1.0. Did you mean '4.0.1'?"),
    ("STM32H747-DISCO", "latest", f"expected one of {', '.join(sorted(BOARDS))}. Did you mean '{BOARD}'?"),
    ("B-U585I-IOT02A", "latest", "no board B-U585I-IOT02A is connected"),
]


@pytest.mark.parametrize(("board", "version", "expected"), BODIES)
def test_a_board_and_a_version_make_a_body_or_an_error(stand_in, cloud, model, board, version, expected):
    if isinstance(expected, str):
        with pytest.raises((errors.UnknownVersionError, errors.UnknownBoardError)) as caught:
            cloud.benchmark(model, board, BALANCED, version)
        assert expected in str(caught.value)
        assert not stand_in.uploads
    else:
        result = cloud.benchmark(model, board, BALANCED, version)
        assert stand_in.bodies[-1] == {"model": stand_in.uploads[0][0], **expected}
        assert result["version"] == expected["version"]


def test_an_old_server_gets_parameters_as_one_text(stand_in, cloud, model):
    stand_in.old_body = True
    assert cloud.benchmark(model, BOARD, BALANCED)["board"] == BOARD


@pytest.mark.parametrize("description", [None, [], {}, {"paths": 3}, {"paths": {"/benchmark/{queue}": {"post": []}}}])
def test_an_odd_description_of_a_server_is_no_old_one(description):
    assert not old_body(description)


# Tokens.


def test_tokens_are_kept_for_the_next_time_and_readable_by_their_owner_only(stand_in, connect):
    connect(stand_in).boards()
    path = token_path()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [*path.parent.iterdir()] == [path]
    assert PASSWORD not in path.read_text()
    without_password = {"stmai_username": ""}
    connect(stand_in, without_password).boards()
    assert stand_in.count_of("POST", "/cas/login") == 1


@pytest.mark.parametrize(
    ("failures", "logins", "renewals"),
    [(["expired token"], 1, 1), (["token revoked"], 1, 1), (["token revoked", "refresh refused"], 2, 1)],
)
def test_a_token_that_is_no_longer_taken_is_renewed(stand_in, cloud, failures, logins, renewals):
    stand_in.inject(*failures)
    assert BOARD in cloud.boards()
    if "expired token" in failures:
        stand_in.inject()
        assert BOARD in cloud.boards()
    assert stand_in.count_of("POST", "/cas/login") == logins
    assert stand_in.count_of("POST", "/api/user_service/login/refresh") == renewals


def test_tokens_that_another_run_has_renewed_are_used(stand_in, connect):
    """A refresh token serves once: without, the second run would have to log in again."""
    ours, others = connect(stand_in), connect(stand_in)
    ours.boards()
    others.boards()
    stand_in.access.clear()
    others.boards()
    ours.boards()
    assert stand_in.count_of("POST", "/cas/login") == 1
    assert stand_in.count_of("POST", "/api/user_service/login/refresh") == 1


def test_a_login_that_cannot_be_kept_serves_this_run(stand_in, cloud, tmp_path, caplog):
    (tmp_path / "config").write_text("a file, no folder")
    assert BOARD in cloud.boards()
    assert "the login is not kept for the next run" in caplog.text


def test_logging_out_forgets_the_tokens(stand_in, connect):
    cloud = connect(stand_in)
    cloud.boards()
    cloud.session.log_out()
    assert not token_path().exists()
    with pytest.raises(errors.NoCredentialsError, match="there is no terminal to ask for it"):
        connect(stand_in, {"stmai_username": ""}).boards()


@pytest.mark.parametrize("change", ["server", "user"])
def test_tokens_go_to_no_other_server_and_serve_no_other_user(stand_in, connect, change):
    cloud = connect(stand_in)
    cloud.boards()
    values = json.loads(token_path().read_text())
    token_path().write_text(json.dumps(values | {change: "https://other.example/"}))
    connect(stand_in).boards()
    assert stand_in.count_of("POST", "/cas/login") == 2


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        ("", 0o644, "can be read or changed by others; expected mode 0600"),
        ("{", 0o600, "is damaged"),
        ("[]", 0o600, "expected a JSON object"),
        ('{"access_token": "a\\r\\nX: y"}', 0o600, "these are no tokens"),
        ('{"access_token": "aaaa", "refresh_token": "b", "expires_at": "soon"}', 0o600, "these are no tokens"),
        ('{"access_token": "aaaa", "refresh_token": "b", "expires_at": true}', 0o600, "these are no tokens"),
    ],
)
def test_a_file_of_tokens_is_not_trusted(stand_in, cloud, content, mode, message):
    path = token_path()
    path.parent.mkdir(parents=True)
    if content.startswith('{"'):
        content = json.dumps({"server": stand_in.address} | json.loads(content))
    path.write_text(content)
    path.chmod(mode)
    with pytest.raises(UserError) as caught:
        cloud.boards()
    assert message in str(caught.value)
    assert not stand_in.requests


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("stmai_username", "", "stmai_username is not"),
        ("stmai_password", "", "stmai_password is not"),
        ("stmai_password", "\udc80secret", "are texts of 1 to 1,024"),
        ("stmai_password", "x" * 1025, "are texts of 1 to 1,024"),
    ],
)
def test_a_user_needs_a_password(stand_in, connect, name, value, message):
    environment = stand_in.environment() | {name: value}
    with pytest.raises(errors.NoCredentialsError, match=message):
        connect(stand_in, environment).boards()
    assert not stand_in.requests


# What is left behind.


@pytest.mark.usefixtures("plain_ctrl_c")
def test_ctrl_c_in_the_queue_leaves_the_account_clean(stand_in, cloud, model):
    stand_in.inject("benchmark stuck")
    seen = []

    def press(progress):
        seen.append(progress)
        if len(seen) == 3:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        cloud.benchmark(model, BOARD, BALANCED, on_progress=press)
    assert len(stand_in.uploads) == 1
    assert not stand_in.models


def test_a_model_that_cannot_be_deleted_is_named(stand_in, cloud, model, caplog):
    stand_in.inject("deletion fails")
    assert cloud.analyze(model, BALANCED)
    assert f"{stand_in.uploads[0][0]} may be left in the account" in caplog.text


def test_only_what_cannot_happen_twice_is_sent_again(stand_in, cloud, model):
    stand_in.inject("dropped once")
    assert len(cloud.versions()) == 3  # a GET
    stand_in.inject("503 once")
    assert BOARD in cloud.boards()
    stand_in.inject("dropped once")
    with pytest.raises(errors.UnreachableError):
        cloud.analyze(model, BALANCED)  # the upload's POST
    assert stand_in.count_of("POST", "/api/file/files/models") == 1


def test_secrets_are_masked_wherever_they_are_shown(stand_in, cloud):
    cloud.boards()
    (token,) = stand_in.access
    assert token not in secrets.masked(f"Bearer {token} {PASSWORD}")
    assert PASSWORD not in secrets.masked(PASSWORD)
    assert token not in repr(vars(cloud.session))
    assert PASSWORD not in repr(vars(cloud.session) | {"environment": {}})


# Seconds and states of a benchmark, and what the limit of 2,500 seconds since the last change says to them.
WAITS = [
    ([(0, "a"), (2400, "a"), (2500, "a")], ""),
    ([(0, "a"), (2501, "a")], "in the state a for more than 2500 s"),
    ([(0, "a"), (2400, "b"), (4800, "c"), (7200, "c")], ""),
    ([(0, "a"), (2400, "b"), (4800, "a"), (7301, "a")], "in the state a for more than 2500 s"),
    ([(second, str(second)) for second in range(0, 24_000, 1000)], "takes more than 21600 s"),
]


@pytest.mark.parametrize(("seen", "message"), WAITS)
def test_the_limit_of_time_counts_from_the_last_change(monkeypatch, seen, message):
    times = iter([0, 0, *(second for second, _ in seen)])
    monkeypatch.setattr("time.monotonic", lambda: next(times))
    clock = Clock(Patience())
    with pytest.raises(errors.TimeLimitError, match=message) if message else contextlib.nullcontext():
        for _, state in seen:
            clock.check(state, "it")
