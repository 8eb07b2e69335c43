"""The shop, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.holding import HoldingHouse, clock_for, open_holding
from tests.app.house import House, open_house
from tests.databases import database_url, postgresql_url, sqlite_url

__all__ = ["database_url", "postgresql_url", "sqlite_url"]


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    """The shop, on each database in turn."""
    with open_house(tmp_path, database_url) as opened:
        yield opened


@pytest.fixture
def holding(tmp_path: Path, database_url: str) -> Iterator[HoldingHouse]:
    """The shop with held resolutions and a clock to move, on each database in turn."""
    with clock_for(database_url) as clock, open_holding(tmp_path, database_url, clock) as opened:
        yield opened


@pytest.fixture
def holding_embedded(tmp_path: Path, sqlite_url: str) -> Iterator[HoldingHouse]:
    """The same on SQLite, for what does not depend on the database."""
    with clock_for(sqlite_url) as clock, open_holding(tmp_path, sqlite_url, clock) as opened:
        yield opened


@pytest.fixture
def embedded(tmp_path: Path, sqlite_url: str) -> Iterator[House]:
    """The shop on SQLite, for what does not depend on the database."""
    with open_house(tmp_path, sqlite_url) as opened:
        yield opened
