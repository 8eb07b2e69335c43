"""Erasures in the database: what is destroyed, what is renamed, and what is found again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, select, update

from service.adapters.sql.rows import (
    ENTRIES,
    ERASURES,
    ESCALATIONS,
    IDEMPOTENCY,
    OPENINGS,
    SUBJECT_KEYS,
    SURROGATES,
)
from service.adapters.sql.sets import Sets
from service.adapters.sql.tables import OUTLIVES
from service.app.erasurerecords import ErasureRecord
from service.app.records import EscalationRecord, SurrogateRecord
from service.core.escalation import WAITING

SWEPT: Final = ("subject_keys", "surrogates", "openings", "idempotency")
"""The tables that erasures empty, by what has to be gone from the files soonest."""

_TABLE: Final = ERASURES.table.c
_NAMES: Final = SURROGATES.table.c


def destroy(connection: Connection, subjects: Sequence[str]) -> None:
    """The keys, the openings and the stored answers of subjects. Their entries stay."""
    if not subjects:
        return
    theirs = ENTRIES.table.c.subject.in_(subjects)
    entries = select(ENTRIES.table.c.id).where(theirs)
    cases = select(ENTRIES.table.c.about).where(theirs)
    openings, keys, answers = OPENINGS.table, SUBJECT_KEYS.table, IDEMPOTENCY.table
    connection.execute(delete(keys).where(keys.c.subject.in_(subjects)))
    connection.execute(
        delete(openings).where(openings.c.entry.in_(entries), openings.c.subject.in_(subjects))
    )
    connection.execute(
        update(answers)
        .where(answers.c.resolution.in_(cases), answers.c.subject.in_(subjects))
        .values(fingerprint=None, answer=None, erased=True)
    )


def forget(connection: Connection, fingerprints: Sequence[bytes]) -> None:
    """Names that nothing is counted by any more."""
    if fingerprints:
        connection.execute(delete(SURROGATES.table).where(_NAMES.fingerprint.in_(fingerprints)))


class SqlErasureTransaction:
    """See `service.app.erasureports.ErasureTransaction`."""

    def __init__(self, connection: Connection, sets: Sets) -> None:
        """Read nothing yet."""
        self._connection = connection
        self._sets = sets

    def lock(self, id: str) -> ErasureRecord | None:  # noqa: A002
        """One erasure, locked."""
        rows = self._sets.lock(self._connection, ERASURES.table, ERASURES.names, [id])
        return next((ERASURES.stored(row) for row in rows), None)

    def find_requested(self, subject: str) -> ErasureRecord | None:
        """The one that waits for a second person, of a subject."""
        wanted = select(ERASURES.table).where(
            _TABLE.subject == subject, _TABLE.state == "requested"
        )
        row = self._connection.execute(wanted.limit(1)).one_or_none()
        return None if row is None else ERASURES.record(row)


class SqlErasureReader:
    """See `service.app.erasureports.ErasureReader`."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        """Read nothing yet. ``now`` is the database's clock."""
        self._connection = connection
        self._now = now

    def find(self, id: str) -> ErasureRecord | None:  # noqa: A002
        """One erasure."""
        found = self._erasures(select(ERASURES.table).where(_TABLE.id == id))
        return found[0] if found else None

    def latest(self, after: str | None, limit: int) -> Sequence[ErasureRecord]:
        """Newest first; the cursor is the id of the last one seen."""
        wanted = select(ERASURES.table).order_by(_TABLE.id.desc()).limit(limit)
        return self._erasures(wanted if after is None else wanted.where(_TABLE.id < after))

    def unclean(self) -> Sequence[ErasureRecord]:
        """Those that are done, and whose remains were not swept yet."""
        waits = _TABLE.state == "done", _TABLE.cleaned_at.is_(None)
        return self._erasures(select(ERASURES.table).where(*waits).order_by(_TABLE.id))

    def names(self, subject: str) -> Sequence[SurrogateRecord]:
        """Every personal value that is a subject's, in the order of the hashes."""
        return self._names(_NAMES.subject == subject, SURROGATES.key)

    def outlived(self, limit: int) -> Sequence[SurrogateRecord]:
        """Names that were kept for caps alone, and whose time is over."""
        # The condition stands there as text, since only so may its index be taken.
        return self._names(and_(OUTLIVES, _NAMES.kept_until <= self._now), SURROGATES.key)[:limit]

    def left_open(self, limit: int) -> Sequence[EscalationRecord]:
        """Escalations that still wait although their subject was erased, oldest first."""
        erased = select(_TABLE.subject).where(_TABLE.state == "done")
        cases = ESCALATIONS.table.c
        wanted = (
            select(ESCALATIONS.table)
            .where(cases.state.in_(sorted(WAITING)), cases.subject.in_(erased))
            .order_by(cases.id)
            .limit(limit)
        )
        return [ESCALATIONS.record(row) for row in self._connection.execute(wanted)]

    def _erasures(self, wanted: Select[Any]) -> list[ErasureRecord]:
        return [ERASURES.record(row) for row in self._connection.execute(wanted)]

    def _names(
        self, where: ColumnElement[bool], order: ColumnElement[Any]
    ) -> list[SurrogateRecord]:
        wanted = select(SURROGATES.table).where(where).order_by(order)
        return [SURROGATES.record(row) for row in self._connection.execute(wanted)]
