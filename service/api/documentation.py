"""What the framework cannot see of an endpoint, written down for OpenAPI."""

from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel

from service.api import budgetmodels, models
from service.api.parameters import CHOICES, LIMIT_DEFAULT, LIMIT_MAX, TEXT_CHARS_MAX
from service.api.problems import MEDIA_TYPE, TITLES

Described = dict[int | str, dict[str, Any]]

_READS: Final = (400, 401, 403, 404, 500, 503)
_BODIES: Final = (400, 401, 403, 413, 415, 422, 500, 503)
_COMMANDS: Final = (400, 401, 403, 404, 409, 410, 413, 415, 422, 500, 503)

_SAYS: Final = {
    "agent": "Only what this person or agent did.",
    "at": "Rows of the windows that held this instant (RFC 3339); now if left out.",
    "budget": "Only this budget.",
    "burn": "With what was charged and came back on each of the last 31 days, from the log.",
    "about": "Only what is about this resolution, key or policy version.",
    "after": "The cursor: `next` of the page before.",
    "kind": "Only entries of this kind.",
    "limit": f"How many at most; {LIMIT_DEFAULT} if left out.",
    "outcome": "Only this outcome.",
    "role": "Only what waits for this role.",
    "since": "From this instant on (RFC 3339).",
    "site": "Only this site.",
    "state": "Only this state.",
    "until": "Before this instant (RFC 3339).",
}


def reads(model: type[BaseModel]) -> Described:
    """The responses of an endpoint that reads."""
    return _responses(200, model, _READS)


def asks(model: type[BaseModel]) -> Described:
    """The responses of an endpoint that takes a body and has no effect."""
    return _responses(200, model, _BODIES)


def commands(status: int, model: type[BaseModel]) -> Described:
    """The responses of an endpoint that takes an ``Idempotency-Key``."""
    described = _responses(status, model, _COMMANDS)
    described[status]["headers"] = {
        "Idempotent-Replayed": {
            "description": "`true` where this answer was given before.",
            "schema": {"type": "string", "const": "true"},
        }
    }
    return described


def body(model: str, *, idempotent: bool = False) -> dict[str, Any]:
    """The request body of an endpoint, by the name of its model."""
    schema = {"$ref": f"#/components/schemas/{model}"}
    described: dict[str, Any] = {
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}
    }
    if idempotent:
        described["parameters"] = [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "The same key with the same body has one effect.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            }
        ]
    return described


def query(things: str, names: Sequence[str]) -> dict[str, Any]:
    """The parameters of a list."""
    return {"parameters": [_parameter(things, name) for name in (*names, "after", "limit")]}


def _parameter(things: str, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": _SAYS[name],
        "schema": _schema(things, name),
    }


def _schema(things: str, name: str) -> dict[str, Any]:
    if name == "limit":
        return {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT}
    if name in {"since", "until", "at"}:
        return {"type": "string", "format": "date-time"}
    schema: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": TEXT_CHARS_MAX}
    known = CHOICES.get(f"{things}.{name}")
    return schema if known is None else {"type": "string", "enum": list(known)}


def _responses(status: int, model: type[BaseModel], problems: Sequence[int]) -> Described:
    described: Described = {status: {"model": model, "description": _first_line(model)}}
    for code in problems:
        described[code] = {
            "description": TITLES[code],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    return described


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().splitlines()[0]


BODIES: Final[tuple[type[BaseModel], ...]] = (
    budgetmodels.BudgetSearch,
    budgetmodels.Release,
    budgetmodels.Reversal,
    budgetmodels.Settlement,
    models.Answer,
    models.Circumstances,
    models.Problem,
    models.Proposal,
)
"""Models that endpoints name without the framework knowing them."""
