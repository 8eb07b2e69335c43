"""The feed: nothing that happened is missed, whatever the replica, and nobody waits for anybody."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Condition
from typing import Any

import pytest

from service.app.deskports import Happened
from service.app.errors import Unavailable
from service.app.feed import BEHIND_ENTRIES_MAX, WATCHERS_EACH_MAX, Feed
from service.app.principal import Principal
from tests.app.house import House
from tests.app.standing_in import delegate

SECONDS = 60


def failed(failure: Exception) -> None:
    """Nothing fails here."""
    raise failure


class Screen:
    """A watcher that remembers what it was told."""

    def __init__(self, principal: Principal) -> None:
        self.principal = principal
        self.seen: list[tuple[str, str]] = []
        self.indexes: list[int] = []
        self.position: int | None = None
        self.reloads = 0
        self.is_over = False
        self._changed = Condition()

    def tell(self, position: int, happened: Sequence[Happened]) -> None:
        with self._changed:
            assert self.position is None or position >= self.position
            self.position = position
            self.seen += [(one.kind, one.escalation.id) for one in happened]
            self.indexes += [one.leaf_index for one in happened]
            self._changed.notify_all()

    def start_anew(self, position: int) -> None:
        with self._changed:
            self.position = position
            self.reloads += 1
            self._changed.notify_all()

    def end(self) -> None:
        with self._changed:
            self.is_over = True
            self._changed.notify_all()

    def wait(self, is_there: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(is_there, SECONDS)

    def ready(self) -> "Screen":
        self.wait(lambda: self.position is not None)
        return self


@pytest.fixture
def feed(house: House) -> Iterator[Feed]:
    made = Feed(house.services.store, house.services.library, failed, pause_seconds=0.02)
    yield made
    made.stop()


def watch(house: House, feed: Feed, person: str, after: int | None = None) -> Screen:
    screen = Screen(house.principal(person))
    feed.join(screen, after)
    return screen.ready()


def escalated(house: House, person: str = "ana", **fields: object) -> str:
    made = house.propose(person, amount="300.00", note="a leak", **fields)
    return str(made["escalation"]["id"])


def test_whoever_watches_is_told_what_happens(house: House, feed: Feed) -> None:
    """What was escalated and answered, in the order of the log; plain decisions are not."""
    screen = watch(house, feed, "max")
    house.propose(amount="10.00")
    id_ = escalated(house)
    house.answer("mia", id_)
    screen.wait(lambda: len(screen.seen) == 2)
    assert screen.seen == [("decision", id_), ("answer", id_)]


def test_each_sees_what_they_may_see(house: House, feed: Feed) -> None:
    """Of their sites, their own, and what they answer for others."""
    delegate(house, "gus", "ben", site="annex")
    max_, gus, ana, vera, ben = (
        watch(house, feed, person) for person in ("max", "gus", "ana", "vera", "ben")
    )
    here, there = escalated(house), escalated(house, "vera", site="annex")
    gus.wait(lambda: len(gus.seen) == 2)
    for screen, ids in (
        (gus, [here, there]),
        (max_, [here]),
        (ana, [here]),
        (vera, [there]),
        (ben, [there]),
    ):
        screen.wait(lambda screen=screen: screen.position == gus.position)  # type: ignore[misc]
        assert [id_ for _, id_ in screen.seen] == ids


def test_who_comes_back_misses_nothing(house: House, feed: Feed) -> None:
    """The position is the log's: another process goes on where the first one stopped."""
    screen = watch(house, feed, "max")
    first = escalated(house)
    screen.wait(lambda: bool(screen.seen))
    feed.leave(screen)
    between = [escalated(house), escalated(house)]
    other = Feed(house.services.store, house.services.library, failed, pause_seconds=0.02)
    back = watch(house, other, "max", screen.position)
    back.wait(lambda: len(back.seen) == 2)
    last = escalated(house)
    back.wait(lambda: len(back.seen) == 3)
    other.stop()
    assert [id_ for _, id_ in screen.seen] == [first]
    assert [id_ for _, id_ in back.seen] == [*between, last]
    assert back.indexes == sorted(set(back.indexes))


def test_who_was_away_too_long_starts_anew(house: House, feed: Feed) -> None:
    """And so does who comes with a position that this log does not have."""
    escalated(house)
    assert watch(house, feed, "max", 1_000_000_000).reloads == 1
    assert watch(house, feed, "max", -1 - BEHIND_ENTRIES_MAX).reloads == 1
    assert watch(house, feed, "max", 0).reloads == 0


def test_a_revoked_key_sees_no_more(house: House, feed: Feed) -> None:
    """The stream ends within a moment, and nobody else's does."""
    max_, mia = watch(house, feed, "max"), watch(house, feed, "mia")
    house.services.keys.revoke(house.key("max").record.id, by="test")
    max_.wait(lambda: max_.is_over)
    id_ = escalated(house)
    mia.wait(lambda: mia.seen == [("decision", id_)])
    assert max_.seen == []
    assert not mia.is_over


def test_one_person_watches_a_bounded_number_of_times(embedded: House) -> None:
    """So that nobody takes every place; who leaves makes room."""
    services = embedded.services
    feed = Feed(services.store, services.library, failed, pause_seconds=0.02)
    screens = [watch(embedded, feed, "max") for _ in range(WATCHERS_EACH_MAX)]
    with pytest.raises(Unavailable) as refused:
        watch(embedded, feed, "max")
    assert refused.value.code == "too_many_streams"
    watch(embedded, feed, "mia")
    feed.leave(screens[0])
    watch(embedded, feed, "max")
    feed.stop()
    assert all(screen.is_over for screen in screens[1:])


def test_a_feed_that_stopped_ends_whoever_comes(embedded: House) -> None:
    """Nobody waits for a process that is going away."""
    services = embedded.services
    feed = Feed(services.store, services.library, failed)
    feed.stop()
    screen = Screen(embedded.principal("max"))
    feed.join(screen)
    screen.wait(lambda: screen.is_over)


def test_one_read_serves_everybody(embedded: House) -> None:
    """However many watch, each part of the log is read once."""
    counted = Counted(embedded.services.store)
    feed = Feed(counted, embedded.services.library, failed, pause_seconds=0.02)
    screens = [watch(embedded, feed, person) for person in ("max", "mia", "gus", "grace")]
    ids = [escalated(embedded) for _ in range(3)]
    for screen in screens:
        screen.wait(lambda screen=screen: len(screen.seen) == 3)  # type: ignore[misc]
        assert [id_ for _, id_ in screen.seen] == ids
    feed.stop()
    assert counted.ranges
    assert len(counted.ranges) == len(set(counted.ranges))


class Counted:
    """A store that notes which parts of the log were read."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.ranges: list[tuple[int, int]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def read(self) -> Iterator[Any]:
        with self._store.read() as reader:
            yield CountedReader(reader, self.ranges)


class CountedReader:
    def __init__(self, reader: Any, ranges: list[tuple[int, int]]) -> None:
        self._reader = reader
        self._ranges = ranges

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    @property
    def desk(self) -> "CountedReader":
        return CountedReader(self._reader.desk, self._ranges)

    def happened(self, begin: int, end: int) -> Sequence[Happened]:
        self._ranges.append((begin, end))
        found: Sequence[Happened] = self._reader.happened(begin, end)
        return found
