"""Statements that go straight to the driver of SQLite."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import IntegrityError, OperationalError

from service.adapters.sql.straight import ask, step


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """A connection to a database with one table of one row."""
    engine = create_engine(f"sqlite:///{tmp_path}/straight.db")
    with engine.connect() as found:
        ask(found, "CREATE TABLE room (number INTEGER PRIMARY KEY, guest TEXT)")
        step(found, "INSERT INTO room VALUES (?, ?)", [(1, "a")])
        yield found
    engine.dispose()


def test_rows_come_as_the_driver_gives_them(connection: Connection) -> None:
    """What was stepped in is asked for in plain tuples, and each step counts its rows."""
    assert step(connection, "INSERT INTO room VALUES (?, ?)", [(2, "b"), (3, None)]) == 2
    assert ask(connection, "SELECT * FROM room WHERE number > ?", (1,)) == [(2, "b"), (3, None)]
    assert step(connection, "UPDATE room SET guest = ? WHERE number = ?", [("c", 9)]) == 0


def test_an_error_is_one_of_sqlalchemy(connection: Connection) -> None:
    """Who undoes or tries again after an error of SQLAlchemy's does so after these."""
    with pytest.raises(IntegrityError):
        step(connection, "INSERT INTO room VALUES (?, ?)", [(4, "d"), (1, "again")])
    with pytest.raises(OperationalError):
        ask(connection, "SELECT * FROM suite")


def test_whoever_listens_to_statements_hears_these(connection: Connection) -> None:
    """The event tells text and parameters before the statement runs, and can prevent it."""
    heard: list[tuple[str, Any, bool]] = []

    @event.listens_for(connection, "before_cursor_execute")
    def listen(_c: object, _cursor: object, text: str, given: Any, _x: object, many: bool) -> None:
        heard.append((text, given, many))
        if "DELETE" in text:
            raise RuntimeError

    ask(connection, "SELECT ?", (5,))
    with pytest.raises(RuntimeError):
        step(connection, "DELETE FROM room WHERE number = ?", [(1,)])
    assert heard == [("SELECT ?", (5,), False), ("DELETE FROM room WHERE number = ?", [(1,)], True)]
    assert ask(connection, "SELECT count(*) FROM room") == [(1,)]
