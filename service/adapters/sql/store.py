"""The store: what use cases get of a database."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Self

from service.adapters.sql.engine import Engines, open_engines
from service.adapters.sql.reader import SqlReader, reading
from service.adapters.sql.sets import sets_for
from service.adapters.sql.sweeping import sweep
from service.adapters.sql.turns import Turns
from service.adapters.sql.uow import Instants, SqlTransaction, transaction
from service.adapters.sql.writerlock import WriterLock
from service.app.ports import Clock


def open_database(url: str, clock: Clock, *, serving: bool = False) -> "SqlStore":
    """The store of a migrated database.

    ``serving`` is for the one process that serves an embedded database and checkpoints
    it; a short command leaves it out and takes its turn between that process's
    transactions. On PostgreSQL it changes nothing. Raises `DatabaseError`.
    """
    engines = open_engines(url, serving=serving)
    lock = None
    if serving and engines.file is not None:
        lock = WriterLock.acquire(engines.file)
    return SqlStore(engines, clock, lock)


class SqlStore:
    """See `service.app.ports.Store`. One for each process; safe to share between threads."""

    def __init__(self, engines: Engines, clock: Clock, lock: WriterLock | None) -> None:
        """See `open_database`."""
        self._engines = engines
        self._lock = lock
        self._instants = Instants(clock)
        self._turns = Turns()
        self._sets = sets_for(engines.writes.dialect.name)

    @contextmanager
    def begin(self) -> Iterator[SqlTransaction]:
        """A write transaction. One at a time in this process: threads take turns."""
        with self._turns, transaction(self._engines.writes, self._sets, self._instants) as tx:
            yield tx

    def read(self) -> AbstractContextManager[SqlReader]:
        """A read transaction on a connection that cannot write."""
        return reading(self._engines.reads, self._sets, self._instants)

    def sweep(self) -> None:
        """Take what was deleted of erased people out of the database's own files."""
        sweep(self._engines.writes)

    def close(self) -> None:
        """Close every connection and let another process serve."""
        self._engines.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
