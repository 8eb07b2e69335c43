"""How a database is opened, and what is refused with a way out."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from service.adapters.sql.engine import DatabaseError, open_engines, parse, sqlite_warning


@pytest.mark.parametrize(
    "url", ["postgres://u@h/db", "postgresql://u@h/db", "postgresql+psycopg://u@h/db"]
)
def test_every_way_to_write_postgresql_takes_one_driver(url: str) -> None:
    """Whatever a platform calls its database, psycopg 3 speaks to it."""
    assert parse(url).drivername == "postgresql+psycopg"


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u@h/db",
        "remit.db",
        "",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=memory",
        "sqlite:////no/such/folder/remit.db",
        "postgresql+asyncpg://u:secret@h/db",
    ],
)
def test_what_cannot_work_is_refused(url: str) -> None:
    """A URL of another kind is refused before anything is opened, and no password is told."""
    with pytest.raises(DatabaseError) as refused:
        open_engines(url, serving=True)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(("serving", "pages"), [(True, 4_000), (False, 0)])
def test_sqlite_is_set_up_to_lose_nothing(tmp_path: Path, *, serving: bool, pages: int) -> None:
    """Every commit reaches the disk, and only the serving process writes checkpoints."""
    engines = open_engines(f"sqlite:///{tmp_path}/a.db", serving=serving)
    with engines.writes.connect() as connection:
        wanted = {
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "busy_timeout": 5_000,
            "secure_delete": 1,
            "query_only": 0,
            "wal_autocheckpoint": pages,
        }
        assert {name: pragma(connection, name) for name in wanted} == wanted
    with engines.reads.connect() as connection:
        assert pragma(connection, "query_only") == 1
        assert pragma(connection, "wal_autocheckpoint") == 0
    engines.close()


def pragma(connection: Connection, name: str) -> object:
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def test_postgresql_is_set_up_to_wait_for_locks_and_not_for_ever(postgresql_url: str) -> None:
    """The writer is READ COMMITTED with bounded waits; readers see one state and cannot write."""
    engines = open_engines(postgresql_url, serving=True)
    with engines.writes.connect() as connection:
        for setting, wanted in (
            ("transaction_isolation", "read committed"),
            ("lock_timeout", "10s"),
            ("idle_in_transaction_session_timeout", "1min"),
        ):
            assert connection.execute(text(f"SHOW {setting}")).scalar() == wanted
    with engines.reads.connect() as connection:
        assert connection.execute(text("SHOW transaction_isolation")).scalar() == "repeatable read"
        assert connection.execute(text("SHOW transaction_read_only")).scalar() == "on"
    engines.close()


def test_an_unsound_sqlite_is_told() -> None:
    """Versions that may corrupt a write-ahead log are named; sound ones are not."""
    assert "SQLite 3.51.2 may" in (sqlite_warning((3, 51, 2)) or "")
    assert "3.51.3 or later" in (sqlite_warning((3, 40, 1)) or "")
    assert sqlite_warning((3, 51, 3)) is None
