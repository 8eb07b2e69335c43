"""What every database guarantees of lists: filters, pages and their order."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from service.adapters.sql.store import SqlStore, open_database
from service.app.ports import Filter, Page
from service.app.records import Writes
from tests.fakes.clock import FakeClock
from tests.stored import AT, ENTRY, ESCALATION, RESOLUTION

SITES = ("new_york", "vienna")
EVERYTHING = Page(limit=100)


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    """Twelve cases, every other one in Vienna, a minute apart."""
    with open_database(database_url, FakeClock()) as opened:
        with opened.begin() as tx:
            tx.write(twelve())
        yield opened


def twelve() -> Writes:
    writes = Writes()
    for number in range(12):
        case: dict[str, Any] = {"site": SITES[number % 2]}
        at = AT + timedelta(minutes=number)
        outcome = "approved" if number < 6 else "escalated"
        name = f"{number:02}"
        writes.resolutions.append(
            replace(
                RESOLUTION,
                id=f"res_{name}",
                decided_at=at,
                outcome=outcome,
                state="settled" if number < 6 else "pending",
                agent="ana" if number % 3 else "ben",
                resolution="cash" if number == 7 else "goodwill_credit",
                **case,
            )
        )
        writes.entries.append(
            replace(ENTRY, id=f"ent_{name}", at=at, about=f"res_{name}", outcome=outcome, **case)
        )
        if number >= 6:
            writes.escalations.append(
                replace(
                    ESCALATION,
                    id=f"esc_{name}",
                    resolution=f"res_{name}",
                    opened_at=at,
                    state="open" if number < 10 else "denied",
                    role="duty_manager" if number < 8 else "general_manager",
                    **case,
                )
            )
    no_site = replace(ENTRY, id="ent_99", kind="key", about="key_1", site=None, agent=None)
    writes.entries.append(replace(no_site, at=AT + timedelta(hours=1)))
    return writes


def resolutions(store: SqlStore, page: Page = EVERYTHING, **wanted: Any) -> str:
    with store.read() as reader:
        found = reader.list_resolutions(Filter(**wanted), page)
    return " ".join(record.id.removeprefix("res_") for record in found)


def escalations(store: SqlStore, page: Page = EVERYTHING, **wanted: Any) -> str:
    with store.read() as reader:
        found = reader.list_escalations(Filter(**wanted), page)
    return " ".join(record.id.removeprefix("esc_") for record in found)


def entries(store: SqlStore, page: Page = EVERYTHING, **wanted: Any) -> str:
    with store.read() as reader:
        found = reader.list_entries(Filter(**wanted), page)
    return " ".join(record.id.removeprefix("ent_") for record in found)


def test_lists_are_newest_first(store: SqlStore) -> None:
    """Without a filter everything is listed, the latest first."""
    assert resolutions(store) == "11 10 09 08 07 06 05 04 03 02 01 00"
    assert escalations(store) == "11 10 09 08 07 06"
    assert entries(store).split()[:3] == ["99", "11", "10"]


def test_a_filter_takes_what_equals_it(store: SqlStore) -> None:
    """Each field of a filter narrows the list by itself, and several narrow it together."""
    assert resolutions(store, agent="ben") == "09 06 03 00"
    assert resolutions(store, outcome="escalated", agent="ben") == "09 06"
    assert resolutions(store, state="settled", sites=frozenset({"vienna"})) == "05 03 01"
    assert resolutions(store, resolution="cash") == "07"
    assert escalations(store, state="open") == "09 08 07 06"
    assert escalations(store, role="general_manager", state="open") == "09 08"
    assert escalations(store, about="res_10") == "10"
    assert escalations(store, agent="ana", sites=frozenset({"vienna"})) == "11 09 07"
    assert entries(store, kind="key") == "99"
    assert entries(store, about="res_03") == "03"
    assert entries(store, outcome="approved", agent="ana") == "05 04 03 02 01 00"


def test_times_are_inclusive_and_then_exclusive(store: SqlStore) -> None:
    """``since`` takes its own instant and ``until`` does not, to the microsecond."""
    since, until = AT + timedelta(minutes=2), AT + timedelta(minutes=4)
    assert resolutions(store, since=since, until=until) == "03 02"
    assert entries(store, since=since, until=until) == "03 02"
    later = since + timedelta(microseconds=1)
    assert resolutions(store, since=later, until=until) == "03"
    assert escalations(store, since=AT + timedelta(minutes=10)) == "11 10"


def test_who_may_see_no_site_sees_nothing(store: SqlStore) -> None:
    """No sites is not every site; what belongs to no site is for those who may see all."""
    assert resolutions(store, sites=frozenset()) == ""
    assert entries(store, sites=frozenset()) == ""
    assert "99" not in entries(store, sites=frozenset(SITES))
    assert "99" in entries(store)


def test_pages_follow_each_other_without_gap_or_repeat(store: SqlStore) -> None:
    """Asking for what comes after the last item seen walks the whole list once."""
    seen: list[str] = []
    after = None
    while page := resolutions(store, Page(after=after, limit=5)).split():
        assert len(page) <= 5
        seen += page
        after = f"res_{page[-1]}"
    assert " ".join(seen) == resolutions(store)


def test_a_filter_that_a_list_does_not_have_is_an_error(store: SqlStore) -> None:
    """Nothing is listed under a condition that could not be asked."""
    with pytest.raises(ValueError, match="resolutions cannot be filtered by role"):
        resolutions(store, role="duty_manager")
    with pytest.raises(ValueError, match="escalations cannot be filtered by outcome"):
        escalations(store, outcome="approved")
    with pytest.raises(ValueError, match="entries cannot be filtered by state"):
        entries(store, state="settled")


def test_entries_can_be_read_as_they_came(store: SqlStore) -> None:
    """Oldest first, a page after the other, nothing twice and nothing left out."""
    found: list[str] = []
    after = None
    while True:
        page = Page(after=after, limit=5, oldest_first=True)
        with store.read() as reader:
            entries = reader.list_entries(Filter(kind="decision"), page)
        found += [entry.id for entry in entries]
        if len(entries) < 5:
            break
        after = entries[-1].id
    assert found == [f"ent_{number:02}" for number in range(12)]
