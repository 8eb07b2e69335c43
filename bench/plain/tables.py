"""Five tables."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, BigInteger, Column, DateTime
from sqlmodel import Field, SQLModel


class Key(SQLModel, table=True):
    """Who has a key. ``digest`` is the SHA-256 of the secret."""

    digest: str = Field(primary_key=True)
    person: str


class Budget(SQLModel, table=True):
    """What one key of one budget has used, in cents or as a count."""

    key: str = Field(primary_key=True)
    used: int = Field(default=0, sa_type=BigInteger)


class Gesture(SQLModel, table=True):
    """One approval that counts towards a guest's ninety days."""

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    guest: str = Field(index=True)
    at: datetime = Field(sa_type=DateTime(timezone=True))


class Resolution(SQLModel, table=True):
    """A proposal and what was decided."""

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    site: str
    person: str
    guest: str | None = Field(index=True)
    resolution: str
    cents: int = Field(sa_type=BigInteger)
    outcome: str
    rule: str | None
    note: str | None
    proposal: dict[str, Any] = Field(sa_column=Column(JSON))
    at: datetime = Field(sa_type=DateTime(timezone=True))


class Audit(SQLModel, table=True):
    """What happened, for whoever asks later."""

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    resolution: UUID = Field(index=True)
    at: datetime = Field(sa_type=DateTime(timezone=True))
    told: dict[str, Any] = Field(sa_column=Column(JSON))
