"""The cost of the log, and how soon what is decided is published.

Proposals a second through the committer, without HTTP: on one database a thread integrates
and publishes beside it, on the other nothing does, and both take turns, round by round.
(Either writes its entries and the row that says that they wait; what a thread would do with
them later is what is measured.) Then proposals come at a fixed rate, and it is measured how
long after its answer each one is under a signed checkpoint.

    python -m bench.log [--database postgresql|sqlite|both] [--rounds N] [--seconds N] [--rate N]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Final

from bench import disk, house
from bench.hotrow import Clients
from bench.table import Table
from bench.turns import in_turns
from service.app.batch import Reply
from service.app.principal import Principal
from service.app.propose import Propose
from service.bootstrap import open_services
from service.config import Settings
from service.logs import configure
from service.services import Services
from tests.attack import replicas, server

CLIENTS: Final = 64
MUST_SHARE: Final = 0.9
MUST_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 0.005
SETTLE_SECONDS: Final = 3.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure on each database asked for, and print a table."""
    asked = _asked(arguments)
    configure("error")
    table = Table("database", "figure", "measured", "must be")
    for name in ("sqlite", "postgresql"):
        if asked.database in (name, "both"):
            _measure(name, asked, table)
    table.print()
    disk.tell()


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.log", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--database", choices=("postgresql", "sqlite", "both"), default="both")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of one measurement")
    parser.add_argument("--rate", type=int, default=1_000, help="decisions a second, for latency")
    return parser.parse_args(arguments)


def _measure(name: str, asked: argparse.Namespace, table: Table) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="remit-")))
        urls = stack.enter_context(_databases(name, folder))
        policies = house.write(folder / "policies")
        kept, bare = (stack.enter_context(_served(url, policies)) for url in urls)
        bare.services.log_keeper.stop()
        found = in_turns(
            {
                "with": lambda: (kept.clients.ask(CLIENTS, asked.seconds),),
                "without": lambda: (bare.clients.ask(CLIENTS, asked.seconds),),
            },
            asked.rounds,
        )
        (mine,), (theirs,) = found["with"], found["without"]
        table.row(name, "proposals/s without the log kept", f"{theirs:,.0f}", "")
        table.row(name, "proposals/s with it", f"{mine:,.0f}", "")
        table.row(name, "share", f"{mine / theirs:.2f}", f"≥ {MUST_SHARE}")
        time.sleep(SETTLE_SECONDS)
        waits, rate = _waits(kept, asked.rate, asked.seconds * asked.rounds)
        p50, p99 = statistics.median(waits), waits[len(waits) * 99 // 100]
        table.row(name, "decisions/s while latency was measured", f"{rate:,.0f}", f"{asked.rate}")
        table.row(name, "answer to checkpoint, p50", f"{p50 * 1e3:,.0f} ms", "")
        table.row(name, "answer to checkpoint, p99", f"{p99 * 1e3:,.0f} ms", "")
        longest = f"{waits[-1] * 1e3:,.0f} ms"
        table.row(name, "answer to checkpoint, longest", longest, f"≤ {MUST_SECONDS * 1e3:,.0f} ms")


@contextmanager
def _databases(name: str, folder: Path) -> Iterator[list[str]]:
    if name == "sqlite":
        yield [f"sqlite:///{folder}/{number}.db" for number in range(2)]
        return
    with server.running(durable=True) as running:
        urls = [running.new_database() for _ in range(2)]
        for url in urls:
            replicas.migrate(url)
        yield urls


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A service over a database, and who asks it."""

    services: Services
    principal: Principal
    clients: Clients


@contextmanager
def _served(database: str, policies: Path) -> Iterator[Served]:
    settings = Settings.read(replicas.environment(database, policies))
    with open_services(settings) as services:
        key = services.keys.create(subject=house.PERSON, kind="human", by="bench").record
        principal = Principal(id=house.PERSON, kind="human", owner=None, key=key.id)
        clients = Clients(services.committer, principal)
        yield Served(services=services, principal=principal, clients=clients)


@dataclass(slots=True)
class _Answers:
    """When how many entries were answered for. One proposal is one entry."""

    entries: int
    at: list[tuple[float, int]] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def post(self, replies: Sequence[tuple[object, Reply | Exception]]) -> None:
        """See `committer.Mailbox`. The last of a batch waits least, the first hardly longer."""
        with self.lock:
            self.entries += len(replies)
            self.at.append((time.perf_counter(), self.entries))

    def published(self, size: int) -> list[float]:
        """When those were answered that are published now, and were not before."""
        with self.lock:
            done = [at for at, entries in self.at if entries <= size]
            self.at = [(at, entries) for at, entries in self.at if entries > size]
        return done


def _waits(served: Served, rate: int, seconds: float) -> tuple[list[float], float]:
    """How long each answer waited for its checkpoint, sorted, and the rate that came about."""
    with served.services.store.read() as reader:
        answers = _Answers(reader.log.extent().size)
    numbers, waits = count(), list[float]()
    started = time.perf_counter()
    sent = 0
    while (now := time.perf_counter() - started) < seconds or answers.at:
        for _ in range(int(min(now, seconds) * rate) - sent):
            body = house.body_for(next(numbers) % house.GUESTS)
            command = Propose(principal=served.principal, body=body)
            served.services.committer.send(command, None, answers)
            sent += 1
        size = served.services.log_keeper.state.published or 0
        seen = time.perf_counter()
        waits += [seen - at for at in answers.published(size)]
        time.sleep(LOOK_SECONDS)
    return sorted(waits), sent / seconds


if __name__ == "__main__":
    main()
