"""The stand-in of ST's Developer Cloud, and the client on it, without waits."""

import signal

import pytest

from stand_in_cloud import running
from textzoo.targets.stedgeai.cloud.addresses import addresses
from textzoo.targets.stedgeai.cloud.benchmarks import Patience
from textzoo.targets.stedgeai.cloud.client import DeveloperCloud
from textzoo.targets.stedgeai.cloud.jobs import Polling
from textzoo.targets.stedgeai.cloud.session import Session
from textzoo.targets.stedgeai.cloud.transport import Limits

LIMITS = Limits(silence=5, answer=10, between_tries=0)
OF_THE_CLOUD = ("BASE_URL_DEVCLOUD", "SSO_URL", "NO_SSL_VERIFY", "stmai_username", "stmai_password", "SSL_CERT_FILE")
PROXIES = ("http_proxy", "https_proxy", "all_proxy")


@pytest.fixture(autouse=True)
def no_settings(monkeypatch, tmp_path):
    """Neither the machine's proxy nor its user's token matters."""
    for name in (*OF_THE_CLOUD, *PROXIES, *(name.upper() for name in PROXIES)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def stand_in():
    with running() as server:
        yield server


@pytest.fixture
def model(tmp_path):
    """A file that stands for a model: the stand-in's figures follow from its size."""
    path = tmp_path / "quantized_model.tflite"
    path.write_bytes(b"TFL3" + bytes(range(256)) * 40)
    return path


@pytest.fixture
def connect():
    """A function that returns a client of a stand-in."""
    opened = []

    def connected(server, environment=None, unchanged=2.0, limit=2.0):
        given = server.environment() if environment is None else environment
        session = Session(addresses({**server.environment(), **given}), LIMITS, given)
        patience = Patience(interval=0, unchanged=unchanged, whole=10)
        cloud = DeveloperCloud(session, Polling(interval=0, limit=limit), patience)
        opened.append(cloud)
        return cloud

    yield connected
    for cloud in opened:
        cloud.session.close()


@pytest.fixture
def cloud(stand_in, connect):
    return connect(stand_in)


@pytest.fixture
def plain_ctrl_c():
    """Python's own handler of Ctrl-C: the program's, which an earlier test may have left, would raise again later."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
