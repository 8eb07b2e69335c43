"""Re-derive: an entry and the policy of that day give the same decision again."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from service.app.rederive import Rederiver, Result
from service.bootstrap import compile_files
from service.core.rulebook import Rulebook
from tests.app.holding import HoldingHouse, clock_for, open_holding
from tests.databases import sqlite_url

__all__ = ["sqlite_url"]


@pytest.fixture
def house(tmp_path: Path, sqlite_url: str) -> Iterator[HoldingHouse]:
    with clock_for(sqlite_url) as clock, open_holding(tmp_path, sqlite_url, clock) as opened:
        yield opened


def rulebooks(house: HoldingHouse) -> Callable[[str], Rulebook | None]:
    def find(version: str) -> Rulebook | None:
        with house.services.store.read() as reader:
            record = reader.find_policy(version)
        return None if record is None else compile_files(record.files).rulebook

    return find


def bodies(house: HoldingHouse) -> list[bytes]:
    return [entry.body for entry in reversed(house.entries())]


def results(house: HoldingHouse, entries: list[bytes] | None = None) -> list[Result]:
    found = bodies(house) if entries is None else entries
    rederiver = Rederiver(rulebooks(house))
    return list(rederiver.results(enumerate(found), lambda _: True))


def busy(house: HoldingHouse) -> None:
    for number in range(4):
        house.propose(guest=f"G-{number % 2}", amount="90.00", note="wet")
        house.wait(hours=20)
    house.propose(resolution="night", amount=None, quantity=2)
    facts = {"guest": {"id": "G-1"}, "stay": {"id": "S-1", "rate": "30.00", "weight": 1.5}}
    house.propose(resolution="night", amount=None, quantity=2, facts=facts)
    house.propose(resolution="cash", amount="5.00")
    house.propose(amount="150.00")
    house.propose(resolution="bond", amount="20.00")
    above = house.propose(amount="400.00")
    house.answer("max", above["escalation"]["id"])
    high = house.propose(amount="900.00")
    house.answer("gus", high["escalation"]["id"])
    house.answer("grace", high["escalation"]["id"])


def test_every_decision_comes_out_the_same(house: HoldingHouse) -> None:
    """Approvals, refusals, lacks, holds, answers and quorums, under several policies."""
    busy(house)
    house.publish(("limit: 300", "limit: 60"), ("up_to: 100", "up_to: 80"))
    busy(house)
    found = results(house)
    assert len(found) > 20
    assert [result for result in found if result.differences or result.why_not] == []


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (b'"outcome":"approved"', b'"outcome":"denied"', "outcome"),
        (b'"grant":"small"', b'"grant":"noted"', "authority"),
        (b'"limit":30000', b'"limit":90000', "budgets"),
        (b'"amount_minor":9000', b'"amount_minor":9100', "value_minor"),
    ],
)
def test_a_decision_that_does_not_follow_is_found(
    house: HoldingHouse, old: bytes, new: bytes, field: str
) -> None:
    """Another outcome, another authority, a limit that no policy states, another amount."""
    house.propose(amount="90.00")
    entries = [body.replace(old, new) for body in bodies(house)]
    assert entries != bodies(house)
    (result,) = results(house, entries)
    assert field in {difference.field for difference in result.differences}


def test_a_house_cannot_begin_a_second_row(house: HoldingHouse) -> None:
    """A budget kept per site has one row a day for each site."""
    house.propose()
    house.propose()
    first, second = (each for each in bodies(house) if orjson.loads(each)["kind"] == "decision")
    spoilt = orjson.loads(second)
    line = next(line for line in spoilt["budgets"] if line["budget"] == "day")
    line["row"] = "bud_another"
    found = results(house, [first, orjson.dumps(spoilt)])
    (difference,) = found[1].differences
    assert (difference.field, difference.told) == ("row of day", "bud_another")


def test_a_policy_that_is_not_there_is_said(house: HoldingHouse) -> None:
    """What cannot be decided again is no difference, and not passed over."""
    house.propose()
    rederiver = Rederiver(lambda _: None)
    (result,) = rederiver.results(enumerate(bodies(house)), lambda _: True)
    assert "is not there" in (result.why_not or "")
    assert result.differences == ()


def test_only_what_is_picked_is_decided(house: HoldingHouse) -> None:
    """And what is not picked still tells what its answer was about."""
    above = house.propose(amount="400.00")
    house.answer("max", above["escalation"]["id"])
    found: list[Any] = list(
        Rederiver(rulebooks(house)).results(
            enumerate(bodies(house)), lambda index: index == len(bodies(house)) - 1
        )
    )
    assert [(result.why_not, result.differences) for result in found] == [(None, ())]
