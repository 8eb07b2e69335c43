"""What a transaction writes, as sets: one or two statements for each table."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Delete, delete, false

from service.adapters.sql.columns import microseconds
from service.adapters.sql.erasures import destroy, forget
from service.adapters.sql.logwriter import record
from service.adapters.sql.outbox import forget_delivered
from service.adapters.sql.rows import (
    BUDGETS,
    DELEGATIONS,
    ENTRIES,
    ERASURES,
    ESCALATIONS,
    HEAD,
    HEAD_COLUMNS,
    HEAD_ID,
    IDEMPOTENCY,
    KEYS,
    NOTICE_LEASES,
    NOTICES,
    OPENINGS,
    POLICIES,
    PUBLICATIONS,
    RESOLUTIONS,
    SUBJECT_KEYS,
    SURROGATES,
    Shape,
)
from service.adapters.sql.sets import VALUES, Names, Row, Sets
from service.app.records import BudgetChange, SurrogateRecord, Writes

Record = TypeVar("Record")


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
        self._insert(DELEGATIONS, writes.delegations)
        self._change(DELEGATIONS, writes.delegation_changes)
        self._insert(ENTRIES, writes.entries)
        record(self._connection, self._sets, writes.entries)
        self._insert(OPENINGS, writes.openings)
        self._change(IDEMPOTENCY, writes.idempotency)
        self._forget(writes.unused_idempotency)
        self._insert(ERASURES, writes.erasures)
        self._change(ERASURES, writes.erasure_changes)
        self._insert(PUBLICATIONS, writes.publications)
        self._change(PUBLICATIONS, writes.publication_changes)
        destroy(self._connection, writes.erased)
        forget(self._connection, writes.forgotten)
        self._insert(NOTICES, writes.notices)
        self._change(NOTICES, writes.notice_changes)
        self._change(NOTICE_LEASES, writes.notice_leases)
        if writes.forget_delivered_before is not None:
            forget_delivered(self._connection, writes.forget_delivered_before)

    def _policies(self, writes: Writes) -> None:
        """A version never changes, so publishing it again only moves the head."""
        if rows := POLICIES.rows(writes.policies):
            self._sets.insert_missing(self._connection, POLICIES.table, POLICIES.names, rows)
        if writes.head is not None:
            self._sets.put(self._connection, HEAD, HEAD_COLUMNS, [(HEAD_ID, writes.head)])

    def _revoke(self, ids: Sequence[str], at: datetime) -> None:
        rows = [(id_, microseconds(at)) for id_ in ids]
        self._replace(KEYS, ("id", "revoked_at"), rows)

    def _surrogates(self, records: Sequence[SurrogateRecord]) -> None:
        """One that was inserted when it was locked may have found its owner since."""
        if rows := SURROGATES.rows(records):
            self._sets.put(self._connection, SURROGATES.table, SURROGATES.names, rows)

    def _budgets(self, changes: Sequence[BudgetChange]) -> None:
        """What was computed from another version than the one that stands is never written."""
        rows = [BUDGETS.change(changed) for changed in changes]
        self._replace(BUDGETS, BUDGETS.CHANGES, rows, stands="version")

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
        self, shape: Shape[Any], names: Names, rows: Sequence[Row], stands: str | None = None
    ) -> None:
        if not rows:
            return
        changed = self._sets.change(self._connection, shape.table, names, rows, stands)
        if changed != len(rows):
            raise LookupError(
                f"{shape.table.name}: of {len(rows)} rows to change, {changed} could be changed"
            )


@cache
def _unused(sets: Sets) -> Delete:
    table = IDEMPOTENCY.table
    still_new = table.c.answer.is_(None), table.c.erased.is_(false())
    return delete(table).where(sets.among(table.c.key), *still_new)
