"""The door, over a shop on SQLite."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.api.app import create_app
from tests.api.door import Door
from tests.app.house import open_house
from tests.databases import sqlite_url

__all__ = ["sqlite_url"]


@pytest.fixture
def door(tmp_path: Path, sqlite_url: str) -> Iterator[Door]:
    """The door of a shop, open."""
    with open_house(tmp_path, sqlite_url) as house:
        app = create_app(house.services)
        with TestClient(app, raise_server_exceptions=False) as client:
            yield Door(client, house)
