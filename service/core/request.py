"""What is asked: a proposal after it was parsed, checked and converted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from service.core.expression import FactValue

AgentKind = Literal["human", "ai"]

NOTE_CHARS_MAX: Final = 4_000
NAME_CHARS_MAX: Final = 200
"""Of a site, a resolution, a reason, a channel."""
QUANTITY_MAX: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Who proposes. ``roles`` are those held at the request's site, in the rulebook's order."""

    id: str
    kind: AgentKind = "human"
    roles: tuple[str, ...] = ()
    owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Something that proves the case: its kind, and where it lies (a personal value)."""

    kind: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One proposal, ready to be decided.

    Exactly one of ``amount_minor`` (a money resolution, > 0, in the rulebook's currency)
    and ``quantity`` (a resolution with a unit, ≥ 1) is set. ``facts`` are keyed by their
    qualified names and hold only declared facts of the declared type; absent ones are
    left out. ``authority`` is whose roles decide: the proposer's unless somebody answers
    an escalation (``agent`` stays the proposer then).
    """

    site: str
    agent: Agent
    resolution: str
    amount_minor: int | None = None
    quantity: int | None = None
    currency: str | None = None
    rate: str | None = None
    reason: str | None = None
    channel: str | None = None
    note: str | None = None
    evidence: tuple[Evidence, ...] = ()
    unavailable: frozenset[str] = frozenset()
    facts: Mapping[str, FactValue] = field(default_factory=dict)
    authority: tuple[str, ...] | None = None

    def without_people(
        self, facts: Mapping[str, FactValue], note: str | None, evidence: tuple[Evidence, ...]
    ) -> "Request":
        """The same request with what may name people replaced.

        What `dataclasses.replace` gives, in a third of its time: every decision needs one.
        """
        return Request(
            site=self.site,
            agent=self.agent,
            resolution=self.resolution,
            amount_minor=self.amount_minor,
            quantity=self.quantity,
            currency=self.currency,
            rate=self.rate,
            reason=self.reason,
            channel=self.channel,
            note=note,
            evidence=evidence,
            unavailable=self.unavailable,
            facts=facts,
            authority=self.authority,
        )
