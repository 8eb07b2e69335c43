"""A request's body: read within bounds, parsed as strict JSON (RFC 8259, I-JSON's rules)."""

import json
from collections.abc import Iterable
from typing import Any, Final

import orjson
from starlette.types import Receive, Scope

from service.api.problems import Unreadable

BODY_BYTES_MAX: Final = 65_536
PROPOSAL_BYTES_MAX: Final = 16_384
DEPTH_MAX: Final = 32


class Disconnected(Exception):  # noqa: N818 — what the client did
    """The client went away before its body was whole."""


async def read_json(scope: Scope, receive: Receive, *, bytes_max: int = BODY_BYTES_MAX) -> Any:  # noqa: ANN401 — JSON
    """The parsed body. Raises `Unreadable`.

    Never holds more than ``bytes_max`` and one chunk. A key that stands twice in an
    object is refused: one reader would take the first, another the last.
    """
    _check_type(scope)
    return parsed(await _read(scope, receive, bytes_max))


def parsed(raw: bytes) -> Any:  # noqa: ANN401 — JSON
    """The value of a JSON text. Raises `Unreadable`."""
    if not raw:
        raise Unreadable("empty_body", "the body is empty", "send a JSON object")
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _why_not(raw, error) from None
    if raw.count(b"{") + raw.count(b"[") > DEPTH_MAX and _depth(value) > DEPTH_MAX:
        raise _too_deep()
    if _may_repeat_keys(raw, value):
        _check_keys(raw)
    return value


def _check_type(scope: Scope) -> None:
    given = header(scope, b"content-type") or b""
    kind = given.split(b";", 1)[0].strip().lower()
    if kind != b"application/json":
        raise Unreadable(
            "not_json", "the body is not declared as JSON", "send Content-Type: application/json"
        )


async def _read(scope: Scope, receive: Receive, bytes_max: int) -> bytes:
    declared = header(scope, b"content-length")
    if declared is not None and declared.isdigit() and int(declared) > bytes_max:
        raise _too_large(bytes_max)
    message = await receive()
    if not message.get("more_body", False) and message["type"] == "http.request":
        body: bytes = message.get("body", b"")
        if len(body) > bytes_max:
            raise _too_large(bytes_max)
        return body
    return await _read_on(message, receive, bytes_max)


async def _read_on(message: Any, receive: Receive, bytes_max: int) -> bytes:  # noqa: ANN401 — ASGI
    whole = bytearray()
    while True:
        if message["type"] == "http.disconnect":
            raise Disconnected
        whole += message.get("body", b"")
        if len(whole) > bytes_max:
            raise _too_large(bytes_max)
        if not message.get("more_body", False):
            return bytes(whole)
        message = await receive()


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of a name (lower case); ``None`` where there is none."""
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return None


def _may_repeat_keys(raw: bytes, value: Any) -> bool:  # noqa: ANN401 — JSON
    """Whether a key might stand twice: the parser keeps the last one and tells nobody.

    Each member has a colon, and strings keep theirs, so a lost member shows as a colon
    that is missing when the value is written again. Only an escape may hide one.
    """
    return b"\\u" in raw or raw.count(b":") != orjson.dumps(value).count(b":")


def _check_keys(raw: bytes) -> None:
    json.loads(raw, object_pairs_hook=_once, parse_int=str, parse_float=str)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Unreadable(
            "duplicate_key",
            f"the key {twice[:100]!r} stands twice in one object",
            "send each key once",
        )
    return found


def _depth(value: Any) -> int:  # noqa: ANN401 — JSON
    """How deep objects and lists lie in each other; the parser bounds it at 1024."""
    deepest, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        deepest += 1
        level = [inner for item in level for inner in _items(item)]
    return deepest


def _items(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _why_not(raw: bytes, error: orjson.JSONDecodeError) -> Unreadable:
    try:
        raw.decode()
    except UnicodeDecodeError as broken:
        return Unreadable(
            "not_utf8", f"the body is no UTF-8 at byte {broken.start}", "send the body as UTF-8"
        )
    if "depth limit" in error.msg:
        return _too_deep()
    return Unreadable(
        "malformed_json",
        f"the body is no JSON at line {error.lineno}, column {error.colno}",
        "send one JSON object; numbers are finite, and texts are in double quotes",
    )


def _too_deep() -> Unreadable:
    return Unreadable(
        "nested_too_deep",
        f"the body is nested deeper than {DEPTH_MAX}",
        "send the facts as the policy declares them",
    )


def _too_large(bytes_max: int) -> Unreadable:
    code = "proposal_too_large" if bytes_max == PROPOSAL_BYTES_MAX else "body_too_large"
    return Unreadable(
        code,
        f"the body is larger than {bytes_max} bytes",
        "shorten the note and the facts, and leave files where they are: send a reference",
    )
