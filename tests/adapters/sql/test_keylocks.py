"""Idempotency keys that several processes want: a second's patience, and whose is in use."""

import time
from collections.abc import Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import pytest

from service.adapters.sql.store import SqlStore, open_database
from service.app.errors import KeysInUse
from service.app.records import IdempotencyRecord, Writes
from tests.fakes.clock import FakeClock
from tests.stored import ANSWERED

LONGER = 0.5
"""How much longer than a second nobody waits, on a machine that has other things to do."""


@pytest.fixture
def pair(postgresql_url: str) -> Iterator[tuple[SqlStore, SqlStore]]:
    """Two processes' stores of one server."""
    with (
        open_database(postgresql_url, FakeClock()) as mine,
        open_database(postgresql_url, FakeClock()) as theirs,
    ):
        yield mine, theirs


@contextmanager
def kept(store: SqlStore, keys: Collection[str], *, answered: bool = False) -> Iterator[Event]:
    """Another process has these keys while the block runs, or until the event is set.

    What is ``answered`` by the end of its transaction is `ANSWERED`.
    """
    begun, done = Event(), Event()

    def keep() -> None:
        with store.begin() as tx:
            tx.lock_idempotency(keys)
            begun.set()
            assert done.wait(30)
            tx.write(Writes(idempotency=[ANSWERED] if answered else [], unused_idempotency=[*keys]))

    with ThreadPoolExecutor(1) as threads:
        keeping: Future[None] = threads.submit(keep)
        try:
            assert begun.wait(10)
            yield done
        finally:
            done.set()
        keeping.result(10)


def refused(store: SqlStore, keys: Collection[str]) -> tuple[frozenset[str], float]:
    """Which of the keys are said to be in use, and after how many seconds."""
    started = time.monotonic()
    with pytest.raises(KeysInUse) as raised, store.begin() as tx:
        tx.lock_idempotency(keys)
    return raised.value.keys, time.monotonic() - started


def test_a_key_that_is_being_used_is_waited_for_a_second(pair: tuple[SqlStore, SqlStore]) -> None:
    """A key that another process inserted and did not commit is told to be in use, by its name."""
    mine, theirs = pair
    with kept(theirs, ["k-1"]):
        keys, seconds = refused(mine, ["k-0", "k-1", "k-2"])
    assert keys == {"k-1"}
    assert 1.0 <= seconds < 1.0 + LONGER


def test_a_used_key_that_is_being_replayed_counts_as_well(
    pair: tuple[SqlStore, SqlStore],
) -> None:
    """A key that stands is in use, too, while another process has its row."""
    mine, theirs = pair
    with mine.begin() as tx:
        tx.lock_idempotency([ANSWERED.key])
        tx.write(Writes(idempotency=[ANSWERED]))
    with kept(theirs, [ANSWERED.key]):
        assert refused(mine, ["a", ANSWERED.key, "z"])[0] == {ANSWERED.key}


def test_few_are_found_among_many(pair: tuple[SqlStore, SqlStore]) -> None:
    """Of a whole batch exactly those are named that others have, new ones and old ones."""
    mine, theirs = pair
    many = [f"k-{number:03}" for number in range(256)]
    with mine.begin() as tx:
        tx.lock_idempotency([ANSWERED.key])
        tx.write(Writes(idempotency=[ANSWERED]))
    used = {"k-000", "k-129", "k-130", "k-255", ANSWERED.key}
    with kept(theirs, used):
        keys, seconds = refused(mine, [*many, ANSWERED.key])
    assert keys == used
    assert seconds < 1.0 + 2 * LONGER


def test_a_key_that_is_free_again_in_time_is_had(pair: tuple[SqlStore, SqlStore]) -> None:
    """Whoever waits gets the answer that was committed meanwhile."""
    mine, theirs = pair
    with (
        kept(theirs, [ANSWERED.key], answered=True) as done,
        ThreadPoolExecutor(1) as threads,
    ):
        waiting = threads.submit(locked, mine, ANSWERED.key)
        time.sleep(0.3)
        assert not waiting.done()
        done.set()
        assert waiting.result(10) == ANSWERED


def locked(store: SqlStore, key: str) -> IdempotencyRecord:
    with store.begin() as tx:
        return tx.lock_idempotency([key])[key]


def test_whoever_was_refused_left_nothing_and_goes_on(pair: tuple[SqlStore, SqlStore]) -> None:
    """The other process is not held up, and the connection works at once."""
    mine, theirs = pair
    with kept(theirs, ["k-1"]):
        refused(mine, ["k-0", "k-1"])
        assert locked(mine, "k-2") == IdempotencyRecord(key="k-2")
        assert locked(mine, "k-0") == IdempotencyRecord(key="k-0")
    assert locked(mine, "k-1") == IdempotencyRecord(key="k-1")


def test_only_keys_are_waited_for_so_briefly(pair: tuple[SqlStore, SqlStore]) -> None:
    """A budget row that is locked for more than a second is got, as ever."""
    mine, _ = pair
    with mine.begin() as tx:
        before = tx._connection.exec_driver_sql("SHOW lock_timeout").scalar()  # noqa: SLF001
        tx.lock_idempotency(["k-1"])
        after = tx._connection.exec_driver_sql("SHOW lock_timeout").scalar()  # noqa: SLF001
    assert before == after == "10s"


def test_on_sqlite_no_key_is_ever_in_use(sqlite_url: str) -> None:
    """Another process's transaction begins when this one has ended, so it sees the answer."""
    with (
        open_database(sqlite_url, FakeClock()) as mine,
        open_database(sqlite_url, FakeClock()) as theirs,
        kept(theirs, [ANSWERED.key], answered=True) as done,
        ThreadPoolExecutor(1) as threads,
    ):
        waiting = threads.submit(locked, mine, ANSWERED.key)
        time.sleep(1.0 + LONGER)
        assert not waiting.done()
        done.set()
        assert waiting.result(10) == ANSWERED
