"""POST /v1/resolutions with four budgets, beside an empty FastAPI POST and a plain service.

One table: requests a second, p50 and p99 for 1, 8, 64 and 256 connections (wrk, each as
fast as it is answered), on SQLite and on PostgreSQL with one and three replicas, beside
the framework alone (``bench.empty``) and beside what a good developer would write in a
day with SQLModel and Casbin (``bench.plain``), on the same PostgreSQL. All of them are up
during the whole run and are asked in turns, round by round; each replica gets its share
of the connections. A second table has the latency at half of what SQLite can at 64
connections (hey), and a third what a lone request takes.

    python -m bench.http [--rounds N] [--seconds N] [--connections N …] [--endpoints NAME …]
"""

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from bench import disk, servers, traffic
from bench.table import Table
from bench.traffic import Endpoint, Figures
from bench.turns import in_turns

CONNECTIONS: Final = (1, 8, 64, 256)
TARGET_CONNECTIONS: Final = 64
MUST_SHARE: Final = 0.4
MUST_TAIL: Final = 5.0
MUST_LONE_MS: Final = 1.0

Measured = Mapping[tuple[int, str], tuple[float, ...]]
Measure = Callable[[], tuple[float, ...]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Load all of them in turns and print the tables."""
    asked = _asked(arguments)
    traffic.require()
    with (
        tempfile.TemporaryDirectory() as folder,
        servers.running(asked.endpoints) as endpoints,
    ):
        found = _flooded(endpoints, asked, Path(folder))
        _print_all(found, asked)
        _print_goals(found, _dripped(endpoints, found, asked))
    disk.tell()


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.http", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="of one measurement")
    parser.add_argument("--connections", type=int, nargs="+", default=CONNECTIONS)
    parser.add_argument(
        "--endpoints", nargs="+", choices=servers.EVERYBODY, default=servers.EVERYBODY
    )
    return parser.parse_args(arguments)


def _flooded(
    endpoints: Mapping[str, Endpoint], asked: argparse.Namespace, folder: Path
) -> Measured:
    ways: dict[tuple[int, str], Measure] = {
        (number, name): _flooding(endpoint, number, asked.seconds, folder)
        for number in asked.connections
        for name, endpoint in endpoints.items()
    }
    return in_turns(ways, asked.rounds)


def _flooding(endpoint: Endpoint, number: int, seconds: int, folder: Path) -> Measure:
    return lambda: traffic.flood(endpoint, number, seconds, folder)


def _dripped(
    endpoints: Mapping[str, Endpoint], found: Measured, asked: argparse.Namespace
) -> dict[str, Figures]:
    """Both at half of what SQLite can, where the run has them."""
    key = (TARGET_CONNECTIONS, "sqlite")
    if key not in found or "empty" not in endpoints:
        return {}
    half = found[key][0] / 2
    ways: dict[str, Measure] = {
        name: _dripping(endpoints[name], half, asked.seconds) for name in ("sqlite", "empty")
    }
    return {name: Figures(*figures) for name, figures in in_turns(ways, asked.rounds).items()}


def _dripping(endpoint: Endpoint, rate: float, seconds: int) -> Measure:
    return lambda: traffic.drip(endpoint, rate, seconds)


def _print_all(found: Measured, asked: argparse.Namespace) -> None:
    table = Table("connections", "endpoint", "requests/s", "p50 ms", "p99 ms", "of the empty one")
    for number in asked.connections:
        ceiling = found.get((number, "empty"))
        for name in asked.endpoints:
            rate, p50, p99 = found[number, name]
            share = "" if ceiling is None else f"{rate / ceiling[0]:.2f}"
            table.row(number, name, f"{rate:,.0f}", f"{p50:.2f}", f"{p99:.2f}", share)
    table.print()


def _print_goals(found: Measured, half: Mapping[str, Figures]) -> None:
    """What was aimed at, as far as this run can say."""
    table = Table("goal, on SQLite", "measured", "must be")
    ours = found.get((TARGET_CONNECTIONS, "sqlite"))
    empty = found.get((TARGET_CONNECTIONS, "empty"))
    if ours is not None and empty is not None:
        share = f"{ours[0] / empty[0]:.2f}"
        table.row(f"share of the empty one at {TARGET_CONNECTIONS}", share, f"≥ {MUST_SHARE}")
    if half:
        times = f"{half['sqlite'].p99 / half['empty'].p99:.1f}"
        shown = f"{half['sqlite'].p99:.2f} ms, {times} x the empty one"
        table.row("p99 at half load", shown, f"≤ {MUST_TAIL} x")
    ours, empty = found.get((1, "sqlite")), found.get((1, "empty"))
    if ours is not None and empty is not None:
        table.row(
            "a lone request, p50 above the empty one",
            f"{ours[1] - empty[1]:.2f} ms",
            f"< {MUST_LONE_MS} ms",
        )
    print()
    table.print()


if __name__ == "__main__":
    main()
