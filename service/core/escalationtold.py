"""What happened to an escalation, in one sentence for the agent who waits.

Wording may improve between releases; events do not change.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from service.core.escalation import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a sentence is made of.

    ``by`` is who did it, ``None`` for the service itself; ``role`` is who is awaited now
    and ``before`` who was; ``value`` is what was approved where that is not what was
    asked. ``alone`` says that today's policy lets the ``proposer`` give it without asking.
    """

    event: Event
    by: str | None
    proposer: str
    role: str
    before: str
    value: str | None = None
    alone: bool = False


def told(what: Told) -> str:
    """The sentence. Holds no personal fact and nobody's words."""
    if what.by is None and what.event in _BY_ITSELF:
        return _BY_ITSELF[what.event]
    return (_ALONE if what.alone else _SENTENCES)[what.event].format(
        by=what.by,
        proposer=what.proposer,
        role=what.role,
        before=what.before,
        value=what.value,
    )


_SENTENCES: Final[Mapping[Event, str]] = MappingProxyType(
    {
        Event.APPROVE: "{by} approved it.",
        Event.COUNTER: "{by} approved {value} instead of what was asked.",
        Event.CONCUR: "{by} approved it, and somebody else must approve the same.",
        Event.MOVE_UP: "{by} may not give this today, so it went up to {role}.",
        Event.ASK: "{by} asks for more: reply, and the clock goes on.",
        Event.DENY: "{by} denied it.",
        Event.REPLY: "{by} replied, and it waits for {role} again.",
        Event.WITHDRAW: "{by} withdrew it.",
        Event.REMIND: "It still waits for {role}.",
        Event.HAND_ON: "{before} did not answer in time, so it went on to {role}.",
        Event.TIME_OUT: "{before} did not answer in time, so it is denied.",
        Event.REROUTE: "The policy no longer has {before}, so it went to {role}.",
        Event.LAPSE: "The policy no longer has {before}, and nobody else could answer: denied.",
    }
)
_ALONE: Final[Mapping[Event, str]] = MappingProxyType(
    {
        Event.APPROVE: "{by} approved it. Today's policy lets {proposer} give this unasked.",
        Event.COUNTER: "{by} approved {value} instead of what was asked."
        " Today's policy lets {proposer} give that unasked.",
    }
)
_BY_ITSELF: Final[Mapping[Event, str]] = MappingProxyType(
    {Event.WITHDRAW: "It was withdrawn, since the data of the person it was for were erased."}
)
