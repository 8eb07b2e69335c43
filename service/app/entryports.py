"""What auditors need of the database: entries by what they are about, in either order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from service.app.records import EntryRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFilter:
    """Which entries; ``None`` takes everything. ``sites`` are those the reader may see.

    ``since`` is inclusive, ``until`` exclusive; both ends of the value, in minor units, are
    inclusive. ``subject`` is a surrogate.
    """

    sites: frozenset[str] | None = None
    kind: str | None = None
    agent: str | None = None
    subject: str | None = None
    about: str | None = None
    resolution: str | None = None
    outcome: str | None = None
    rule: str | None = None
    reason: str | None = None
    policy_version: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    value_from_minor: int | None = None
    value_to_minor: int | None = None


class Placed(NamedTuple):
    """An entry and its index in the log."""

    leaf_index: int
    entry: EntryRecord


class EntryReader(Protocol):
    """Entries of the log, found. A page costs the same wherever in the log it lies."""

    def latest(self, wanted: EntryFilter, after: str | None, limit: int) -> Sequence[EntryRecord]:
        """Newest first, after the entry with the id ``after``."""

    def placed(self, wanted: EntryFilter, begin: int, end: int, limit: int) -> Sequence[Placed]:
        """Those with an index from ``begin`` on and before ``end``, in the order of the log."""

    def count(self, wanted: EntryFilter, most: int) -> int:
        """How many there are; ``most`` where there are so many or more."""

    def count_by_site(self, wanted: EntryFilter) -> Mapping[str, int]:
        """How many there are at each site that has any; without those of no site."""
