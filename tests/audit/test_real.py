"""What the service writes, held against what the verifier demands of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from service.app.records import EntryKind
from service.audit.entry import KINDS
from service.audit.finding import Code
from service.audit.verify import verify
from tests.app.holding import HoldingHouse, clock_for, open_holding
from tests.audit.archivesource import ArchiveSource
from tests.audit.logs import codes
from tests.audit.real import key_of, publish, verified
from tests.databases import database_url, sqlite_url
from tests.logged import alter

__all__ = ["database_url", "sqlite_url"]


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[HoldingHouse]:
    with clock_for(database_url) as clock, open_holding(tmp_path, database_url, clock) as opened:
        yield opened


def test_a_life_adds_up(house: HoldingHouse) -> None:
    """Approvals, refusals, holds and their ends, reversals, answers: the verifier agrees."""
    for number in range(5):
        house.propose(guest=f"G-{number % 2}", amount="30.00")
        house.wait(days=25)
    for resolution in ("bond", "loan"):
        kept = house.propose(resolution=resolution, amount="50.00", guest="G-8")
        house.settle(kept["id"], amount="20.00")
        house.reverse(kept["id"])
    house.release(house.propose(resolution="bond", amount="50.00", guest="G-9")["id"])
    house.propose(resolution="loan", amount="50.00", guest="G-9")
    house.propose(resolution="bond", amount="10.00", guest="G-9")
    house.wait(days=3)
    house.sweep()
    house.propose(resolution="cash", amount="5.00")
    above = house.propose(amount="400.00")
    house.answer("max", above["escalation"]["id"])
    high = house.propose(amount="900.00")
    house.answer("gus", high["escalation"]["id"])
    house.answer("grace", high["escalation"]["id"])
    report = verified(house)
    assert report.findings == ()
    assert report.entries == len(house.entries())
    assert not any("unknown" in kind for kind in report.kinds)


def test_reversals_from_a_rolling_window_add_up(house: HoldingHouse) -> None:
    """What was given back at once, and what aged out of its window meanwhile."""
    early, late = house.propose(amount="10.00"), house.propose(amount="20.00")
    house.reverse(early["id"])
    house.wait(days=91)
    house.reverse(late["id"])
    house.propose(amount="30.00")
    assert verified(house).findings == ()


def test_budgets_that_change_under_way_add_up(house: HoldingHouse) -> None:
    """Another limit, another length of a window, and a budget that is kept no more."""
    house.propose(amount="50.00")
    kept = house.propose(resolution="bond", amount="40.00")
    house.publish(("limit: 300", "limit: 60"), ("within: 90d", "within: 30d"))
    house.wait(days=0.5)
    house.propose(amount="10.00")
    house.settle(kept["id"])
    house.publish(("  - {id: often, count: 3, per: [guest.id], within: 90d, roles: [clerk]}\n", ""))
    house.propose(amount="5.00", guest="G-7")
    house.reverse(kept["id"])
    assert verified(house).findings == ()


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE log_leaves SET entry = entry || 'x' WHERE leaf_index = 3", Code.BUNDLE_MISSING),
        ("DELETE FROM log_leaves WHERE leaf_index = 3", Code.BUNDLE_MISSING),
    ],
)
def test_rows_that_are_gone_are_found(
    tmp_path: Path, sqlite_url: str, statement: str, code: Code
) -> None:
    """A database that its owner has edited."""
    with clock_for(sqlite_url) as clock, open_holding(tmp_path, sqlite_url, clock) as house:
        house.propose()
        publish(house)
        alter(sqlite_url, statement, {})
        assert code in codes(verify(ArchiveSource(house.services.store), [key_of(house)]))


def test_an_entry_that_was_edited_is_found(tmp_path: Path, sqlite_url: str) -> None:
    """One digit of one amount, in the database itself."""
    with clock_for(sqlite_url) as clock, open_holding(tmp_path, sqlite_url, clock) as house:
        house.propose(amount="50.00")
        publish(house)
        edited = house.entries(kind="decision")[0]
        body = edited.body.replace(b'"value_minor":5000', b'"value_minor":4000')
        assert body != edited.body
        change = "UPDATE entries SET body = :body WHERE id = :id"
        alter(sqlite_url, change, {"body": body, "id": edited.id})
        report = verify(ArchiveSource(house.services.store), [key_of(house)])
    assert codes(report) >= {Code.TILE_MISMATCH, Code.ROOT_MISMATCH, Code.CHARGE_MISMATCH}


def test_every_kind_that_is_written_is_known() -> None:
    """The verifier lists the kinds by itself, and misses none."""
    assert set(get_args(EntryKind)) == KINDS
