"""What every database guarantees of entries that are looked for."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, event

from service.adapters.sql.entrylist import SqlEntryReader
from service.adapters.sql.store import SqlStore, open_database
from service.app.entryports import EntryFilter
from service.app.logports import LogTransaction
from service.app.records import EntryKind, EntryRecord, Writes
from tests.fakes.clock import FakeClock
from tests.stored import AT, ENTRY

COUNT = 12
KINDS: tuple[EntryKind, ...] = ("decision", "decision", "answer", "settle")


def entries() -> list[EntryRecord]:
    """A dozen a minute apart; one of them came late, so that ids are not in order of time."""
    found = [
        replace(
            ENTRY,
            id=f"ent_{number:02}",
            kind=KINDS[number % 4],
            at=AT + timedelta(minutes=number),
            about=f"res_{number // 2}",
            site=("new_york", "vienna")[number % 2],
            agent=("ana", "ben", "max")[number % 3],
            subject=f"sub_{number % 4}",
            resolution="cash" if number == 7 else "goodwill_credit",
            outcome=("approved", "denied", "approve")[number % 3],
            rule="more" if number > 8 else "small",
            reason=("within_limits", "over_limit", None)[number % 3],
            value_minor=None if number == 0 else number * 100,
            policy_version="sha256:new" if number > 5 else "sha256:old",
        )
        for number in range(COUNT)
    ]
    found[3] = replace(found[3], at=AT + timedelta(hours=1))
    return found


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    with open_database(database_url, FakeClock()) as opened:
        with opened.begin() as tx:
            tx.write(Writes(entries=entries()))
            placed(tx.log)
        yield opened


def placed(log: LogTransaction) -> None:
    """The log has them in another order than that of their ids."""
    log.append(0, [f"ent_{number:02}" for number in range(COUNT - 1, 0, -1)])


def latest(store: SqlStore, after: str | None = None, limit: int = 100, **wanted: Any) -> list[str]:
    with store.read() as reader:
        found = reader.entries.latest(EntryFilter(**wanted), after, limit)
    return [entry.id.removeprefix("ent_") for entry in found]


def expected(**wanted: Any) -> list[str]:
    """The same by looking at each."""
    found = [
        entry
        for entry in entries()
        if all(getattr(entry, name) == value for name, value in wanted.items())
    ]
    return [entry.id.removeprefix("ent_") for entry in reversed(found)]


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"kind": "decision"},
        {"kind": "settle"},
        {"agent": "ana"},
        {"subject": "sub_1"},
        {"about": "res_2"},
        {"resolution": "cash"},
        {"outcome": "approved"},
        {"outcome": "denied"},
        {"rule": "more"},
        {"reason": "within_limits"},
        {"reason": "over_limit"},
        {"policy_version": "sha256:old"},
        {"kind": "answer", "outcome": "approve", "subject": "sub_2"},
        {"agent": "nobody"},
    ],
)
def test_a_filter_takes_what_it_says(store: SqlStore, wanted: dict[str, Any]) -> None:
    """One column or several, usual values and seldom ones."""
    assert latest(store, **wanted) == expected(**wanted)


def test_sites_are_those_that_the_reader_may_see(store: SqlStore) -> None:
    """None of them is nothing, and not everything."""
    assert latest(store, sites=frozenset({"vienna"})) == expected(site="vienna")
    assert latest(store, sites=frozenset()) == []


def test_values_lie_between_both_ends(store: SqlStore) -> None:
    """Inclusive; what has no value is in no range."""
    assert latest(store, value_from_minor=900) == ["11", "10", "09"]
    assert latest(store, value_to_minor=200) == ["02", "01"]
    assert latest(store, value_from_minor=200, value_to_minor=300) == ["03", "02"]


def test_instants_order_what_is_asked_by_instants(store: SqlStore) -> None:
    """From one on, before another; newest by the instant, whatever its id is."""
    minute = timedelta(minutes=1)
    assert latest(store, since=AT + 9 * minute) == ["03", "11", "10", "09"]
    assert latest(store, since=AT + 9 * minute, until=AT + 11 * minute) == ["10", "09"]
    assert latest(store, until=AT + 2 * minute) == ["01", "00"]


@pytest.mark.parametrize("wanted", [{}, {"since": AT}, {"kind": "decision"}])
def test_pages_together_are_the_whole_list(store: SqlStore, wanted: dict[str, Any]) -> None:
    """No entry twice, none left out, whatever the order."""
    whole, pages, after = latest(store, **wanted), [], None
    while page := latest(store, after, 5, **wanted):
        pages += page
        after = f"ent_{page[-1]}"
    assert pages == whole


def test_placed_entries_come_in_the_order_of_the_log(store: SqlStore) -> None:
    """By index, within bounds; what has no index yet is not among them."""
    with store.read() as reader:
        found = reader.entries.placed(EntryFilter(), 2, 9, 4)
        later = reader.entries.placed(EntryFilter(kind="settle"), 0, 100, 100)
    assert [(index, entry.id) for index, entry in found] == [
        (2, "ent_09"),
        (3, "ent_08"),
        (4, "ent_07"),
        (5, "ent_06"),
    ]
    assert [(index, entry.id) for index, entry in later] == [
        (0, "ent_11"),
        (4, "ent_07"),
        (8, "ent_03"),
    ]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ({"kind": "settle"}, "kind"),
        ({"outcome": "denied"}, "outcome"),
        ({"reason": "over_limit"}, "reason"),
        ({"rule": "more"}, "rule"),
        ({"subject": "sub_1"}, "subject"),
        ({"policy_version": "sha256:old"}, "policy_version"),
        ({"since": AT}, "at"),
    ],
)
def test_the_last_page_is_found_like_the_first(
    sqlite_url: str, wanted: dict[str, Any], index: str
) -> None:
    """A page deep in the list is read from an index and sorts nothing."""
    plans: list[str] = []
    engine = create_engine(sqlite_url)

    @event.listens_for(engine, "before_cursor_execute")
    def explain(_c: Any, cursor: Any, statement: str, given: Any, *_: Any) -> None:
        if statement.startswith("SELECT entries"):
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", given)
            plans.extend(row[3] for row in cursor.fetchall())

    with engine.connect() as connection:
        SqlEntryReader(connection).latest(EntryFilter(**wanted), "ent_05", 5)
    engine.dispose()
    assert any(f"ix_entries_{index}_id" in step for step in plans), plans
    assert not any("B-TREE" in step for step in plans), plans


def test_counting_stops_where_it_is_enough(store: SqlStore) -> None:
    """As many as there are, and never more than were asked for."""
    with store.read() as reader:
        assert reader.entries.count(EntryFilter(), 100) == COUNT
        assert reader.entries.count(EntryFilter(), 5) == 5
        assert reader.entries.count(EntryFilter(kind="settle"), 100) == 3
        late = EntryFilter(since=AT + timedelta(minutes=10))
        assert reader.entries.count(late, 100) == 3


def test_sites_are_counted_without_what_has_none(store: SqlStore) -> None:
    """Each site that has any, in a window."""
    nowhere = replace(ENTRY, id="ent_99", site=None, leaf=b"\x63" * 32)
    with store.begin() as tx:
        tx.write(Writes(entries=[nowhere]))
    with store.read() as reader:
        assert reader.entries.count_by_site(EntryFilter()) == {"new_york": 6, "vienna": 6}
        early = EntryFilter(until=AT + timedelta(minutes=1))
        assert reader.entries.count_by_site(early) == {"new_york": 1}
