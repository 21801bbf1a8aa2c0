"""Real stores for the tests of tracking: an MLflow server behind a door that can fail, and a PostgreSQL server."""

import contextlib
import http.client
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

START_SECONDS = 120


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def process(command, log, stop=signal.SIGTERM, **options):
    """A server in the background, ended with everything that it started."""
    with log.open("wb") as output:
        started = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True, **options)
    try:
        yield started
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.pid, stop)
        started.wait(30)


def wait_for(question, log):
    """Ask until the answer is yes; the log of the server explains where it never is."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            if question():
                return
        time.sleep(0.2)
    raise TimeoutError(log.read_text(errors="replace"))


@contextlib.contextmanager
def mlflow_server(folder, store):
    """The address of an MLflow server on a database of its own, which serves artifacts as well."""
    port, log = free_port(), folder / "server.log"
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store]
    command += ["--artifacts-destination", (folder / "served").as_uri()]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    uri = f"http://127.0.0.1:{port}"
    with process(command, log, cwd=folder, env=environment):
        wait_for(lambda: urllib.request.urlopen(f"{uri}/health", timeout=5).status == 200, log)
        yield uri


class Door(BaseHTTPRequestHandler):
    """Passes requests on to a server, or fails in the way that `state` says."""

    protocol_version = "HTTP/1.1"
    target = ""
    state = "open"
    requests = 0

    def answer(self):
        type(self).requests += 1
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        type(self).FAILURES.get(type(self).state, type(self).pass_on)(self, body)

    def pass_on(self, body):
        connection = http.client.HTTPConnection(type(self).target, timeout=30)
        connection.request(self.command, self.path, body, dict(self.headers))
        reply = connection.getresponse()
        self.reply(reply.status, reply.getheader("Content-Type") or "text/plain", reply.read())
        connection.close()

    def reply(self, status, kind, content):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def cut(self, body):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def fail(self, body):
        self.reply(500, "application/json", b'{"error_code": "INTERNAL_ERROR", "message": "on purpose"}')

    def show_page(self, body):
        self.reply(200, "text/html", b"<html><body>Under maintenance</body></html>")

    FAILURES = {"cut": cut, "error 500": fail, "html": show_page}  # noqa: RUF012
    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def door_to(uri):
    """A door to a server: its handler class, whose `state` can be set, and its address."""
    handler = type("OwnDoor", (Door,), {"target": uri.removeprefix("http://"), "state": "open"})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield handler, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def postgresql_programs():
    """The folder of PostgreSQL's programs, which Debian keeps out of the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "initdb")]
    return found[-1].parent


@contextlib.contextmanager
def postgresql():
    """The address of a fresh PostgreSQL server without databases; it refuses to run as root, so not as root."""
    folder = Path(tempfile.mkdtemp(prefix="textzoo-postgresql-"))  # pytest's own folders are closed to other users
    port, log, programs = free_port(), folder / "postgresql.log", postgresql_programs()
    user = {}
    if os.getuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
        user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    data = folder / "data"
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C"],
        check=True, capture_output=True, cwd="/", **user,
    )  # fmt: skip
    command = [programs / "postgres", "-D", data, "-p", str(port), "-k", folder, "-h", "127.0.0.1", "-F"]
    with process(command, log, signal.SIGINT, cwd="/", **user):  # it does not wait for clients then
        ready = [programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-q"]  # it listens before it answers
        wait_for(lambda: subprocess.run(ready, check=False).returncode == 0, log)
        yield f"postgresql+psycopg2://tester:secret-word@127.0.0.1:{port}"
    shutil.rmtree(folder, ignore_errors=True)


def make_database(server, name):
    """An empty database on a PostgreSQL server; returns its address."""
    import sqlalchemy

    engine = sqlalchemy.create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(f'CREATE DATABASE "{name}"'))
    engine.dispose()
    return f"{server}/{name}"
