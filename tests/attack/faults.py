"""Errors at the statements of a transaction, one after the other."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread
from typing import Any

from sqlalchemy import Connection, Engine, event

BEGIN = "BEGIN IMMEDIATE"
COMMIT = "COMMIT"

Break = Callable[[Connection], None]
"""What happens at the chosen statement."""


class Injected(Exception):  # noqa: N818 — what it is
    """An error that nothing in the service expects."""


def fail(_: Connection) -> None:
    """The plainest thing to happen."""
    raise Injected


class Fault:
    """Something that happens at the statement ``at`` of a committer's transactions.

    The COMMIT is the last statement, also for a transaction that has fewer. ``times`` is
    in how many transactions, ``only`` a text that a transaction's parameters must have
    held by then. ``statements`` are those of the last transaction that went through,
    ``hit`` are those where it happened.
    """

    def __init__(
        self, at: int = 0, happens: Break = fail, *, times: int = 1_000, only: str = ""
    ) -> None:
        self.statements: list[str] = []
        self.hit: list[str] = []
        self._at = at
        self._happens = happens
        self._left = times
        self._only = only
        self._seen: list[str] = []
        self._concerned = False

    def begun(self, connection: Connection) -> None:
        """See SQLAlchemy's event ``begin``."""
        del connection
        if _is_ours() and self._seen != [
            BEGIN
        ]:  # SQLite has begun by a statement by now, PostgreSQL has not
            self._begin()

    def executing(
        self,
        connection: Connection,
        cursor: object,
        statement: str,
        parameters: object,
        context: object,
        executemany: bool,
    ) -> None:
        """See SQLAlchemy's event ``before_cursor_execute``."""
        del cursor, context, executemany
        if not _is_ours():
            return
        if statement == BEGIN:
            self._begin()
        self._concerned = self._concerned or self._only in repr(parameters)
        self._reach(connection, statement)

    def committing(self, connection: Connection) -> None:
        """See SQLAlchemy's event ``commit``."""
        if _is_ours():
            self._reach(connection, COMMIT)
            self.statements = self._seen

    def _begin(self) -> None:
        self._seen = []
        self._concerned = not self._only

    def _reach(self, connection: Connection, statement: str) -> None:
        self._seen.append(statement)
        here = len(self._seen) == self._at or (statement == COMMIT and len(self._seen) < self._at)
        if here and self._concerned and self._left:
            self._left -= 1
            self.hit.append(statement)
            self._happens(connection)


def _is_ours() -> bool:
    """Whether this is the thread that writes, and not one that reads beside it."""
    return current_thread().name == "committer"


@contextmanager
def injected(fault: Fault) -> Iterator[Fault]:
    """The fault lies in wait during the block, on every connection of this process."""
    listeners: list[tuple[str, Callable[..., Any]]] = [
        ("begin", fault.begun),
        ("before_cursor_execute", fault.executing),
        ("commit", fault.committing),
    ]
    for name, listener in listeners:
        event.listen(Engine, name, listener)
    try:
        yield fault
    finally:
        for name, listener in listeners:
            event.remove(Engine, name, listener)
