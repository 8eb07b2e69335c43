"""The settings that made a difference on the way to a decision, one by one.

Each is measured as the service has it and as it might have been, in turns within one run;
the ratio says how many times as long the other way takes. Three are about SQLite (WAL,
FULL, the service's own connection) and take batches of 64 rows as the committer does; the
fourth reads one proposal.

    python -m bench.settings [ROUNDS]
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from bench.house import BODY, POLICY
from bench.table import Table
from service.adapters.ids import RandomIds
from service.adapters.sql.engine import CHECKPOINT_PAGES, open_engines
from service.api.models import Proposal
from service.core.proposal import read_proposal
from service.core.request import Agent
from service.policyfile.load import load_set

BATCH: Final = 64
BATCHES: Final = 40
ROUNDS: Final = 5
ROWS_BEFORE: Final = 100_000
ENTRY_BYTES: Final = 2_000
CHARGES: Final = 4
READS: Final = 5_000
SQLITE_PAGES: Final = 1_000

Work = Callable[[], None]
Ways = Mapping[str, Work]
"""Ways to do one thing, the service's own first."""

_AT: Final = datetime(2026, 3, 1, tzinfo=UTC)


def main() -> None:
    """Measure every setting and print one table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    table = Table("setting", "way", "µs each", "ratio")
    for setting, measured in (
        ("ids of inserted rows", _ids),
        ("where charges stand", _charges),
        ("pages between checkpoints", _checkpoints),
        ("reading a proposal", _reading),
    ):
        with measured() as (ways, each):
            _compare(table, setting, ways, each, rounds)
    table.print()


def _compare(table: Table, setting: str, ways: Ways, each: int, rounds: int) -> None:
    """One row for each way: the median of its rounds, which take turns."""
    found: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, work in ways.items():
            started = time.perf_counter()
            work()
            found[way].append((time.perf_counter() - started) * 1e6 / each)
    medians = {way: statistics.median(times) for way, times in found.items()}
    ours = next(iter(medians.values()))
    for way, median in medians.items():
        table.row(setting, way, median, f"{median / ours:.2f}")


# ── Time-ordered ids go to the end of the tree, random ones to a page of their own each ──


@contextmanager
def _ids() -> Iterator[tuple[Ways, int]]:
    ids = RandomIds()
    with _database() as ordered, _database() as random:
        yield (
            {
                "time-ordered": lambda: _append(ordered, lambda: ids.new("ent", _AT)),
                "random": lambda: _append(random, lambda: ids.surrogate("ent")),
            },
            BATCH * BATCHES,
        )


# ── Charges inside the entry cost nothing more; rows of their own are four more inserts ──


@contextmanager
def _charges() -> Iterator[tuple[Ways, int]]:
    ids = RandomIds()

    def new() -> str:
        return ids.new("ent", _AT)

    with _database() as inside, _database() as beside:
        yield (
            {
                "inside the entry": lambda: _append(inside, new),
                "one row per charge": lambda: _append(beside, new, charges=CHARGES),
            },
            BATCH * BATCHES,
        )


# ── A page that is written ten times between two checkpoints is copied back once ──


@contextmanager
def _checkpoints() -> Iterator[tuple[Ways, int]]:
    ids = RandomIds()

    def work(to: Connection) -> Work:
        return lambda: _append(to, lambda: ids.surrogate("ent"))

    ours, default = f"{CHECKPOINT_PAGES:,}", f"{SQLITE_PAGES:,} (SQLite's own)"
    with _database() as rare, _database(SQLITE_PAGES) as often:
        yield {ours: work(rare), default: work(often)}, BATCH * BATCHES


# ── What the policy checks anyway need not be checked against a model before ──


@contextmanager
def _reading() -> Iterator[tuple[Ways, int]]:
    rulebook = load_set({"bench.yaml": POLICY.encode()}).rulebook
    agent = Agent(id="ana", roles=("front_desk",))
    raw = orjson.dumps(BODY)

    def by_hand() -> None:
        for _ in range(READS):
            read_proposal(rulebook, orjson.loads(raw), agent)

    def by_model() -> None:
        for _ in range(READS):
            Proposal.model_validate_json(raw)

    def by_both() -> None:
        for _ in range(READS):
            Proposal.model_validate_json(raw)
            read_proposal(rulebook, orjson.loads(raw), agent)

    yield (
        {
            "against the policy": by_hand,
            "pydantic, policy unread": by_model,
            "pydantic, then the policy": by_both,
        },
        READS,
    )


@contextmanager
def _database(checkpoint_pages: int = CHECKPOINT_PAGES) -> Iterator[Connection]:
    """The service's own writing connection to a database that holds entries already."""
    with tempfile.TemporaryDirectory() as folder:
        engines = open_engines(f"sqlite:///{Path(folder)}/bench.db", serving=True)
        with engines.writes.connect() as connection:
            _run(connection, f"PRAGMA wal_autocheckpoint = {checkpoint_pages}")
            _run(connection, "CREATE TABLE entries (id TEXT PRIMARY KEY, body BLOB)")
            _run(
                connection,
                "CREATE TABLE charges (id TEXT PRIMARY KEY, entry TEXT, row TEXT, amount INTEGER)",
            )
            _run(connection, "CREATE INDEX charges_entry ON charges (entry)")
            ids = RandomIds()
            before = [(ids.surrogate("ent"), b"") for _ in range(ROWS_BEFORE)]
            connection.exec_driver_sql("INSERT INTO entries VALUES (?, ?)", sorted(before))
            connection.commit()
            yield connection
        engines.close()


def _run(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement)
    connection.commit()


def _append(to: Connection, new: Callable[[], str], *, charges: int = 0) -> None:
    """Batches of entries, each batch a transaction of its own."""
    body = bytes(ENTRY_BYTES)
    for _ in range(BATCHES):
        entries = [(new(), body) for _ in range(BATCH)]
        to.exec_driver_sql("INSERT INTO entries VALUES (?, ?)", entries)
        rows: list[tuple[Any, ...]] = [
            (new(), entry, f"bud_{number}", 15_000)
            for entry, _ in entries
            for number in range(charges)
        ]
        if rows:
            to.exec_driver_sql("INSERT INTO charges VALUES (?, ?, ?, ?)", rows)
        to.commit()


if __name__ == "__main__":
    main()
