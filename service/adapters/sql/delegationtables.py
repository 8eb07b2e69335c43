"""The tables of delegations. See `tables`."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlmodel import Field

from service.adapters.sql.columns import Instant, Words
from service.adapters.sql.row import Row


class Delegations(Row, table=True):
    """Who answers for whom, from when until when."""

    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="window"),
        CheckConstraint("delegator <> delegate", name="two"),
        Index(None, "delegator", "id"),
        Index(None, "delegate", "id"),
        Index(None, "ends_at"),
    )

    id: str = Field(sa_type=Words, primary_key=True)
    delegator: str = Field(sa_type=Words)
    delegate: str = Field(sa_type=Words)
    site: str | None = Field(sa_type=Words)
    role: str | None = Field(sa_type=Words)
    starts_at: datetime = Field(sa_type=Instant)
    ends_at: datetime = Field(sa_type=Instant)
    created_by: str = Field(sa_type=Words)
    created_at: datetime = Field(sa_type=Instant)
    revoked_by: str | None = Field(sa_type=Words)
    revoked_at: datetime | None = Field(sa_type=Instant)


class DelegationTurns(Row, table=True):
    """One row at most, locked by whoever makes or revokes a delegation: one after the other."""

    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})
