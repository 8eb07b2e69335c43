"""Places where key sets lie: files of this machine, and addresses that are checked first."""

from datetime import timedelta
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from service import __version__
from service.adapters.addresses import Resolve, resolved
from service.adapters.jwks import JwksError, parse_jwks
from service.adapters.keysource import Read, Unread
from service.adapters.outgoing import Outgoing, tls_context
from service.adapters.signer import SigningKeyError
from service.app.sending import Undelivered

JWKS_BYTES_MAX: Final = 262_144
PATIENCE: Final = timedelta(seconds=5)
"""How long a key set may take to arrive, from the look-up of its host on."""

_OK: Final = 200


class UnusableJwks(SigningKeyError):  # noqa: N818 — it names what is wrong with the file
    """A file that holds no key set. The message names it and says what to do."""


def read_from(place: str, *, allow_private: bool, resolve: Resolve = resolved) -> Read:
    """How to read the key set of a place: a URL, or the path of a file.

    A file is read at once, since nobody can mend it later without a new look. Raises
    `UnusableJwks`. An address may be away now and there when it is needed.
    """
    if place.startswith(("https://", "http://")):
        return lambda: fetched(place, allow_private=allow_private, resolve=resolve)
    path = Path(place)
    try:
        parse_jwks(_bytes_of(path))
    except (OSError, Unread, JwksError) as failure:
        raise UnusableJwks(
            f"the key set {place} cannot be used ({failure}): name a file with the "
            "issuer's public keys, as its JWKS address shows them"
        ) from failure
    return lambda: _bytes_of(path)


def fetched(url: str, *, allow_private: bool, resolve: Resolve = resolved) -> bytes:
    """What an address answers. No redirect is followed. Raises `Unread`."""
    parts = urlsplit(url)
    try:
        with Outgoing(PATIENCE, resolve) as outgoing:
            response = _asked(outgoing, parts, allow_private=allow_private)
            if response.status != _OK:
                raise Unread(f"{url} answered {response.status}")
            data = response.read(JWKS_BYTES_MAX + 1)
            outgoing.check()
    except Undelivered as failure:
        raise Unread(f"{url}: {failure.code}") from failure
    except HTTPException as failure:
        raise Unread(f"{url}: {type(failure).__name__}") from failure
    return _bounded(data, url)


def _asked(outgoing: Outgoing, url: SplitResult, *, allow_private: bool) -> HTTPResponse:
    host, is_secure = url.hostname or "", url.scheme == "https"
    port = url.port or (443 if is_secure else 80)
    connection = HTTPConnection(host, port)
    if is_secure:
        connection = HTTPSConnection(host, port, context=tls_context(None))
    connection.sock = outgoing.connect(host, port, allow_private=allow_private)
    if is_secure:
        connection.sock = outgoing.encrypt(None, host)
    query = f"?{url.query}" if url.query else ""
    headers = {"Accept": "application/json", "User-Agent": f"Remit/{__version__}"}
    connection.request("GET", f"{url.path or '/'}{query}", headers=headers)
    return connection.getresponse()


def _bytes_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return _bounded(file.read(JWKS_BYTES_MAX + 1), str(path))


def _bounded(data: bytes, place: str) -> bytes:
    if len(data) > JWKS_BYTES_MAX:
        raise Unread(f"{place} has more than {JWKS_BYTES_MAX} bytes")
    return data
