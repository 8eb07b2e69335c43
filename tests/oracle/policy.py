"""A policy set and a proposal, in the words of the policy files and of the wire."""

from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import TypedDict

from tests.oracle.terms import Term, Value


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """Something that may be given; ``worth`` where it has a unit."""

    unit: str | None = None
    worth: Term | None = None
    entitlement: bool = False


@dataclass(frozen=True, kw_only=True)
class Grant:
    """``may`` is ``None`` for any."""

    id: str
    role: str
    may: tuple[str, ...] | None
    up_to: Term | None = None
    exactly: Term | None = None
    when: Term | None = None
    needs: tuple[str, ...] = ()
    sites: tuple[str, ...] | None = None
    agents: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Budget:
    """``limit`` is in minor units. ``every`` is ``day``, ``week``, ``month`` and so on."""

    id: str
    per: tuple[str, ...]
    limit: int | None = None
    count: int | None = None
    every: str | None = None
    within: timedelta | None = None
    resolutions: tuple[str, ...] | None = None
    roles: tuple[str, ...] | None = None
    when: Term | None = None


@dataclass(frozen=True, kw_only=True)
class Prohibition:
    """What may never be given."""

    id: str
    may_not: tuple[str, ...]
    when: Term | None = None
    sites: tuple[str, ...] | None = None
    roles: tuple[str, ...] | None = None
    agents: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """Where windows begin. ``week_starts`` counts from Monday, 0."""

    day_starts: time = time(0)
    week_starts: int = 0
    year_starts: tuple[int, int] = (1, 1)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A set.

    ``sites`` maps each site to its timezone (``None`` for the set's); with ``sites`` itself
    ``None`` any site will do. ``roles`` maps each role to the one it reports to, in file
    order; ``facts`` maps each path to its declaration.
    """

    currency: str
    decimals: int
    timezone: str
    sites: dict[str, str | None] | None
    roles: dict[str, str | None]
    facts: dict[str, dict[str, object]]
    subject: str | None
    resolutions: dict[str, Resolution]
    grants: tuple[Grant, ...]
    budgets: tuple[Budget, ...]
    prohibitions: tuple[Prohibition, ...]
    calendar: Calendar = field(default_factory=Calendar)


class Proposal(TypedDict):
    """A request. One of ``amount`` (minor units) and ``quantity`` is set.

    ``roles`` are the proposer's. ``authority`` are the roles of whoever answers instead.
    """

    site: str
    agent: str
    kind: str
    roles: list[str]
    authority: list[str] | None
    resolution: str
    amount: int | None
    quantity: int | None
    reason: str | None
    channel: str | None
    note: str | None
    evidence: list[str]
    unavailable: list[str]
    facts: dict[str, Value]
