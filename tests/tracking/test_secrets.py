"""Whatever a password is made of, and wherever it stands in an address: nobody is told."""

from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fewshot_bench.cli import main
from fewshot_bench.errors import UsageError
from fewshot_bench.tracking import Tracker
from fewshot_bench.tracking.owed import deliver, owed_to
from fewshot_bench.tracking.secrets import redacted
from fewshot_bench.tracking.store import one_line, store_name
from tests.processes import free_port
from tests.tracking.records import make_record

TOKENS = ("hunter", "swordfish")  # what must never be seen, with anything around and between
NASTY = st.text(
    st.sampled_from("/#?@;:&=%[]\\ \t\n'\"<>{}|^`~!$*+,éß日\x00\x1b\u202e\xa0"), max_size=6
)
PASSWORDS = st.tuples(NASTY, NASTY, NASTY).map(lambda n: n[0] + TOKENS[0].join(n[1:]) + TOKENS[1])
SERVERS = ("http", "https", "postgresql", "mysql+pymysql", "mssql+pyodbc", "ftp", "sqlite", "")
ADDRESSES = (
    "{scheme}://me:{password}@127.0.0.1:1/x",
    "{scheme}://{password}@127.0.0.1:1",
    "{scheme}://me;password={password}@127.0.0.1:1/x",
    "{scheme}://me@127.0.0.1:1/x?password={password}",
    "{scheme}://127.0.0.1:1/x?user=me&token={password}#a",
    "{scheme}://127.0.0.1:1/;password={password}",
    "{scheme}://127.0.0.1:1#{password}",
    "{scheme}:///?odbc_connect=PWD={password}",
    "{scheme}://me:{password}",
    "{scheme}:me:{password}@host",
    "{password}",
)


def assert_unseen(text: str) -> None:
    assert not [token for token in TOKENS if token in text], text


@settings(max_examples=300)
@given(st.sampled_from(ADDRESSES), st.sampled_from(SERVERS), PASSWORDS)
@example(ADDRESSES[0], "http", "12#hunter")
@example(ADDRESSES[0], "http", "12/hunter@swordfish")
@example(ADDRESSES[0], "http", "a hunter")
@example(ADDRESSES[0], "postgresql", "a@hunter")
def test_no_name_and_no_refusal_shows_a_password(form: str, scheme: str, password: str) -> None:
    uri = form.format(scheme=scheme, password=password)
    if scheme == "sqlite" and "@" not in form:
        return  # the name of a file
    if form.endswith("me:{password}") and "@" in password:
        return  # what follows is a host, as far as anybody can tell
    try:
        assert_unseen(store_name(uri))
    except UsageError as error:
        assert_unseen(str(error))


@settings(max_examples=300)
@given(PASSWORDS, st.sampled_from(["{}", "bad request for {} with a", "('{}', 1)"]))
def test_a_server_may_repeat_what_it_got(password: str, words: str) -> None:
    """As it was sent, in part, encoded, and as the address that the user gave."""
    uri = f"http://me:{quote(password, safe='')}@127.0.0.1:1/x"
    login = b64encode(f"me:{password}".encode()).decode()
    for told in (password, password[3:], quote(password), repr(password), f"Basic {login}", login):
        for text in (told, f"http://me:{told}@127.0.0.1:1"):
            with pytest.raises(UsageError) as caught, one_line(uri):
                raise RuntimeError(words.format(text))
            assert_unseen(str(caught.value))
            assert login not in str(caught.value)
            assert "\n" not in str(caught.value)
            assert caught.value.__cause__ is None
            assert caught.value.__suppress_context__


def test_a_login_of_the_environment_is_a_secret_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "hunter-2-swordfish")
    with pytest.raises(UsageError, match=r"cannot be used \(RuntimeError\)"), one_line("http://h"):
        raise RuntimeError("hunter-2 is not the token")


@given(st.text("abc:@%!$", min_size=1), st.sampled_from(["http", "postgresql+psycopg2"]))
def test_passwords_are_never_shown(password: str, scheme: str) -> None:
    assert redacted(f"see {scheme}://me:{password}@host:1/x") == f"see {scheme}://***@host:1/x"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:a b/c#d?e@host:1/x", "http://***@host:1/x"),
        ("http://host/x?password=a", "http://host/x?***"),
        ("host=h password=abc port=1", "host=h password=*** port=1"),
        ("Driver=x;PWD=abc", "Driver=x;PWD=***"),
        ("Authorization: Bearer abc", "Authorization: Bearer ***"),
        ("no such table: runs", "no such table: runs"),
    ],
)
def test_what_is_hidden_in_a_text(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("http://host:5000", "http://host:5000"),
        ("http://me:pw@host:5000/x", "http://***@host:5000/x"),
        ("http://me:p@w@host", "http://***@host"),
        ("postgresql+psycopg2://me:a%2Fb@[::1]:5432/x?sslmode=require", None),
        ("https://host/x;password=pw", "https://host/x;***"),
        ("https://host/x#pw", "https://host/x#***"),
        ("sqlite:////home/me@corp/x.db?timeout=5", "sqlite:////home/me@corp/x.db"),
    ],
)
def test_a_store_keeps_its_name(uri: str, name: str | None) -> None:
    """What is owed to a store is kept under this name."""
    assert store_name(uri) == (name or "postgresql+psycopg2://***@[::1]:5432/x?***")


@pytest.mark.parametrize(
    "form",
    [
        "http://me:hunter%2Fswordfish@127.0.0.1:{}/x",
        "http://me:hunter@swordfish@127.0.0.1:{}",
        "http://hunter;password=swordfish@127.0.0.1:{}",
        "http://127.0.0.1:{}/x?password=hunter&token=sword fish".replace(" ", "%20"),
        "http://127.0.0.1:{}/x;password=hunter",
        "postgresql://me@127.0.0.1:{}/x?password=hunter",
    ],
)
def test_what_is_owed_is_kept_without_a_password(
    form: str, empty_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = form.format(free_port())
    assert not deliver(Tracker(uri), make_record())
    (kept,) = owed_to(uri)
    assert_unseen(kept.read_text("utf-8"))
    assert_unseen(str(kept.relative_to(empty_home)))
    for command in ("table", "sync", "ui"):
        with pytest.raises(SystemExit) as stop:
            main([command, "--tracking-uri", uri])
        assert stop.value.code == 2
    out, err = capsys.readouterr()
    assert_unseen(out + err)


@pytest.mark.parametrize("command", ["table", "sync", "ui"])
@pytest.mark.parametrize(
    "uri",
    [
        "http://me:hunter/sword@127.0.0.1:1",
        "http://me:1#hunter@127.0.0.1:1",
        "http://me:hunter swordfish@127.0.0.1:1",
        "http://[hunter@127.0.0.1",
        "http//me:hunter@127.0.0.1",
        "hunter",
    ],
)
def test_an_address_that_cannot_be_read_is_not_repeated(
    command: str, uri: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    for arguments in ([command], [command, "--tracking-uri", uri], [command, "--help"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == (0 if "--help" in arguments else 2)
    out, err = capsys.readouterr()
    assert_unseen(out + err)
    assert err.count("fsbench: the address of the store") == 2
