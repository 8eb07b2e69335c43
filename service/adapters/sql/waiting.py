"""Escalations that somebody has to look after: overdue, not reminded of, or nobody's."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, TextClause, select

from service.adapters.sql.rows import ESCALATIONS
from service.adapters.sql.tables import OVERDUE, REMINDED
from service.app.records import EscalationRecord
from service.core.escalation import WAITING

_COLUMNS: Final = ESCALATIONS.table.c


def overdue(connection: Connection, now: datetime, limit: int) -> Sequence[EscalationRecord]:
    """Those that something happens to now, longest overdue first."""
    # The conditions stand there as text, since only so may their indexes be taken.
    return _found(connection, _COLUMNS.answer_by, limit, OVERDUE, _COLUMNS.answer_by <= now)


def unreminded(connection: Connection, now: datetime, limit: int) -> Sequence[EscalationRecord]:
    """Those that a reminder is due for, longest overdue first."""
    return _found(connection, _COLUMNS.remind_at, limit, REMINDED, _COLUMNS.remind_at <= now)


def stranded(
    connection: Connection, roles: Collection[str], limit: int
) -> Sequence[EscalationRecord]:
    """Those that wait for none of the roles, oldest first."""
    waits = _COLUMNS.state.in_(sorted(WAITING))
    return _found(connection, _COLUMNS.id, limit, waits, _COLUMNS.role.not_in(sorted(roles)))


def _found(
    connection: Connection,
    by: ColumnElement[Any],
    limit: int,
    *where: ColumnElement[bool] | TextClause,
) -> Sequence[EscalationRecord]:
    chosen = select(ESCALATIONS.table).where(*where).order_by(by, _COLUMNS.id).limit(limit)
    return [ESCALATIONS.record(row) for row in connection.execute(chosen)]
