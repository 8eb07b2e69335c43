"""The way upwards: the states of an escalation, what may happen in each, and who may answer."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from service.core.delegation import people_in, voice
from service.core.request import AgentKind
from service.core.rulebook import Rulebook


class State(StrEnum):
    """Where an escalation stands. All but ``open`` and ``asked`` are final.

    While it is ``asked`` the agent has the word and the clock stands still.
    """

    OPEN = "open"
    ASKED = "asked"
    APPROVED = "approved"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Event(StrEnum):
    """What can happen to one.

    Somebody above answers: ``approve``, ``counter`` (another amount or quantity),
    ``concur`` (an approval of either kind that a quorum still has to follow), ``move_up``
    (an approval that takes a higher role), ``ask``, ``deny``. Who proposed says:
    ``reply``, ``withdraw``. Time brings: ``remind``, ``hand_on`` (overdue, and it goes to
    the next role), ``time_out`` (overdue, and it is denied). A policy that no longer
    has the role brings: ``reroute``, ``lapse`` (nobody is left who could answer).
    """

    APPROVE = "approve"
    COUNTER = "counter"
    CONCUR = "concur"
    MOVE_UP = "move_up"
    ASK = "ask"
    DENY = "deny"
    REPLY = "reply"
    WITHDRAW = "withdraw"
    REMIND = "remind"
    HAND_ON = "hand_on"
    TIME_OUT = "time_out"
    REROUTE = "reroute"
    LAPSE = "lapse"


TRANSITIONS: Final[Mapping[tuple[State, Event], State]] = MappingProxyType(
    {
        (State.OPEN, Event.APPROVE): State.APPROVED,
        (State.OPEN, Event.COUNTER): State.APPROVED,
        (State.OPEN, Event.CONCUR): State.OPEN,
        (State.OPEN, Event.MOVE_UP): State.OPEN,
        (State.OPEN, Event.ASK): State.ASKED,
        (State.OPEN, Event.DENY): State.DENIED,
        (State.OPEN, Event.WITHDRAW): State.WITHDRAWN,
        (State.OPEN, Event.REMIND): State.OPEN,
        (State.OPEN, Event.HAND_ON): State.OPEN,
        (State.OPEN, Event.TIME_OUT): State.EXPIRED,
        (State.OPEN, Event.REROUTE): State.OPEN,
        (State.OPEN, Event.LAPSE): State.EXPIRED,
        (State.ASKED, Event.REPLY): State.OPEN,
        (State.ASKED, Event.APPROVE): State.APPROVED,
        (State.ASKED, Event.COUNTER): State.APPROVED,
        (State.ASKED, Event.CONCUR): State.ASKED,
        (State.ASKED, Event.MOVE_UP): State.OPEN,
        (State.ASKED, Event.DENY): State.DENIED,
        (State.ASKED, Event.WITHDRAW): State.WITHDRAWN,
        (State.ASKED, Event.REROUTE): State.OPEN,
        (State.ASKED, Event.LAPSE): State.EXPIRED,
    }
)
"""Every legal move. Whoever answered may be telephoned: a question needs no reply first."""

WAITING: Final = frozenset({state for state, _ in TRANSITIONS})
"""The states that something can still happen in."""

GRANTS: Final = frozenset({Event.APPROVE, Event.COUNTER})
"""The events that give something."""

REFUSES: Final = frozenset({Event.DENY, Event.WITHDRAW, Event.TIME_OUT, Event.LAPSE})
"""The events after which nothing will be given."""

MOVES: Final = frozenset({Event.MOVE_UP, Event.HAND_ON, Event.REROUTE})
"""The events after which another role is awaited: with a clock of its own, and no votes yet."""


class Objection(StrEnum):
    """Why somebody may not answer. Stable codes."""

    HUMANS_ONLY = "humans_only"
    OWN_REQUEST = "own_request"
    SERVED_PERSON = "served_person"
    ALREADY_APPROVED = "already_approved"
    NOT_YOUR_REMIT = "not_your_remit"
    PROPOSERS_DELEGATE = "proposers_delegate"


def find_objection(  # noqa: PLR0913 — each is one eye of the four, all by name
    rulebook: Rulebook,
    *,
    role: str,
    person: str,
    kind: AgentKind,
    held: tuple[str, ...],
    proposer: str,
    proposer_owner: str | None,
    approvals: tuple[str, ...],
    served: bool = False,
    through: tuple[str, ...] = (),
    arranged_by: frozenset[str] = frozenset(),
) -> Objection | None:
    """Why ``person`` may not answer an escalation to ``role``; ``None`` where they may.

    Four eyes hold for everybody, administrators included: never an AI agent, never the
    proposer or the owner of the agent that proposed, never the person who is ``served``,
    never the same person twice. Who holds the role, or one whose reach holds it, may answer.

    Who answers for others does so ``through`` people, with the roles ``held`` of the last
    of them, by delegations that ``arranged_by`` made. The proposer is among neither; and in
    one quorum nobody both answers and is answered for, nor is answered for twice.
    """
    proposers = {proposer, proposer_owner}
    said = frozenset().union(*[people_in(approval) for approval in approvals])
    stands = {
        Objection.HUMANS_ONLY: kind != "human",
        Objection.OWN_REQUEST: person in proposers,
        Objection.SERVED_PERSON: served,
        Objection.PROPOSERS_DELEGATE: not arranged_by.union(through).isdisjoint(proposers),
        Objection.ALREADY_APPROVED: not people_in(voice(person, through)).isdisjoint(said),
        Objection.NOT_YOUR_REMIT: role not in rulebook.ladder(held).reach,
    }
    return next((objection for objection, holds in stands.items() if holds), None)
