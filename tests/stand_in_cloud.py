"""A stand-in of ST's Developer Cloud: all routes that the client uses, with failures that are injected by name.

It is written from the description of the interface, not from the client: it keeps what was uploaded, and answers about
that. `failures` may be changed while it runs.
"""

import datetime
import hashlib
import io
import json
import re
import ssl
import threading
import time
import zipfile
from contextlib import contextmanager
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

USER, PASSWORD = "someone@example.com", "Ünguessable+pass&word=1"
VERSIONS = [
    {"version": "2.2.0", "label": "2.2.0", "supportsNeuralArt": True, "platform": {"stm32": "10.2.0"}},
    {"version": "4.0.1", "label": "4.0.1 (latest)", "supportsNeuralArt": True, "isLatest": True},
    {"version": "8.1.0", "label": "X-CUBE-AI 8.1.0", "supportsNeuralArt": False},
]
BOARDS = {
    "STM32H747I-DISCO": {"boardCount": 3, "flashSize": 2048, "deviceCpu": "Cortex-M7", "deviceId": "0x450"},
    "STM32F469I-DISCO": {"boardCount": 1, "flashSize": 2048, "deviceCpu": "Cortex-M4", "deviceId": "0x434"},
    "STM32N6570-DK": {"boardCount": 2, "flashSize": 0, "deviceCpu": "Cortex-M55", "deviceId": "0x486"},
    "B-U585I-IOT02A": {"boardCount": 0, "flashSize": 2048, "deviceCpu": "Cortex-M33", "deviceId": "0x482"},
    "STM32MP257F-EV1": {"boardCount": 1, "flashSize": 0, "deviceCpu": "Cortex-A35", "deviceId": "0x505"},
}
STATES = (
    *("IN_QUEUE", "waiting_for_build", "GENERATING_SOURCES", "copying_sources", "loading_sources"),
    *("BUILDING", "flashing", "validation"),
)
PAGE = """<!doctype html><html><head><title>Log in</title>
<script>var form = "<form action='/elsewhere'>";</script></head><body>
<form id="search" action="/search"><input name="q" value=""/></form>
<form id="fm1" class="form"
   action="/cas/login?service=a&amp;b=c" method="post"><input type="hidden" name="lt" value="LT-%d"/>
<input name="username"/><input type="password" name="password"/></form></body></html>"""
WRONG = (
    "<p>You have provided the wrong password. You have 3 attempts left after which your account password will "
    "expire.</p>"
)
BLOCKED = "<p>You have exceeded 5 login attempts. Please click below on <b>Forgot Password</b> to set a new one.</p>"
SECOND_FACTOR = "<h1>Enter the code that we have sent to your phone</h1><form><input name='code'/></form>"
HTML_500 = "<html><body><h1>Internal Server Error</h1><p>nginx</p></body></html>"
INVALID = {"errors": [{"path": ".body.mpool", "message": "bad pool"}]}
TOOL_ERROR = "E102(NotImplementedError): layer BATCH_MATMUL \x1b[31mis not supported"
NAMES_OF_PARAMETERS = {
    *("model", "verbosity", "type", "name", "compression", "allocateInputs"),
    *("allocateOutputs", "noInputsAllocation", "noOutputsAllocation", "inputDataType", "outputDataType", "target"),
    *("series", "splitWeights", "hsp", "optimization", "stNeuralArt", "atonnOptions"),
    *("fromModel", "version", "statsType", "mpool"),
}
# Every failure that can be injected; a test compares it with what the tests inject.
FAILURES = (
    "500 on trigger",
    "422 on trigger",
    "benchmark error",
    "benchmark stuck",
    "benchmark without result",
    "benchmark without state",
    "run error without result",
    "run error with message",
    "run stuck",
    "trigger ko",
    "401 on files",
    "token revoked",
    "refresh refused",
    "wrong password",
    "blocked account",
    "page without form",
    "second factor",
    "login denied",
    "redirects without end",
    "redirect to nowhere",
    "sso 503",
    "expired token",
    "no tokens",
    "unknown user",
    "not a zip",
    "zip leads outside",
    "zip expands",
    "upload not kept",
    "deletion fails",
    "versions 500",
    "versions empty",
    "boards 500",
    "not json",
    "endless answer",
    "dropped connection",
    "dropped once",
    "503 once",
    "503 on boards",
    "redirect with token",
    "compressed answer",
)


def c_info(model: bytes, board: str, is_board: bool) -> dict:
    """A network_c_info.json for a model: sizes follow from its bytes, so that no two models have the same."""
    weights, activations = len(model) // 2, len(model) // 8
    info = {
        "json_schema_version": "2.0",
        "environment": {
            "generated_model": {"name": "network", "model_files": []},
            "device": board,
            "tools": [{"name": "ST.EdgeAI.Core", "version": "4.0.1-20581 0123abcd", "arguments": "generate"}],
        },
        "memory_footprint": {
            "activations": activations,
            "weights": weights,
            "io": [64, 32],
            "kernel_flash": 30000,
            "kernel_ram": 2000,
            "toolchain_flash": 500,
            "toolchain_ram": 12,
            "extra_flash": 7,
            "extra_ram": 0,
            "series": "generic",
            "toolchain": None,
        },
        "memory_pools": [
            {"id": 0, "name": "AXISRAM", "address": "0x24000000", "rights": "ACC_WRITE", "size_bytes": 524288}
            | {"used_size_bytes": activations, "subpools": [], "virtual": False, "persistent": False},
            {"id": 1, "name": "weights_array", "address": "s_weights", "rights": "ACC_READ", "size_bytes": -1}
            | {"used_size_bytes": weights, "subpools": [], "virtual": False, "persistent": True},
        ],
        "buffers": [],
        "graphs": [{"id": 0, "name": "m", "nodes": [{"id": 1, "description": "Gemm", "macc": weights}], "edges": []}],
    }
    if is_board:
        cycles = 3 * weights
        figures = {"cycles": cycles, "duration_ms": cycles / 400e3, "cycles_by_macc": 3.0}
        info["graphs"][0]["exec_time"] = figures
    return info


class StandIn(ThreadingHTTPServer):
    """The server: an account with its files, jobs and benchmarks, and what was asked for."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, failures: tuple[str, ...] = (), *, states: tuple[str, ...] = STATES) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.scheme, self.states, self.old_body, self.lifetime = "http", states, False, 3600.0
        self.failures: set[str] = set()
        self.inject(*failures)
        self.models: dict[str, bytes] = {}
        self.uploads: list[tuple[str, bytes]] = []
        self.generated: dict[str, bytes] = {}
        self.runs: dict[str, dict] = {}
        self.jobs: dict[str, dict] = {}
        self.access: set[str] = set()
        self.refreshers: set[str] = set()
        self.codes: set[str] = set()
        self.count = 0
        self.requests: list[tuple[str, str]] = []
        self.bodies: list[dict] = []
        self.lock = threading.Lock()

    def inject(self, *failures: str) -> None:
        assert set(failures) <= set(FAILURES), failures
        self.failures = set(failures)

    @property
    def address(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}/"

    def environment(self) -> dict[str, str]:
        """The variables that lead the client here, and let it in."""
        own = {"BASE_URL_DEVCLOUD": self.address, "SSO_URL": f"{self.address}sso"}
        return {**own, "stmai_username": USER, "stmai_password": PASSWORD, "no_proxy": "127.0.0.1"}

    def number(self) -> int:
        with self.lock:
            self.count += 1
            return self.count

    def new_tokens(self) -> dict:
        number = self.number()
        access, refresh = f"access-token-{number}", f"refresh-token-{number}"
        self.access.add(access)
        self.refreshers.add(refresh)
        left = -10 if "expired token" in self.failures else self.lifetime
        return {"access_token": access, "refresh_token": refresh, "expires_at": time.time() + left}

    def count_of(self, method: str, path: str) -> int:
        return sum(request == (method, path) for request in self.requests)

    def handle_error(self, request, client_address) -> None:
        """Clients that go away are what some tests are about."""


class Reply(Exception):  # noqa: N818 (it is no error)
    """An answer that ends the handling of a request."""

    def __init__(self, status: int, content, kind: str = "application/json", **headers: str) -> None:
        self.status, self.kind, self.headers = status, kind, headers
        self.content = content if isinstance(content, bytes) else content.encode()


def as_json(values, status: int = 200) -> Reply:
    return Reply(status, json.dumps(values))


def page(text: str, status: int = 200) -> Reply:
    return Reply(status, text, "text/html; charset=utf-8")


def redirect(where: str) -> Reply:
    return Reply(302, "", "text/html", Location=where)


class Handler(BaseHTTPRequestHandler):
    """One request: its route is a row of ROUTES."""

    server: StandIn
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # one packet for headers and body: the second would wait for an acknowledgement

    def log_message(self, *_) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def do_DELETE(self) -> None:
        self.answer()

    def fails(self, name: str) -> bool:
        return name in self.server.failures

    def answer(self) -> None:
        parts = urlsplit(self.path)
        self.query = parse_qs(parts.query)
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append((self.command, parts.path))
        if self.fails("dropped connection") or self.fails("dropped once"):
            self.server.failures.discard("dropped once")
            self.close_connection = True
            self.connection.close()
            return
        try:
            self.route(parts.path)
        except Reply as reply:
            self.write(reply)

    def route(self, path: str) -> None:
        for method, pattern, needs_token, function in ROUTES:
            found = re.fullmatch(pattern, path)
            if found and method == self.command:
                if needs_token:
                    self.check_token()
                raise function(self, *found.groups())
        raise as_json({"error": f"no route {self.command} {path}"}, 404)

    def check_token(self) -> None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.fails("token revoked") or token not in self.server.access:
            self.server.failures.discard("token revoked")
            raise as_json({"message": f"The token {token} is not valid"}, 401)
        if self.fails("redirect with token"):
            raise redirect("http://127.0.0.1:9/steal")
        if self.fails("not json"):
            raise page("<html>Maintenance <script>alert(1)</script></html>")
        if self.fails("endless answer"):
            self.write_without_end()
        if self.fails("compressed answer"):
            raise Reply(200, b"\x1f\x8b", **{"Content-Encoding": "gzip"})

    def write(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.kind)
        self.send_header("Content-Length", str(len(reply.content)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.content)

    def write_without_end(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        while True:
            self.wfile.write(b" " * (1 << 20))

    def form(self) -> dict[str, str]:
        """The fields of a form, of either encoding; a file as its bytes."""
        kind = self.headers.get("Content-Type", "")
        if not kind.startswith("multipart/"):
            return dict(parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True))
        message = BytesParser().parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + self.body)
        return {part.get_param("name", header="content-disposition"): part for part in message.get_payload()}


# Logging in.


def show_login(handler: Handler) -> Reply:
    server = handler.server
    expected = {"response_type": "code", "client_id": "oidc_prod_client_app_stm32ai", "scope": "openid"}
    expected |= {"redirect_uri": f"{server.address}callback", "response_mode": "query"}
    if {name: values[0] for name, values in handler.query.items()} != expected:
        return page(f"unknown client {handler.query}", 400)
    if handler.fails("sso 503"):
        return page("<h1>Down for maintenance</h1>", 503)
    if handler.fails("redirects without end"):
        return redirect(handler.path)
    return redirect("/cas/login?first=1")


def show_form(handler: Handler) -> Reply:
    if handler.fails("page without form"):
        return page("<html><body><p>We are moving. Please use the new portal.</p></body></html>")
    return page(PAGE % handler.server.number())


def take_form(handler: Handler) -> Reply:
    fields = handler.form()
    if set(fields) != {"username", "password", "_eventId", "lt"} or fields["_eventId"] != "Login":
        return page(f"unknown form {sorted(fields)}", 400)
    if not fields["lt"].startswith("LT-") or handler.query != {"service": ["a"], "b": ["c"]}:
        return page("unknown ticket", 400)
    if handler.fails("blocked account"):
        return page(BLOCKED)
    if handler.fails("wrong password") or (fields["username"], fields["password"]) != (USER, PASSWORD):
        return page(WRONG)
    if handler.fails("second factor"):
        return page(SECOND_FACTOR)
    if handler.fails("redirect to nowhere"):
        return Reply(302, "")
    return redirect(f"{handler.server.address}sso/resume")


def resume(handler: Handler) -> Reply:
    if handler.fails("login denied"):
        query = urlencode({"error": "access_denied", "error_description": "The terms are not accepted"})
        return redirect(f"{handler.server.address}callback?{query}")
    code = f"code-{handler.server.number()}"
    handler.server.codes.add(code)
    return redirect(f"{handler.server.address}callback?{urlencode({'code': code, 'state': 'x'})}")


def give_tokens(handler: Handler) -> Reply:
    fields, server = handler.form(), handler.server
    if fields.get("redirect_url") != f"{server.address}callback" or fields.get("code") not in server.codes:
        return as_json({"error": "bad code"}, 400)
    server.codes.discard(fields["code"])
    return as_json({"access_token": 7} if handler.fails("no tokens") else server.new_tokens())


def refresh(handler: Handler) -> Reply:
    token, server = handler.form().get("refresh_token"), handler.server
    if handler.fails("refresh refused") or token not in server.refreshers:
        return as_json({"error": f"refresh token {token} has expired"}, 401)
    server.refreshers.discard(token)
    return as_json(server.new_tokens())


def authenticate(handler: Handler) -> Reply:
    if handler.fails("unknown user") or handler.form().get("access_token") not in handler.server.access:
        return as_json({"message": "who is this?"}, 403)
    return as_json({"sub": USER})


# Versions and files.


def list_versions(handler: Handler) -> Reply:
    if handler.fails("versions 500"):
        return page(HTML_500, 500)
    return as_json([] if handler.fails("versions empty") else VERSIONS)


def list_models(handler: Handler) -> Reply:
    check_files(handler)
    return as_json([{"name": name, "size": len(content)} for name, content in handler.server.models.items()])


def check_files(handler: Handler) -> None:
    if handler.fails("401 on files"):
        raise as_json({"message": f"Unauthorized: {handler.headers['Authorization']}"}, 401)


def upload(handler: Handler) -> Reply:
    check_files(handler)
    part = handler.form()["file"]
    if handler.fails("upload not kept"):
        return as_json({"upload": False, "message": "The storage of the account is full"})
    content = part.get_payload(decode=True)
    handler.server.models[part.get_filename()] = content
    handler.server.uploads.append((part.get_filename(), content))
    return as_json({"upload": True})


def delete(handler: Handler, name: str) -> Reply:
    if handler.fails("deletion fails"):
        return page(HTML_500, 500)
    if handler.server.models.pop(name, None) is None:
        return as_json({"message": "no such file"}, 404)
    return as_json({"deleted": True})


def download_model(handler: Handler, name: str) -> Reply:
    content = handler.server.models.get(name)
    return as_json({}, 404) if content is None else Reply(200, content, "application/octet-stream")


def download_generated(handler: Handler, name: str) -> Reply:
    content = handler.server.generated.get(name)
    return as_json({}, 404) if content is None else Reply(200, content, "application/zip")


# Jobs.


def check_trigger(handler: Handler, arguments: dict) -> None:
    """Refuse a job as the cloud does: for injected failures, unknown parameters, or a model that is not there."""
    handler.server.bodies.append(arguments)
    if handler.fails("500 on trigger"):
        raise page(HTML_500, 500)
    if handler.fails("422 on trigger"):
        raise as_json(INVALID, 422)
    if unknown := set(arguments) - NAMES_OF_PARAMETERS:
        raise as_json({"errors": [{"path": f".body.{name}", "message": "unknown"} for name in unknown]}, 422)
    if arguments.get("model") not in handler.server.models:
        raise as_json({"errors": [{"path": ".body.model", "message": "no such model"}]}, 422)


def start_job(handler: Handler, version: str, kind: str) -> Reply:
    server = handler.server
    if version not in {row["version"] for row in VERSIONS}:
        return page("no such version", 404)
    fields = handler.form()
    if set(fields) != {"args"}:
        return as_json({"errors": [{"path": ".body", "message": f"fields {sorted(fields)}"}]}, 422)
    arguments = json.loads(fields["args"])
    if handler.fails("trigger ko"):
        return as_json({"status": "ko", "error": "The tool could not be started"})
    check_trigger(handler, arguments)
    job = f"run-{server.number()}"
    server.jobs[job] = {"kind": kind, "model": server.models[arguments["model"]], "asked": 0}
    return as_json({"runtimeId": job})


def ask_job(handler: Handler, version: str, job: str) -> Reply:
    found = handler.server.jobs.get(job)
    if found is None:
        return as_json({"message": "no such run"}, 404)
    found["asked"] += 1
    if handler.fails("run error without result"):
        return as_json({"state": "error", "progress": 40, "result": None})
    if handler.fails("run error with message"):
        return as_json({"state": "error", "message": TOOL_ERROR})
    if found["asked"] < 3 or handler.fails("run stuck"):
        return as_json({"state": "running", "progress": 10 * min(found["asked"], 9)})
    return as_json({"state": "done", "progress": 100, "result": result_of(handler, found)})


def result_of(handler: Handler, job: dict) -> dict:
    if job["kind"] != "generate":
        info = c_info(job["model"], "", False)
        return {"report": {"date_time": "now"}, "graph": {}, "info": info}
    name = f"generated_{handler.server.number()}.zip"
    handler.server.generated[name] = archive(handler, job["model"])
    return {"url": f"https://elsewhere.example/files/{name}", "graph": {}, "report": {}}


def archive(handler: Handler, model: bytes) -> bytes:
    if handler.fails("not a zip"):
        return b"<html>not found</html>"
    memory, digest = io.BytesIO(), hashlib.sha256(model).hexdigest()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("network.c", f"/* {digest} */\n")
        for number in range(300):
            file.writestr(f"Inc/header_{number}.h", "#pragma once\n")
        if handler.fails("zip leads outside"):
            file.writestr("../outside.c", "")
        if handler.fails("zip expands"):
            file.writestr("network_data.c", bytes(32 << 20))
    return memory.getvalue()


# Benchmarks.


def describe(handler: Handler) -> Reply:
    names = ("model", "args") if handler.server.old_body else ("model", "version", "optimization")
    schema = {"properties": {name: {"type": "string"} for name in names}}
    post = {"requestBody": {"content": {"application/json": {"schema": schema}}}}
    return as_json({"openapi": "3.0.0", "paths": {"/benchmark/{queue}": {"post": post}}})


def list_boards(handler: Handler) -> Reply:
    if handler.fails("503 once") or handler.fails("503 on boards"):
        handler.server.failures.discard("503 once")
        return page("<h1>Service unavailable</h1>", 503)
    return page(HTML_500, 500) if handler.fails("boards 500") else as_json(BOARDS)


def start_benchmark(handler: Handler, board: str) -> Reply:
    body, server = json.loads(handler.body), handler.server
    if board not in {name.lower() for name in BOARDS}:
        return as_json({"errors": [{"message": f"no queue {board}"}]}, 404)
    if server.old_body:
        if set(body) != {"model", "args"}:
            return as_json({"errors": [{"path": ".body", "message": "model and args"}]}, 422)
        body = json.loads(body["args"])
    check_trigger(handler, body)
    return begun(server, board, body["model"], body)


def start_mpu_benchmark(handler: Handler, board: str) -> Reply:
    body = json.loads(handler.body)
    if board not in BOARDS or set(body) != {"engine", "nbCores", "version", "model"}:
        return as_json({"errors": [{"path": ".body", "message": f"{board} {sorted(body)}"}]}, 422)
    check_trigger(handler, {"model": body["model"]})
    handler.server.bodies.append(body)
    return begun(handler.server, board, body["model"], body)


def begun(server: StandIn, board: str, model: str, body: dict) -> Reply:
    job = f"{server.number():024x}"
    server.runs[job] = {"board": board, "model": server.models[model], "asked": 0, "body": body}
    return as_json({"benchmarkId": job, "model": model, "args": body})


def ask_benchmark(handler: Handler, job: str) -> Reply:
    run = handler.server.runs.get(job)
    if run is None:
        return as_json({"message": "no such benchmark"}, 404)
    run["asked"] += 1
    states = handler.server.states
    place = {"board": run["board"], "totalStep": len(states)}
    if handler.fails("benchmark without state"):
        return as_json(["?"])
    if handler.fails("benchmark stuck"):
        return as_json({"state": "IN_QUEUE", "step": 0, "progress": 0, **place})
    if handler.fails("benchmark error") and run["asked"] > 2:
        return as_json({"state": "ERROR", "message": TOOL_ERROR, **place})
    if run["asked"] <= len(states):
        done = run["asked"] - 1
        return as_json({"state": states[done], "step": done, "progress": 100 * done // len(states), **place})
    if handler.fails("benchmark without result"):
        return as_json({"state": "DONE", **place})
    return as_json({"state": "DONE", **place, **benchmark_result(run)})


def benchmark_result(run: dict) -> dict:
    if run["board"].startswith("STM32MP"):
        seconds = {"duration_ms": len(run["model"]) / 1e4, "npu_percent": 0, "gpu_percent": 0, "cpu_percent": 100}
        version = {"name": "ST.EdgeAI.Core", "major": "2", "minor": "2", "micro": "0"}
        figures = {"model_size": len(run["model"]), "ram_peak": 9_000_000, "tool_version": version}
        return {"benchmark": {"board": run["board"], "exec_time": seconds, "model_name": "m", **figures}}
    info = c_info(run["model"], run["board"], True)
    mapping = {"layersInExternalFlash": ["far_weights"], "layersInInternalFlash": ["near_weights"]}
    memory = {"memoryFootprint": info["memory_footprint"], **mapping, "useExternalRam": False, "useExternalFlash": True}
    return {"benchmark": {"info": info, "report": {}, "graph": {}}, "memoryMapping": memory}


# Method, path, whether a token is needed, function. The second slash before a job's kind is ST's.
ROUTES = (
    ("GET", "/assets/versions.json", False, list_versions),
    ("GET", "/sso/as/authorization.oauth2", False, show_login),
    ("GET", "/cas/login", False, show_form),
    ("POST", "/cas/login", False, take_form),
    ("GET", "/sso/resume", False, resume),
    ("POST", "/api/user_service/login/callback", False, give_tokens),
    ("POST", "/api/user_service/login/refresh", False, refresh),
    ("POST", "/api/user_service/login/authenticate", False, authenticate),
    ("GET", "/api/file/files/models", True, list_models),
    ("POST", "/api/file/files/models", True, upload),
    ("GET", "/api/file/files/models/([^/]+)", True, download_model),
    ("DELETE", "/api/file/files/models/([^/]+)", True, delete),
    ("GET", "/api/file/files/generated/([^/]+)", True, download_generated),
    ("POST", "/api/([^/]+)/stm32ai//(analyze|generate|validate)", True, start_job),
    ("GET", "/api/([^/]+)/stm32ai//run/([^/]+)", True, ask_job),
    ("GET", "/api/benchmark/api", False, describe),
    ("GET", "/api/benchmark/boards", True, list_boards),
    ("POST", "/api/benchmark/benchmark/mpu/([^/]+)", True, start_mpu_benchmark),
    ("POST", "/api/benchmark/benchmark/([^/]+)", True, start_benchmark),
    ("GET", "/api/benchmark/benchmark/([^/]+)", True, ask_benchmark),
)


@contextmanager
def running(failures: tuple[str, ...] = (), certificate: tuple[Path, Path] | None = None, **options):
    """Start a stand-in and yield it.

    Args:
        failures: Names out of FAILURES.
        certificate: Files of a certificate and its key, for HTTPS.
        options: Of StandIn.
    """
    server = StandIn(failures, **options)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.scheme = "https"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def make_certificate(folder: Path, host: str = "127.0.0.1") -> tuple[Path, Path]:
    """Write a certificate that has signed itself, and its key."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stand-in")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(
        now + datetime.timedelta(days=1)
    )
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
    builder = builder.add_extension(names, False).add_extension(x509.BasicConstraints(True, None), True)
    certificate = builder.sign(key, hashes.SHA256())
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain, shape = serialization.NoEncryption(), serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, shape, plain))
    return paths
