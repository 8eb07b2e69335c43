"""An explanation in words and as JSON."""

from collections.abc import Iterator
from typing import Any

from service.core.answer import money_json
from service.core.decision import Outcome, Reason
from service.core.message import message
from service.core.money import format_minor
from service.core.request import Request
from service.core.rulebook import Rulebook
from service.core.rung import Tried
from service.policyfile.explain import Explanation, Person, Way

SIGNS = {"passes": "✓", "fails": "✗", "lacks": "?"}


def lines(book: Rulebook, request: Request, found: Explanation) -> Iterator[str]:
    """What was decided, the ladder rung by rung, and what would pass."""
    decision = found.decision
    agent = request.agent
    held = ", ".join(agent.roles) or "no role"
    yield f"{_asked(book, request)} at {request.site}, by {agent.id} ({held}): {_outcome(found)}"
    if not found.tried:
        yield f"  {message(decision.reasons[0], book)}"
    yield from _ladder(book, found)
    if decision.missing:
        yield f"Add {', '.join(decision.missing)}."
    if found.ways:
        yield "What would pass unasked"
        yield from (f"  {_way(book, way)}" for way in found.ways)
    elif decision.outcome is not Outcome.APPROVED:
        yield "Nothing of it passes unasked, and nothing else that is worth anything."
    if found.people:
        yield f"Who can say yes: {', '.join(map(_person, found.people))}"


def as_json(book: Rulebook, found: Explanation) -> dict[str, Any]:
    """The parts that a decision does not tell itself: the rungs, the ways, the people."""
    return {
        "rungs": [rung_json(book, tried) for tried in found.tried],
        "would_pass": [way_json(book, way) for way in found.ways],
        "people": [
            {"id": it.id, "roles": list(it.roles), "gives": it.gives} for it in found.people
        ],
    }


def rung_json(book: Rulebook, tried: Tried) -> dict[str, Any]:
    """One grant that was tried, and what kept it from passing."""

    def told(reasons: tuple[Reason, ...]) -> list[dict[str, str | None]]:
        return [
            {"code": reason.code, "rule": reason.rule, "message": message(reason, book)}
            for reason in reasons
        ]

    return {
        "role": tried.grant.role,
        "grant": tried.grant.id,
        "verdict": _verdict(tried),
        "failures": told(tried.failures),
        "lacks": told(tried.lacks),
    }


def way_json(book: Rulebook, way: Way) -> dict[str, Any]:
    """What would pass: the resolution, how much, with what, and whose grant it would be."""
    authority = way.decision.authority
    return {
        "kind": way.kind,
        "resolution": way.request.resolution,
        "value": money_json(book, way.decision.value_minor),
        "quantity": way.request.quantity,
        "brings": list(way.brings),
        "authority": None if authority is None else {"role": authority[0], "grant": authority[1]},
    }


def _verdict(tried: Tried) -> str:
    return "fails" if tried.failures else "lacks" if tried.lacks else "passes"


def _asked(book: Rulebook, request: Request) -> str:
    if request.quantity is not None:
        unit = book.resolutions[request.resolution].unit
        return f"{request.resolution}, {request.quantity} {unit}{'s' * (request.quantity != 1)}"
    return f"{request.resolution} of {_money(book, request.amount_minor or 0)}"


def _money(book: Rulebook, minor: int) -> str:
    return f"{format_minor(minor, book.decimals)} {book.currency}"


def _outcome(found: Explanation) -> str:
    decision = found.decision
    if decision.escalate_to is not None:
        return f"escalated to {decision.escalate_to.role}"
    if decision.authority is not None:
        return f"approved under {decision.authority.grant} ({decision.authority.role})"
    return decision.outcome.value


def _ladder(book: Rulebook, found: Explanation) -> Iterator[str]:
    role = None
    width = max((len(tried.grant.id) for tried in found.tried), default=0)
    for tried in found.tried:
        if tried.grant.role != role:
            role = tried.grant.role
            yield role
        verdict = _verdict(tried)
        said = " ".join(message(it, book) for it in tried.failures or tried.lacks)
        yield f"  {SIGNS[verdict]} {tried.grant.id:<{width}}  {said or 'passes.'}"


def _way(book: Rulebook, way: Way) -> str:
    brings = f" with {' and '.join(way.brings)}" if way.brings else ""
    authority = way.decision.authority
    by = "" if authority is None else f" ({authority.grant})"
    value = way.decision.value_minor
    worth = ""
    if way.request.quantity is not None and value is not None:
        worth = f", worth {_money(book, value)}"
    return f"{_asked(book, way.request)}{worth}{brings}{by}"


def _person(person: Person) -> str:
    return f"{person.id} ({', '.join(person.roles)})"
