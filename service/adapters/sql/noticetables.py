"""The outbox: notices that wait for their receivers, and who is at work on which line."""

from datetime import datetime
from typing import Final, get_args

from sqlalchemy import BigInteger, Index, LargeBinary, text
from sqlmodel import Field

from service.adapters.sql.columns import Instant, Words
from service.adapters.sql.row import CLUSTERED, Row, never_negative, one_of
from service.app.noticerecords import NoticeState

_WAITING: Final = text("state = 'waiting'")
"""Which notices stand in a line: few at a time, so only they are indexed for it."""


class Notices(Row, table=True):
    """One notice for one receiver, and what became of it. Holds no personal value."""

    __table_args__ = (
        one_of("state", get_args(NoticeState)),
        *never_negative("attempts"),
        Index(
            None,
            "receiver",
            "queued_at",
            "id",
            sqlite_where=_WAITING,
            postgresql_where=_WAITING,
        ),
        Index(None, "about", "queued_at"),
        Index(None, "state", "ended_at"),
    )

    id: str = Field(sa_type=Words, primary_key=True)
    receiver: str = Field(sa_type=Words)
    event: str = Field(sa_type=Words)
    about: str = Field(sa_type=Words)
    resolution: str = Field(sa_type=Words)
    site: str = Field(sa_type=Words)
    role: str = Field(sa_type=Words)
    at: datetime = Field(sa_type=Instant)
    data: bytes = Field(sa_type=LargeBinary)
    queued_at: datetime = Field(sa_type=Instant)
    due_at: datetime = Field(sa_type=Instant)
    state: str = Field(sa_type=Words)
    attempts: int = Field(sa_type=BigInteger)
    ended_at: datetime | None = Field(sa_type=Instant)
    failure: str | None = Field(sa_type=Words)


class NoticeLeases(Row, table=True):
    """Who delivers to a receiver, and until when nobody else does."""

    __table_args__ = (CLUSTERED,)

    receiver: str = Field(sa_type=Words, primary_key=True)
    holder: str | None = Field(sa_type=Words)
    until: datetime | None = Field(sa_type=Instant)
