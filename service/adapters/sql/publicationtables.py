"""The table of publications. See `tables`."""

from datetime import datetime
from typing import get_args

from sqlmodel import Field

from service.adapters.sql.columns import Files, Instant, Words
from service.adapters.sql.row import Row, one_of
from service.app.publicationrecords import PublicationEffect, PublicationState
from service.core.request import AgentKind


class Publications(Row, table=True):
    """Who asked for a set to be put in force, and who confirmed it."""

    __table_args__ = (
        one_of("state", get_args(PublicationState)),
        one_of("effect", get_args(PublicationEffect)),
        one_of("requested_kind", get_args(AgentKind)),
    )

    id: str = Field(sa_type=Words, primary_key=True)
    state: str = Field(sa_type=Words)
    effect: str = Field(sa_type=Words)
    version: str = Field(sa_type=Words)
    rules: str = Field(sa_type=Words)
    name: str = Field(sa_type=Words)
    replaces: str = Field(sa_type=Words)
    changes: str = Field(sa_type=Words)
    comment: str | None = Field(sa_type=Words)
    requested_by: str = Field(sa_type=Words)
    requested_kind: str = Field(sa_type=Words)
    requested_owner: str | None = Field(sa_type=Words)
    requested_at: datetime = Field(sa_type=Instant)
    files: dict[str, bytes] = Field(sa_type=Files)
    confirmed_by: str | None = Field(sa_type=Words)
    confirmed_at: datetime | None = Field(sa_type=Instant)
