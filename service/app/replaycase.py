"""What a replay is made of: decisions with who asked, answers from above, ends of money."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeAlias

from service.core.decision import Decision, Outcome
from service.core.refusal import Refused
from service.core.request import Request
from service.core.rulebook import Rulebook

REFUSED: Final = "refused"
"""The outcome of what a policy cannot decide at all, such as an unknown resolution."""


class Verdict(NamedTuple):
    """What came of a request. ``rule`` determined; ``role`` gave it, or is asked to.

    ``value_minor`` is what was asked for, ``None`` where it has no value.
    """

    outcome: str
    rule: str | None = None
    role: str | None = None
    value_minor: int | None = None


RequestFor: TypeAlias = Callable[[Rulebook], Request]
"""The request as a rulebook reads it. Raises `Refused`."""


class Asked(NamedTuple):
    """A request that was decided. ``recorded`` is what the log says came of it.

    ``id`` names the line or the entry; ``about`` is the resolution's id in a log. ``state``
    is that of the recorded resolution. ``number`` grows from what came earlier to what came
    later, the same however the stream is split.
    """

    id: str
    at: datetime
    site: str
    request: RequestFor
    about: str = ""
    recorded: Verdict | None = None
    state: str | None = None
    number: int = 0


class Answered(NamedTuple):
    """Somebody answered an escalation, or its time was up.

    ``roles`` are those of the approver, and empty where nothing was approved; ``offer`` is
    the amount or quantity that was approved in place of what was asked. ``is_final`` says
    that nobody has to answer any more.
    """

    about: str
    at: datetime
    roles: tuple[str, ...]
    recorded: Verdict | None
    state: str | None
    offer: tuple[int | None, int | None] | None
    is_final: bool


class Ended(NamedTuple):
    """A hold was settled or released, or what was settled was reversed.

    ``left_minor`` is the value that stays spent.
    """

    about: str
    at: datetime
    left_minor: int


Event: TypeAlias = Asked | Answered | Ended


def verdict_of(decision: Decision) -> Verdict:
    """The verdict of a decision."""
    first = decision.reasons[0]
    given = decision.authority or decision.escalate_to
    rule = first.rule or first.code.value
    return Verdict(
        decision.outcome.value, rule, None if given is None else given.role, decision.value_minor
    )


def verdict_in(body: Mapping[str, Any]) -> Verdict:
    """The verdict in the body of an entry."""
    first = body["reasons"][0]
    given = body["authority"] or body["escalate_to"]
    return Verdict(
        body["outcome"],
        first["rule"] or first["code"],
        None if given is None else given["role"],
        body["value_minor"],
    )


def refused(refusal: Refused) -> Verdict:
    """The verdict on what cannot be decided."""
    return Verdict(REFUSED, refusal.faults[0].code)


APPROVED: Final = Outcome.APPROVED.value
ESCALATED: Final = Outcome.ESCALATED.value
