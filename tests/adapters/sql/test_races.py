"""Several processes that want the same rows at the same instant."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from threading import Barrier, Event

import pytest
from sqlalchemy import create_engine, text

from service.adapters.sql.engine import open_engines, parse
from service.adapters.sql.sets import sets_for
from service.adapters.sql.store import SqlStore, open_database
from service.adapters.sql.uow import Instants, SqlTransaction, transaction
from service.app.errors import Busy, OutcomeUnknown
from service.app.records import IdempotencyRecord, Writes
from tests.fakes.clock import FakeClock
from tests.stored import ANSWERED, RESOLUTION, SURROGATE, budgets, spend

PROCESSES = 4


@pytest.fixture
def stores(postgresql_url: str) -> Iterator[list[SqlStore]]:
    """As many stores as processes, each with a writing connection of its own."""
    with ExitStack() as stack:
        opened = [open_database(postgresql_url, FakeClock()) for _ in range(PROCESSES)]
        for store in opened:
            stack.enter_context(store)
        yield opened


def at_once(stores: list[SqlStore], work: Callable[[int, SqlTransaction], object]) -> list[object]:
    """What each store's transaction makes of the work, all begun before any goes on."""
    together = Barrier(len(stores))

    def one(number: int) -> object:
        with stores[number].begin() as tx:
            together.wait(10)
            return work(number, tx)

    with ThreadPoolExecutor(len(stores)) as threads:
        return list(threads.map(one, range(len(stores))))


def test_first_requests_of_a_budget_share_one_balance(stores: list[SqlStore]) -> None:
    """Whoever comes first inserts the row, and everybody else charges what is left of it."""

    def take(_: int, tx: SqlTransaction) -> bool:
        row = tx.lock_budgets(budgets("guest-stay"))["guest-stay"]
        if row.balance.settled + 80 > 100:
            return False
        tx.write(Writes(budgets=[spend(row, 80)]))
        return True

    assert sorted(at_once(stores, take), key=bool) == [False, False, False, True]


def test_first_requests_of_a_guest_share_one_surrogate(stores: list[SqlStore]) -> None:
    """However many draw a name for one person at once, they all go on with the same."""

    def name(number: int, tx: SqlTransaction) -> str:
        drawn = replace(SURROGATE, surrogate=f"sub_{number}", subject=f"sub_{number}")
        return tx.lock_surrogates({SURROGATE.fingerprint: drawn})[SURROGATE.fingerprint].surrogate

    assert len(set(at_once(stores, name))) == 1


def test_first_requests_of_a_subject_share_one_key(stores: list[SqlStore]) -> None:
    """Whatever is sealed for one person is sealed under one key."""

    def key(number: int, tx: SqlTransaction) -> bytes:
        return tx.lock_subject_keys({"sub_1": bytes([number])})["sub_1"]

    assert len(set(at_once(stores, key))) == 1


def test_one_of_many_uses_an_idempotency_key(stores: list[SqlStore]) -> None:
    """The key is new for exactly one of the requests that carry it; the rest read its answer."""

    def use(_: int, tx: SqlTransaction) -> bool:
        found = tx.lock_idempotency([ANSWERED.key])[ANSWERED.key]
        if found.answer is not None:
            assert found == ANSWERED
            return False
        tx.write(Writes(idempotency=[ANSWERED]))
        return True

    assert sorted(at_once(stores, use), key=bool) == [False, False, False, True]


def test_a_key_that_was_given_back_is_new_for_the_next(stores: list[SqlStore]) -> None:
    """Requests that wait for a key whose request was refused find it unused, one by one."""

    def refuse(_: int, tx: SqlTransaction) -> IdempotencyRecord:
        found = tx.lock_idempotency(["ana|2"])["ana|2"]
        tx.write(Writes(unused_idempotency=["ana|2"]))
        return found

    assert at_once(stores, refuse) == [IdempotencyRecord(key="ana|2")] * PROCESSES


def test_batches_with_the_same_rows_never_deadlock(stores: list[SqlStore]) -> None:
    """Processes that want overlapping rows in any order of asking charge all of them, exactly."""
    keys = [f"k{number}" for number in range(6)]

    def work(number: int) -> None:
        for turn in range(10):
            mine = keys[(number + turn) % 6 :] + keys[: (number + turn) % 6]
            with stores[number].begin() as tx:
                rows = tx.lock_budgets(budgets(*mine[:4]))
                tx.write(Writes(budgets=[spend(row, 1) for row in rows.values()]))

    with ThreadPoolExecutor(PROCESSES) as threads:
        list(threads.map(work, range(PROCESSES)))
    with stores[0].read() as reader:
        found = reader.budgets(keys)
    assert sum(row.balance.settled for row in found.values()) == PROCESSES * 10 * 4
    assert all(row.balance.settled == row.balance.version for row in found.values())


def test_a_deadlock_is_busy_and_leaves_nothing(stores: list[SqlStore]) -> None:
    """Of two that lock against each other one is told to try again, and the other goes on."""
    held = Barrier(2)

    def cross(number: int) -> str:
        first, second = ("a", "b") if number else ("b", "a")
        try:
            with stores[number].begin() as tx:
                tx.lock_budgets(budgets(first))
                held.wait(10)
                tx.lock_budgets(budgets(second))
        except Busy:
            return "busy"
        return "done"

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(cross, range(2))) == ["busy", "done"]


def test_a_lost_connection_before_the_commit_is_busy(
    stores: list[SqlStore], postgresql_url: str
) -> None:
    """A server that ends the connection kept nothing, so the batch may simply be tried again."""
    with pytest.raises(Busy), stores[0].begin() as tx:  # noqa: PT012 — the last one raises
        tx.write(Writes(resolutions=[RESOLUTION]))
        end_all_others(postgresql_url)
        tx.lock_budgets(budgets("a"))
    with stores[0].begin() as tx:
        assert tx.lock_resolutions([RESOLUTION.id]) == {}


def test_a_connection_lost_at_the_commit_leaves_it_open(
    stores: list[SqlStore], postgresql_url: str
) -> None:
    """Where the answer to a commit is lost nobody claims to know; the next transaction works."""
    with pytest.raises(OutcomeUnknown), stores[0].begin() as tx:  # noqa: PT012 — the commit raises
        tx.write(Writes(resolutions=[RESOLUTION]))
        end_all_others(postgresql_url)
    with stores[0].begin() as tx:
        assert tx.lock_resolutions([RESOLUTION.id]) == {}


def test_a_writer_that_waited_too_long_is_busy(sqlite_url: str) -> None:
    """On SQLite whoever does not get the one write lock in time is told to try again."""
    engines = open_engines(sqlite_url, serving=False)
    with engines.writes.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    with open_database(sqlite_url, FakeClock()) as store, store.begin():  # noqa: SIM117
        with (
            pytest.raises(Busy),
            transaction(engines.writes, sets_for("sqlite"), Instants(FakeClock())),
        ):
            pass
    engines.close()


def end_all_others(url: str) -> None:
    engine = create_engine(parse(url))
    with engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    engine.dispose()


def test_threads_of_one_process_take_turns(sqlite_url: str) -> None:
    """On SQLite a second transaction begins only after the first one ended."""
    order: list[str] = []
    begun = Event()
    with open_database(sqlite_url, FakeClock()) as store, ThreadPoolExecutor(1) as threads:

        def second() -> None:
            begun.set()
            with store.begin():
                order.append("second")

        with store.begin():
            waiting = threads.submit(second)
            assert begun.wait(10)
            order.append("first")
        waiting.result(10)
    assert order == ["first", "second"]
