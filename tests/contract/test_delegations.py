"""What every database guarantees of delegations."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any

import pytest

from service.adapters.sql.store import SqlStore, open_database
from service.app.ports import DelegationFilter, Page
from service.app.records import Writes
from service.core.delegation import Delegation
from tests.fakes.clock import FakeClock
from tests.stored import AT

WEEK = timedelta(days=7)
TICK = timedelta(microseconds=1)
FIRST = Delegation(
    id="del_1",
    delegator="max",
    delegate="mia",
    site="main",
    role="manager",
    starts_at=AT,
    ends_at=AT + WEEK,
    created_by="olga",
    created_at=AT,
)
SECOND = replace(FIRST, id="del_2", delegate="ben", site=None, role=None, starts_at=AT + TICK)
REVOKED = replace(FIRST, id="del_3", delegator="gus", revoked_by="gus", revoked_at=AT + WEEK / 2)


@pytest.fixture
def store(store: SqlStore) -> SqlStore:
    with store.begin() as tx:
        tx.write(Writes(delegations=[FIRST, SECOND, REVOKED]))
    return store


def standing(store: SqlStore, at: Any) -> list[str]:
    with store.read() as reader:
        return [one.id for one in reader.delegations(at)]


def listed(store: SqlStore, page: Page | None = None, **wanted: Any) -> list[str]:
    filled = DelegationFilter(**{"reader": "olga", "sites": None, **wanted})
    with store.read() as reader:
        found = reader.list_delegations(filled, page or Page(), AT + WEEK / 2)
    return [one.id for one in found]


def test_each_reads_back_as_it_was_written(store: SqlStore) -> None:
    """Every field, nulls and microseconds too, by both ways to one."""
    for one in (FIRST, SECOND, REVOKED):
        with store.read() as reader:
            assert reader.find_delegation(one.id) == one
        with store.begin() as tx:
            assert tx.find_delegation(one.id) == one
    with store.read() as reader:
        assert reader.find_delegation("del_9") is None


def test_what_is_over_stands_no_more(store: SqlStore) -> None:
    """From its end on, or from its revocation on; what is yet to begin stands already."""
    assert standing(store, AT - TICK) == ["del_1", "del_2", "del_3"]
    assert standing(store, AT + WEEK / 2 - TICK) == ["del_1", "del_2", "del_3"]
    assert standing(store, AT + WEEK / 2) == ["del_1", "del_2"]
    assert standing(store, AT + WEEK) == []


def test_a_change_replaces_the_row(store: SqlStore) -> None:
    """A revocation is kept, and one of what is not there is an error."""
    ended = replace(SECOND, revoked_by="max", revoked_at=AT + TICK)
    with store.begin() as tx:
        tx.write(Writes(delegation_changes=[ended]))
    with store.read() as reader:
        assert reader.find_delegation("del_2") == ended
    with pytest.raises(LookupError), store.begin() as tx:
        tx.write(Writes(delegation_changes=[replace(ended, id="del_9")]))


def test_a_list_has_what_its_reader_may_see(store: SqlStore) -> None:
    """Their own, and those kept at the sites that they manage; one of every site at none."""
    assert listed(store) == ["del_3", "del_2", "del_1"]
    assert listed(store, reader="mia", sites=frozenset()) == ["del_3", "del_1"]
    assert listed(store, reader="ben", sites=frozenset({"main"})) == ["del_3", "del_2", "del_1"]
    assert listed(store, reader="vera", sites=frozenset({"annex"})) == []


def test_a_filter_takes_what_it_says(store: SqlStore) -> None:
    """A person on either side, a site with those of every site, what is over or is not."""
    assert listed(store, person="max") == ["del_2", "del_1"]
    assert listed(store, person="mia") == ["del_3", "del_1"]
    assert listed(store, site="annex") == ["del_2"]
    assert listed(store, is_over=True) == ["del_3"]
    assert listed(store, is_over=False) == ["del_2", "del_1"]
    assert listed(store, Page(after="del_3", limit=1)) == ["del_2"]


def test_changes_take_turns(store: SqlStore, database_url: str) -> None:
    """Whoever looks before changing anything sees what the one before did, whatever process."""
    lasting = replace(FIRST, id="del_4", ends_at=AT + 5_000 * WEEK)
    is_locked, may_commit = Event(), Event()

    def change() -> None:
        with store.begin() as tx:
            tx.lock_delegations()
            is_locked.set()
            assert may_commit.wait(60)
            tx.write(Writes(delegations=[lasting]))

    def look(other: SqlStore) -> list[str]:
        with other.begin() as tx:
            return [one.id for one in tx.lock_delegations()]

    with open_database(database_url, FakeClock(AT)) as other, ThreadPoolExecutor(2) as pool:
        changing = pool.submit(change)
        assert is_locked.wait(60)
        looking = pool.submit(look, other)
        with pytest.raises(TimeoutError):
            looking.result(0.2)
        may_commit.set()
        changing.result(60)
        assert "del_4" in looking.result(60)
