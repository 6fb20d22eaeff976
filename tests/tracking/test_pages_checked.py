"""What is refused before MLflow's server is begun."""

import socket
from pathlib import Path

import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.tracking import pages
from fewshot_bench.tracking.pages import check_pages
from fewshot_bench.tracking.store import TrackingError
from tests.processes import free_port

HOST = "127.0.0.1"


def test_a_store_is_there_and_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"^http://\*\*\*@a:1 is an MLflow server already"):
        check_pages("http://me:pw@a:1", HOST, free_port())
    (tmp_path / "folder.db").mkdir()
    for name in ("absent.db", "folder.db"):
        uri = f"sqlite:///{tmp_path / name}"
        with pytest.raises(UsageError, match=f"there is no .*{name}.*tracking-uri {uri}'"):
            check_pages(uri, HOST, free_port())
    file = tmp_path / "read.db"
    file.touch()
    check_pages(f"sqlite:///{file}", HOST, free_port())
    with monkeypatch.context() as locked:
        asked: list[Path] = []
        locked.setattr(pages, "require_writable", asked.append)
        check_pages(f"sqlite:///{file}", HOST, free_port())
        assert asked == [file]


def test_a_store_is_current_and_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(pages, "require_current", asked.append)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.db").touch()
    check_pages("sqlite:///a.db?timeout=3", HOST, free_port())
    assert asked == [f"sqlite:///{tmp_path / 'a.db'}"]
    with socket.create_server((HOST, 0)) as database:
        uri = f"postgresql://{HOST}:{database.getsockname()[1]}/x"
        check_pages(uri, HOST, free_port())
    assert asked[1:] == [uri]
    with pytest.raises(TrackingError, match="does not answer"):
        check_pages(f"postgresql://{HOST}:{free_port()}/x", HOST, free_port())
    assert len(asked) == 2


def test_a_place_to_listen_is_free(tmp_path: Path) -> None:
    (tmp_path / "a.db").touch()
    uri = f"sqlite:///{tmp_path / 'a.db'}"
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError) as refused:
            check_pages(uri, HOST, port)
    told = f"cannot listen on {HOST} port {port} (address already in use); choose another --port "
    assert str(refused.value) == f"{told}or --host"
    with pytest.raises(UsageError, match=r"cannot listen on nowhere\.invalid port 80 \(\[errno -"):
        check_pages(uri, "nowhere.invalid", 80)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_addresses_of_both_kinds_can_be_listened_on() -> None:
    try:
        taken = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with taken, pytest.raises(UsageError, match="already in use"):
        pages._check_free("::1", taken.getsockname()[1])
    pages._check_free("::1", free_port())
