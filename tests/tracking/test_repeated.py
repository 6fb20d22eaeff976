"""Which texts betray a secret, piece by piece: five characters of one in a row."""

from base64 import b64encode

import pytest

from fewshot_bench.tracking.secrets import repeated, without_secrets

USER = "http://erika:abcdefgh@h/x"
NAMES = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")


@pytest.fixture(autouse=True)
def no_logins(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        *((USER, piece) for piece in ("abcde", "bcdef", "cdefg", "defgh", "abcdefgh")),
        ("http://me:fiver@h", "fiver"),
        ("http://me:q1@h", "aq1b"),
        ("http://me:q@h", "q"),
        ("http://atoken@h", "token"),
        ("http://me:a%2Fb+cd@h", "a/b+cd"),
        ("http://me:a%2Fb+cd@h", "/b cd"),
        ("http://me:a%2Fb+cd@h", "%2Fb+"),
        ("http://h/x?password=abcdef&b=c", "bcdef"),
        ("http://h/x?b=c&my_token=abcdef", "bcdef"),
        ("http://h/x;PWD=abcdef", "bcdef"),
        ("http://h/x#secret=abcdef", "bcdef"),
        ("http://h/token=abcdef", "bcdef"),
        (USER, b64encode(b"erika:abcdefgh").decode()),
        ("http://me:a%2Fb@h", b64encode(b"me:a/b").decode()),
        ("http://me:\ud800@h", b64encode(b"me:?").decode()),
    ],
)
def test_a_text_with_a_piece_of_a_secret_is_left_out(uri: str, text: str) -> None:
    assert repeated(f"see {text} there", uri) == ""


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        *((USER, piece) for piece in ("abcd", "efgh", "erika", "ABCDEFGH", "XX", "")),
        ("http://me:q1@h", "q 1 XX"),
        ("http://me:q@h", "p"),
        ("http://h/x?timeout=abcdef&b=c", "abcdef"),
        ("http://host.example/x", "host.example"),
        ("http://h", "anything XX"),
        ("http://h/?password=", "anything"),
    ],
)
def test_every_other_text_is_repeated(uri: str, text: str) -> None:
    assert repeated(f"see {text} there", uri) == f"see {text} there"


@pytest.mark.parametrize("name", NAMES)
def test_logins_of_the_environment_count(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "abcdefgh")
    assert repeated("it is cdefg", "http://h") == ""
    assert repeated("it is efgh", "http://h") == "it is efgh"


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("http://h", "http://h"),
        ("http://a@b@h/x", "http://***@h/x"),
        ("http://h/x?a", "http://h/x?***"),
        ("http://h?", "http://h?***"),
        ("http://h;a#b?c", "http://h;***"),
        ("postgresql:///?a=b", "postgresql:///?***"),
    ],
)
def test_an_address_is_named_without_what_may_be_secret(uri: str, name: str) -> None:
    assert without_secrets(uri) == name
