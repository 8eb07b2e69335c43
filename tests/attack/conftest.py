"""What is attacked: three replicas on one PostgreSQL, and one process on SQLite.

They are started once. Whoever kills one starts it again, and every test works at sites of
its own, so that the history of all tests so far has to hold after each of them.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack import policy, proxy, replicas, server
from tests.attack.proxy import Proxy
from tests.attack.server import Server
from tests.attack.target import Target, opened
from tests.databases import database_url, postgresql_url, sqlite_url

__all__ = ["database_url", "postgresql_url", "sqlite_url"]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A server whose processes may be ended."""
    with server.running() as running:
        yield running


@pytest.fixture(scope="session")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the policy set."""
    return policy.write(tmp_path_factory.mktemp("policies"))


@pytest.fixture(scope="session")
def three(postgresql: Server, policies: Path) -> Iterator[Target]:
    """Three replicas on one PostgreSQL."""
    url = postgresql.new_database()
    replicas.migrate(url)
    with opened(url, policies, 3) as target:
        yield target


@pytest.fixture(scope="session")
def way(postgresql: Server) -> Iterator[Proxy]:
    """A way to the server that loses what it is told to lose."""
    with proxy.between(postgresql.folder) as between:
        yield between


@pytest.fixture(scope="session")
def behind(postgresql: Server, way: Proxy, policies: Path) -> Iterator[Target]:
    """A replica that reaches its database that way."""
    url = postgresql.new_database(way.folder)
    replicas.migrate(url)
    with opened(url, policies, 1) as target:
        yield target


@pytest.fixture(scope="session")
def one(policies: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """The one process on SQLite."""
    with opened(f"sqlite:///{tmp_path_factory.mktemp('one')}/remit.db", policies, 1) as target:
        yield target


@pytest.fixture
def target(three: Target) -> Iterator[Target]:
    """Three replicas; afterwards the history holds and they all serve."""
    yield from _afterwards(three)


@pytest.fixture
def cut(behind: Target) -> Iterator[Target]:
    """The replica behind the proxy; afterwards the history holds and it serves."""
    yield from _afterwards(behind)


@pytest.fixture
def alone(one: Target) -> Iterator[Target]:
    """The process on SQLite; afterwards the history holds and it serves."""
    yield from _afterwards(one)


def _afterwards(target: Target) -> Iterator[Target]:
    yield target
    target.kept()
    assert all(replica.is_ready() for replica in target.replicas)
