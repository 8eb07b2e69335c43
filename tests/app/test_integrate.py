"""Every committed entry gets one index, whatever its id and whoever integrates."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from service.adapters.sql.store import open_database
from service.app.integrate import ROWS_MAX, Integrator, integrate_some
from service.app.logrecords import Extent
from service.app.logtree import check_bundle, tree_of
from service.app.records import Writes
from service.core.merkle import leaf_hash, tree_root
from service.core.tiles import TileError
from tests.fakes.clock import FakeClock
from tests.logged import Logged, entry, logged


@pytest.fixture
def log(database_url: str) -> Iterator[Logged]:
    with logged(database_url) as opened:
        yield opened


def order(log: Logged) -> list[bytes]:
    """The entries' bytes by index."""
    with log.store.read() as reader:
        return list(reader.log.bodies(0, 1_000_000))


def test_what_is_committed_later_gets_its_index_whatever_its_id(log: Logged) -> None:
    """An id that is smaller than all that were integrated is not passed over."""
    log.write(3)
    log.integrator.integrate()
    late = entry(1_500)
    assert late.id < entry(0).id
    with log.store.begin() as tx:
        tx.write(Writes(entries=[late]))
    log.integrator.integrate()
    assert order(log)[3] == late.body
    assert len(set(order(log))) == 4


def test_the_entries_of_a_transaction_stay_together_in_their_order(log: Logged) -> None:
    """As they were written, though their ids fall."""
    log.write(4, 2, 300)
    log.integrator.integrate()
    found = order(log)
    begin = found.index(entry(0).body)
    assert found[begin : begin + 4] == [entry(number).body for number in range(4)]
    begin = found.index(entry(6).body)
    assert found[begin : begin + 300] == [entry(number).body for number in range(6, 306)]


@pytest.mark.parametrize("size", [1, 255, 256, 257, 513, 1_000])
def test_the_tree_is_that_of_the_entries(log: Logged, size: int) -> None:
    """Grown in steps, it has the root over the hashes of the bytes, at every size on the way."""
    for step in (size // 3, size // 2 - size // 3, size - size // 2):
        if step:
            log.write(step)
            log.integrator.integrate()
    leaves = [leaf_hash(body) for body in order(log)]
    with log.store.read() as reader:
        assert reader.log.extent() == Extent(size=size, boundary=size)
        for reach in {1, size // 2 or 1, size}:
            assert tree_of(reader.log, reach).root() == tree_root(leaves[:reach])
        for index in range(-(-size // 256)):
            check_bundle(reader.log, index, min(256, size - 256 * index))


def test_a_backlog_is_integrated_in_bounded_steps(log: Logged) -> None:
    """A boundary is reached only where nothing more was waiting."""
    log.write(*[1] * (ROWS_MAX + 3))
    with log.store.begin() as tx:
        assert integrate_some(tx.log)
    assert log.extent() == Extent(size=ROWS_MAX, boundary=0)
    log.integrator.integrate()
    assert log.extent() == Extent(size=ROWS_MAX + 3, boundary=ROWS_MAX + 3)


def test_nothing_is_integrated_twice(log: Logged) -> None:
    """Where nothing waits, nothing changes."""
    log.write(5)
    for _ in range(3):
        log.integrator.integrate()
    assert log.extent() == Extent(size=5, boundary=5)
    with log.store.read() as reader:
        assert not reader.log.is_waiting()


def test_what_is_undone_is_not_integrated(log: Logged) -> None:
    """An entry whose transaction was rolled back waits nowhere."""
    with pytest.raises(ZeroDivisionError), log.store.begin() as tx:  # noqa: PT012 — the last one raises
        tx.write(Writes(entries=[entry(1)]))
        raise ZeroDivisionError
    with log.store.read() as reader:
        assert not reader.log.is_waiting()


def test_a_step_that_fails_leaves_everything_waiting(log: Logged) -> None:
    """Index, tiles and the end of waiting are one transaction."""
    log.write(300)
    with pytest.raises(ZeroDivisionError), log.store.begin() as tx:  # noqa: PT012 — the last one raises
        integrate_some(tx.log)
        raise ZeroDivisionError
    assert log.extent() == Extent()
    with log.store.read() as reader:
        assert reader.log.find_tile(0, 0) is None
    log.integrator.integrate()
    assert log.extent() == Extent(size=300, boundary=300)


def test_rows_that_do_not_fit_together_are_not_integrated(log: Logged) -> None:
    """Hashes that are fewer than the entries stop it, rather than shift what follows."""
    log.write(3)
    log.alter("UPDATE log_recorded SET leaves = :leaves", leaves=b"\x00" * 64)
    with pytest.raises(TileError, match="not all there"):
        log.integrator.integrate()
    assert log.extent() == Extent()


def test_whoever_holds_the_lock_is_not_waited_for(postgresql_url: str) -> None:
    """A second replica goes on with its own work, and the entries get one index each."""
    with logged(postgresql_url) as log, open_database(postgresql_url, FakeClock()) as other:
        log.write(5)
        with log.store.begin() as tx:
            assert tx.log.lock() == Extent()
            with other.begin() as second:
                assert second.log.lock() is None
                assert not integrate_some(second.log)
        Integrator(other).integrate()
        assert log.extent() == Extent(size=5, boundary=5)


def test_replicas_that_integrate_at_once_give_each_entry_one_index(postgresql_url: str) -> None:
    """Three of them, while a fourth writes: no index is missing, no entry stands twice."""
    with logged(postgresql_url) as log, ExitStack() as stack, ThreadPoolExecutor(3) as threads:
        stores = [stack.enter_context(open_database(postgresql_url, FakeClock())) for _ in range(3)]
        is_over = False

        def integrate(number: int) -> None:
            while not is_over:
                Integrator(stores[number]).integrate()

        running = [threads.submit(integrate, number) for number in range(3)]
        for number in range(120):
            with log.store.begin() as tx:
                tx.write(Writes(entries=[entry(number * 5 + each) for each in range(5)]))
        is_over = True
        for each in running:
            each.result(30)
        log.integrator.integrate()
        assert sorted(order(log)) == sorted(entry(number).body for number in range(600))
        assert log.extent() == Extent(size=600, boundary=600)
        leaves = [leaf_hash(body) for body in order(log)]
        with log.store.read() as reader:
            assert tree_of(reader.log, 600).root() == tree_root(leaves)
