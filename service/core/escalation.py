"""The way upwards: the states of an escalation, and who may answer it."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from service.core.request import AgentKind
from service.core.rulebook import Rulebook


class State(StrEnum):
    """Where an escalation stands. All but ``open`` are final."""

    OPEN = "open"
    APPROVED = "approved"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Event(StrEnum):
    """What can happen to one."""

    APPROVE = "approve"
    DENY = "deny"
    CONCUR = "concur"
    MOVE_UP = "move_up"
    WITHDRAW = "withdraw"
    TIME_OUT = "time_out"


TRANSITIONS: Final[Mapping[tuple[State, Event], State]] = MappingProxyType(
    {
        (State.OPEN, Event.APPROVE): State.APPROVED,
        (State.OPEN, Event.DENY): State.DENIED,
        (State.OPEN, Event.CONCUR): State.OPEN,
        (State.OPEN, Event.MOVE_UP): State.OPEN,
        (State.OPEN, Event.WITHDRAW): State.WITHDRAWN,
        (State.OPEN, Event.TIME_OUT): State.EXPIRED,
    }
)
"""Every legal move. ``concur`` is an approval that a quorum still has to follow."""


class Objection(StrEnum):
    """Why somebody may not answer. Stable codes."""

    HUMANS_ONLY = "humans_only"
    OWN_REQUEST = "own_request"
    ALREADY_APPROVED = "already_approved"
    NOT_YOUR_REMIT = "not_your_remit"


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
) -> Objection | None:
    """Why ``person`` may not answer an escalation to ``role``; ``None`` where they may.

    Four eyes hold for everybody, administrators included: never an AI agent, never the
    proposer or the owner of the agent that proposed, never the same person twice. Who
    holds the role, or one whose reach holds it, may answer.
    """
    if kind != "human":
        return Objection.HUMANS_ONLY
    if person in {proposer, proposer_owner}:
        return Objection.OWN_REQUEST
    if person in approvals:
        return Objection.ALREADY_APPROVED
    if role not in rulebook.ladder(held).reach:
        return Objection.NOT_YOUR_REMIT
    return None
