"""Straight to the driver of SQLite, for the statements of every batch.

What SQLAlchemy does around a statement takes several times as long as a small statement
itself, and a batch has a dozen. Texts are compiled by SQLAlchemy all the same, its event
``before_cursor_execute`` is told, and what fails raises SQLAlchemy's errors.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

Row: TypeAlias = tuple[Any, ...]
"""Values in the driver's form."""


def ask(to: Connection, text: str, parameters: Row = ()) -> list[Row]:
    """The rows of one statement; none of one that gives none. Raises `DBAPIError`."""
    with _cursor(to, text, parameters, many=False) as cursor:
        rows: list[Row] = cursor.execute(text, parameters).fetchall()
        return rows


def step(to: Connection, text: str, rows: Sequence[Row]) -> int:
    """One prepared statement, stepped for each row; how many it changed. Raises `DBAPIError`."""
    with _cursor(to, text, rows, many=True) as cursor:
        return cursor.executemany(text, rows).rowcount


@contextmanager
def _cursor(
    to: Connection, text: str, parameters: Sequence[Any], *, many: bool
) -> Iterator[sqlite3.Cursor]:
    driver = to.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        raise TypeError(type(driver))
    cursor = driver.cursor()
    if told := to.dispatch.before_cursor_execute:
        told(to, cursor, text, parameters, None, many)
    try:
        yield cursor
    except sqlite3.Error as error:
        raise DBAPIError.instance(text, None, error, sqlite3.Error) from error
    finally:
        cursor.close()
