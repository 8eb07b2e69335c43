"""The exact bytes of an entry: RFC 8785 canonical JSON, for the subset that entries use.

Entries hold objects with ASCII keys, lists, texts, integers up to 2^53-1, booleans and
null. For that subset sorting keys by code point, the shortest escapes and no blanks are
all that the RFC asks. Anything else is refused, so no two renderings can disagree.
"""

import json
from typing import Any, Final

ENTRY_BYTES_MAX: Final = 65_535
"""A tile bundle of the log prefixes an entry with a 16-bit length."""

_INTEGER_MAX: Final = 2**53 - 1


def canonical_bytes(value: Any) -> bytes:  # noqa: ANN401 — JSON
    """The canonical bytes of a value. Raises `TypeError` for what entries may not hold."""
    _check(value)
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def _check(value: Any) -> None:  # noqa: ANN401 — JSON
    if isinstance(value, dict):
        _check_keys(value)
        _check(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            _check(item)
    elif value is not None and not isinstance(value, str | int):
        raise TypeError(f"{type(value).__name__} has no place in an entry")
    elif isinstance(value, int) and not -_INTEGER_MAX <= value <= _INTEGER_MAX:
        raise TypeError("an integer beyond 2^53-1")


def _check_keys(value: dict[Any, Any]) -> None:
    for key in value:
        if not isinstance(key, str) or not key.isascii():
            raise TypeError(f"the key {key!r} is no ASCII text")
