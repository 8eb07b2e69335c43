"""Sweeping: what was deleted leaves the database's own files, too.

A wrapped key that is only marked as deleted can still be unwrapped by whoever has the
master key and reads the file. SQLite overwrites what is deleted (``secure_delete``); what
is left is the write-ahead log. PostgreSQL keeps dead rows until they are vacuumed, and
their bytes in the page even then, so the small tables of keys and names are written anew.
"""

from threading import Event
from typing import Final

from sqlalchemy import Connection, Engine

from service.adapters.sql.conflict import busy_where_undone, connected
from service.app.errors import Busy

TRIES_MAX: Final = 20
PAUSE_SECONDS: Final = 0.1

_NEVER: Final = Event()
"""Never set: its wait is a pause."""

_ANEW: Final = ("subject_keys", "surrogates")
"""Small tables, locked for as long as it takes to write them again."""
_IN_PLACE: Final = ("openings", "idempotency")
"""What is left of these is sealed under a key that is gone, or emptied."""


def sweep(engine: Engine) -> None:
    """Sweep now, in turn with the transactions of this process. Raises `Busy`."""
    with busy_where_undone(), connected(engine) as connection:
        if connection.dialect.name == "sqlite":
            _empty_the_log(connection)
        else:
            _vacuum(connection)


def _empty_the_log(connection: Connection) -> None:
    """Move everything into the database, and cut the write-ahead log to nothing."""
    plain = connection.connection.dbapi_connection
    if plain is None:
        raise Busy("the connection was lost")
    for _ in range(TRIES_MAX):
        cursor = plain.cursor()
        busy, *_ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() or (1,)
        cursor.close()
        if not busy:
            return
        _NEVER.wait(PAUSE_SECONDS)
    raise Busy("somebody reads the database all the time, so its log could not be emptied")


def _vacuum(connection: Connection) -> None:
    alone = connection.execution_options(isolation_level="AUTOCOMMIT")
    for table in _ANEW:
        alone.exec_driver_sql(f"VACUUM (FULL) {table}")
    for table in _IN_PLACE:
        alone.exec_driver_sql(f"VACUUM {table}")
