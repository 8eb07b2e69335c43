"""``remit budget``: what is used and left, and the close of a month."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.holding import HoldingHouse, clock_for, open_holding
from tests.app.house import open_house
from tests.cli.terminal import remit
from tests.databases import sqlite_url

__all__ = ["sqlite_url"]


@pytest.fixture
def used(tmp_path: Path, sqlite_url: str) -> str:
    """A database in which something was approved a moment ago."""
    with open_house(tmp_path, sqlite_url) as house:
        house.propose()
        house.propose("vera", site="annex", amount="7.00")
    return sqlite_url


@pytest.fixture
def march(tmp_path: Path, sqlite_url: str) -> Iterator[HoldingHouse]:
    """A service that runs in March 2026."""
    with clock_for(sqlite_url) as clock, open_holding(tmp_path, sqlite_url, clock) as house:
        id_ = house.propose(resolution="bond", amount="50.00")["id"]
        house.settle(id_, amount="20.00")
        yield house


def test_budgets_are_listed(used: str) -> None:
    """A table with a line for each row, numbers to the right."""
    done = remit("budget", "list", "--database", used, "--site", "main")
    assert done.exit_code == 0, done.output
    head, line = done.stdout.splitlines()
    assert head.split() == ["budget", "per", "limit", "used", "held", "remaining", "until"]
    assert line.split()[:6] == ["day", "site.id=main", "2000.00", "50.00", "0.00", "1950.00"]


def test_budgets_are_listed_for_programs(used: str) -> None:
    """As JSON, narrowed by pieces of the key."""
    done = remit(
        "budget", "list", "--database", used, "--part", "site.id=annex", "--format", "json"
    )
    (row,) = json.loads(done.stdout)
    assert (row["budget"], row["used"]) == ("day", "7.00")


@pytest.mark.parametrize(
    "arguments",
    [("--budget", "stay"), ("--part", "guest.id=G-1"), ("--part", "site.id")],
)
def test_what_cannot_be_listed_is_wrong_usage(used: str, arguments: tuple[str, str]) -> None:
    """Exit code 2, and a sentence on standard error."""
    done = remit("budget", "list", "--database", used, *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr


def test_nothing_is_said_to_be_nothing(sqlite_url: str, tmp_path: Path) -> None:
    """An empty table would look like a failure."""
    with open_house(tmp_path, sqlite_url):
        pass
    done = remit("budget", "list", "--database", sqlite_url)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "nothing yet" in done.stderr


def test_a_month_is_closed_beside_a_running_service(march: HoldingHouse, sqlite_url: str) -> None:
    """A table, the same as JSON and as CSV."""
    command = ("budget", "close", "--month", "2026-03", "--database", sqlite_url)
    table, listed, sheet = (
        remit(*command, "--format", form).stdout for form in ("text", "json", "csv")
    )
    lines = json.loads(listed)["lines"]
    assert [line["budget"] for line in lines] == [None, "day", "often", "stay"]
    assert lines[0] == {
        "month": "2026-03",
        "site": "main",
        "budget": None,
        "role": "clerk",
        "resolution": "bond",
        "unit": "USD",
        "approved": "50.00",
        "settled": "20.00",
        "released": "30.00",
        "reversed": "0.00",
        "held": "0.00",
    }
    rows = list(csv.DictReader(io.StringIO(sheet)))
    assert rows == [
        {name: "" if value is None else str(value) for name, value in line.items()}
        for line in lines
    ]
    assert len(table.splitlines()) == 1 + len(lines)
    assert march.used()["stay"] == ("0.00", "20.00", 2)


def test_what_is_no_month_is_wrong_usage(used: str) -> None:
    """Exit code 2, and how to write it."""
    done = remit("budget", "close", "--month", "May", "--database", used)
    assert done.exit_code == 2
    assert "2026-03" in done.stderr
