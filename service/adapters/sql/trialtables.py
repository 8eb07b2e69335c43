"""The tables of trials. See `tables`."""

from datetime import datetime
from typing import get_args

from sqlalchemy import BigInteger, Index
from sqlmodel import Field

from service.adapters.sql.columns import Files, Instant, Spending, Spends, Texts, Words
from service.adapters.sql.row import CLUSTERED, Row, never_negative, one_of
from service.app.trialrecords import TrialMode, TrialState
from service.core.request import AgentKind


class Trials(Row, table=True):
    """Who tried which candidate beside which version, for whom, and how it ended."""

    __table_args__ = (
        one_of("mode", get_args(TrialMode)),
        one_of("state", get_args(TrialState)),
        one_of("requested_kind", get_args(AgentKind)),
    )

    id: str = Field(sa_type=Words, primary_key=True)
    mode: str = Field(sa_type=Words)
    state: str = Field(sa_type=Words)
    version: str = Field(sa_type=Words)
    rules: str = Field(sa_type=Words)
    name: str = Field(sa_type=Words)
    currency: str = Field(sa_type=Words)
    beside: str = Field(sa_type=Words)
    beside_rules: str = Field(sa_type=Words)
    changes: str = Field(sa_type=Words)
    comment: str | None = Field(sa_type=Words)
    requested_by: str = Field(sa_type=Words)
    requested_kind: str = Field(sa_type=Words)
    requested_owner: str | None = Field(sa_type=Words)
    requested_at: datetime = Field(sa_type=Instant)
    files: dict[str, bytes] = Field(sa_type=Files)
    sites: tuple[str, ...] | None = Field(sa_type=Texts)
    share_percent: int | None = Field(sa_type=BigInteger)
    approved_max_minor: int | None = Field(sa_type=BigInteger)
    approved_a_day_max_minor: int | None = Field(sa_type=BigInteger)
    escalated_percent_max: int | None = Field(sa_type=BigInteger)
    decisions_min: int = Field(sa_type=BigInteger)
    ends_at: datetime | None = Field(sa_type=Instant)
    confirmed_by: str | None = Field(sa_type=Words)
    confirmed_at: datetime | None = Field(sa_type=Instant)
    started_at: datetime | None = Field(sa_type=Instant)
    ended_at: datetime | None = Field(sa_type=Instant)
    ended_by: str | None = Field(sa_type=Words)
    reason: str | None = Field(sa_type=Words)


class TrialCounts(Row, table=True):
    """What a pilot has decided: beside it, since this changes with its decisions."""

    __table_args__ = (
        *never_negative("decisions", "escalated", "approved_minor", "day_approved_minor"),
        CLUSTERED,
    )

    trial: str = Field(sa_type=Words, primary_key=True)
    decisions: int = Field(sa_type=BigInteger)
    escalated: int = Field(sa_type=BigInteger)
    approved_minor: int = Field(sa_type=BigInteger)
    day_starts_at: datetime | None = Field(sa_type=Instant)
    day_approved_minor: int = Field(sa_type=BigInteger)


class TrialFigures(Row, table=True):
    """How far the log was compared, and what came of it."""

    __table_args__ = never_negative("cursor", "version")

    trial: str = Field(sa_type=Words, primary_key=True)
    cursor: int = Field(sa_type=BigInteger)
    version: int = Field(sa_type=BigInteger)
    is_done: bool
    figures: str = Field(sa_type=Words)


class TrialBudgets(Row, table=True):
    """The balances that only a candidate keeps, while its trial lasts."""

    __table_args__ = (*never_negative("held", "settled", "version"), Index(None, "trial"))

    key: str = Field(sa_type=Words, primary_key=True)
    trial: str = Field(sa_type=Words)
    held: int = Field(sa_type=BigInteger)
    settled: int = Field(sa_type=BigInteger)
    version: int = Field(sa_type=BigInteger)
    spends: Spending = Field(sa_type=Spends)
