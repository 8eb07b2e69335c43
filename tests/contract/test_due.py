"""What a reader finds for whoever looks on time, and row by row."""

from dataclasses import replace
from datetime import timedelta

import pytest

from service.adapters.sql.store import SqlStore, open_database
from service.app.ports import Page, RowFilter
from service.app.records import ResolutionRecord, ResolutionState, Writes
from service.core.hold import Charge
from tests.fakes.clock import FakeClock
from tests.stored import BUDGET, RESOLUTION, budgets


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def held(
    store: SqlStore, id_: str, ends: timedelta, state: ResolutionState = "held"
) -> ResolutionRecord:
    with store.read() as reader:
        ends_at = reader.now() + ends
    return replace(RESOLUTION, id=id_, state=state, hold_ends_at=ends_at, hold_then="release")


def test_overdue_holds_are_found_longest_first(database_url: str, clock: FakeClock) -> None:
    """Only what is still held, only what is over, at most as many as asked for."""
    with open_database(database_url, clock) as store:
        made = [
            held(store, "res_1", timedelta(hours=-1)),
            held(store, "res_2", timedelta(hours=-2)),
            held(store, "res_3", timedelta(hours=1)),
            held(store, "res_4", timedelta(hours=-3), "settled"),
        ]
        with store.begin() as tx:
            tx.write(Writes(resolutions=made))
        with store.read() as reader:
            assert list(reader.overdue(10)) == ["res_2", "res_1"]
            assert list(reader.overdue(1)) == ["res_2"]


def test_a_reader_tells_the_clock_of_the_next_transaction(
    database_url: str, clock: FakeClock
) -> None:
    """Never behind one that began already, even where the clock went back."""
    with open_database(database_url, clock) as store:
        with store.begin() as tx:
            began = tx.at
        clock.advance(timedelta(hours=-1))
        with store.read() as reader:
            assert reader.now() >= began


def test_charges_come_back_as_they_were(database_url: str, clock: FakeClock) -> None:
    """To the microsecond, in their order."""
    charges = (Charge("b|1", 500), Charge("a|é", 1, clock.now() + timedelta(microseconds=1)))
    record = replace(RESOLUTION, charges=charges, hold_then="settle")
    with open_database(database_url, clock) as store:
        with store.begin() as tx:
            tx.write(Writes(resolutions=[record]))
        with store.read() as reader:
            assert reader.find_resolution(record.id) == record
        with store.begin() as tx:
            assert tx.lock_resolutions([record.id]) == {record.id: record}


def test_rows_are_listed_by_the_beginning_of_their_names(
    database_url: str, clock: FakeClock
) -> None:
    """In order, page by page, those of some sites, with some pieces in their names."""
    keys = ['["a","x=1"]', '["a"]', '["ab"]', '["b","x=1"]', '["b","x=2","y=\\"%_"]']
    rows = budgets(*keys)
    rows[keys[3]] = replace(rows[keys[3]], site="annex")
    with open_database(database_url, clock) as store:
        with store.begin() as tx:
            tx.lock_budgets(rows)
        with store.read() as reader:

            def listed(*prefixes: str, page: Page | None = None, **more: object) -> list[str]:
                wanted = RowFilter(prefixes=prefixes, **more)  # type: ignore[arg-type]
                return [row.key for row in reader.list_budgets(wanted, page or Page())]

            assert listed() == []
            assert listed('["a"') == sorted(keys[:2])
            assert listed('["a"', '["b"') == sorted([*keys[:2], *keys[3:]])
            assert listed('["b"', sites=frozenset({"annex"})) == [keys[3]]
            assert listed('["b"', sites=frozenset()) == []
            assert listed('["b"', parts=['"x=2"']) == [keys[4]]
            assert listed('["b"', parts=['y=\\"%_']) == [keys[4]]
            assert listed('["b"', parts=["%"]) == [keys[4]]
            first = reader.list_budgets(RowFilter(prefixes=['["b"']), Page(limit=1))[0]
            assert listed('["b"', page=Page(after=first.row)) == [keys[4]]
            assert listed('["b"', page=Page(after="bud_none")) == []
    assert first.budget == BUDGET.budget
