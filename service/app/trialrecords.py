"""What is stored of trials: a candidate set that is tried beside the one in force."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from service.core.budget import Balance
from service.core.request import AgentKind

TrialMode = Literal["shadow", "pilot"]
"""A shadow has no effect. A pilot decides the cases in its scope."""

TrialState = Literal["requested", "running", "ended"]
TrialReason = Literal[
    "by_hand",
    "time_is_up",
    "superseded",
    "money_approved",
    "money_approved_in_a_day",
    "escalation_rate",
]
"""Why a trial ended. The last three are the guardrail's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRecord:
    """One trial. ``files`` are the candidate's, whole.

    ``beside`` is the version that was in force when it was asked for; ``beside_rules`` are
    its rules, and the trial lasts as long as they are in force. ``changes`` is the digest
    of what is different between the two. ``sites`` and ``share_percent`` narrow its scope.
    ``approved_max_minor``, ``approved_a_day_max_minor`` and ``escalated_percent_max`` are
    the guardrail; the last one holds from ``decisions_min`` decisions on.
    """

    id: str
    mode: TrialMode
    state: TrialState
    version: str
    rules: str
    name: str
    currency: str
    beside: str
    beside_rules: str
    changes: str
    comment: str | None
    requested_by: str
    requested_kind: AgentKind
    requested_owner: str | None
    requested_at: datetime
    files: dict[str, bytes]
    sites: tuple[str, ...] | None = None
    share_percent: int | None = None
    approved_max_minor: int | None = None
    approved_a_day_max_minor: int | None = None
    escalated_percent_max: int | None = None
    decisions_min: int = 0
    ends_at: datetime | None = None
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    reason: TrialReason | None = None

    def is_time_up(self, at: datetime) -> bool:
        """Whether it was to end before or at an instant."""
        return self.ends_at is not None and self.ends_at <= at


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialCounts:
    """What a pilot has decided so far: what its guardrail looks at.

    Written with the decisions themselves. Money that comes back is not taken off.
    ``day_starts_at`` is the day of the candidate's timezone in which the last one fell.
    """

    trial: str
    decisions: int = 0
    escalated: int = 0
    approved_minor: int = 0
    day_starts_at: datetime | None = None
    day_approved_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialFigures:
    """How a candidate compares with the set in force, and up to where in the log.

    ``cursor`` is the index of the first entry that was not looked at; ``version`` grows by
    one with each change, so that of two who looked at the same entries one counts.
    ``figures`` is JSON, see `trialtally`. With ``is_done`` nothing is left to look at.
    """

    trial: str
    cursor: int
    version: int = 0
    is_done: bool = False
    figures: str = "{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialBudget:
    """A balance that only a shadow's candidate keeps. ``key`` is `trial_key` of the row."""

    key: str
    trial: str
    held: int
    settled: int
    version: int
    spends: tuple[tuple[datetime, int], ...]

    @property
    def balance(self) -> Balance:
        """What stands in it."""
        return Balance(self.held, self.settled, self.version, self.spends)


def trial_key(trial: str, row: str) -> str:
    """The key of a budget's row in a trial."""
    return f"{trial} {row}"


def trial_budget(trial: str, row: str, balance: Balance) -> TrialBudget:
    """A balance as it is stored."""
    held, settled, version, spends = balance
    return TrialBudget(
        key=trial_key(trial, row),
        trial=trial,
        held=held,
        settled=settled,
        version=version,
        spends=spends,
    )
