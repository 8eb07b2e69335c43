"""A log that is served over HTTP."""

import http.client
import ssl
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlsplit

import orjson

from service.audit.source import BYTES_MAX, Missing, SourceError

TIMEOUT_SECONDS: Final = 60
_PAGE: Final = "v1/log/checkpoints"
_PAGE_LIMIT: Final = 200
_PIECE_BYTES: Final = 1 << 16
_ATTEMPTS: Final = 2
"""A connection that was kept open may have been closed by the other side meanwhile."""


class RemoteSource:
    """Reads a log's prefix over one connection. ``token`` is an API key or a JWT, if any.

    Follows no redirect, so the token goes to nobody else.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        """Connects when first asked. Raises `SourceError` for what is no such address."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise SourceError(f"{url[:100]!r} is no address like https://remit.example")
        self.url = url
        self._secure = parts.scheme == "https"
        self._host = parts.netloc.rpartition("@")[2]
        self._prefix = parts.path.rstrip("/")
        self._token = token
        self._connection: http.client.HTTPConnection | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Another process makes its own connection."""
        return {**self.__dict__, "_connection": None}

    def __del__(self) -> None:
        """The connection ends with whoever made it."""
        self.close()

    def close(self) -> None:
        """Close the connection; the next question makes another."""
        connection: http.client.HTTPConnection | None = self.__dict__.get("_connection")
        if connection is not None:
            self._connection = None
            connection.close()

    def read(self, path: str) -> bytes:
        """The bytes under a path. Raises `Missing`, `SourceError`."""
        status, body = self._tried("GET", path)
        if status == HTTPStatus.OK:
            return body
        if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            raise Missing(path)
        raise SourceError(f"{self.url} answers {status} for {path}{_remedy(status, body)}")

    def checkpoints(self) -> Iterator[bytes]:
        """Every signed checkpoint that is kept. Raises `SourceError`."""
        after: str | None = None
        while True:
            cursor = "" if after is None else f"&after={quote(after)}"
            page = self._page(f"{_PAGE}?limit={_PAGE_LIMIT}{cursor}")
            if page is None:
                return
            for line in page["checkpoints"]:
                yield line["note"].encode()
            after = page["next"]
            if after is None:
                return

    def post(self, path: str, body: bytes) -> bytes:
        """The answer to a question in JSON. Raises `SourceError`."""
        status, answer = self._tried("POST", path, body)
        if status != HTTPStatus.OK:
            raise SourceError(f"{self.url} answers {status} for {path}{_remedy(status, answer)}")
        return answer

    def pieces(self, path: str) -> Iterator[bytes]:
        """What a path serves, however large, piece by piece. Raises `SourceError`, `Missing`."""
        connection = self._connect()
        try:
            connection.request("GET", f"{self._prefix}/{path}", headers=self._headers())
            with connection.getresponse() as response:
                if response.status != HTTPStatus.OK:
                    told = _remedy(response.status, response.read(BYTES_MAX))
                    raise SourceError(f"{self.url} answers {response.status} for {path}{told}")
                while piece := response.read(_PIECE_BYTES):
                    yield piece
        except (OSError, http.client.HTTPException) as error:
            raise SourceError(f"{self.url} cannot be reached: {error}") from error
        finally:
            connection.close()

    def _page(self, path: str) -> dict[str, Any] | None:
        try:
            body = self.read(path)
        except Missing:
            return None
        found = _checkpoints_of(body)
        if found is None:
            raise SourceError(f"{self.url} answers {path} with something else than checkpoints")
        return found

    def _headers(self) -> dict[str, str]:
        return {} if self._token is None else {"Authorization": f"Bearer {self._token}"}

    def _tried(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        for attempt in range(_ATTEMPTS):
            try:
                return self._ask(method, f"{self._prefix}/{path}", body)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if attempt + 1 == _ATTEMPTS:
                    raise SourceError(f"{self.url} cannot be reached: {error}") from error
        raise AssertionError

    def _ask(self, method: str, target: str, body: bytes | None) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = self._connect()
        kind = {} if body is None else {"Content-Type": "application/json"}
        self._connection.request(method, target, body, headers={**self._headers(), **kind})
        with self._connection.getresponse() as response:
            body = response.read(BYTES_MAX + 1)
        if len(body) > BYTES_MAX:
            self.close()
            raise SourceError(f"{target} is larger than anything that a log serves")
        return response.status, body

    def _connect(self) -> http.client.HTTPConnection:
        if not self._secure:
            return http.client.HTTPConnection(self._host, timeout=TIMEOUT_SECONDS)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(self._host, timeout=TIMEOUT_SECONDS, context=context)


def _checkpoints_of(body: bytes) -> dict[str, Any] | None:
    """A page of checkpoints; ``None`` for anything else."""
    try:
        found: dict[str, Any] = orjson.loads(body)
        after, lines = found["next"], found["checkpoints"]
        is_page = after is None or isinstance(after, str)
        return found if is_page and all(isinstance(line["note"], str) for line in lines) else None
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None


def _remedy(status: int, body: bytes) -> str:
    """What to do about a refusal, from the problem document that came with it, if one did."""
    try:
        told = orjson.loads(body)
        said = f": {told['detail']}; {told['remedy']}"
    except (orjson.JSONDecodeError, KeyError, TypeError):
        said = ""
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return f"{said}. Entries take a key that may read the log at every site: set REMIT_TOKEN"
    return said
