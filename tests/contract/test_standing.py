"""What every database counts for monitoring."""

import itertools
from dataclasses import replace
from datetime import timedelta

from service.adapters.sql.store import SqlStore
from service.app.logrecords import CheckpointRecord, Extent
from service.app.noticerecords import NoticeState
from service.app.records import Writes
from service.app.standing import Standings
from tests.fakes.clock import FakeClock
from tests.stored import AT, DEAD_NOTICE, ENTRY, ERASURE

SECOND = timedelta(seconds=1)


def unpublished(store: SqlStore, published: int) -> object:
    with store.read() as reader:
        return reader.standing.first_unpublished(published)


def test_an_empty_database_has_nothing_that_waits(store: SqlStore) -> None:
    """Every count is there, and zero."""
    with store.read() as reader:
        standing = reader.standing
        assert standing.notices() == {"waiting": 0, "dead": 0}
        assert standing.erasures() == {"requested": 0, "unclean": 0}
        assert standing.first_unpublished(0) is None


def test_notices_are_counted_by_what_needs_somebody(store: SqlStore) -> None:
    """Those that wait and those that were given up, and no delivered one."""
    states: tuple[NoticeState, ...] = ("waiting", "waiting", "dead", "delivered")
    with store.begin() as tx:
        tx.write(
            Writes(
                notices=[
                    replace(
                        DEAD_NOTICE,
                        id=f"ntc_{number}",
                        state=state,
                        ended_at=None if state == "waiting" else AT,
                    )
                    for number, state in enumerate(states)
                ]
            )
        )
    with store.read() as reader:
        assert reader.standing.notices() == {"waiting": 2, "dead": 1}


def test_erasures_are_pending_until_their_remains_are_swept(store: SqlStore) -> None:
    """Requested, done and still to be swept, done to the end."""
    done = replace(ERASURE, id="era_2", state="done", confirmed_by="otto", confirmed_at=AT)
    with store.begin() as tx:
        tx.write(Writes(erasures=[ERASURE, done, replace(done, id="era_3", cleaned_at=AT)]))
    with store.read() as reader:
        assert reader.standing.erasures() == {"requested": 1, "unclean": 1}


def test_the_oldest_entry_without_a_checkpoint_is_found(store: SqlStore) -> None:
    """By its index once it has one, before as the first of what waits."""
    entries = [
        replace(ENTRY, id=f"ent_{number}", at=AT + number * SECOND, leaf=bytes([number]) * 32)
        for number in range(4)
    ]
    with store.begin() as tx:
        tx.write(Writes(entries=entries))
    assert unpublished(store, 0) == AT
    with store.begin() as tx:
        tx.log.take(tx.log.recorded(10))
        tx.log.append(0, ["ent_0", "ent_2", "ent_1"])
        tx.log.grow(Extent(size=3, boundary=3))
    assert unpublished(store, 1) == AT + 2 * SECOND
    assert unpublished(store, 2) == AT + SECOND
    assert unpublished(store, 3) is None


def test_how_long_it_waits_is_read_from_the_databases_clock(
    store: SqlStore, clock: FakeClock
) -> None:
    """From the entry that waits longest, and nothing once all are covered."""
    standings = Standings(store, itertools.count().__next__)
    with store.begin() as tx:
        tx.write(Writes(entries=[ENTRY]))
    clock.advance(7 * SECOND)
    assert standings.latest().unpublished_microseconds >= 7_000_000
    with store.begin() as tx:
        tx.log.take(tx.log.recorded(10))
        tx.log.append(0, ["ent_1"])
        tx.log.grow(Extent(size=1, boundary=1))
        checkpoint = CheckpointRecord(number=1, origin="log.example", size=1, note=b"n", at=AT)
        assert tx.log.keep_checkpoint(checkpoint)
    found = standings.latest()
    assert (found.log_size, found.log_published, found.unpublished_microseconds) == (1, 1, 0)
