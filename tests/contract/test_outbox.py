"""What every database guarantees as an outbox."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from service.adapters.sql.store import SqlStore, open_database
from service.app.noticerecords import LeaseRecord, NoticeRecord
from service.app.ports import Filter, Page
from service.app.records import Writes
from tests.fakes.clock import FakeClock
from tests.stored import AT, DEAD_NOTICE

SECOND: Final = timedelta(seconds=1)
NOTICE: Final = replace(DEAD_NOTICE, state="waiting", attempts=0, ended_at=None, failure=None)
DEAD: Final = replace(DEAD_NOTICE, id="ntc_0")


def write(store: SqlStore, *notices: NoticeRecord) -> None:
    with store.begin() as tx:
        tx.write(Writes(notices=list(notices)))


def now(store: SqlStore) -> datetime:
    with store.read() as reader:
        return reader.now()


def line(store: SqlStore, receiver: str = "desk", limit: int = 10) -> list[str]:
    with store.begin() as tx:
        return [notice.id for notice in tx.line(receiver, limit)]


def due(store: SqlStore, *receivers: str, holder: str = "me") -> list[str]:
    with store.read() as reader:
        return list(reader.due_lines(receivers, holder))


def lease(store: SqlStore, holder: str | None, until: datetime | None) -> None:
    with store.begin() as tx:
        tx.lock_lease("desk")
        given = LeaseRecord(receiver="desk", holder=holder, until=until)
        tx.write(Writes(notice_leases=[given]))


def test_a_notice_reads_back_as_it_was_written(store: SqlStore) -> None:
    """Also after a change, locked or not."""
    write(store, NOTICE)
    ended = replace(NOTICE, state="dead", attempts=2, ended_at=AT + SECOND, failure="timeout")
    with store.begin() as tx:
        assert tx.lock_notices(["ntc_1", "ntc_2"]) == {"ntc_1": NOTICE}
        tx.write(Writes(notice_changes=[ended]))
    with store.read() as reader:
        assert reader.find_notice("ntc_1") == ended
        assert reader.find_notice("ntc_2") is None


def test_a_line_is_in_order(store: SqlStore) -> None:
    """By when a notice was queued, then by its id; only what waits, only one receiver's."""
    write(
        store,
        replace(NOTICE, id="ntc_5"),
        replace(NOTICE, id="ntc_4", queued_at=AT + SECOND),
        replace(NOTICE, id="ntc_3"),
        replace(NOTICE, id="ntc_2", receiver="other"),
        DEAD,
    )
    assert line(store) == ["ntc_3", "ntc_5", "ntc_4"]
    assert line(store, limit=1) == ["ntc_3"]
    assert line(store, "nobody") == []


def test_a_line_is_due_with_its_first_notice(store: SqlStore) -> None:
    """Whatever stands behind it waits for it."""
    later = now(store) + timedelta(hours=1)
    write(
        store,
        replace(NOTICE, id="ntc_1", due_at=later),
        replace(NOTICE, id="ntc_2", queued_at=AT + SECOND),
        replace(NOTICE, id="ntc_3", receiver="other"),
    )
    assert due(store, "desk", "other", "nobody") == ["other"]
    assert due(store) == []


def test_a_line_that_somebody_works_on_is_due_for_nobody_else(store: SqlStore) -> None:
    """Until the lease runs out, or is given back."""
    write(store, NOTICE)
    at = now(store)
    lease(store, "you", at + timedelta(hours=1))
    assert due(store, "desk") == []
    assert due(store, "desk", holder="you") == ["desk"]
    lease(store, "you", at - SECOND)
    assert due(store, "desk") == ["desk"]
    lease(store, None, None)
    assert due(store, "desk") == ["desk"]


def test_a_lease_is_there_for_whoever_asks(store: SqlStore) -> None:
    """The first one to ask finds it free."""
    with store.begin() as tx:
        assert tx.lock_lease("desk", waits=False) == LeaseRecord(receiver="desk")
        assert tx.lock_lease("desk") == LeaseRecord(receiver="desk")


def test_nobody_waits_for_a_lease_that_is_being_taken(postgresql_url: str) -> None:
    """Another replica's transaction holds up no decision."""
    with (
        open_database(postgresql_url, FakeClock(AT)) as one,
        open_database(postgresql_url, FakeClock(AT)) as other,
    ):
        lease(one, None, None)
        with one.begin() as tx, other.begin() as late:
            assert tx.lock_lease("desk") is not None
            assert late.lock_lease("desk", waits=False) is None


def test_the_latest_of_each_escalation_is_known(store: SqlStore) -> None:
    """Whatever became of it, and whoever it was for."""
    write(
        store,
        replace(NOTICE, id="ntc_1", queued_at=AT + SECOND, receiver="other"),
        replace(DEAD, id="ntc_2"),
        replace(NOTICE, id="ntc_3", about="esc_2"),
    )
    with store.begin() as tx:
        assert tx.last_queued(["esc_1", "esc_2", "esc_3"]) == {"esc_1": AT + SECOND, "esc_2": AT}
        assert tx.last_queued([]) == {}


def test_only_what_was_delivered_is_forgotten(store: SqlStore) -> None:
    """Before an instant; what is dead or waits stays."""
    delivered = replace(NOTICE, state="delivered", attempts=1, ended_at=AT)
    write(store, DEAD, NOTICE, replace(delivered, id="ntc_2"), replace(delivered, id="ntc_3"))
    recent = replace(delivered, id="ntc_3", ended_at=AT + SECOND)
    with store.begin() as tx:
        tx.write(Writes(notice_changes=[recent], forget_delivered_before=AT + SECOND))
    with store.read() as reader:
        left = [notice.id for notice in reader.list_notices(Filter(), Page())]
    assert left == ["ntc_3", "ntc_1", "ntc_0"]


def test_notices_are_listed_newest_first(store: SqlStore) -> None:
    """By state, receiver, escalation, site and time, page by page."""
    write(
        store,
        DEAD,
        NOTICE,
        replace(NOTICE, id="ntc_2", receiver="other", about="esc_2", at=AT + SECOND),
        replace(NOTICE, id="ntc_3", site="vienna"),
    )
    with store.read() as reader:

        def listed(page: Page | None = None, **wanted: object) -> list[str]:
            found = reader.list_notices(Filter(**wanted), page or Page())  # type: ignore[arg-type]
            return [notice.id for notice in found]

        assert listed() == ["ntc_3", "ntc_2", "ntc_1", "ntc_0"]
        assert listed(Page(after="ntc_2", limit=1)) == ["ntc_1"]
        assert listed(state="dead") == ["ntc_0"]
        assert listed(receiver="other") == listed(about="esc_2") == ["ntc_2"]
        assert listed(sites=frozenset({"vienna"})) == ["ntc_3"]
        assert listed(since=AT + SECOND) == ["ntc_2"]
        assert listed(kind="escalation.denied") == []
