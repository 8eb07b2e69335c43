"""What a reader finds for whoever looks on time, and row by row."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from service.adapters.sql.store import SqlStore, open_database
from service.app.ports import Page, RowFilter
from service.app.records import (
    EscalationRecord,
    ResolutionRecord,
    ResolutionState,
    SurrogateRecord,
    Writes,
)
from service.core.hold import Charge
from tests.fakes.clock import FakeClock
from tests.stored import BUDGET, ESCALATION, RESOLUTION, budgets


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


def waiting(store: SqlStore, id_: str, **fields: Any) -> EscalationRecord:
    """An escalation with instants that are given as distances from now."""
    with store.read() as reader:
        now = reader.now()
    for name, value in fields.items():
        if isinstance(value, timedelta):
            fields[name] = now + value
    return replace(ESCALATION, id=id_, **fields)


def test_overdue_answers_are_found_longest_first(database_url: str, clock: FakeClock) -> None:
    """Only what is open, only what is over, and only where something follows from it."""
    hour = timedelta(hours=1)
    with open_database(database_url, clock) as store:
        made = [
            waiting(store, "esc_1", answer_by=-hour, on_timeout="next"),
            waiting(store, "esc_2", answer_by=-2 * hour, on_timeout="deny"),
            waiting(store, "esc_3", answer_by=hour, on_timeout="next"),
            waiting(store, "esc_4", answer_by=-3 * hour),
            waiting(store, "esc_5", answer_by=-3 * hour, on_timeout="deny", state="denied"),
            waiting(store, "esc_6", answer_by=None, on_timeout="deny", state="asked"),
        ]
        with store.begin() as tx:
            tx.write(Writes(resolutions=[RESOLUTION], escalations=made))
        with store.read() as reader:
            assert [one.id for one in reader.overdue_escalations(10)] == ["esc_2", "esc_1"]
            assert list(reader.overdue_escalations(1)) == [made[1]]


def test_due_reminders_are_found_longest_first(database_url: str, clock: FakeClock) -> None:
    """Only of what is open, and only where none was sent."""
    minute = timedelta(minutes=1)
    with open_database(database_url, clock) as store:
        made = [
            waiting(store, "esc_1", remind_at=-minute),
            waiting(store, "esc_2", remind_at=-2 * minute, answer_by=None),
            waiting(store, "esc_3", remind_at=minute),
            waiting(store, "esc_4", remind_at=None, reminded_at=-minute),
            waiting(store, "esc_5", remind_at=-minute, state="withdrawn"),
        ]
        with store.begin() as tx:
            tx.write(Writes(resolutions=[RESOLUTION], escalations=made))
        with store.read() as reader:
            assert [one.id for one in reader.unreminded_escalations(10)] == ["esc_2", "esc_1"]
            assert list(reader.unreminded_escalations(1)) == [made[1]]


def test_what_waits_for_no_role_is_found(database_url: str, clock: FakeClock) -> None:
    """Open or asked, whatever its clock says; not what is over."""
    with open_database(database_url, clock) as store:
        made = [
            waiting(store, "esc_1", role="gone"),
            waiting(store, "esc_2", role="gone", state="asked", left_microseconds=7),
            waiting(store, "esc_3", role="gone", state="expired"),
            waiting(store, "esc_4", role="owner"),
        ]
        with store.begin() as tx:
            tx.write(Writes(resolutions=[RESOLUTION], escalations=made))
        with store.read() as reader:
            assert list(reader.stranded_escalations({"owner", "clerk"}, 10)) == made[:2]
            assert list(reader.stranded_escalations({"owner"}, 1)) == made[:1]
            assert [one.id for one in reader.stranded_escalations([], 10)][-1] == "esc_4"


def test_surrogates_are_found_in_a_transaction_and_none_is_made(
    database_url: str, clock: FakeClock
) -> None:
    """What nobody asked for before stays unknown."""
    with open_database(database_url, clock) as store:
        known = SurrogateRecord(fingerprint=b"f" * 32, surrogate="sub_1", subject="sub_1")
        with store.begin() as tx:
            tx.lock_surrogates({known.fingerprint: known})
        with store.begin() as tx:
            assert tx.surrogates([known.fingerprint, b"g" * 32]) == {known.fingerprint: known}
            assert tx.surrogates([]) == {}
        with store.read() as reader:
            assert set(reader.surrogates([b"g" * 32])) == set()
