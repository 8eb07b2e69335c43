"""Places of key sets: files, and addresses that are as guarded as every other one."""

from pathlib import Path

import pytest

from service.adapters.jwksplaces import JWKS_BYTES_MAX, UnusableJwks, read_from
from service.adapters.keysource import Unread
from tests.issuer import Issuer, key_server

JWKS = Issuer().jwks()


def test_a_file_is_read_anew_each_time(tmp_path: Path) -> None:
    """Whoever replaces it has the new keys in force without a restart."""
    file = tmp_path / "keys.json"
    file.write_bytes(JWKS)
    read = read_from(str(file), allow_private=False)
    assert read() == JWKS
    file.write_bytes(b"other")
    assert read() == b"other"


@pytest.mark.parametrize("body", [None, b"", b"{}", b"x" * (JWKS_BYTES_MAX + 1)])
def test_a_file_without_keys_stops_the_start(tmp_path: Path, body: bytes | None) -> None:
    """With the file's name and what belongs there, not with the first token."""
    file = tmp_path / "keys.json"
    if body is not None:
        file.write_bytes(body)
    with pytest.raises(UnusableJwks, match=r"keys\.json .*public keys"):
        read_from(str(file), allow_private=False)


def test_an_address_is_asked() -> None:
    """With a GET, each time."""
    with key_server(JWKS) as server:
        read = read_from(server.url, allow_private=True)
        assert (read(), read()) == (JWKS, JWKS)
        assert server.asked == 2


def test_an_address_may_be_away_when_the_service_starts() -> None:
    """Nothing is asked before it is needed, and then the failure is told."""
    with key_server(JWKS) as server:
        read = read_from(server.url, allow_private=True)
    with pytest.raises(Unread, match="connection_refused"):
        read()


@pytest.mark.parametrize("status", [204, 301, 302, 307, 404, 500, 503])
def test_only_a_200_brings_keys(status: int) -> None:
    """No redirect is followed: who controls one address must not name another one."""
    with key_server(JWKS) as server:
        server.status = status
        server.headers = {"Location": server.url}
        with pytest.raises(Unread, match=str(status)):
            read_from(server.url, allow_private=True)()
        assert server.asked == 1


def test_an_answer_is_read_up_to_a_bound() -> None:
    """An endless one fills no memory."""
    with key_server(b"x" * (JWKS_BYTES_MAX + 1)) as server, pytest.raises(Unread, match="bytes"):
        read_from(server.url, allow_private=True)()


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1"])
def test_an_address_within_our_network_is_not_asked(address: str) -> None:
    """Whatever name it hides behind, unless the operator says so."""
    read = read_from(
        "https://id.example.com/keys", allow_private=False, resolve=lambda *_: [address]
    )
    with pytest.raises(Unread, match="address"):
        read()


def test_what_a_cloud_tells_its_machines_is_never_asked() -> None:
    """Not even where private addresses are allowed."""
    read = read_from(
        "http://id.example.com", allow_private=True, resolve=lambda *_: ["169.254.169.254"]
    )
    with pytest.raises(Unread, match="forbidden_address"):
        read()
