"""Entries: from the exact bytes that were hashed to what they say, or why they say nothing."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import orjson

LAYOUT: Final = 1
KINDS: Final = frozenset(
    {
        "answer",
        "decision",
        "delegation",
        "erasure",
        "expire",
        "export",
        "key",
        "policy",
        "refused",
        "release",
        "remind",
        "reply",
        "reroute",
        "restart",
        "reverse",
        "settle",
        "signing_key",
        "timeout",
        "trial",
        "withdraw",
    }
)
"""The kinds that this verifier knows. Others are counted, and their budgets are re-added too."""

_INTEGER_MAX: Final = 2**53 - 1
_CANONICAL: Final = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
_PERHAPS_A_FRACTION: Final = re.compile(rb"\.[0-9]+(?:e[+-]?[0-9]+)?[,\]}]")
_PERHAPS_AN_EXPONENT: Final = re.compile(rb"e[+-]?[0-9]+[,\]}]")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?Z", re.ASCII)


class EntryError(ValueError):
    """Bytes that are no entry. ``is_json`` says that they mean something, in another form."""

    def __init__(self, message: str, *, is_json: bool = False) -> None:
        """Keep what is wrong."""
        super().__init__(message)
        self.is_json = is_json


class Envelope(NamedTuple):
    """What every entry has. ``at`` is in microseconds since 1970."""

    id: str
    kind: str
    about: str
    at: int
    at_text: str
    body: dict[str, Any]


def parse_entry(data: bytes) -> Envelope:
    """The entry in these bytes. Raises `EntryError` for what no entry of layout 1 is.

    The bytes must be those of RFC 8785 for objects with ASCII keys, lists, texts, integers
    up to 2^53-1, booleans and null: two readers can never see two things in one entry.
    """
    body = parse_canonical(data)
    try:
        version, id_, kind, about = body["v"], body["id"], body["kind"], body["about"]
        at_text, commitments = body["at"], body["_sd"]
    except KeyError as missing:
        raise EntryError(f"it has no {missing.args[0]!r}") from None
    if version != LAYOUT or type(version) is bool:
        raise EntryError(f"its layout is {version!r}, and this verifier knows {LAYOUT}")
    for name, value in (("id", id_), ("kind", kind), ("about", about), ("at", at_text)):
        if type(value) is not str or not value:
            raise EntryError(f"its {name} is no text")
    if type(commitments) is not list or commitments != sorted(set(map(str, commitments))):
        raise EntryError("its commitments are no sorted list")
    return Envelope(id_, kind, about, instant(at_text, "at"), at_text, body)


def parse_canonical(data: bytes) -> dict[str, Any]:
    """The object in canonical bytes. Raises `EntryError`."""
    try:
        body = orjson.loads(data)
        again = orjson.dumps(body, option=_CANONICAL)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError) as error:
        raise EntryError(f"it is no JSON that an entry may be: {error}") from None
    if type(body) is not dict:
        raise EntryError("it is no JSON object")
    if again != data:
        raise EntryError("its bytes are not the canonical ones (RFC 8785)", is_json=True)
    if not data.isascii() or _PERHAPS_A_FRACTION.search(data) or _PERHAPS_AN_EXPONENT.search(data):
        _check(body)
    return body


def instant(text: Any, name: str) -> int:  # noqa: ANN401 — JSON
    """Microseconds since 1970 of an instant as entries write it. Raises `EntryError`."""
    try:
        if _INSTANT.fullmatch(text):
            return (datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND
    except (TypeError, ValueError):
        pass
    raise EntryError(f"its {name} is no instant in UTC: {text!r}")


def _check(value: Any) -> None:  # noqa: ANN401 — JSON
    if isinstance(value, dict):
        if not all(map(str.isascii, value)):
            raise EntryError("it has a key beyond ASCII", is_json=True)
        for item in value.values():
            _check(item)
    elif isinstance(value, list):
        for item in value:
            _check(item)
    elif isinstance(value, float):
        raise EntryError(f"it has a number that is no integer: {value}", is_json=True)
