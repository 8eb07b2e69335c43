"""What erasures need of a transaction, of a reader, and of a place outside the database."""

from collections.abc import Sequence
from typing import Protocol

from service.app.erasurerecords import ErasureRecord
from service.app.records import EscalationRecord, SurrogateRecord


class ErasureTransaction(Protocol):
    """Erasures in a write transaction. Whoever changes one holds its subject's names already."""

    def lock(self, id: str) -> ErasureRecord | None:  # noqa: A002
        """One erasure, locked."""

    def find_requested(self, subject: str) -> ErasureRecord | None:
        """The one that waits for a second person, of a subject."""


class ErasureReader(Protocol):
    """Erasures as committed."""

    def find(self, id: str) -> ErasureRecord | None:  # noqa: A002
        """One erasure."""

    def latest(self, after: str | None, limit: int) -> Sequence[ErasureRecord]:
        """Newest first; the cursor is the id of the last one seen."""

    def unclean(self) -> Sequence[ErasureRecord]:
        """Those that are done, and whose remains were not swept yet."""

    def names(self, subject: str) -> Sequence[SurrogateRecord]:
        """Every personal value that is a subject's, by its keyed hash, in the hashes' order."""

    def outlived(self, limit: int) -> Sequence[SurrogateRecord]:
        """Names that were kept for caps alone, and whose time is over."""

    def left_open(self, limit: int) -> Sequence[EscalationRecord]:
        """Escalations that still wait although their subject was erased, oldest first."""


class ErasureRegister(Protocol):
    """Which erasures were done, kept where no restored backup takes it back."""

    def keep(self, erasures: Sequence[ErasureRecord]) -> None:
        """Add them, on the disk when this returns. One that is there already does no harm."""

    def read(self) -> Sequence[ErasureRecord]:
        """All of them. Raises `ValueError` where the register cannot be read."""
