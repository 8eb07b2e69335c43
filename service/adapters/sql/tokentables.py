"""The tables of tokens. See `tables`."""

from datetime import datetime
from typing import get_args

from sqlalchemy import Index
from sqlmodel import Field

from service.adapters.sql.columns import ClaimedRoles, Instant, Words
from service.adapters.sql.row import CLUSTERED, Row, one_of
from service.app.token import Roles
from service.core.request import AgentKind


class TokenPeople(Row, table=True):
    """Who came with a token, and what the latest one said."""

    __table_args__ = (one_of("kind", get_args(AgentKind)), Index(None, "issued_at", "person"))

    person: str = Field(sa_type=Words, primary_key=True)
    kind: str = Field(sa_type=Words)
    owner: str | None = Field(sa_type=Words)
    roles: Roles | None = Field(sa_type=ClaimedRoles)
    token: str = Field(sa_type=Words)
    issued_at: datetime = Field(sa_type=Instant)
    seen_at: datetime = Field(sa_type=Instant)


class TokenRevocations(Row, table=True):
    """Which tokens are refused, and of whom all that were issued until then."""

    __table_args__ = (CLUSTERED,)

    id: str = Field(sa_type=Words, primary_key=True)
    revoked_at: datetime = Field(sa_type=Instant)
