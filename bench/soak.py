"""A million contended decisions, with kill -9 in between: none overspends, none is lost.

Rounds on SQLite (one process) and on PostgreSQL (three replicas) alternate. In each round
client processes want the same few budgets at once, some requests are sent twice, some
clients hang up and ask again, and every few seconds something is killed: the service, one
of its replicas, or a process of the database server. All replicas integrate and publish the
log meanwhile. Then the whole history is judged, and the log verified as an auditor would:
every leaf, tile, checkpoint and signature, and every budget added up anew.

    python -m bench.soak [--decisions N] [--seconds N] [--database sqlite|postgresql|both]
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count, cycle
from pathlib import Path

from bench.table import Table
from bench.tally import Round, Tally
from tests.attack import policy, replicas, server
from tests.attack.audited import audited
from tests.attack.clients import Attack, Outcome, Wish
from tests.attack.database import read
from tests.attack.history import faults
from tests.attack.server import Server
from tests.attack.target import Target, opened

PROCESSES = 4
THREADS = 12
SITES = 6
REQUESTS_A_GUEST = 50
GRANTED_A_GUEST = 30
SENT_TWICE = 0.05
HUNG_UP_ON = 0.02

Harm = Callable[[Target], str]
"""Kills something of a target that is at work, and says what."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak, print each round and the sum; 1 where anything did not hold."""
    asked = _asked(arguments)
    started, tally = time.monotonic(), Tally(asked.tally)
    with tempfile.TemporaryDirectory(prefix="remit-") as folder, _places(asked.database) as places:
        for number in count(len(tally.rounds)):
            left = asked.decisions - tally.decisions
            is_over = left <= 0 or time.monotonic() - started > asked.seconds
            if is_over or any(one.faults for one in tally.rounds):
                break
            place, size = places[number % len(places)], min(asked.round, left)
            done = place(Path(folder) / str(number), size, asked.every, number)
            tally.add(done)
            print(told(done), flush=True)
    print(f"\n{tally.decisions:,} of {asked.decisions:,} decisions")
    return summarise(tally.rounds)


def summarise(rounds: Sequence[Round]) -> int:
    """Print the sum of all rounds; 1 where anything did not hold."""
    table = Table("database", "rounds", "decisions", "approved", "retried", "kills", "faults")
    for name in sorted({one.database for one in rounds}):
        mine = [one for one in rounds if one.database == name]
        table.row(name, len(mine), *_sums(mine))
    table.row("together", len(rounds), *_sums(rounds))
    print()
    table.print()
    for fault in [fault for one in rounds for fault in one.faults]:
        print(f"  {fault}")
    if rounds and not any(one.kills for one in rounds):
        print("  nothing was killed: soak for longer, or kill more often (--every)")
    is_sound = any(one.kills for one in rounds) and not any(one.faults for one in rounds)
    return 0 if is_sound else 1


def told(done: Round) -> str:
    """A round as a line."""
    rate = done.requests / done.seconds
    return (
        f"{done.database:<10}  {done.decisions:>8,} decisions, {done.approved:>8,} approved,"
        f" {done.retried:>6,} retried, {done.kills:>3} kills, {rate:>6,.0f} requests/s,"
        f" {len(done.faults)} faults"
    )


def _sums(rounds: Sequence[Round]) -> list[str]:
    names = ("decisions", "approved", "retried", "kills")
    sums = [sum(getattr(one, name) for one in rounds) for name in names]
    return [f"{number:,}" for number in [*sums, sum(len(one.faults) for one in rounds)]]


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.soak", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--decisions", type=int, default=1_000_000, help="how many in all")
    parser.add_argument("--seconds", type=float, default=86_400, help="begin no round after that")
    parser.add_argument("--round", type=int, default=40_000, help="decisions of one round")
    parser.add_argument("--every", type=float, default=15.0, help="seconds between two kills")
    parser.add_argument("--tally", type=Path, help="a file of rounds to go on from, and to keep")
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    return parser.parse_args(arguments)


Place = Callable[[Path, int, float, int], Round]


@contextmanager
def _places(wanted: str) -> Iterator[list[Place]]:
    if wanted == "sqlite":
        yield [_on_sqlite]
        return
    with server.running(durable=True) as running:

        def on_postgresql(folder: Path, size: int, every: float, seed: int) -> Round:
            return _on_postgresql(running, folder, size, every, seed)

        yield [on_postgresql] if wanted == "postgresql" else [_on_sqlite, on_postgresql]


def _on_sqlite(folder: Path, size: int, every: float, seed: int) -> Round:
    rules = _policy(folder, size)
    with opened(f"sqlite:///{folder}/remit.db", rules, 1) as target:
        return _round("sqlite", target, size, every, [_kill_a_replica], random.Random(seed))


def _on_postgresql(running: Server, folder: Path, size: int, every: float, seed: int) -> Round:
    url = running.new_database()
    replicas.migrate(url)
    draw = random.Random(seed)

    def end_a_connection(target: Target) -> str:
        running.terminate(draw.choice(running.backends(target.database)))
        return "a connection"

    def kill_a_backend(target: Target) -> str:
        running.kill(draw.choice(running.backends(target.database)))
        return "the server"

    harms = [_kill_a_replica, end_a_connection, kill_a_backend]
    with opened(url, _policy(folder, size), 3) as target:
        return _round("postgresql", target, size, every, harms, draw)


def _policy(folder: Path, size: int) -> Path:
    """Enough for half of what is asked for."""
    return policy.write(folder / "policy", till=size // SITES // 2 + 1, guest=GRANTED_A_GUEST)


def _kill_a_replica(target: Target) -> str:
    replica = random.choice(list(target.replicas))
    replica.kill()
    replica.start()
    return "a replica"


def _round(
    name: str,
    target: Target,
    size: int,
    every: float,
    harms: Sequence[Harm],
    draw: random.Random,
) -> Round:
    wishes = _wishes(size, draw)
    started = time.monotonic()
    running = target.begin(wishes, processes=PROCESSES, threads=THREADS)
    kills = _harm_while_on(running, target, every, harms)
    outcomes = target.end(running)
    seconds = time.monotonic() - started
    return _judged(name, target, outcomes, kills, seconds)


def _harm_while_on(running: Attack, target: Target, every: float, harms: Sequence[Harm]) -> int:
    kills, harm = 0, cycle(harms)
    next_at = time.monotonic() + every
    while running.is_on:
        if time.monotonic() >= next_at:
            next(harm)(target)
            kills += 1
            next_at = time.monotonic() + every
        time.sleep(0.05)
    return kills


def _wishes(size: int, draw: random.Random) -> list[Wish]:
    guests = max(1, size // REQUESTS_A_GUEST)
    wishes = [
        Wish(
            body=policy.proposal(
                f"site-{draw.randrange(SITES)}", f"g-{draw.randrange(guests)}", "1"
            ),
            key=f"k-{n}",
            patience=0.002 if draw.random() < HUNG_UP_ON else 60.0,
            replica=n,
        )
        for n in range(size)
    ]
    again = [wish for wish in wishes if draw.random() < SENT_TWICE]
    return [*wishes, *again]


def _judged(
    name: str, target: Target, outcomes: Sequence[Outcome], kills: int, seconds: float
) -> Round:
    kept = read(target.database)
    found = faults(target.told, kept, rolling=policy.ROLLING)
    unanswered = [outcome for outcome in outcomes if outcome.status != 201]
    found += audited(target)
    found += [f"{one.key}: {one.status} {one.answer} {one.setbacks}" for one in unanswered[:10]]
    if len(kept.resolutions) != len({outcome.key for outcome in outcomes}):
        found.append(f"{len(kept.resolutions)} decisions, and not one for each key")
    return Round(
        database=name,
        requests=len(outcomes),
        decisions=len(kept.resolutions),
        approved=sum(one.outcome == "approved" for one in kept.resolutions.values()),
        retried=sum(bool(outcome.setbacks) for outcome in outcomes),
        kills=kills,
        seconds=seconds,
        faults=found,
    )


if __name__ == "__main__":
    sys.exit(main())
