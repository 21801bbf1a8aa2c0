"""dataset=tinystories: the beginning of a large file, from a server on this machine that fails in every way it can."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from textzoo.common.errors import UserError
from textzoo.text.corpora.download import ATTEMPTS, fetch_beginning
from textzoo.text.corpora.loading import load_corpus
from textzoo.text.corpora.registry import CORPORA, CorpusKind, LargeFile
from textzoo.text.settings import DatasetConfig

STORY = "Once upon a time there was a cat number {}.\nIt said \u201cmeow\u201d.\n\nIt was happy."
FILE = "".join(f"\n{STORY.format(number)}\n<|endoftext|>" for number in range(400)).encode()
SIZE = 10_000


class Handler(BaseHTTPRequestHandler):
    """Serves server.content at /file, and a redirect to it at /hub, as the hub does for large files."""

    def do_GET(self):
        server, wanted = self.server, self.headers.get("Range", "")
        if self.path == "/hub":
            self.send_response(302)
            self.send_header("Location", "/file")
            self.send_header("X-Linked-Etag", f'"{hashlib.sha256(FILE).hexdigest()}"')
            self.end_headers()
            return
        server.ranges.append(wanted)
        content = server.content
        if not server.knows_ranges:
            wanted = ""
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start, end = int(first or 0), min(int(last or len(content) - 1), len(content) - 1)
        self.send_response(206 if wanted else 200)
        if wanted:
            total = server.claims.pop(0) if server.claims else len(content)
            self.send_header("Content-Range", f"bytes {start}-{end}/{total}")
        self.send_header("Content-Length", str(end + 1 - start))
        self.send_header("ETag", server.version)
        self.end_headers()
        limit = server.sent_before_break.pop(0) if server.sent_before_break and end > start else len(content)
        self.wfile.write(content[start : end + 1][:limit])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        made.content, made.ranges, made.sent_before_break = FILE, [], []
        made.version, made.knows_ranges, made.claims = '"1"', True, []
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def large_file(server, path="file"):
    return LargeFile(f"http://127.0.0.1:{server.server_port}/{path}", remedy="Do this instead.")


def names(folder):
    return {path.name for path in folder.iterdir()} - {"a.txt.lock"}


def test_only_the_beginning_is_downloaded_and_once(server, tmp_path):
    for _ in range(2):
        assert fetch_beginning(large_file(server), tmp_path / "a.txt", SIZE).read_bytes() == FILE[:SIZE]
    assert server.ranges == ["bytes=0-0", f"bytes=0-{SIZE - 1}"]
    record = json.loads((tmp_path / "a.txt.json").read_text())
    assert record["sha256"] == hashlib.sha256(FILE[:SIZE]).hexdigest()
    assert names(tmp_path) == {"a.txt", "a.txt.json"}


def test_a_cut_connection_is_continued_by_the_next_run(server, tmp_path):
    server.sent_before_break = [1000] * ATTEMPTS
    with pytest.raises(UserError, match=r"ended 7,000 bytes early; run again to continue it.*Do this instead"):
        fetch_beginning(large_file(server), tmp_path / "a.txt", SIZE)
    server.ranges.clear()
    assert fetch_beginning(large_file(server), tmp_path / "a.txt", SIZE).read_bytes() == FILE[:SIZE]
    assert server.ranges == ["bytes=0-0", f"bytes={1000 * ATTEMPTS}-{SIZE - 1}"]


def test_what_is_left_of_another_version_is_not_continued(server, tmp_path):
    server.sent_before_break = [1000] * ATTEMPTS
    with pytest.raises(UserError):
        fetch_beginning(large_file(server), tmp_path / "a.txt", SIZE)
    server.content, server.version = FILE[::-1], '"2"'
    server.ranges.clear()
    assert fetch_beginning(large_file(server), tmp_path / "a.txt", SIZE).read_bytes() == FILE[::-1][:SIZE]
    assert server.ranges == ["bytes=0-0", f"bytes=0-{SIZE - 1}"]


def test_a_server_without_ranges_sends_all_and_the_beginning_is_kept(server, tmp_path):
    server.knows_ranges = False
    (tmp_path / "a.txt.part").write_bytes(FILE[:500])
    assert fetch_beginning(large_file(server), tmp_path / "a.txt", SIZE).read_bytes() == FILE[:SIZE]


def test_a_file_that_is_smaller_is_taken_whole(server, tmp_path):
    assert fetch_beginning(large_file(server), tmp_path / "a.txt", 10**6).read_bytes() == FILE


def test_a_whole_file_must_have_the_hash_that_the_hub_names(server, tmp_path):
    assert fetch_beginning(large_file(server, "hub"), tmp_path / "a.txt", 10**6).read_bytes() == FILE
    server.content = FILE[:-1] + b"?"
    with pytest.raises(UserError, match=f"instead of {hashlib.sha256(FILE).hexdigest()}"):
        fetch_beginning(large_file(server, "hub"), tmp_path / "b.txt", 10**6)
    assert not (tmp_path / "b.txt").exists()


def test_the_users_hash_is_checked(server, tmp_path):
    right, wrong = hashlib.sha256(FILE[:SIZE]).hexdigest(), "0" * 64
    fetch_beginning(large_file(server), tmp_path / "a.txt", SIZE, right)
    with pytest.raises(UserError, match=f"a file with sha256 {right} instead of {wrong}"):
        fetch_beginning(large_file(server), tmp_path / "a.txt", SIZE, wrong)


@pytest.mark.parametrize("damage", ["content", "size", "record"])
def test_what_was_damaged_is_downloaded_again(server, tmp_path, damage):
    path = fetch_beginning(large_file(server), tmp_path / "a.txt", SIZE)
    if damage == "record":
        (tmp_path / "a.txt.json").write_text("{")
    else:
        path.write_bytes(FILE[: SIZE - 1] + (b"?" if damage == "content" else b""))
    assert fetch_beginning(large_file(server), path, SIZE).read_bytes() == FILE[:SIZE]


@pytest.mark.parametrize("claimed", [SIZE - 1, 10**9])
def test_another_size_than_was_announced_is_refused(server, tmp_path, claimed):
    server.claims = [claimed]
    with pytest.raises(UserError, match=rf"{len(FILE)} bytes instead of|should have {claimed:,} bytes"):
        fetch_beginning(large_file(server), tmp_path / "a.txt", SIZE)
    assert "a.txt" not in names(tmp_path)


@pytest.mark.parametrize(("path", "message"), [("nowhere", "no size|Not Found|refused|reset"), ("file", "no size")])
def test_servers_that_say_nothing_useful(server, tmp_path, path, message):
    server.content, server.knows_ranges = b"", False
    with pytest.raises(UserError, match=rf"({message}).*Do this instead"):
        fetch_beginning(large_file(server, path), tmp_path / "a.txt", SIZE)


def test_stories_become_documents(server, tmp_path, monkeypatch):
    """Whole ones, in ASCII, with a mark behind each; the story at the cut is left out."""
    kind = CorpusKind(CORPORA["tinystories"].loader, large_file=large_file(server))
    monkeypatch.setitem(CORPORA, "tinystories", kind)
    mark = "\n<|endoftext|>\n"
    dataset = DatasetConfig(name="tinystories", cache_dir=str(tmp_path), download_bytes=SIZE, separator=mark)
    corpus = load_corpus(dataset)
    text = corpus.training + corpus.validation
    whole = FILE[:SIZE].count(b"<|endoftext|>")
    stories = [STORY.format(number).replace("\u201c", '"').replace("\u201d", '"') for number in range(whole)]
    assert text == "".join(story + mark for story in stories)
    (source,) = corpus.sources
    assert (source.documents, source.sha256) == (whole, hashlib.sha256(FILE[:SIZE]).hexdigest())
    assert source.normalised == {'U+201C to "': whole, 'U+201D to "': whole}
    assert load_corpus(dataset).sha256 == corpus.sha256
    assert len(server.ranges) == 2


def test_the_same_file_can_be_given(tmp_path):
    (tmp_path / "stories.txt").write_bytes(FILE.removesuffix(b"<|endoftext|>"))
    dataset = DatasetConfig(name="tinystories", training_path=str(tmp_path / "stories.txt"), split_mode="random")
    assert load_corpus(dataset).sources[0].documents == 400
    (tmp_path / "stories.txt").write_bytes(b" <|endoftext|> ")
    with pytest.raises(UserError, match="holds no story"):
        load_corpus(dataset)
