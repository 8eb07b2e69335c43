"""What a transaction writes, as sets: one or two statements for each table."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Delete, delete, false

from service.adapters.sql.columns import microseconds
from service.adapters.sql.rows import (
    BUDGETS,
    ENTRIES,
    ESCALATIONS,
    HEAD,
    IDEMPOTENCY,
    KEYS,
    OPENINGS,
    POLICIES,
    RESOLUTIONS,
    SUBJECT_KEYS,
    SURROGATES,
    Shape,
)
from service.adapters.sql.sets import VALUES, Names, Row, Sets
from service.app.records import BudgetRecord, SurrogateRecord, Writes

Record = TypeVar("Record")

_ONLY: Final = 1
"""The id of the head's one row."""


def write(connection: Connection, sets: Sets, writes: Writes, at: datetime) -> None:
    """Write in the order of the fields. Raises `LookupError` for a change of what is not there."""
    _Writer(connection, sets).write(writes, at)


class _Writer:
    def __init__(self, connection: Connection, sets: Sets) -> None:
        self._connection = connection
        self._sets = sets

    def write(self, writes: Writes, at: datetime) -> None:
        self._policies(writes)
        self._insert(KEYS, writes.keys)
        self._revoke(writes.revoked_keys, at)
        self._insert(SUBJECT_KEYS, writes.subject_keys)
        self._surrogates(writes.surrogates)
        self._budgets(writes.budgets)
        self._insert(RESOLUTIONS, writes.resolutions)
        self._change(RESOLUTIONS, writes.resolution_changes)
        self._insert(ESCALATIONS, writes.escalations)
        self._change(ESCALATIONS, writes.escalation_changes)
        self._insert(ENTRIES, writes.entries)
        self._insert(OPENINGS, writes.openings)
        self._change(IDEMPOTENCY, writes.idempotency)
        self._forget(writes.unused_idempotency)

    def _policies(self, writes: Writes) -> None:
        """A version never changes, so publishing it again only moves the head."""
        if rows := POLICIES.rows(writes.policies):
            self._sets.insert_missing(self._connection, POLICIES.table, POLICIES.names, rows)
        if writes.head is not None:
            self._sets.put(self._connection, HEAD, ("id", "version"), [(_ONLY, writes.head)])

    def _revoke(self, ids: Sequence[str], at: datetime) -> None:
        rows = [(id_, microseconds(at)) for id_ in ids]
        self._replace(KEYS, ("id", "revoked_at"), rows)

    def _surrogates(self, records: Sequence[SurrogateRecord]) -> None:
        """One that was inserted when it was locked may have found its owner since."""
        if rows := SURROGATES.rows(records):
            self._sets.put(self._connection, SURROGATES.table, SURROGATES.names, rows)

    def _budgets(self, records: Sequence[BudgetRecord]) -> None:
        """Versions only grow: what was computed from a stale row is never written."""
        rows = [BUDGETS.change(record) for record in records]
        self._replace(BUDGETS, BUDGETS.CHANGES, rows, grows="version")

    def _forget(self, keys: Sequence[str]) -> None:
        """Delete keys that are still new. One that was answered, or erased, stays for ever."""
        if keys:
            self._connection.execute(_unused(self._sets), {VALUES: sorted(keys)})

    def _insert(self, shape: Shape[Record], records: Sequence[Record]) -> None:
        if records:
            rows = shape.rows(records)
            self._sets.insert(self._connection, shape.table, shape.names, rows)

    def _change(self, shape: Shape[Record], records: Sequence[Record]) -> None:
        self._replace(shape, shape.names, shape.rows(records))

    def _replace(
        self, shape: Shape[Any], names: Names, rows: Sequence[Row], grows: str | None = None
    ) -> None:
        if not rows:
            return
        changed = self._sets.change(self._connection, shape.table, names, rows, grows)
        if changed != len(rows):
            raise LookupError(
                f"{shape.table.name}: of {len(rows)} rows to change, {changed} could be changed"
            )


@cache
def _unused(sets: Sets) -> Delete:
    table = IDEMPOTENCY.table
    still_new = table.c.answer.is_(None), table.c.erased.is_(false())
    return delete(table).where(sets.among(table.c.key), *still_new)
