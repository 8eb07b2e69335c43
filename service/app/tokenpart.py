"""A part of a token, its header or its claims: read strictly, or the token is refused."""

import json
from typing import Any, Final, NoReturn

import orjson

from service.app.errors import TokenRefused

AS_ISSUED: Final = "send it as it was issued"


def parse_part(data: bytes, otherwise: str) -> dict[str, Any]:
    """A JSON object with each name once: of two, another parser might take the other one.

    Raises `TokenRefused` for anything else, and says ``otherwise``.
    """
    try:
        part = orjson.loads(data)
        json.loads(data, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        refuse(otherwise, AS_ISSUED)
    if not isinstance(part, dict):
        refuse(otherwise, AS_ISSUED)
    return part


def refuse(what: str, instead: str) -> NoReturn:
    """Raise `TokenRefused`: what is wrong with the token, and what would help."""
    raise TokenRefused("invalid_token", f"the token cannot be accepted: {what}", instead)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("twice")
    return found
