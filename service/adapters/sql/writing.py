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
    TOKEN_PEOPLE,
    TOKEN_REVOCATIONS,
    TRIAL_COUNTS,
    TRIAL_FIGURES,
    TRIALS,
    Shape,
)
from service.adapters.sql.sets import VALUES, Names, Sets
from service.adapters.sql.straight import Row
from service.app.records import BudgetChange, Writes

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
        self._callers(writes, at)
        self._insert(SUBJECT_KEYS, writes.subject_keys)
        # One that was inserted when it was locked may have found its owner since.
        self._put(SURROGATES, writes.surrogates)
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
        self._trials(writes)
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

    def _trials(self, writes: Writes) -> None:
        """Whoever starts or ends one holds the head, which says which one runs."""
        self._insert(TRIALS, writes.trials)
        self._change(TRIALS, writes.trial_changes)
        self._insert(TRIAL_FIGURES, writes.trial_figures)
        if writes.trial_counts is not None:
            row = TRIAL_COUNTS.row(writes.trial_counts)
            self._sets.put(self._connection, TRIAL_COUNTS.table, TRIAL_COUNTS.names, [row])
        if writes.trial_over or writes.trial_started is not None:
            pointed = [(HEAD_ID, writes.trial_started)]
            self._sets.change(self._connection, HEAD, ("id", "trial"), pointed)

    def _callers(self, writes: Writes, at: datetime) -> None:
        self._insert(KEYS, writes.keys)
        rows = [(id_, microseconds(at)) for id_ in writes.revoked_keys]
        self._replace(KEYS, ("id", "revoked_at"), rows)
        self._put(TOKEN_REVOCATIONS, writes.token_revocations)
        self._put(TOKEN_PEOPLE, writes.token_people)

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

    def _put(self, shape: Shape[Record], records: Sequence[Record]) -> None:
        if rows := shape.rows(records):
            self._sets.put(self._connection, shape.table, shape.names, rows)

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
