"""What publications need of a transaction and of a reader."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from service.app.publicationrecords import PublicationRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord:
    """A version that was published, without its files. ``published_at`` is the first time."""

    version: str
    rules: str
    name: str
    published_at: datetime
    published_by: str


class PublicationTransaction(Protocol):
    """Publications in a write transaction."""

    def lock(self, id: str) -> PublicationRecord | None:  # noqa: A002
        """One publication, locked."""


class PublicationReader(Protocol):
    """Publications and versions as committed."""

    def find(self, id: str) -> PublicationRecord | None:  # noqa: A002
        """One publication."""

    def latest(self, after: str | None, limit: int) -> Sequence[PublicationRecord]:
        """Newest first; the cursor is the id of the last one seen."""

    def versions(self, after: str | None, limit: int) -> Sequence[VersionRecord]:
        """Versions, last published first; the cursor is the version last seen."""
