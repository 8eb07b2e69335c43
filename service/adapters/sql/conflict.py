"""Which errors of a database say that nothing was kept, and to try again."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from service.adapters.sql.engine import DatabaseError
from service.app.errors import Busy, OutcomeUnknown, Unavailable

_LOCK_TIMEOUT: Final = "55P03"
_AGAIN: Final = frozenset({"40001", "40P01", _LOCK_TIMEOUT})
"""SQLSTATE of a serialization failure, a deadlock, and a lock that was not got in time."""


@contextmanager
def connected(engine: Engine) -> Iterator[Connection]:
    """A connection for the block. Raises `Unavailable` where the database cannot be reached."""
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(engine.connect())
        except OperationalError as error:
            raise _out_of_reach() from error
        yield connection


@contextmanager
def reached(engine: Engine) -> Iterator[Connection]:
    """A connection for an operator's command. Raises `DatabaseError` with what the server said."""
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(engine.connect())
        except OperationalError as error:
            said = str(error.orig).partition("\n")[0]
            raise DatabaseError(f"the database cannot be reached: {said}") from error
        yield connection


@contextmanager
def unavailable_where_lost() -> Iterator[None]:
    """Raise `Unavailable` where the connection of a read was lost: there is nothing to undo."""
    try:
        yield
    except DBAPIError as error:
        if error.connection_invalidated:
            raise _out_of_reach() from error
        raise


@contextmanager
def busy_where_undone(*, committing: bool = False) -> Iterator[None]:
    """Raise `Busy` for what another transaction or a lost connection undid as a whole.

    A connection that is lost while ``committing`` raises `OutcomeUnknown`, and so does a
    file that could not be written then: the database may have kept everything.
    """
    try:
        yield
    except DBAPIError as error:
        if committing and _is_open(error):
            raise OutcomeUnknown from error
        if error.connection_invalidated or _refused(error.orig):
            raise Busy(str(error.orig)) from error
        raise


def is_lock_timeout(error: DBAPIError) -> bool:
    """Whether a server says that a lock was not got in time. The transaction is over."""
    return getattr(error.orig, "sqlstate", None) == _LOCK_TIMEOUT


def _is_open(error: DBAPIError) -> bool:
    """Whether a commit that failed may have happened. A server that refuses one says so."""
    is_of_a_file = isinstance(error.orig, sqlite3.Error)
    return error.connection_invalidated or (is_of_a_file and not _refused(error.orig))


def _refused(error: BaseException | None) -> bool:
    if isinstance(error, sqlite3.OperationalError):
        return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
    return getattr(error, "sqlstate", None) in _AGAIN


def _out_of_reach() -> Unavailable:
    return Unavailable(
        "not_decided", "the database cannot be reached, and nothing was changed", "try again"
    )
