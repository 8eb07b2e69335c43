"""Databases for whatever speaks to one."""

from collections.abc import Iterator

import pytest

from service.adapters.sql.store import SqlStore, open_database
from tests.databases import database_url, empty_database_url, postgresql_url, sqlite_url
from tests.fakes.clock import FakeClock
from tests.stored import AT

__all__ = ["clock", "database_url", "empty_database_url", "postgresql_url", "sqlite_url", "store"]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(AT)


@pytest.fixture
def store(database_url: str, clock: FakeClock) -> Iterator[SqlStore]:
    """An empty database, or with what a test module writes first."""
    with open_database(database_url, clock) as opened:
        yield opened
