"""The statements of the outbox: lines of notices, and leases on them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Delete, Select, bindparam, delete, func, select, text

from service.adapters.sql.columns import Instant
from service.adapters.sql.rows import NOTICE_LEASES, NOTICES
from service.adapters.sql.sets import VALUES, Sets
from service.app.noticerecords import LeaseRecord, NoticeRecord

_NOTICES: Final = NOTICES.table.c
_LEASES: Final = NOTICE_LEASES.table.c

# The condition stands here as text, since only so may the index of lines be taken.
_IN_LINE: Final = (
    select(NOTICES.table)
    .where(text("state = 'waiting'"), _NOTICES.receiver == bindparam("receiver"))
    .order_by(_NOTICES.queued_at, _NOTICES.id)
    .limit(bindparam("limit"))
)
_LEASE: Final = (
    select(NOTICE_LEASES.table).where(_LEASES.receiver == bindparam("receiver")).with_for_update()
)
_FREE_LEASE: Final = _LEASE.with_for_update(skip_locked=True)


def line(connection: Connection, receiver: str, limit: int) -> Sequence[NoticeRecord]:
    """The first of a receiver's line."""
    found = connection.execute(_IN_LINE, {"receiver": receiver, "limit": limit})
    return [NOTICES.record(row) for row in found]


def lock_lease(
    connection: Connection, sets: Sets, receiver: str, *, waits: bool
) -> LeaseRecord | None:
    """The lease on a line, locked; ``None`` where another transaction has it and nobody waits."""
    row = NOTICE_LEASES.row(LeaseRecord(receiver=receiver))
    sets.insert_missing(connection, NOTICE_LEASES.table, NOTICE_LEASES.names, [row])
    statement = _LEASE if waits else _FREE_LEASE
    found = connection.execute(statement, {"receiver": receiver}).one_or_none()
    return None if found is None else NOTICE_LEASES.record(found)


def last_queued(
    connection: Connection, sets: Sets, about: Collection[str]
) -> Mapping[str, datetime]:
    """When the latest notice about each was queued; those without one are absent."""
    if not about:
        return {}
    found = connection.execute(_last_queued(sets), {VALUES: sorted(about)})
    return {row.about: row.latest for row in found}


def due_lines(
    connection: Connection, sets: Sets, receivers: Sequence[str], holder: str, at: datetime
) -> Sequence[str]:
    """Those of the receivers whose first notice is due and whom ``holder`` may deliver to."""
    if not receivers:
        return []
    rows = connection.execute(_leases(sets), {VALUES: sorted(receivers)})
    leases = {row.receiver: NOTICE_LEASES.record(row) for row in rows}
    return [
        receiver
        for receiver in receivers
        if (receiver not in leases or leases[receiver].is_free(holder, at))
        and any(first.due_at <= at for first in line(connection, receiver, 1))
    ]


def forget_delivered(connection: Connection, before: datetime) -> None:
    """Delete what was delivered before an instant."""
    connection.execute(_forget(), {"before": before})


@cache
def _last_queued(sets: Sets) -> Select[Any]:
    latest = func.max(_NOTICES.queued_at, type_=Instant()).label("latest")
    about = _NOTICES.about
    return select(about, latest).where(sets.among(about)).group_by(about)


@cache
def _leases(sets: Sets) -> Select[Any]:
    return select(NOTICE_LEASES.table).where(sets.among(_LEASES.receiver))


@cache
def _forget() -> Delete:
    over = _NOTICES.ended_at < bindparam("before", type_=Instant())
    return delete(NOTICES.table).where(_NOTICES.state == "delivered", over)
