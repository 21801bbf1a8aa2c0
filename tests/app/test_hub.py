"""Uploads to a hub and downloads from it, with everything that can go wrong in between."""

import hashlib

import pytest
from stand_in_hub import TOKEN, Repository, after_it, answering, cut_off, nonsense, once, stand_in_hub
from stand_in_hub import Handler as Answers

from textzoo.common import secrets
from textzoo.common.errors import UserError
from textzoo.config import hub_files, pretrained
from textzoo.config.check import check
from textzoo.hub import references
from textzoo.hub.downloads import fetch
from textzoo.hub.references import Reference
from textzoo.hub.rules import check_publish
from textzoo.hub.settings import PublishConfig
from textzoo.hub.uploads import upload
from textzoo.pipeline.token_sources import TalkingModel
from textzoo.records.workspace import Workspace

NAME = "owner/model"
FILES = {
    "README.md": b"---\nlicense: mit\n---\n",
    "float.keras": b"weights" * 5000,
    "decode_static_wi8_ai8.tflite": b"integers" * 3000,
    "tokenizer.json": b'{"tokens": []}',
}
MISSING = "0" * 40


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A stand-in hub that this process publishes to; no wait between tries lasts."""
    with stand_in_hub() as made:
        monkeypatch.setenv("HF_ENDPOINT", made.address)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
        monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))
        monkeypatch.setattr(hub_files, "PINNED", {})
        monkeypatch.setattr(hub_files, "ORIGINS", {})
        yield made


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "publish"
    for name, content in FILES.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_bytes(content)
    return made


def published(folder, **options):
    return upload(folder, NAME, **{"private": False, "message": "Publish", **options})


def test_a_new_repository_gets_all_files_in_one_commit(hub, folder):
    done = published(folder, private=True)
    repository = hub.repositories[NAME]
    assert repository.private
    assert len(repository.commits) == 2
    assert done.commit == repository.head
    assert done.address == f"{hub.address}/{NAME}"
    assert {path: data for path, data in repository.files().items() if path in FILES} == FILES
    assert {hashlib.sha256(FILES[name]).hexdigest() for name in FILES if name.endswith((".keras", ".tflite"))} == {
        *hub.objects
    }


def test_what_else_a_repository_holds_stays(hub, folder):
    hub.repositories[NAME] = Repository()
    hub.repositories[NAME].commit({"notes.txt": b"mine", "tokenizer.json": b"old"})
    published(folder)
    assert hub.repositories[NAME].files()["notes.txt"] == b"mine"
    assert hub.repositories[NAME].files()["tokenizer.json"] == FILES["tokenizer.json"]


def test_the_same_again_makes_no_second_commit_with_other_content(hub, folder):
    published(folder)
    before = hub.repositories[NAME].files()
    published(folder)
    assert hub.repositories[NAME].files() == before


def test_a_failure_that_passes_is_not_seen(hub, folder):
    hub.failures = {
        ("PUT", "/lfs/"): once(cut_off),
        ("POST", "preupload"): once(answering(503)),
        ("POST", "objects/batch"): once(answering(429, Retry_After=1)),
    }
    published(folder)
    assert {**hub.repositories[NAME].files(), **FILES} == hub.repositories[NAME].files()


def test_large_files_are_uploaded_in_parts_if_the_hub_says_so(hub, folder):
    hub.part_bytes = 10_000
    hub.failures = {("PUT", "/lfs/.*/2"): once(cut_off), ("PUT", "/lfs/.*/3"): once(answering(500))}
    published(folder)
    assert {**hub.repositories[NAME].files(), **FILES} == hub.repositories[NAME].files()
    assert len(hub.parts) == 4 + 3
    assert [authorization for method, _, authorization in hub.requests if method == "PUT"].count("") == 4 + 3 + 2


# What the hub says of the parts, or what fails; and what is said.
PARTS = {
    "of no size": ({"chunk_size": "0"}, {}, "this is no answer of a hub"),
    "of a size below 0": ({"chunk_size": "-1"}, {}, "this is no answer of a hub"),
    "of a text's size": ({"chunk_size": "many"}, {}, "this is no answer of a hub"),
    "too many": ({"00009": "http://127.0.0.1/9"}, {}, "this is no answer of a hub"),
    "on a list": ({"00001": ["x"]}, {}, "this is no answer of a hub"),
    "no address": ({"00001": "x"}, {}, "cannot be reached|no answer of a hub"),
    "refused": ({}, {("PUT", "/lfs/.*/2"): answering(403)}, "does not allow it"),
    "cut": ({}, {("PUT", "/lfs/.*/2"): cut_off}, "the hub cannot be reached"),
    "without hash": ({}, {("PUT", "/lfs/.*/2"): nonsense}, "this is no answer of a hub"),
    "not joined": ({}, {("POST", "/lfs/[0-9a-f]*$"): answering(400)}, "does not understand"),
}


@pytest.mark.parametrize(("given", "failures", "message"), PARTS.values(), ids=PARTS)
def test_a_failed_upload_in_parts_leaves_nothing(hub, folder, given, failures, message):
    hub.part_bytes, hub.given, hub.failures = 10_000, given, failures
    with pytest.raises(UserError, match=message) as refused:
        published(folder)
    assert str(refused.value).endswith("Nothing was published.")
    assert NAME not in hub.repositories


PUT, BATCH, COMMIT, PREUPLOAD = ("PUT", "/lfs/"), ("POST", "objects/batch"), ("POST", "/commit/"), ("POST", "preupload")
CREATE, WHOAMI, INFO = ("POST", "/api/repos/create"), ("GET", "whoami"), ("GET", "/api/models/")
# what fails, how, and what is said
FAILURES = {
    "token refused": (WHOAMI, answering(401), "does not know the token"),
    "no such hub": (WHOAMI, nonsense, "this is no answer of a hub"),
    "line cut at once": (WHOAMI, cut_off, "the hub cannot be reached"),
    "not to be made": (CREATE, answering(403), "does not allow it"),
    "to be paid": (CREATE, answering(402), "wants to be paid"),
    "gated": (INFO, answering(403, code="GatedRepo"), "a gated repository's terms"),
    "card refused": (("POST", "validate-yaml"), answering(400), "the hub does not take the card"),
    "may not write": (PREUPLOAD, answering(403), "does not allow it"),
    "gone meanwhile": (PREUPLOAD, answering(404, code="RepoNotFound"), "has nothing of this name"),
    "store full": (BATCH, answering(413), "too large for the hub"),
    "store fails": (BATCH, answering(500), "the hub itself has failed; received HTTP 500"),
    "upload cut": (PUT, cut_off, "the hub cannot be reached"),
    "upload refused": (PUT, answering(403), "does not allow it"),
    "upload answered with nonsense": (BATCH, nonsense, "this is no answer of a hub"),
    "moved": (COMMIT, answering(412), "has got another commit since the upload began"),
    "conflict": (COMMIT, answering(409), "somebody else changes this repository"),
    "too many": (COMMIT, answering(429, Retry_After=3600), "received HTTP 429: on purpose; it asks to wait 3600 s"),
    "limited": (BATCH, answering(429, RateLimit='"api";r=0;t=240'), "too many requests"),
    "server failed": (COMMIT, answering(502), "the hub itself has failed; received HTTP 502"),
    "commit cut": (COMMIT, cut_off, "the hub cannot be reached"),
    "commit answered with nonsense": (COMMIT, nonsense, "this is no answer of a hub"),
}


# An old repository is not made.
BOTH = [
    pytest.param(*row, is_new, id=f"{name}, {'new' if is_new else 'old'}")
    for name, row in FAILURES.items()
    for is_new in (True, False)
    if is_new or row[0] != CREATE
]


@pytest.mark.parametrize(("address", "fail", "message", "is_new"), BOTH)
def test_a_failed_upload_leaves_nothing(hub, folder, address, fail, message, is_new):
    if not is_new:
        hub.repositories[NAME] = Repository()
    head = None if is_new else hub.repositories[NAME].head
    hub.failures = {address: fail}
    if is_new and address == INFO:
        hub.failures = {address: once(fail)}
    with pytest.raises(UserError) as refused:
        published(folder)
    text = str(refused.value)
    assert message in text
    assert text.startswith("publishing to owner/model failed")
    assert text.endswith("Nothing was published.")
    assert "\n" not in text
    assert TOKEN not in text
    assert len(text) < 600
    if is_new:
        assert NAME not in hub.repositories
    else:
        assert hub.repositories[NAME].head == head


def saying(content):
    """A failure: another content than that of a hub."""

    def fail(handler, path):
        handler.read_body()
        handler.reply(content, Content_Type="application/json")
        return True

    return fail


ODD = [b"", b"null", b"[]", b"[1]", b'"x"', b"3", b"{}", b"\xff", b"[" * 100_000, b'{"a":' * 100_000, b'{"files": 1}']
ODD += [
    b'{"objects": [1]}',
    b'{"objects": [{"oid": 1}]}',
    b'{"sha": 5, "id": []}',
    b'{"files": [{"path": "../x"}]}',
    b"[NaN]",
]


@pytest.mark.parametrize("content", ODD, ids=lambda content: content[:20].decode("latin-1"))
@pytest.mark.parametrize("address", [WHOAMI, INFO, CREATE, PREUPLOAD, BATCH, COMMIT], ids=lambda address: address[1])
def test_an_odd_answer_is_no_failure_of_the_program(hub, folder, address, content):
    hub.failures = {address: saying(content)}
    if address != CREATE:
        hub.repositories[NAME] = Repository()
    text = ""
    try:
        published(folder)
    except UserError as error:
        text = str(error)
    assert len(text) < 700
    assert TOKEN not in text


def test_a_new_repository_that_cannot_be_removed_is_told(hub, folder):
    hub.failures = {COMMIT: answering(500), ("DELETE", "delete"): answering(403)}
    with pytest.raises(UserError, match="The new repository owner/model is left: remove it on its page"):
        published(folder)
    assert {*hub.repositories[NAME].files()} == {".gitattributes"}


def test_a_commit_whose_answer_is_lost_is_told(hub, folder):
    hub.failures = {COMMIT: after_it(Answers.commit)}
    with pytest.raises(UserError, match=r"owner/model has a new commit, [0-9a-f]{40}: look whether it is this one"):
        published(folder)
    assert {*FILES} <= {*hub.repositories[NAME].files()}


def test_a_commit_in_between_stays_the_last_one(hub, folder):
    def commit(handler, path):
        hub.repositories[NAME].commit({"theirs.txt": b"theirs"})
        return False

    hub.repositories[NAME] = Repository()
    hub.failures = {PUT: once(commit)}
    with pytest.raises(UserError, match="has got another commit since the upload began; received HTTP 412"):
        published(folder)
    assert {*hub.repositories[NAME].files()} == {".gitattributes", "theirs.txt"}


def test_a_hub_that_is_gone_after_the_commit_is_told(hub, folder):
    def fail(handler, path):
        hub.failures = {INFO: answering(500)}
        return answering(500)(handler, path)

    hub.failures = {COMMIT: fail}
    with pytest.raises(UserError, match=r"Whether anything was published is not known: look at http\S+owner/model\."):
        published(folder)


def test_an_interruption_removes_a_new_repository(hub, folder, monkeypatch):
    def interrupt(handler, path):
        monkeypatch.setattr("textzoo.common.signals._pending", True)
        return False

    hub.failures = {PUT: interrupt}
    with pytest.raises(KeyboardInterrupt):
        published(folder)
    assert hub.repositories == {}


def test_somebody_makes_the_repository_at_the_same_time(hub, folder):
    def first(handler, path):
        hub.repositories[NAME] = Repository()
        return False

    hub.failures = {CREATE: first}
    assert published(folder).commit == hub.repositories[NAME].head


def test_a_public_repository_gets_nothing_private(hub, folder):
    hub.repositories[NAME] = Repository(private=False)
    with pytest.raises(UserError, match=r"can be read by everybody, and publish.private=true"):
        published(folder, private=True)
    assert len(hub.repositories[NAME].commits) == 1


def test_a_server_that_repeats_the_token_does_not_make_it_known(hub, folder):
    hub.failures = {COMMIT: answering(400, f"bad token {TOKEN}")}
    with pytest.raises(UserError, match=r"bad token \*\*\*") as refused:
        published(folder)
    assert TOKEN not in str(refused.value)
    assert secrets.masked(f"x{TOKEN}") == "x***"


def test_without_a_network_by_choice(hub, folder, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=r"the hub cannot be reached; received .*offline mode is enabled"):
        published(folder)
    assert hub.requests == []


def test_a_token_is_not_sent_in_the_clear(hub, folder, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.example")
    with pytest.raises(UserError, match=r"not sent to hub.example without encryption"):
        published(folder)


# Settings, whether there is a token, what is said.
SETTINGS = [
    (PublishConfig(), False, ""),
    (PublishConfig(repository="owner/name", dry_run=False), True, ""),
    (PublishConfig(dry_run=False), True, "publish.dry_run=false needs a repository"),
    (PublishConfig(repository="owner/name", dry_run=False), False, "there is no token of the hub"),
    (PublishConfig(license="apache-2.0"), False, ""),
    (PublishConfig(license="Apache 2"), False, "publish.license is no licence of the hub"),
    *[
        (PublishConfig(repository=name), True, "publish.repository is no repository")
        for name in (
            "name",
            "a/b/c",
            "owner/",
            "../x",
            "owner/na--me",
            "owner/a..b",
            "öwner/x",
            "o/x\n",
            "",
            "o/" + "a" * 200,
        )
        if name
    ],
]


@pytest.mark.parametrize(("settings", "has_token", "message"), SETTINGS)
def test_settings(hub, monkeypatch, settings, has_token, message):
    if not has_token:
        monkeypatch.delenv("HF_TOKEN")
    errors = check_publish(settings, frozenset({"publish"}))
    assert [message in str(error) for error in errors] == [True] * bool(message)


# Texts that name no file.
NO_FILES = [
    ("hf://owner/name/float.keras", "Name a revision behind '@'"),
    ("hf://owner/name@/float.keras", "this is no file on the hub"),
    ("hf://owner/name@main/", "this is no file on the hub"),
    ("hf://owner@main/float.keras", "this is no file on the hub"),
    ("hf://owner/name@main/../float.keras", "cannot be a file"),
    ("hf://owner/name@main//float.keras", "cannot be a file"),
    ("hf://owner/name@main/.hidden.keras", "cannot be a file"),
    ("hf://owner/name@main/a b.keras", "cannot be a file"),
    ("hf://owner/name@main/float.keras#sha256=12", "this is no file on the hub"),
    ("hf://owner/name@main/float.pkl", "'float.pkl' is not read from the hub"),
    ("hf://owner/name@main/float.h5", "'float.h5' is not read from the hub"),
    ("hf://datasets/owner/name@main/float.keras", "this is no file on the hub"),
]


@pytest.mark.parametrize(("text", "message"), NO_FILES)
def test_texts_that_name_no_file_of_the_hub(text, message):
    _, errors = check({"model": {"float_model_path": text}})
    assert len(errors) == 1
    assert str(errors[0]).startswith("model.float_model_path: ")
    assert message in str(errors[0])


@pytest.mark.parametrize("text", ["hf://a/b@main/c.keras", f"hf://a/b@{MISSING}/c/d.keras#sha256={'0' * 64}"])
def test_a_reference_is_what_was_written(text):
    assert str(references.parse(text, (".keras",))) == text


@pytest.fixture
def there(hub):
    """A repository with the files, and its commit."""
    hub.repositories[NAME] = Repository()
    return hub.repositories[NAME].commit(FILES)


def requested(hub, path):
    return [method for method, address, _ in hub.requests if address.endswith(path)]


@pytest.mark.parametrize("name", ["float.keras", "tokenizer.json"])
def test_a_file_is_downloaded_once(hub, there, tmp_path, name):
    """By its commit it is then found without a network; by a branch only its description is asked for."""
    found = fetch(Reference(NAME, "main", name), tmp_path, 10**6)
    assert found.path.read_bytes() == FILES[name]
    digest = hashlib.sha256(FILES[name]).hexdigest()
    assert str(found.reference) == f"hf://{NAME}@{there}/{name}#sha256={digest}"
    assert requested(hub, name) == ["HEAD", "GET"]
    assert fetch(Reference(NAME, "main", name), tmp_path, 10**6) == found
    assert requested(hub, name) == ["HEAD", "GET", "HEAD"]
    assert fetch(found.reference, tmp_path, 10**6).path == found.path
    assert requested(hub, name) == ["HEAD", "GET", "HEAD"]


@pytest.mark.parametrize("edit", ["content", "note"])
def test_a_damaged_cache_is_not_believed(hub, there, tmp_path, edit):
    reference = Reference(NAME, there, "float.keras")
    path = fetch(reference, tmp_path, 10**6).path
    damaged = path if edit == "content" else path.with_name("float.keras.hub.json")
    damaged.write_bytes(b"[")
    assert fetch(reference, tmp_path, 10**6).path.read_bytes() == FILES["float.keras"]


def test_a_large_file_comes_from_another_server_which_gets_no_token(hub, there, tmp_path):
    with stand_in_hub() as store:
        hub.store, store.stored = store.address, hub.stored
        assert fetch(Reference(NAME, "main", "float.keras"), tmp_path, 10**6).path.read_bytes() == FILES["float.keras"]
        assert [authorization for *_, authorization in store.requests] == [""]
    assert {authorization for *_, authorization in hub.requests} == {f"Bearer {TOKEN}"}


def test_a_transfer_that_breaks_off_is_repeated(hub, there, tmp_path):
    hub.failures = {("GET", "/resolve/"): once(cut_off)}
    assert fetch(Reference(NAME, "main", "float.keras"), tmp_path, 10**6).path.read_bytes() == FILES["float.keras"]


def altered(content=None, etag=None, size=None):
    def alter(data, path):
        return (
            data if content is None else content,
            hashlib.sha256(data).hexdigest() if etag is None else etag,
            len(data) if size is None else size,
        )

    return alter


def redirecting(address, **changes):
    headers = {"X_Repo_Commit": "1" * 40, "X_Linked_Etag": f'"{"a" * 64}"', "X_Linked_Size": 5, **changes}

    def fail(handler, path):
        handler.reply(b"", 302, Location=address, **headers)
        return True

    return fail


HEAD, GET = ("HEAD", "/resolve/"), ("GET", "/resolve/")
WEIGHTS = FILES["float.keras"]
# What fails: failures by address, what is sent instead, and what is said.
BROKEN = {
    "no access": ({HEAD: answering(401)}, None, "does not know the token"),
    "gated": ({HEAD: answering(403, code="GatedRepo")}, None, "a gated repository's terms"),
    "no file": ({HEAD: answering(404, code="EntryNotFound")}, None, "has nothing of this name"),
    "too many": ({HEAD: answering(429, Retry_After=3600)}, None, "too many requests"),
    "server fails": ({HEAD: answering(503)}, None, "the hub itself has failed"),
    "server fails later": ({GET: answering(500)}, None, "the hub itself has failed"),
    "line cut": ({HEAD: cut_off}, None, "the hub cannot be reached"),
    "always cut": ({GET: cut_off}, None, "more bytes come than|broke off|ended"),
    "another content": ({}, altered(content=b"w" * len(WEIGHTS)), "the content is not that of the hub"),
    "larger than said": ({}, altered(size=100), "more bytes come than the hub has said"),
    "shorter than said": ({}, altered(size=10**6), "ended .* bytes early"),
    "too large": ({}, altered(size=10**12), "expected at most 1,000,000 bytes"),
    "no hash": ({}, altered(etag="W/abc"), "does not say its hash"),
    "no commit": ({HEAD: redirecting("/x")}, None, "has nothing of this name"),
    "to another scheme": ({HEAD: redirecting("ftp://127.0.0.1/x")}, None, "points to 'ftp://127.0.0.1'"),
    "to another host in the clear": ({HEAD: redirecting("http://store.example/x")}, None, "points to 'http://store.ex"),
    "to no host": ({HEAD: redirecting("https://")}, None, "reached|no answer of a hub"),
    "to a strange address": ({HEAD: redirecting("https://[x/y")}, None, "no answer of a hub"),
    "to a file of this machine": ({HEAD: redirecting("file:///etc/passwd")}, None, "points to 'file://'"),
    "to another host of its own choice": (
        {HEAD: redirecting("//evil.example/x")},
        None,
        "points to|nothing of this name",
    ),
    "a size below 0": ({HEAD: redirecting("/x", X_Linked_Size=-5)}, None, "size|nothing of this name"),
    "a size that is none": ({HEAD: redirecting("https://a/x", X_Linked_Size="1e3")}, None, "does not say its size"),
    "a size beyond all": ({HEAD: redirecting("https://a/x", X_Linked_Size="9" * 30)}, None, "at most 1,000,000"),
    "a size of 5,000 digits": (
        {HEAD: redirecting("https://a/x", X_Linked_Size="9" * 5000)},
        None,
        "does not say its size",
    ),
    "a commit that is a path": (
        {HEAD: redirecting("https://a/x", X_Repo_Commit="../../etc")},
        None,
        "commit '../../etc'",
    ),
    "a hash that is a path": (
        {HEAD: redirecting("https://a/x", X_Linked_Etag='"../x"')},
        None,
        "does not say its hash",
    ),
    "a page instead": ({HEAD: nonsense}, None, "commit ''"),
    "a page later": ({GET: nonsense}, None, "ended|not that of the hub"),
    "redirected twice": ({GET: redirecting("/x")}, None, "from one address to the next"),
}


@pytest.mark.parametrize(("failures", "alter", "message"), BROKEN.values(), ids=BROKEN)
def test_a_failed_download_leaves_nothing(hub, there, tmp_path, failures, alter, message):
    hub.failures = failures
    hub.altered = alter or hub.altered
    cache = tmp_path / "cache"
    with pytest.raises(UserError, match=message) as refused:
        fetch(Reference(NAME, "main", "float.keras"), cache, 10**6)
    assert str(refused.value).startswith(f"hf://{NAME}@main/float.keras cannot be loaded")
    assert TOKEN not in str(refused.value)
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_a_commit_is_what_was_asked_for(hub, there, tmp_path):
    hub.repositories[NAME].tags[MISSING] = there
    with pytest.raises(UserError, match=f"expected a file of commit {MISSING}"):
        fetch(Reference(NAME, MISSING, "float.keras"), tmp_path, 10**6)


def test_another_hash_than_expected(hub, there, tmp_path):
    with pytest.raises(UserError, match="another content; expected sha256 0000"):
        fetch(Reference(NAME, "main", "float.keras", "0" * 64), tmp_path, 10**6)
    assert list(tmp_path.rglob("*.keras")) == []


def test_a_cache_that_cannot_be_written(hub, there, tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(UserError, match=r"cannot write .* Set dataset.cache_dir"):
        fetch(Reference(NAME, "main", "float.keras"), tmp_path / "cache", 10**6)


def test_a_configuration_takes_files_of_the_hub(hub, there, tmp_path):
    """With the tokenizer beside the model; the commit is noted."""
    reference = f"hf://{NAME}@main/decode_static_wi8_ai8.tflite"
    values = {
        "operation_mode": "prediction",
        "model": {"quantized_model_path": reference},
        "dataset": {"cache_dir": str(tmp_path)},
    }
    config, errors = check(values)
    assert errors == []
    path = tmp_path / "hub" / "owner--model" / there / "decode_static_wi8_ai8.tflite"
    assert config.model.quantized_model_path == str(path)
    assert path.with_name("tokenizer.json").read_bytes() == FILES["tokenizer.json"]
    origin = hub_files.origins_of(config)["model.quantized_model_path"].reference
    assert hub_files.pinned_text(f"a {reference} b") == f"a {origin} b"
    assert origin.revision == there


def test_a_repository_without_a_tokenizer(hub, tmp_path):
    hub.repositories[NAME] = Repository()
    hub.repositories[NAME].commit({"float.keras": WEIGHTS})
    model = {"float_model_path": f"hf://{NAME}@main/float.keras"}
    config, errors = check({"model": model, "dataset": {"cache_dir": str(tmp_path)}})
    assert errors == []
    assert not hub_files.Path(config.model.float_model_path).with_name("tokenizer.json").exists()


# Key, the file that it names, those beside it in the repository, and those of them that come along.
ALONG = [
    ("model.quantized_model_path", "decode.tflite", ["tokenizer.json", "chat_template.json"], 2),
    ("model.float_model_path", "float.keras", ["tokenizer.json", "chat_template.json"], 2),
    ("model.float_model_path", "float.keras", ["tokenizer.json"], 1),
    ("model.float_model_path", "float.keras", [], 0),
    ("tokenizer.path", "other.json", ["chat_template.json"], 1),
    ("training.init_from", "float.keras", ["tokenizer.json"], 0),
]


@pytest.mark.parametrize(("key", "name", "beside", "count"), ALONG)
def test_what_belongs_to_a_model_comes_along_and_is_asked_for_once(
    hub, tmp_path, monkeypatch, key, name, beside, count
):
    hub.repositories[NAME] = Repository()
    commit = hub.repositories[NAME].commit(dict.fromkeys((name, *beside), b'{"tokens": []}'))
    section, _, entry = key.partition(".")
    values = {section: {entry: f"hf://{NAME}@{commit}/{name}"}, "dataset": {"cache_dir": str(tmp_path)}}
    assert check(values)[1] == []
    folder = tmp_path / "hub" / "owner--model" / commit
    assert {path.name for path in folder.iterdir() if ".hub" not in path.name} == {name, *beside[:count]}
    hub.requests.clear()
    monkeypatch.setattr(hub_files, "PINNED", {})
    assert check(values)[1] == []
    assert hub.requests == []


def test_a_model_of_the_hub_talks_by_its_template_and_has_the_name_of_its_repository(hub, tmp_path):
    hub.repositories[NAME] = Repository()
    folder, name = pretrained.FOLDER / "gpt", "decode_static_wi8_ai8.tflite"
    hub.repositories[NAME].commit(
        {path: (folder / path).read_bytes() for path in (name, "tokenizer.json", "chat_template.json")}
    )
    model = {"quantized_model_path": f"hf://{NAME}@main/{name}"}
    config, errors = check({"model": model, "dataset": {"cache_dir": str(tmp_path)}})
    assert errors == []
    talking = TalkingModel(config, Workspace(tmp_path / "run"))
    assert (talking.name, talking.template(None).name) == ("model_int8", "dialogue")


def test_a_file_that_cannot_be_loaded_is_the_only_mistake(hub, tmp_path):
    model = {"float_model_path": f"hf://{NAME}@main/float.keras"}
    _, errors = check({"operation_mode": "evaluation", "model": model, "dataset": {"cache_dir": str(tmp_path)}})
    assert len(errors) == 1
    assert "has nothing of this name" in str(errors[0])
