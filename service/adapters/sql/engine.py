"""Connections: one that writes, a few that only read, and how each database is set up."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from psycopg import Connection as PostgresqlConnection
from psycopg import IsolationLevel
from psycopg.types.array import ListBinaryDumper
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from service.adapters.sql.straight import ask

READ_CONNECTIONS: Final = 4
BUSY_TIMEOUT_MILLISECONDS: Final = 5_000
LOCK_TIMEOUT_MILLISECONDS: Final = 10_000
IDLE_TRANSACTION_MILLISECONDS: Final = 60_000
CONNECT_SECONDS: Final = 10
SILENCE_MILLISECONDS: Final = 30_000
"""How long a server's machine may not even acknowledge what was sent to it."""
CACHE_KIBIBYTES: Final = 65_536
CHECKPOINT_PAGES: Final = 4_000
"""How many pages of 4 KiB the write-ahead log holds before they go to the database."""

_SOUND_SQLITE: Final = (3, 51, 3)


class DatabaseError(Exception):
    """A database that cannot be used as it is. The message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """The two ways into one database. ``file`` is an embedded database's, else ``None``."""

    writes: Engine
    reads: Engine
    file: Path | None

    def close(self) -> None:
        """Close every connection."""
        self.reads.dispose()
        self.writes.dispose()


def open_engines(url: str, *, serving: bool) -> Engines:
    """Engines for a URL. ``serving`` is the process that checkpoints an embedded database.

    Connects only when used. Raises `DatabaseError`.
    """
    parsed = parse(url)
    file = file_of(parsed)
    asked = {} if file is not None else _patience(parsed)
    writes = create_engine(parsed, pool_size=1, max_overflow=0, pool_timeout=60, connect_args=asked)
    # A batch on a lost connection is tried again; a read cannot be, so it asks first.
    reads = create_engine(
        parsed,
        pool_size=READ_CONNECTIONS,
        max_overflow=READ_CONNECTIONS,
        pool_pre_ping=file is None,
        connect_args=asked,
    )
    if file is None:
        event.listen(writes, "connect", _set_up_postgresql_writer)
        event.listen(reads, "connect", _set_up_postgresql_reader)
    else:
        pages = CHECKPOINT_PAGES if serving else 0
        _set_up_sqlite(writes, "BEGIN IMMEDIATE", f"wal_autocheckpoint = {pages}")
        _set_up_sqlite(reads, "BEGIN", "wal_autocheckpoint = 0", "query_only = ON")
    return Engines(writes=writes, reads=reads, file=file)


def parse(url: str) -> URL:
    """The URL with its driver. Raises `DatabaseError` for what is neither of the two."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = URL.create("")
    if parsed.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername != "sqlite":
        raise DatabaseError(
            "a database is sqlite:///FILE or postgresql://USER@HOST/NAME, not "
            f"{url.partition(':')[0]!r}"
        )
    if not parsed.database or parsed.database.startswith((":", "file:")):
        raise DatabaseError("an SQLite database is a file: sqlite:///remit.db")
    if not Path(parsed.database).parent.is_dir():
        raise DatabaseError(f"there is no folder {Path(parsed.database).parent}; make it first")
    return parsed


def file_of(url: URL) -> Path | None:
    """The file of an embedded database, absolute."""
    if url.get_backend_name() != "sqlite" or url.database is None:
        return None
    return Path(url.database).absolute()


def sqlite_warning(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> str | None:
    """What to know about an SQLite, by default the one that Python runs, if anything."""
    if version >= _SOUND_SQLITE:
        return None
    return (
        f"SQLite {'.'.join(map(str, version))} may corrupt a write-ahead log that two connections "
        "write or checkpoint at the same instant. Remit writes through one connection; let no "
        "other program write this database, or use SQLite "
        f"{'.'.join(map(str, _SOUND_SQLITE))} or later."
    )


def _patience(url: URL) -> dict[str, int]:
    """How long to wait for a server that says nothing, unless the URL says it itself."""
    ours = {"connect_timeout": CONNECT_SECONDS, "tcp_user_timeout": SILENCE_MILLISECONDS}
    return {name: value for name, value in ours.items() if name not in url.query}


def _set_up_sqlite(engine: Engine, begin: str, *pragmas: str) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _record: Any) -> None:  # noqa: ANN401
        connection.isolation_level = None  # transactions begin where this module says so
        for pragma in (
            f"busy_timeout = {BUSY_TIMEOUT_MILLISECONDS}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "secure_delete = ON",
            f"cache_size = -{CACHE_KIBIBYTES}",
            *pragmas,
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        ask(connection, begin)


def _set_up_postgresql_writer(
    connection: PostgresqlConnection[Any],
    _record: Any,  # noqa: ANN401
) -> None:
    connection.isolation_level = IsolationLevel.READ_COMMITTED
    _send_binary(connection)
    connection.autocommit = True
    for setting, milliseconds in (
        ("lock_timeout", LOCK_TIMEOUT_MILLISECONDS),
        ("idle_in_transaction_session_timeout", IDLE_TRANSACTION_MILLISECONDS),
    ):
        connection.execute("SELECT set_config(%s, %s, false)", (setting, str(milliseconds)))
    connection.autocommit = False


def _set_up_postgresql_reader(
    connection: PostgresqlConnection[Any],
    _record: Any,  # noqa: ANN401
) -> None:
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    _send_binary(connection)


def _send_binary(connection: PostgresqlConnection[Any]) -> None:
    """Send arrays and bytes as they are: as text they cost several times as much."""
    connection.adapters.register_dumper(list, ListBinaryDumper)
