"""Publications in the database, and the versions that they made."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Select, select, tuple_

from service.adapters.sql.rows import POLICIES, PUBLICATIONS
from service.adapters.sql.sets import Sets
from service.app.publicationports import VersionRecord
from service.app.publicationrecords import PublicationRecord

_TABLE: Final = PUBLICATIONS.table.c
_VERSIONS: Final = POLICIES.table.c


class SqlPublicationTransaction:
    """See `service.app.publicationports.PublicationTransaction`."""

    def __init__(self, connection: Connection, sets: Sets) -> None:
        """Read nothing yet."""
        self._connection = connection
        self._sets = sets

    def lock(self, id: str) -> PublicationRecord | None:  # noqa: A002
        """One publication, locked."""
        table, names = PUBLICATIONS.table, PUBLICATIONS.names
        rows = self._sets.lock(self._connection, table, names, [id])
        return next((PUBLICATIONS.stored(row) for row in rows), None)


class SqlPublicationReader:
    """See `service.app.publicationports.PublicationReader`."""

    def __init__(self, connection: Connection) -> None:
        """Read nothing yet."""
        self._connection = connection

    def find(self, id: str) -> PublicationRecord | None:  # noqa: A002
        """One publication."""
        found = self._publications(select(PUBLICATIONS.table).where(_TABLE.id == id))
        return found[0] if found else None

    def latest(self, after: str | None, limit: int) -> Sequence[PublicationRecord]:
        """Newest first; the cursor is the id of the last one seen."""
        wanted = select(PUBLICATIONS.table).order_by(_TABLE.id.desc()).limit(limit)
        return self._publications(wanted if after is None else wanted.where(_TABLE.id < after))

    def versions(self, after: str | None, limit: int) -> Sequence[VersionRecord]:
        """Last published first; the cursor is the version last seen."""
        place = tuple_(_VERSIONS.published_at, _VERSIONS.version)
        columns = [_VERSIONS[name] for name in VersionRecord.__slots__]
        wanted = select(*columns).order_by(_VERSIONS.published_at.desc(), _VERSIONS.version.desc())
        if after is not None:
            seen = select(_VERSIONS.published_at).where(_VERSIONS.version == after)
            wanted = wanted.where(place < tuple_(seen.scalar_subquery(), after))
        found = self._connection.execute(wanted.limit(limit))
        return [VersionRecord(**row) for row in found.mappings()]

    def _publications(self, wanted: Select[Any]) -> list[PublicationRecord]:
        return [PUBLICATIONS.record(row) for row in self._connection.execute(wanted)]
