"""What the framework cannot see of an endpoint, written down for OpenAPI."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel

from service.api import (
    answermodels,
    budgetmodels,
    bulk,
    delegationmodels,
    erasuremodels,
    logmodels,
    models,
    policymodels,
    trialmodels,
)
from service.api.parameters import CHOICES, LIMIT_DEFAULT, LIMIT_MAX, TEXT_CHARS_MAX
from service.api.problems import MEDIA_TYPE, TITLES

EVENTS: Final = "text/event-stream"
"""The type of a response that goes on."""

Described = dict[int | str, dict[str, Any]]

_READS: Final = (400, 401, 403, 404, 500, 503)
_BODIES: Final = (400, 401, 403, 413, 415, 422, 500, 503)
_ACTS: Final = (400, 401, 403, 404, 409, 413, 415, 422, 500, 503)
_COMMANDS: Final = (400, 401, 403, 404, 409, 410, 413, 415, 422, 500, 503)

_SAYS: Final = {
    "agent": "Only what this person or agent did.",
    "amount_from": "Only what is worth this much or more, in the policy's currency.",
    "amount_to": "Only what is worth this much or less.",
    "escalation": "Only what is about the resolution of this escalation.",
    "policy": "Only what was decided under this version of the policy.",
    "reason": "Only this determining reason.",
    "resolution": "Only this kind of resolution.",
    "rule": "Only this determining rule.",
    "at": "As of this instant (RFC 3339); now if left out.",
    "budget": "Only this budget.",
    "format": "Lines of JSON, CSV or Parquet; `jsonl` if left out.",
    "open": "Personal values beside the entries, which the log is told of; takes `log, open`.",
    "for": "`me`: what the caller may answer, the most urgent first.",
    "burn": "With what was charged and came back on each of the last 31 days, from the log.",
    "about": "Only what is about this resolution, key or policy version.",
    "after": "The cursor: `next` of the page before.",
    "kind": "Only entries of this kind.",
    "limit": f"How many at most; {LIMIT_DEFAULT} if left out.",
    "outcome": "Only this outcome.",
    "person": "Only what this person gave or received.",
    "receiver": "Only what is for this receiver.",
    "role": "Only what waits for this role.",
    "since": "From this instant on (RFC 3339).",
    "site": "Only this site.",
    "state": "Only this state.",
    "until": "Before this instant (RFC 3339).",
    "wait": "Answer once a checkpoint covers the entry, within ten seconds.",
}


def reads(model: type[BaseModel], *more: int) -> Described:
    """The responses of an endpoint that reads; ``more`` are further problems."""
    return _responses(200, model, sorted([*_READS, *more]))


def streams() -> Described:
    """The responses of an endpoint that goes on sending events."""
    described = reads(models.Problem)
    described[200] = {
        "description": "Server-sent events, without an end.",
        "content": {EVENTS: {"schema": {"type": "string"}}},
    }
    return described


def events() -> dict[str, Any]:
    """The header of a client that comes back."""
    return {
        "parameters": [
            {
                "name": "Last-Event-ID",
                "in": "header",
                "required": False,
                "description": "The id of the last event that came; from now on if left out.",
                "schema": {"type": "string", "pattern": "^[0-9]{1,16}$"},
            }
        ]
    }


def asks(model: type[BaseModel], *besides: int) -> Described:
    """The responses of an endpoint that takes a body and has no effect, and problems besides."""
    return _responses(200, model, (*_BODIES, *besides))


def acts(model: type[BaseModel]) -> Described:
    """The responses of an endpoint that does something, and takes no ``Idempotency-Key``."""
    return _responses(200, model, _ACTS)


def serves(kind: str, says: str, problems: Sequence[int]) -> Described:
    """The responses of an endpoint that serves text or bytes as they are."""
    schema = {"type": "string"} | ({} if kind.startswith("text/") else {"format": "binary"})
    served = {"description": says, "content": {kind: {"schema": schema}}}
    return {200: served, **_problems((*problems, 500, 503))}


def exports(kinds: Mapping[str, str], says: str) -> Described:
    """The responses of an endpoint that streams a file in one of several formats."""
    content = {kind: {"schema": {"type": "string"}} for kind in kinds.values()}
    return {200: {"description": says, "content": content}, **_problems(_READS)}


def serves_json(model: type[BaseModel], problems: Sequence[int]) -> Described:
    """The responses of an endpoint that reads for everybody."""
    return _responses(200, model, (*problems, 500, 503))


def publishes(described: Described) -> Described:
    """The responses of a command that may wait for a checkpoint."""
    described[201].setdefault("headers", {})["Log-Published"] = {
        "description": "With `wait=published`: whether a checkpoint covers the entry by now.",
        "schema": {"type": "string", "enum": ["true", "false"]},
    }
    return described


def waiting(described: dict[str, Any]) -> dict[str, Any]:
    """The call of a command that may wait for a checkpoint."""
    described.setdefault("parameters", []).append(_parameter("proposals", "wait"))
    return described


def commands(status: int, model: type[BaseModel], *besides: int) -> Described:
    """The responses of an endpoint that takes an ``Idempotency-Key``, and problems besides."""
    described = _responses(status, model, (*_COMMANDS, *besides))
    described[status]["headers"] = {
        "Idempotent-Replayed": {
            "description": "`true` where this answer was given before.",
            "schema": {"type": "string", "const": "true"},
        }
    }
    return described


def confirmable(status: int, model: type[BaseModel]) -> Described:
    """The responses of a command that may have to wait for a second person."""
    described = commands(status, model)
    waits = {**described[status], "description": "It waits for a second person to confirm it."}
    return described | {202: waits}


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
    return parameters(things, (*names, "after", "limit"))


def path(**named: tuple[str, str]) -> dict[str, Any]:
    """What stands in a path that is read as it was sent: by name a pattern and what it says."""
    listed = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": says,
            "schema": {"type": "string", "pattern": pattern},
        }
        for name, (pattern, says) in named.items()
    ]
    return {"parameters": listed}


def parameters(things: str, names: Sequence[str]) -> dict[str, Any]:
    """The parameters of a call."""
    return {"parameters": [_parameter(things, name) for name in names]}


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
    return described | _problems(problems)


def _problems(codes: Sequence[int]) -> Described:
    problem = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {code: {"description": TITLES[code], "content": problem} for code in codes}


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().splitlines()[0]


BODIES: Final[tuple[type[BaseModel], ...]] = (
    budgetmodels.BudgetSearch,
    budgetmodels.Release,
    budgetmodels.Reversal,
    budgetmodels.Settlement,
    bulk.SeveralAnswers,
    delegationmodels.Appointment,
    delegationmodels.Revocation,
    erasuremodels.ErasureConfirmation,
    erasuremodels.ErasureRequest,
    logmodels.LogSearch,
    answermodels.Answer,
    answermodels.Reply,
    answermodels.Withdrawal,
    models.Circumstances,
    models.Problem,
    models.Proposal,
    policymodels.PolicyChecked,
    policymodels.PolicyPublication,
    policymodels.PolicyReplay,
    policymodels.PolicyRollback,
    policymodels.PublicationConfirmation,
    trialmodels.TrialConfirmation,
    trialmodels.TrialEnd,
    trialmodels.TrialStart,
)
"""Models that endpoints name without the framework knowing them."""
