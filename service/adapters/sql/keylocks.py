"""Idempotency keys among replicas: how long to wait for one, and which are in use.

A server only: on SQLite a transaction begins when every other one has ended.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from service.adapters.sql.conflict import is_lock_timeout
from service.adapters.sql.engine import LOCK_TIMEOUT_MILLISECONDS
from service.adapters.sql.rows import IDEMPOTENCY
from service.adapters.sql.sets import Sets
from service.app.idempotency import IN_PROGRESS_SECONDS
from service.app.records import IdempotencyRecord

KEY_WAIT_MILLISECONDS: Final = IN_PROGRESS_SECONDS * 1_000
LOOK_MILLISECONDS: Final = 5


@contextmanager
def waiting_at_most(connection: Connection, milliseconds: int) -> Iterator[None]:
    """The block waits for each lock so long; what comes after it, as long as always."""
    _wait_for_locks(connection, milliseconds)
    yield
    _wait_for_locks(connection, LOCK_TIMEOUT_MILLISECONDS)


def find_in_use(connection: Connection, sets: Sets, keys: Sequence[str]) -> frozenset[str]:
    """Those of the (sorted) keys that another transaction inserted or locked, and still has.

    A key that was inserted and not committed is seen by nobody, so the only way to learn
    of it is to try. Each try is a transaction that is rolled back; halves find the few
    among many. The connection is in no transaction, before and after.
    """
    if _are_free(connection, sets, keys):
        return frozenset()
    if len(keys) == 1:
        return frozenset(keys)
    middle = len(keys) // 2
    halves = keys[:middle], keys[middle:]
    return frozenset().union(*[find_in_use(connection, sets, half) for half in halves])


def _are_free(connection: Connection, sets: Sets, keys: Sequence[str]) -> bool:
    table, names = IDEMPOTENCY.table, IDEMPOTENCY.names
    rows = IDEMPOTENCY.rows(IdempotencyRecord(key=key) for key in keys)
    connection.begin()
    try:
        _wait_for_locks(connection, LOOK_MILLISECONDS)
        sets.insert_missing(connection, table, names, rows)
        sets.lock(connection, table, names, keys)
    except DBAPIError as error:
        if not is_lock_timeout(error):
            raise
        return False
    finally:
        connection.rollback()
    return True


def _wait_for_locks(connection: Connection, milliseconds: int) -> None:
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {milliseconds}")
