"""What those who answer escalations need of the database beyond single records."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from service.app.records import EscalationRecord, ResolutionRecord


class Pile(NamedTuple):
    """What waits for one role at one site."""

    site: str
    role: str
    waiting: int


class Place(NamedTuple):
    """A place in the order of urgency: soonest first, without a deadline last, then by id."""

    answer_by: datetime | None
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """What makes two cases similar, besides the resolution: why, and about how much.

    ``sites`` are those to look at, ``None`` every one.
    """

    escalation: str
    resolution: str
    reason: str | None
    value_from_minor: int
    value_to_minor: int
    sites: frozenset[str] | None
    since: datetime


class Happened(NamedTuple):
    """Something that happened to an escalation, by its index in the log, and how it stands."""

    leaf_index: int
    kind: str
    at: datetime
    escalation: EscalationRecord


class Desk(Protocol):
    """Reads for inboxes, cases and live screens. Sees what is committed."""

    def piles(self) -> Sequence[Pile]:
        """How much waits for each role at each site."""

    def waiting(
        self, piles: Collection[tuple[str, str]], person: str, after: Place | None, limit: int
    ) -> Sequence[EscalationRecord]:
        """What waits for roles at sites by urgency, but for what a person proposed or owns."""

    def resolutions(self, ids: Collection[str]) -> Mapping[str, ResolutionRecord]:
        """The resolutions that exist, by id."""

    def resolutions_of(
        self, subject: str, sites: frozenset[str] | None, limit: int
    ) -> Sequence[ResolutionRecord]:
        """The latest resolutions of a subject at some sites; newest first."""

    def count_resolutions_of(self, subject: str, sites: frozenset[str] | None) -> int:
        """How many there are."""

    def similar(
        self, like: Likeness, limit: int
    ) -> Sequence[tuple[EscalationRecord, ResolutionRecord]]:
        """Escalations that ended, newest first, each with what it was about."""

    def log_size(self) -> int:
        """How many entries have an index."""

    def happened(self, begin: int, end: int) -> Sequence[Happened]:
        """What happened to escalations in a half-open range of the log, in its order."""

    def live_keys(self, ids: Collection[str], at: datetime) -> frozenset[str]:
        """Those of the API keys that are neither revoked nor expired at an instant."""

    def machines(self) -> frozenset[str]:
        """Everybody who has keys, and none of a person."""
