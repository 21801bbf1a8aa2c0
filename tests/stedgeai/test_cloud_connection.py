"""Addresses, certificates and limits of the Developer Cloud's client, and the login pages that it reads."""

import re

import pytest

from stand_in_cloud import PASSWORD, make_certificate, running
from textzoo.common.errors import UserError
from textzoo.targets.stedgeai.cloud import errors, transport
from textzoo.targets.stedgeai.cloud.addresses import Addresses, addresses
from textzoo.targets.stedgeai.cloud.errors import message_of
from textzoo.targets.stedgeai.cloud.login import address_at, code_in, is_callback
from textzoo.targets.stedgeai.cloud.login_form import login_form, page_text

HOME = "https://stedgeai-dc.st.com/"
# Environment, and fields of the addresses; or what the error says.
ENVIRONMENTS = [
    (
        {},
        {
            "base": HOME,
            "sso": "https://sso.st.com",
            "callback": f"{HOME}callback",
            "versions": f"{HOME}assets/versions.json",
        },
    ),
    (
        {"BASE_URL_DEVCLOUD": "https://own.example/x/"},
        {"users": "https://own.example/x/api/user_service", "jobs": "https://own.example/x/api/{version}/stm32ai/"},
    ),
    ({"BASE_URL_DEVCLOUD": "https://own.example/x"}, "must end with a slash"),
    ({"BASE_URL_DEVCLOUD": "http://127.0.0.1:8000/"}, {"files": "http://127.0.0.1:8000/api/file"}),
    ({"BASE_URL_DEVCLOUD": "http://own.example/"}, "BASE_URL_DEVCLOUD is not the address of a service; expected https"),
    ({"BASE_URL_DEVCLOUD": "https://user:word@own.example/"}, "holds a user or a password"),
    ({"SSO_URL": "https://own.example/sso/"}, {"sso": "https://own.example/sso", "base": HOME}),
    ({"SSO_URL": "file:///etc/passwd"}, "SSO_URL is not the address of a service"),
    ({"CLIENTID": "mine"}, {"client_id": "mine"}),
    ({"CALLBACK_URL": "https://a.example/c"}, {"callback": "https://a.example/c"}),
    ({"USER_SERVICE_URL": "https://a.example/c"}, {"users": "https://a.example/c"}),
    ({"FILE_SERVICE_URL": "https://a.example/c"}, {"files": "https://a.example/c"}),
    ({"BENCHMARK_SERVICE_URL": "https://a.example/c"}, {"benchmarks": "https://a.example/c"}),
    ({"STM32AI_SERVICE_URL": "https://a.example/c"}, {"jobs": "https://a.example/c"}),
    ({"VERSIONS_URL": "https://a.example/c"}, {"versions": "https://a.example/c"}),
    ({"VERSIONS_URL": "https://[a/c"}, "VERSIONS_URL is not the address"),
    ({"USE_TEST_ROUTES": "1", "BASE_URL_DEVCLOUD_QA": "https://qa.example/"}, {"base": "https://qa.example/"}),
    ({"USE_TEST_ROUTES": "1"}, "BASE_URL_DEVCLOUD_QA must end with a slash"),
    ({"NO_SSL_VERIFY": "1"}, "can be read by whoever answers in its place. Unset NO_SSL_VERIFY"),
    ({"NO_SSL_VERIFY": "false"}, {"base": HOME}),
    ({"NO_SSL_VERIFY": "yes", "SSO_URL": "sso"}, "SSO_URL is not the address"),
]


@pytest.mark.parametrize(("environment", "expected"), ENVIRONMENTS)
def test_addresses_are_those_of_the_environment(environment, expected):
    if isinstance(expected, dict):
        found = vars(addresses(environment))
        assert {name: found[name] for name in expected} == expected
    else:
        with pytest.raises(UserError) as caught:
            addresses(environment)
        assert expected in str(caught.value)


def test_the_version_stands_in_the_address_of_jobs():
    assert Addresses().jobs_of("4.0.1") == f"{HOME}api/4.0.1/stm32ai/"


# Host of the certificate, whether its authority is known, whether the server is talked to.
CERTIFICATES = [("127.0.0.1", True, True), ("127.0.0.1", False, False), ("127.0.0.2", True, False)]


@pytest.mark.parametrize(("host", "is_known", "is_accepted"), CERTIFICATES)
def test_a_certificate_is_verified(tmp_path, monkeypatch, connect, host, is_known, is_accepted):
    """One that is not accepted gets no request, so no password, and is not tried again."""
    certificate = make_certificate(tmp_path, host)
    if is_known:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with running(certificate=certificate) as server:
        cloud = connect(server)
        if is_accepted:
            assert cloud.boards()
        else:
            with pytest.raises(errors.CertificateError, match="nothing was sent to it"):
                cloud.boards()
            assert not server.requests


@pytest.mark.parametrize("url", ["http://own.example/x", "ftp://own.example/x", "own.example"])
def test_nothing_is_sent_without_encryption(url):
    connection = transport.Transport()
    with pytest.raises(errors.CloudError, match="without encryption"):
        connection.send("GET", url, "asking")
    connection.close()


@pytest.mark.parametrize(
    ("name", "value"), [("SSL_CERT_FILE", "/nowhere.pem"), ("https_proxy", "nonsense://x"), ("all_proxy", "ftp://x")]
)
def test_a_wrong_setting_of_the_machine_is_a_mistake_of_the_user(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(errors.CloudError, match=f"cannot be set up.*{name}"):
        transport.Transport()


def test_a_proxy_of_the_environment_is_asked(stand_in, connect, monkeypatch):
    """A proxy that nobody runs: the request goes there, and not to the server behind it."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(errors.UnreachableError):
        connect(stand_in).versions()
    assert not stand_in.requests


# Where a login page leads.
TARGETS = [
    "http://[",
    "https://\x7f/",
    "https://",
    "http://own.example/",
    "//[::1",
    "https://a..example:99999/",
    "\ud800",
]


@pytest.mark.parametrize("target", TARGETS)
def test_a_page_that_leads_nowhere_is_an_error(stand_in, cloud, target):
    """The password is sent nowhere else, either."""
    with pytest.raises(errors.CloudError):
        cloud.session.transport.send("POST", address_at("https://127.0.0.1:9/", target), "asking", data={"a": "b"})
    assert not stand_in.requests


# Page, and action and ticket of its login form.
PAGES = [
    ("<form action='a'><input name='lt' value='1'></form>", ("a", "1")),
    ('<FORM method=post\n ACTION="a?x=1&amp;y=2"><INPUT value="&quot;" name=lt /></FORM>', ("a?x=1&y=2", '"')),
    ("<form action='b'><input name='q'></form><form action='a'><p><input name='lt' value='1'></form>", ("a", "1")),
    ("<form action='a'></form><input name='lt' value='1'>", None),
    ("<form><input name='lt' value='1'></form>", None),
    ("<script><form action='a'><input name='lt' value='1'></form></script>", None),
    ("<!-- <form action='a'><input name='lt' value='1'></form> -->", None),
    ("<form action='a'><input name='lt' value=''></form>", None),
    ("<<<form", None),
    ("", None),
]


@pytest.mark.parametrize(("page", "expected"), PAGES)
def test_the_login_form_is_found(page, expected):
    form = login_form(page)
    assert (form and (form.action, form.fields["lt"])) == expected


def test_a_page_without_markup_and_scripts_is_its_text():
    assert page_text("<style>p{}</style><p>One\n &amp; <b>two</b></p><script>three</script>") == "One & two"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("https://a.example/callback?code=x", True),
        ("https://a.example/callback/?code=x", True),
        ("https://a.example/callback.evil.example/?code=x", False),
        ("https://a.example.evil.example/callback?code=x", False),
    ],
)
def test_a_login_ends_at_the_callback_only(target, expected):
    assert is_callback(target, "https://a.example/callback") == expected


@pytest.mark.parametrize("target", ["https://a/c", "https://a/c?code=", f"https://a/c?code={'x' * 20000}"])
def test_a_login_ends_with_a_code(target):
    with pytest.raises(errors.LoginError, match="did not let the user in"):
        code_in(target)


# Values of JSON, and their message.
MESSAGES = [
    ({"message": "a"}, "a"),
    ({"error": {"message": "a"}}, "a"),
    ({"errors": [{"path": ".p", "message": "a"}, "b"]}, ".p: a; b"),
    ({"state": "error", "result": {"error": "a"}}, "a"),
    ({"message": None, "error": "<b>a</b>\n\x07b"}, r"a \x07b"),
    ({"message": 7}, ""),
    ([], ""),
    (None, ""),
    ({"error": {"error": {"error": {"error": {"error": "deep"}}}}}, ""),
]


@pytest.mark.parametrize(("values", "expected"), MESSAGES)
def test_a_message_is_found_in_any_shape(values, expected):
    assert message_of(values) == expected


def test_a_message_is_short():
    assert len(message_of({"message": "<" * 10**6})) <= errors.MAX_SHOWN


@pytest.mark.parametrize("is_typed", [True, False])
def test_a_terminal_is_asked(stand_in, connect, monkeypatch, capsys, is_typed):
    """What is typed is used for the login and written nowhere."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: "someone@example.com" if is_typed else "")
    monkeypatch.setattr("getpass.getpass", lambda prompt: PASSWORD)
    cloud = connect(stand_in, {"stmai_username": "", "stmai_password": ""})
    if is_typed:
        assert cloud.boards()
    else:
        with pytest.raises(errors.NoCredentialsError):
            cloud.boards()
    assert not re.search(re.escape(PASSWORD), "".join(capsys.readouterr()))
