"""A hub for the tests: repositories in memory behind the addresses that huggingface_hub uses, failures on request."""

import base64
import contextlib
import hashlib
import json
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

TOKEN = "hf_secretSecretSecretSecretSecret"
BEGUN = {".gitattributes": b"*.keras filter=lfs\n"}
# Files that go to large file storage, as on the real hub.
LARGE = (".keras", ".tflite", ".zip")


def git_hash(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Repository:
    """Commits of a repository: sha -> path -> content."""

    def __init__(self, private=False):
        self.private = private
        self.commits = {}
        self.tags = {}
        self.commit(BEGUN)

    def commit(self, files):
        content = {**(self.files() if self.commits else {}), **files}
        text = repr((len(self.commits), sorted((path, git_hash(data)) for path, data in content.items())))
        self.head = hashlib.sha1(text.encode()).hexdigest()
        self.commits[self.head] = content
        return self.head

    def files(self, revision=None):
        return self.commits.get(self.sha_of(revision))

    def sha_of(self, revision):
        return {None: self.head, "main": self.head, **self.tags}.get(revision, revision)


class Handler(BaseHTTPRequestHandler):
    """Answers as the hub does; `hub` is the state of this server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    hub = None

    def handle(self):
        with contextlib.suppress(OSError):  # a client that went away
            super().handle()

    def handle_any(self):
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((self.command, path, self.headers.get("Authorization", "")))
        for (method, pattern), fail in self.hub.failures.items():
            if method == self.command and re.search(pattern, path) and fail(self, path):
                return
        body = self.read_body()
        for (method, pattern), answer in ROUTES.items():
            match = re.fullmatch(pattern, path)
            if method == self.command and match:
                answer(self, body, *match.groups())
                return
        self.fail(404, "no such address", code="EntryNotFound")

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815

    def read_body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def reply(self, content, status=200, **headers):
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": len(data), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def fail(self, status, message, code="", **headers):
        extra = {"X_Error_Code": code} if code else {}
        self.reply({"error": message}, status, X_Error_Message=message, **extra, **headers)

    def cut(self):
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def is_known(self):
        return self.headers.get("Authorization") == f"Bearer {self.hub.token}"

    def repository(self, name):
        found = self.hub.repositories.get(name)
        if found is None or (found.private and not self.is_known()):
            self.fail(404 if self.is_known() else 401, "Repository not found", code="RepoNotFound")
            return None
        return found

    def whoami(self, body):
        if self.is_known():
            self.reply({"name": "owner", "type": "user", "orgs": []})
        else:
            self.fail(401, "Invalid credentials in Authorization header")

    def create(self, body):
        values = json.loads(body)
        name = f"{values['organization']}/{values['name']}"
        if not self.is_known():
            self.fail(401, "Invalid credentials in Authorization header")
        elif name in self.hub.repositories:
            self.fail(409, "You already created this model repo")
        else:
            self.hub.repositories[name] = Repository(values.get("visibility") == "private")
            self.reply({"url": f"{self.hub.address}/{name}"})

    def delete(self, body):
        values = json.loads(body)
        del self.hub.repositories[f"{values['organization']}/{values['name']}"]
        self.reply({})

    def info(self, body, name, revision=None):
        if found := self.repository(name):
            siblings = [{"rfilename": path} for path in found.files(revision)]
            self.reply(
                {"id": name, "sha": found.sha_of(revision), "private": found.private, "siblings": siblings, "tags": []}
            )

    def tree(self, body, name, revision):
        if found := self.repository(name):
            rows = found.files(revision).items()
            self.reply(
                [{"type": "file", "path": path, "size": len(data), "oid": git_hash(data)} for path, data in rows]
            )

    def validate(self, body):
        ok = json.loads(body)["content"].startswith("---\n")
        self.reply(
            {"errors": [], "warnings": []} if ok else {"errors": [{"message": "no metadata"}]}, 200 if ok else 400
        )

    def preupload(self, body, name, revision):
        if self.repository(name):
            files = [
                {
                    "path": row["path"],
                    "shouldIgnore": False,
                    "uploadMode": "lfs" if row["path"].endswith(LARGE) else "regular",
                }
                for row in json.loads(body)["files"]
            ]
            self.reply({"files": files})

    def batch(self, body, name):
        if not self.is_known():
            self.fail(401, "Invalid credentials in Authorization header")
            return
        rows = json.loads(body)["objects"]
        objects = [
            {**row, **({} if row["oid"] in self.hub.objects else {"actions": {"upload": self.hub.upload_of(row)}})}
            for row in rows
        ]
        self.reply({"transfer": "multipart" if self.hub.part_bytes else "basic", "objects": objects})

    def put(self, body, oid):
        if hashlib.sha256(body).hexdigest() == oid:
            self.hub.objects[oid] = body
            self.reply({})
        else:
            self.fail(400, "another content")

    def put_part(self, body, oid, number):
        self.hub.parts[oid, int(number)] = body
        self.reply(b"", ETag=f'"{hashlib.md5(body).hexdigest()}"')

    def complete(self, body, oid):
        """Join the parts of a file, as they are listed with their hashes."""
        parts = [(self.hub.parts[oid, part["partNumber"]], part["etag"]) for part in json.loads(body)["parts"]]
        if any(f'"{hashlib.md5(part).hexdigest()}"' != etag for part, etag in parts):
            self.fail(400, "another part")
        else:
            self.put(b"".join(part for part, _ in parts), oid)

    def commit(self, body, name, revision):
        found = self.repository(name)
        if not found:
            return
        lines = [json.loads(line) for line in body.splitlines()]
        header = next(line["value"] for line in lines if line["key"] == "header")
        if header.get("parentCommit") not in (None, found.head):
            self.fail(412, "A commit has happened since. Please refresh and try again.")
            return
        files = {}
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            if line["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
        sha = found.commit(files)
        self.reply({"commitUrl": f"{self.hub.address}/{name}/commit/{sha}", "commitOid": sha, "hookOutput": ""})

    def resolve(self, body, name, revision, path):
        found = self.repository(name)
        if not found:
            return
        files = found.files(revision)
        if files is None:
            self.fail(404, "Invalid rev id", code="RevisionNotFound")
        elif path not in files:
            self.fail(404, "Entry not found", code="EntryNotFound")
        else:
            self.send_file(files[path], path, found.sha_of(revision))

    def send_file(self, content, path, sha):
        content, etag, size = self.hub.altered(content, path)
        headers = {"X_Repo_Commit": sha, "ETag": f'"{git_hash(content)}"'}
        if path.endswith(LARGE):
            headers |= {"X_Linked_Etag": f'"{etag}"', "X_Linked_Size": size}
            if self.hub.store:
                self.hub.stored[path] = content
                self.reply(b"", 302, Location=f"{self.hub.store}/stored/{path}", **headers)
                return
        self.reply(content, **headers)

    def stored(self, body, path):
        self.reply(self.hub.stored[path])

    def log_message(self, *_):
        pass


NAME, REVISION = r"([^/]+/[^/]+)", r"([^/]+)"
# Method and address -> the answer.
ROUTES = {
    ("GET", "/api/whoami-v2"): Handler.whoami,
    ("POST", "/api/repos/create"): Handler.create,
    ("DELETE", "/api/repos/delete"): Handler.delete,
    ("GET", f"/api/models/{NAME}"): Handler.info,
    ("GET", f"/api/models/{NAME}/revision/{REVISION}"): Handler.info,
    ("GET", f"/api/models/{NAME}/tree/{REVISION}"): Handler.tree,
    ("POST", "/api/validate-yaml"): Handler.validate,
    ("POST", f"/api/models/{NAME}/preupload/{REVISION}"): Handler.preupload,
    ("POST", rf"/{NAME}\.git/info/lfs/objects/batch"): Handler.batch,
    ("PUT", "/lfs/([0-9a-f]{64})"): Handler.put,
    ("PUT", "/lfs/([0-9a-f]{64})/([0-9]+)"): Handler.put_part,
    ("POST", "/lfs/([0-9a-f]{64})"): Handler.complete,
    ("POST", f"/api/models/{NAME}/commit/{REVISION}"): Handler.commit,
    ("HEAD", f"/{NAME}/resolve/{REVISION}/(.+)"): Handler.resolve,
    ("GET", f"/{NAME}/resolve/{REVISION}/(.+)"): Handler.resolve,
    ("GET", "/stored/(.+)"): Handler.stored,
}


class Hub:
    """The state of a stand-in hub.

    Attributes:
        address: For HF_ENDPOINT.
        repositories: owner/name -> Repository.
        objects: sha256 -> content in large file storage.
        part_bytes: Large files are uploaded in parts of so many bytes; 0 for whole ones.
        parts: (sha256, number) -> content of a part.
        given: What else the storage says of an upload's parts.
        failures: (method, pattern of the address) -> a function of handler and address that answers otherwise, and
            returns whether it did.
        requests: (method, address, Authorization) of all requests.
        store: Address of another server to which large files are redirected; "" for this one.
        altered: Of a file's content and path, what is sent: content, sha256 and size as said.
    """

    def __init__(self, address):
        self.address, self.token = address, TOKEN
        self.repositories, self.objects, self.failures, self.requests, self.stored = {}, {}, {}, [], {}
        self.store, self.part_bytes, self.parts, self.given = "", 0, {}, {}
        self.altered = lambda content, path: (content, hashlib.sha256(content).hexdigest(), len(content))

    def upload_of(self, row):
        """Where and how an object is uploaded."""
        href, header = f"{self.address}/lfs/{row['oid']}", {}
        if self.part_bytes:
            count = -(-row["size"] // self.part_bytes)
            header = {"chunk_size": str(self.part_bytes), **{f"{n:05}": f"{href}/{n}" for n in range(1, count + 1)}}
        return {"href": href, "header": {**header, **self.given}}


@contextlib.contextmanager
def stand_in_hub():
    """A hub on a free port of 127.0.0.1."""
    handler = type("OwnHandler", (Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    handler.hub = Hub(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield handler.hub
    finally:
        server.shutdown()
        server.server_close()


def answering(status, message="on purpose", **headers):
    """A failure: an error's status, whatever was asked."""

    def fail(handler, path):
        handler.read_body()
        handler.fail(status, message, **headers)
        return True

    return fail


def cut_off(handler, path):
    """A failure: the connection ends in the middle of what is received, or sent."""
    length = int(handler.headers.get("Content-Length") or 0)
    if handler.command == "GET":
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        handler.wfile.write(b"x" * 1000)
        handler.wfile.flush()
    elif length:
        handler.rfile.read(length // 2)
    handler.cut()
    return True


def nonsense(handler, path):
    """A failure: a page instead of an answer."""
    handler.read_body()
    handler.reply(b"<html>Under maintenance</html>", Content_Type="text/html")
    return True


def once(fail):
    """A failure of the first request alone."""
    left = [True]

    def fail_once(handler, path):
        return bool(left) and left.pop() and fail(handler, path)

    return fail_once


def after_it(answer):
    """A failure of the answer alone: what was asked for is done, and the connection ends before it is told."""

    def fail(handler, path):
        body = handler.read_body()
        handler.reply = lambda *_, **__: handler.cut()
        match = next(re.fullmatch(pattern, path) for (_, pattern), found in ROUTES.items() if found is answer)
        answer(handler, body, *match.groups())
        return True

    return fail
