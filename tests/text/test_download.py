"""Downloads against a real server on this machine: whole, broken off, resumed, wrong, refused."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from textzoo.common.errors import UserError
from textzoo.text.corpora.download import ATTEMPTS, fetch
from textzoo.text.corpora.registry import KnownFile

CONTENT = bytes(range(256)) * 1200


class FileHandler(BaseHTTPRequestHandler):
    """Serves server.content with ranges; server.sent_before_break limits the body of each answer."""

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        self.server.ranges.append(wanted)
        if self.server.status:
            self.send_error(self.server.status)
            return
        body = self.server.content
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.server.knows_ranges else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if self.server.announces_length:
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        limit = self.server.sent_before_break.pop(0) if self.server.sent_before_break else len(body)
        self.wfile.write(body[start : start + limit])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with ThreadingHTTPServer(("127.0.0.1", 0), FileHandler) as server:
        server.content, server.ranges, server.sent_before_break = CONTENT, [], []
        server.status, server.knows_ranges, server.announces_length = 0, True, True
        server.url = f"http://127.0.0.1:{server.server_port}/file.txt"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def known_file(server, content: bytes = CONTENT) -> KnownFile:
    return KnownFile(server.url, hashlib.sha256(content).hexdigest(), len(content), remedy="Do this instead.")


def names(folder) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"file.txt.lock"}


def test_download_and_cache(server, tmp_path):
    path = tmp_path / "cache" / "file.txt"
    assert fetch(known_file(server), path).read_bytes() == CONTENT
    fetch(known_file(server), path)
    assert server.ranges == [""]  # asked once, without a range
    assert names(path.parent) == {"file.txt"}


def test_damaged_cache_is_downloaded_again(server, tmp_path):
    path = tmp_path / "file.txt"
    path.write_bytes(CONTENT[:-1] + b"?")
    assert fetch(known_file(server), path).read_bytes() == CONTENT


def test_broken_transfer_is_continued_at_once(server, tmp_path):
    server.sent_before_break = [100_000, 50_000]
    assert fetch(known_file(server), tmp_path / "file.txt").read_bytes() == CONTENT
    assert server.ranges == ["", "bytes=100000-", "bytes=150000-"]


def test_transfer_that_keeps_breaking_is_continued_by_the_next_run(server, tmp_path):
    server.sent_before_break = [1000] * ATTEMPTS
    with pytest.raises(UserError, match=r"ended 304,200 bytes early; run again.*Do this instead"):
        fetch(known_file(server), tmp_path / "file.txt")
    assert names(tmp_path) == {"file.txt.part"}
    server.ranges.clear()
    assert fetch(known_file(server), tmp_path / "file.txt").read_bytes() == CONTENT
    assert server.ranges == [f"bytes={1000 * ATTEMPTS}-"]
    assert names(tmp_path) == {"file.txt"}


def test_server_without_ranges_starts_anew(server, tmp_path):
    server.knows_ranges = False
    (tmp_path / "file.txt.part").write_bytes(CONTENT[:5000])
    assert fetch(known_file(server), tmp_path / "file.txt").read_bytes() == CONTENT


@pytest.mark.parametrize("part", [b"garbage", b"x" * len(CONTENT), b"x" * (len(CONTENT) + 1)])
def test_garbage_from_an_earlier_transfer_does_not_stay(server, tmp_path, part):
    (tmp_path / "file.txt.part").write_bytes(part)
    assert fetch(known_file(server), tmp_path / "file.txt").read_bytes() == CONTENT


def test_complete_part_needs_no_network(server, tmp_path):
    (tmp_path / "file.txt.part").write_bytes(CONTENT)
    assert fetch(known_file(server), tmp_path / "file.txt").read_bytes() == CONTENT
    assert server.ranges == []


def test_wrong_content_is_refused_and_removed(server, tmp_path):
    server.content = CONTENT[:-1] + b"?"
    with pytest.raises(UserError, match=rf"a file with sha256 {hashlib.sha256(server.content).hexdigest()}"):
        fetch(known_file(server), tmp_path / "file.txt")
    assert names(tmp_path) == set()
    assert len(server.ranges) == 1


@pytest.mark.parametrize("part", [b"", CONTENT[:100]])
def test_wrong_announced_size_is_refused_before_anything_is_written(server, tmp_path, part):
    server.content = CONTENT * 2
    (tmp_path / "file.txt.part").write_bytes(part)
    with pytest.raises(UserError, match=f"{len(CONTENT) * 2} bytes instead of|should have 307,200 bytes"):
        fetch(known_file(server), tmp_path / "file.txt")
    assert (tmp_path / "file.txt.part").read_bytes() == part


def test_endless_answer_is_cut_at_the_known_size(server, tmp_path):
    server.content, server.announces_length = CONTENT + b"more" * 100_000, False
    assert fetch(known_file(server), tmp_path / "file.txt").read_bytes() == CONTENT


def test_missing_on_the_server(server, tmp_path):
    server.status = 404
    with pytest.raises(UserError, match=r"HTTP Error 404.*Do this instead"):
        fetch(known_file(server), tmp_path / "file.txt")


def test_connection_refused(server, tmp_path):
    with ThreadingHTTPServer(("127.0.0.1", 0), FileHandler) as closed:
        url = f"http://127.0.0.1:{closed.server_port}/"
    with pytest.raises(UserError, match=r"refused.*Do this instead"):
        fetch(KnownFile(url, "0" * 64, 10, remedy="Do this instead."), tmp_path / "file.txt")


def test_folder_that_cannot_be_made(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot write"):
        fetch(known_file(server), tmp_path / "file" / "cache" / "file.txt")


def test_two_at_once_download_once(server, tmp_path):
    threads = [threading.Thread(target=fetch, args=(known_file(server), tmp_path / "file.txt")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "file.txt").read_bytes() == CONTENT
    assert len(server.ranges) == 1
