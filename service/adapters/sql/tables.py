"""The tables: rows only, neither domain objects nor wire models.

The columns bear the names of the fields in `service.app.records`. Money and counts are
64-bit integers, times are microseconds (see `columns.Instant`), ids and keys sort
bytewise. Checks hold in every state that is legal, so a violated one is a defect.
There are few foreign keys: on PostgreSQL each insert would lock the row it points at,
outside the one order in which everything else is locked.
"""

from datetime import datetime
from typing import Final, get_args

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    text,
)
from sqlmodel import Field

from service.adapters.sql import (
    delegationtables,
    erasuretables,
    logtables,
    noticetables,
    publicationtables,
    tokentables,
    trialtables,
)
from service.adapters.sql.columns import Charges, Files, Instant, Spending, Spends, Texts, Words
from service.adapters.sql.insertonly import guard
from service.adapters.sql.row import CLUSTERED, METADATA, Row, never_negative, one_of
from service.app.records import EscalationState, HoldEnd, ResolutionState, Timeout
from service.core.canonical import ENTRY_BYTES_MAX
from service.core.hold import Charge
from service.core.request import AgentKind

__all__ = [
    "METADATA",
    "delegationtables",
    "erasuretables",
    "logtables",
    "noticetables",
    "publicationtables",
    "tokentables",
    "trialtables",
]

OUTLIVES: Final = text("kept_until IS NOT NULL")
"""Which names were kept after an erasure: few at a time."""

_HELD: Final = text("state = 'held'")
"""Which resolutions end by themselves: few at a time, so only they are indexed for it."""

OVERDUE: Final = text("state = 'open' AND on_timeout IS NOT NULL")
"""Which escalations end or move by themselves once `answer_by` is there."""

REMINDED: Final = text("state = 'open' AND remind_at IS NOT NULL")
"""Which escalations a reminder is still due for."""


USUAL: Final = {"kind": "decision", "outcome": "approved", "reason": "within_limits"}
SELDOM: Final = {column: text(f"{column} <> '{usual}'") for column, usual in USUAL.items()}
"""Which entries are indexed by these columns: the usual ones are found without, and an
approval pays for no index that would hold nearly every entry."""


class Policies(Row, table=True):
    """A published policy set, for ever."""

    version: str = Field(sa_type=Words, primary_key=True)
    rules: str = Field(sa_type=Words)
    name: str = Field(sa_type=Words)
    files: dict[str, bytes] = Field(sa_type=Files)
    published_at: datetime = Field(sa_type=Instant)
    published_by: str = Field(sa_type=Words)


class PolicyHead(Row, table=True):
    """Which version is in force, and which trial runs beside it.

    One row at most, without a version while the first is put in.
    """

    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})
    version: str | None = Field(sa_type=Words, sa_column_args=(ForeignKey("policies.version"),))
    trial: str | None = Field(sa_type=Words)


class ApiKeys(Row, table=True):
    """An API key. ``digest`` is the SHA-256 of the secret, which is nowhere."""

    __table_args__ = (
        one_of("kind", get_args(AgentKind)),
        CheckConstraint("length(digest) = 32", name="digest"),
        Index(None, "subject"),
    )

    id: str = Field(sa_type=Words, primary_key=True)
    digest: bytes = Field(sa_type=LargeBinary, unique=True)
    subject: str = Field(sa_type=Words)
    kind: str = Field(sa_type=Words)
    owner: str | None = Field(sa_type=Words)
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime | None = Field(sa_type=Instant)
    revoked_at: datetime | None = Field(sa_type=Instant)


class Surrogates(Row, table=True):
    """A random name for a personal value, found by the value's keyed hash."""

    __table_args__ = (
        Index(None, "subject"),
        Index(None, "kept_until", sqlite_where=OUTLIVES, postgresql_where=OUTLIVES),
        CLUSTERED,
    )

    fingerprint: bytes = Field(sa_type=LargeBinary, primary_key=True)
    surrogate: str = Field(sa_type=Words)
    subject: str = Field(sa_type=Words)
    charged_as: str | None = Field(sa_type=Words)
    kept_until: datetime | None = Field(sa_type=Instant)


class SubjectKeys(Row, table=True):
    """The key that opens everything sealed for a subject, wrapped."""

    __table_args__ = (CLUSTERED,)

    subject: str = Field(sa_type=Words, primary_key=True)
    wrapped: bytes = Field(sa_type=LargeBinary)


class Openings(Row, table=True):
    """The sealed disclosures of one entry. A subject's are found through its entries."""

    __table_args__ = (CLUSTERED,)

    entry: str = Field(sa_type=Words, primary_key=True)
    subject: str = Field(sa_type=Words)
    sealed: bytes = Field(sa_type=LargeBinary)


class Budgets(Row, table=True):
    """What one key of one budget has used. ``spends`` is for rolling windows."""

    __table_args__ = (
        *never_negative("held", "settled", "version"),
        CheckConstraint("starts_at < ends_at", name="window"),
        CLUSTERED,
    )

    key: str = Field(sa_type=Words, primary_key=True)
    row: str = Field(sa_type=Words)
    budget: str = Field(sa_type=Words)
    site: str | None = Field(sa_type=Words)
    starts_at: datetime | None = Field(sa_type=Instant)
    ends_at: datetime | None = Field(sa_type=Instant)
    held: int = Field(sa_type=BigInteger)
    settled: int = Field(sa_type=BigInteger)
    version: int = Field(sa_type=BigInteger)
    spends: Spending = Field(sa_type=Spends)


class Resolutions(Row, table=True):
    """A proposal and what became of it."""

    __table_args__ = (
        one_of("agent_kind", get_args(AgentKind)),
        one_of("state", get_args(ResolutionState)),
        one_of("hold_then", get_args(HoldEnd)),
        *never_negative("value_minor"),
        Index(None, "site", "id"),
        Index(None, "agent", "id"),
        Index(None, "hold_ends_at", sqlite_where=_HELD, postgresql_where=_HELD),
    )

    id: str = Field(sa_type=Words, primary_key=True)
    entry: str = Field(sa_type=Words)
    site: str = Field(sa_type=Words)
    agent: str = Field(sa_type=Words)
    agent_kind: str = Field(sa_type=Words)
    agent_owner: str | None = Field(sa_type=Words)
    agent_roles: tuple[str, ...] = Field(sa_type=Texts)
    subject: str = Field(sa_type=Words)
    resolution: str = Field(sa_type=Words)
    outcome: str = Field(sa_type=Words)
    state: str | None = Field(sa_type=Words)
    value_minor: int | None = Field(sa_type=BigInteger)
    policy_version: str = Field(sa_type=Words)
    decided_at: datetime = Field(sa_type=Instant)
    proposal: bytes = Field(sa_type=LargeBinary)
    answer: bytes = Field(sa_type=LargeBinary)
    escalation: str | None = Field(sa_type=Words)
    charges: tuple[Charge, ...] = Field(sa_type=Charges)
    hold_ends_at: datetime | None = Field(sa_type=Instant)
    hold_then: str | None = Field(sa_type=Words)


class Escalations(Row, table=True):
    """A request on its way upwards."""

    __table_args__ = (
        one_of("state", get_args(EscalationState)),
        one_of("on_timeout", get_args(Timeout)),
        Index(None, "state", "site", "role", "id"),
        Index(None, "resolution"),
        Index(None, "subject"),
        Index(None, "answer_by", sqlite_where=OVERDUE, postgresql_where=OVERDUE),
        Index(None, "remind_at", sqlite_where=REMINDED, postgresql_where=REMINDED),
    )

    id: str = Field(sa_type=Words, primary_key=True)
    resolution: str = Field(sa_type=Words, sa_column_args=(ForeignKey("resolutions.id"),))
    site: str = Field(sa_type=Words)
    role: str = Field(sa_type=Words)
    state: str = Field(sa_type=Words)
    digest: str = Field(sa_type=Words)
    policy_version: str = Field(sa_type=Words)
    proposer: str = Field(sa_type=Words)
    proposer_owner: str | None = Field(sa_type=Words)
    subject: str = Field(sa_type=Words)
    opened_at: datetime = Field(sa_type=Instant)
    answer_by: datetime | None = Field(sa_type=Instant)
    approvals: tuple[str, ...] = Field(sa_type=Texts)
    answered_by: str | None = Field(sa_type=Words)
    answered_at: datetime | None = Field(sa_type=Instant)
    on_timeout: str | None = Field(sa_type=Words)
    remind_at: datetime | None = Field(sa_type=Instant)
    reminded_at: datetime | None = Field(sa_type=Instant)
    asked_by: str | None = Field(sa_type=Words)
    asked_at: datetime | None = Field(sa_type=Instant)
    left_microseconds: int | None = Field(sa_type=BigInteger)
    remind_left_microseconds: int | None = Field(sa_type=BigInteger)
    offer_minor: int | None = Field(sa_type=BigInteger)
    offer_quantity: int | None = Field(sa_type=BigInteger)


class Entries(Row, table=True):
    """One entry of the log: the bytes that were hashed, and columns to find it by."""

    __table_args__ = (
        CheckConstraint("length(leaf) = 32", name="leaf"),
        CheckConstraint(f"length(body) <= {ENTRY_BYTES_MAX}", name="body"),
        Index(None, "about"),
        Index(None, "site", "id"),
        Index(None, "agent", "id"),
        Index(None, "subject", "id"),
        Index(None, "at", "id"),
        Index(None, "rule", "id"),
        Index(None, "policy_version", "id"),
        *[
            Index(None, column, "id", sqlite_where=seldom, postgresql_where=seldom)
            for column, seldom in SELDOM.items()
        ],
    )

    id: str = Field(sa_type=Words, primary_key=True)
    kind: str = Field(sa_type=Words)
    at: datetime = Field(sa_type=Instant)
    body: bytes = Field(sa_type=LargeBinary)
    leaf: bytes = Field(sa_type=LargeBinary)
    about: str = Field(sa_type=Words)
    site: str | None = Field(sa_type=Words)
    agent: str | None = Field(sa_type=Words)
    subject: str | None = Field(sa_type=Words)
    resolution: str | None = Field(sa_type=Words)
    outcome: str | None = Field(sa_type=Words)
    rule: str | None = Field(sa_type=Words)
    reason: str | None = Field(sa_type=Words)
    value_minor: int | None = Field(sa_type=BigInteger)
    policy_version: str | None = Field(sa_type=Words)


class Idempotency(Row, table=True):
    """A key that was used, and the answer it got. ``answer`` is null while it is new."""

    __table_args__ = (Index(None, "resolution"),)

    key: str = Field(sa_type=Words, primary_key=True)
    fingerprint: bytes | None = Field(sa_type=LargeBinary)
    resolution: str | None = Field(sa_type=Words)
    subject: str | None = Field(sa_type=Words)
    status: int = Field(sa_type=BigInteger)
    answer: bytes | None = Field(sa_type=LargeBinary)
    erased: bool


guard(METADATA)
