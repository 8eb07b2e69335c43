"""What was decided: values with everything that explains them, and no wording."""

from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from service.core.budget import Balance, BudgetKey

EVALUATOR = 1
"""The version of `evaluate`. It changes when the same input may give another decision."""


class Outcome(StrEnum):
    """The four answers. All are values; none is an error."""

    APPROVED = "approved"
    ESCALATED = "escalated"
    DENIED = "denied"
    INCOMPLETE = "incomplete"


class Code(StrEnum):
    """Why. Stable: logs, tests and clients rely on these words."""

    WITHIN_LIMITS = "within_limits"
    OVER_LIMIT = "over_limit"
    NOT_EXACT = "not_exact"
    BUDGET_EXHAUSTED = "budget_exhausted"
    COUNT_EXHAUSTED = "count_exhausted"
    CONDITION_FALSE = "condition_false"
    MISSING_FACT = "missing_fact"
    MISSING_EVIDENCE = "missing_evidence"
    NOT_GRANTED = "not_granted"
    PROHIBITED = "prohibited"
    WRONG_SITE = "wrong_site"
    WRONG_KIND_OF_AGENT = "wrong_kind_of_agent"
    RULE_ERROR = "rule_error"
    BEYOND_EVERY_REMIT = "beyond_every_remit"


Parameter: TypeAlias = str | int | tuple[str, ...]


class Reason(NamedTuple):
    """One rule and what it said.

    ``rule`` is the id of a grant, budget, prohibition or resolution; ``role`` the rung it
    was tried on. ``parameters`` are money in minor units, counts and names, such as
    ``{"limit": 50000}``; a message is made from them where somebody reads it.
    """

    code: Code
    rule: str | None = None
    role: str | None = None
    parameters: tuple[tuple[str, Parameter], ...] = ()


class Reading(NamedTuple):
    """A balance that was read, and what the decision charged to it (0: only read).

    ``limit`` is money in minor units or a count, as ``counts`` says. ``after`` is
    ``before`` where nothing was charged. ``used_before`` and ``used_after`` are what
    counted against the limit at that instant.
    """

    budget: str
    key: BudgetKey
    ends_at: datetime | None
    counts: bool
    limit: int
    charged: int
    before: Balance
    after: Balance
    used_before: int
    used_after: int

    def kept_back(self) -> "Reading":
        """The same charge as a hold: it counts as used, and is not spent yet."""
        before = self.before
        held = Balance(
            before.held + self.charged, before.settled, before.version + 1, before.spends
        )
        return self._replace(after=held) if self.charged else self


class Authority(NamedTuple):
    """Under which role and grant the answer was given."""

    role: str
    grant: str


class Headroom(NamedTuple):
    """The most that would pass unasked. ``amount_minor`` ``None`` says that there is no cap.

    ``quantity`` is set for resolutions with a unit, and ``None`` where there is no cap.
    """

    amount_minor: int | None
    quantity: int | None = None


NOTHING: Final = Headroom(0)
"""No amount at all would pass."""


class Decision(NamedTuple):
    """The answer to one request.

    ``reasons[0]`` determines. ``authority`` is set when approved; ``escalate_to`` (with
    the grant that would pass there) when escalated; ``missing`` lists what to add when
    incomplete: ``note``, a kind of evidence, or ``fact:`` and a path. ``value_minor`` is
    ``None`` where the worth of a unit could not be computed.
    """

    outcome: Outcome
    value_minor: int | None
    quantity: int | None
    reasons: tuple[Reason, ...]
    authority: Authority | None = None
    escalate_to: Authority | None = None
    missing: tuple[str, ...] = ()
    readings: tuple[Reading, ...] = ()
    without_escalation_up_to: Headroom = NOTHING
    counter_offer_minor: int | None = None
