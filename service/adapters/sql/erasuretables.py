"""The table of erasures. See `tables`."""

from datetime import datetime
from typing import get_args

from sqlalchemy import Index
from sqlmodel import Field

from service.adapters.sql.columns import Instant, Words
from service.adapters.sql.row import Row, one_of
from service.app.erasurerecords import ErasureState


class Erasures(Row, table=True):
    """Who asked that a person be erased, and who confirmed it; not who the person was."""

    __table_args__ = (one_of("state", get_args(ErasureState)), Index(None, "subject"))

    id: str = Field(sa_type=Words, primary_key=True)
    subject: str = Field(sa_type=Words)
    state: str = Field(sa_type=Words)
    waived: bool
    requested_by: str = Field(sa_type=Words)
    requested_at: datetime = Field(sa_type=Instant)
    confirmed_by: str | None = Field(sa_type=Words)
    confirmed_at: datetime | None = Field(sa_type=Instant)
    kept_until: datetime | None = Field(sa_type=Instant)
    cleaned_at: datetime | None = Field(sa_type=Instant)
