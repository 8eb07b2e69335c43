"""A request that is repeated while it is still being decided: a second's wait, then a conflict."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from service.adapters.sql.store import open_database
from service.app.committer import Committer
from service.app.errors import Conflict
from service.app.propose import Answered, Propose
from service.app.records import Writes
from tests.app.house import House, open_house
from tests.fakes.clock import FakeClock


@pytest.fixture
def house(tmp_path: Path, postgresql_url: str) -> Iterator[House]:
    """The shop on PostgreSQL, where other processes decide, too."""
    with open_house(tmp_path, postgresql_url) as opened:
        yield opened


def keys_of(*commands: Propose) -> list[str]:
    return [command.claim.key for command in commands if command.claim is not None]


@contextmanager
def deciding_elsewhere(house: House, *commands: Propose) -> Iterator[None]:
    """Another process is deciding requests with the same keys; it refuses them in the end."""
    begun, done = Event(), Event()

    def decide() -> None:
        with (
            open_database(house.services.settings.database, FakeClock()) as store,
            store.begin() as tx,
        ):
            tx.lock_idempotency(keys_of(*commands))
            begun.set()
            assert done.wait(30)
            tx.write(Writes(unused_idempotency=keys_of(*commands)))

    with ThreadPoolExecutor(1) as threads:
        elsewhere = threads.submit(decide)
        try:
            assert begun.wait(10)
            yield
        finally:
            done.set()
        elsewhere.result(10)


def decided(house: House, commands: list[Propose]) -> list[object]:
    """What one batch of commands comes to: an answer, or the code of a refusal."""
    services = house.services
    failures: list[Exception] = []
    alone = Committer(
        services.store, services.library, services.ids, services.vault, failures.append
    )
    pending = [alone.submit(command) for command in commands]
    alone.start()
    try:
        found = [future.exception(60) or future.result() for future in pending]
    finally:
        alone.stop()
    assert failures == [], "what is in progress is nobody's failure"
    return [one.code if isinstance(one, Conflict) else one for one in found]


def test_only_whose_key_is_in_use_is_turned_away(house: House) -> None:
    """The others of its batch are decided, in their order; the same key twice is replayed."""
    stuck = house.command(key="k-stuck", guest="G-1")
    fine = [house.command(key="k-fine", guest="G-2") for _ in range(2)]
    plain = house.command(guest="G-3")
    with deciding_elsewhere(house, stuck):
        again = house.command(key="k-stuck", guest="G-1")
        found = decided(house, [fine[0], stuck, plain, fine[1], again])
    assert (found[1], found[4]) == ("in_progress", "in_progress")
    rest = [found[0], found[2], found[3]]
    assert all(isinstance(one, Answered) for one in rest)
    assert [one.replayed for one in rest if isinstance(one, Answered)] == [False, False, True]
    assert len(house.entries(kind="decision")) == 2


def test_whoever_was_turned_away_is_decided_later(house: House) -> None:
    """A conflict decided nothing, and the key is as good as before."""
    with deciding_elsewhere(house, house.command(key="k-1")):
        assert decided(house, [house.command(key="k-1")]) == ["in_progress"]
        assert house.entries(kind="decision") == []
    assert not house.decide(house.command(key="k-1")).replayed
    assert len(house.entries(kind="decision")) == 1


def test_all_of_a_batch_may_be_turned_away(house: House) -> None:
    """Nobody is left to decide, and each is told the same."""
    commands = [house.command(key=f"k-{number}") for number in range(3)]
    with deciding_elsewhere(house, *commands):
        assert decided(house, commands) == ["in_progress"] * 3
