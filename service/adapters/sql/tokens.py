"""What the database knows of tokens. See `service.app.tokenports.TokenReader`."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Select, select

from service.adapters.sql.rows import TOKEN_PEOPLE, TOKEN_REVOCATIONS, Shape
from service.adapters.sql.sets import VALUES, Sets
from service.app.tokenrecords import TokenPersonRecord

_PEOPLE: Final = TOKEN_PEOPLE.table.c


class SqlTokenReader:
    """See `service.app.tokenports.TokenReader`. Locks nothing, in whatever transaction."""

    def __init__(self, connection: Connection, sets: Sets) -> None:
        """Read nothing yet."""
        self._connection = connection
        self._sets = sets

    def revocations(self, ids: Collection[str]) -> Mapping[str, datetime]:
        """Those of the ids that were revoked, and when."""
        if not ids:
            return {}
        chosen = _among(self._sets, TOKEN_REVOCATIONS)
        found = self._connection.execute(chosen, {VALUES: sorted(ids)})
        records = [TOKEN_REVOCATIONS.record(row) for row in found]
        return {record.id: record.revoked_at for record in records}

    def people(self, ids: Collection[str]) -> Mapping[str, TokenPersonRecord]:
        """Those of the people who came with a token."""
        if not ids:
            return {}
        found = self._records(_among(self._sets, TOKEN_PEOPLE), {VALUES: sorted(ids)})
        return {one.person: one for one in found}

    def latest_people(self, since: datetime, limit: int) -> Sequence[TokenPersonRecord]:
        """Whose token was issued since an instant, the latest first."""
        newest = _PEOPLE.issued_at.desc(), _PEOPLE.person.desc()
        chosen = select(TOKEN_PEOPLE.table).where(_PEOPLE.issued_at >= since).order_by(*newest)
        return self._records(chosen.limit(limit), {})

    def _records(
        self, chosen: Select[Any], parameters: Mapping[str, Any]
    ) -> list[TokenPersonRecord]:
        found = self._connection.execute(chosen, parameters)
        return [TOKEN_PEOPLE.record(row) for row in found]


@cache
def _among(sets: Sets, shape: Shape[Any]) -> Select[Any]:
    """Every batch with tokens asks it: made once."""
    return select(shape.table).where(sets.among(shape.key))
