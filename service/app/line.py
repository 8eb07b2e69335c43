"""One line of a stream: who proposes what, and when."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple, NoReturn

import orjson

from service.core.factvalue import FactError, check_text, parse_timestamp
from service.core.refusal import Fault, Refused
from service.core.request import Agent
from service.core.rulebook import Rulebook

LINE_BYTES_MAX: Final = 65_536
YEAR_MIN: Final = 1970
YEAR_MAX: Final = 9000
"""Far enough from the end of the calendar for every window and deadline."""

_AGENTS_KEPT: Final = 10_000
_LINE_FIELDS: Final = frozenset({"at", "agent", "request"})
_AGENT_FIELDS: Final = frozenset({"id", "kind", "roles", "owner"})
_KINDS: Final = ("human", "ai")


class Line(NamedTuple):
    """A line after it was read. ``proposal`` is JSON that nobody has checked yet."""

    at: datetime
    agent: Agent
    proposal: Any


class LineReader:
    """Reads lines for one rulebook."""

    def __init__(self, rulebook: Rulebook) -> None:
        """Begin with no agent known."""
        self._rulebook = rulebook
        self._agents: dict[tuple[Any, ...], Agent] = {}

    def read(self, line: bytes) -> Line:
        """``{"at": …, "agent": {"id", "kind", "roles", "owner"}, "request": {…}}``.

        Raises `Refused`, with pointers into the line.
        """
        body = _parse(line)
        return Line(_instant(body.get("at")), self._agent(body.get("agent")), body.get("request"))

    def _agent(self, given: Any) -> Agent:  # noqa: ANN401 — JSON
        """The agent of a line. The same few propose again and again, so they are kept."""
        known = _key(given)
        found = None if known is None else self._agents.get(known)
        if found is None:
            found = _read_agent(self._rulebook, given)
            if len(self._agents) >= _AGENTS_KEPT:
                self._agents.clear()
            if known is not None:
                self._agents[known] = found
        return found


def _read_agent(rulebook: Rulebook, given: Any) -> Agent:  # noqa: ANN401 — JSON
    """The agent that a line names, with roles lowest rank first. Raises `Refused`."""
    if not isinstance(given, dict):
        _refuse(
            "wrong_type" if given is not None else "missing_field",
            "/agent",
            "a line says who proposes",
            'write {"id": "ana", "kind": "human", "roles": ["front_desk"]}',
        )
    _only(_AGENT_FIELDS, given, "/agent")
    kind = given.get("kind", "human")
    if kind not in _KINDS:
        _refuse("not_a_choice", "/agent/kind", "an agent is human or ai", 'write "human" or "ai"')
    owner = given.get("owner")
    return Agent(
        id=_text(given.get("id"), "/agent/id"),
        kind=kind,
        roles=_roles(rulebook, given.get("roles")),
        owner=None if owner is None else _text(owner, "/agent/owner"),
    )


def _parse(line: bytes) -> Mapping[str, Any]:
    if len(line) > LINE_BYTES_MAX:
        _refuse(
            "line_too_long",
            "",
            f"the line has more than {LINE_BYTES_MAX} bytes",
            "send a shorter note, or fewer facts",
        )
    try:
        body = orjson.loads(line)
    except orjson.JSONDecodeError:
        _refuse("not_json", "", "the line is no JSON", "write one JSON object a line")
    if not isinstance(body, dict):
        _refuse("wrong_type", "", "a line is a JSON object", "write at, agent and request")
    if not _LINE_FIELDS.issuperset(body):
        _only(_LINE_FIELDS, body, "")
    return body


def _instant(value: Any) -> datetime:  # noqa: ANN401 — JSON
    found = parse_timestamp(value) if isinstance(value, str) else None
    if found is None:
        _refuse(
            "not_a_timestamp" if value is not None else "missing_field",
            "/at",
            "an instant with its offset is expected here",
            'write it like "2026-03-01T21:00:00-05:00"',
        )
    if not YEAR_MIN <= found.year <= YEAR_MAX:
        _refuse("out_of_range", "/at", "nobody decides then", f"write a year from {YEAR_MIN} on")
    return found


def _roles(rulebook: Rulebook, given: Any) -> tuple[str, ...]:  # noqa: ANN401 — JSON
    if not isinstance(given, list):
        _refuse(
            "wrong_type" if given is not None else "missing_field",
            "/agent/roles",
            "the roles that the agent holds at the site are expected here",
            'write them as a list, like ["front_desk"]',
        )
    for number, role in enumerate(given):
        if not isinstance(role, str) or role not in rulebook.roles:
            listed = ", ".join(rulebook.roles)
            _refuse(
                "unknown_role",
                f"/agent/roles/{number}",
                "the policy names no such role",
                f"use one of: {listed}",
            )
    return tuple(sorted(set(given), key=lambda role: rulebook.roles[role].rank))


def _text(value: Any, pointer: str) -> str:  # noqa: ANN401 — JSON
    if value is None:
        _refuse("missing_field", pointer, "the agent has no name", 'write it as a text, like "ana"')
    try:
        return check_text(value, 200)
    except FactError as error:
        _refuse(error.code, pointer, error.message, error.remedy)


def _only(known: frozenset[str], given: Mapping[str, Any], at: str) -> None:
    for name in given:
        if name not in known:
            token = name.replace("~", "~0").replace("/", "~1")[:100]
            listed = ", ".join(sorted(known))
            _refuse(
                "unknown_field", f"{at}/{token}", "this field is not known", f"use one of: {listed}"
            )


def _key(given: Any) -> tuple[Any, ...] | None:  # noqa: ANN401 — JSON
    """What makes two agents the same, where that can be compared at all."""
    if not isinstance(given, dict) or not _AGENT_FIELDS.issuperset(given):
        return None
    roles = given.get("roles")
    key = (given.get("id"), given.get("kind"), given.get("owner"), tuple(roles or ()))
    try:
        hash(key)
    except TypeError:
        return None
    return key if isinstance(roles, list) else None


def _refuse(code: str, pointer: str, what: str, remedy: str) -> NoReturn:
    raise Refused((Fault(code=code, pointer=pointer, message=what, remedy=remedy),))
