"""Where keys come from: looked at again in time, never too often, never believed for too long."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Barrier, Event, Thread

import pytest

from service.adapters.jwks import KeySet
from service.adapters.keysource import AGAIN, FRESH, KEPT, KeySource, Unread
from service.app.errors import Unavailable
from tests.issuer import Issuer, jwk_of, jwks_of

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


class Place:
    """A place that keys lie at, or do not; and what was told of it."""

    def __init__(self, *kids: str) -> None:
        self.failure: Exception | None = None
        self.read_times = 0
        self.told: list[str | None] = []
        self.source = KeySource(self._read, self.told.append)
        self.show(*kids)

    def show(self, *kids: str) -> None:
        self.body = jwks_of(*[jwk_of("ES256", kid) for kid in kids])

    def _read(self) -> bytes:
        self.read_times += 1
        if self.failure is not None:
            raise self.failure
        return self.body


def has(keys: KeySet | None, kid: str) -> bool:
    return keys is not None and keys.find(kid, "ES256") is not None


def test_keys_are_read_when_they_are_first_needed() -> None:
    """A service starts while its issuer is away."""
    place = Place("a")
    assert place.source.find_fresh(AT) is None
    assert place.read_times == 0
    assert has(place.source.get(AT), "a")
    assert has(place.source.find_fresh(AT), "a")


def test_keys_are_looked_at_again_after_a_while() -> None:
    """So a key that was withdrawn is gone after that long, whoever asks."""
    place = Place("a", "b")
    place.source.get(AT)
    place.show("b")
    assert has(place.source.get(AT + FRESH - MOMENT), "a")
    assert place.source.find_fresh(AT + FRESH) is None
    assert not has(place.source.get(AT + FRESH), "a")
    assert has(place.source.get(AT + FRESH), "b")
    assert place.read_times == 2


def test_an_unknown_key_is_looked_for_at_most_now_and_then() -> None:
    """A thousand tokens with invented names cost the issuer one request."""
    place = Place("a")
    place.source.get(AT)
    place.show("a", "new")
    for _ in range(1_000):
        assert not has(place.source.get_newer(AT + AGAIN - MOMENT), "new")
    assert place.read_times == 1
    assert has(place.source.get_newer(AT + AGAIN), "new")
    assert place.read_times == 2


@pytest.mark.parametrize("failure", [OSError("away"), Unread("answered 500"), None])
def test_the_last_keys_are_kept_for_so_long_and_no_longer(failure: Exception | None) -> None:
    """An issuer that is away for minutes stops nobody; one that stays away stops every token."""
    place = Place("a")
    place.source.get(AT)
    place.failure = failure
    place.body = b"<html>"
    assert has(place.source.get(AT + KEPT - MOMENT), "a")
    with pytest.raises(Unavailable) as caught:
        place.source.get(AT + KEPT + AGAIN)
    assert caught.value.code == "signing_keys_unavailable"
    assert caught.value.remedy
    with pytest.raises(Unavailable):
        place.source.get_newer(AT + KEPT + AGAIN + AGAIN)


def test_a_place_that_is_away_is_not_asked_without_end() -> None:
    """Every request would wait for it otherwise."""
    place = Place("a")
    place.failure = OSError("away")
    for second in range(60):
        with pytest.raises(Unavailable):
            place.source.get(AT + timedelta(seconds=second))
    assert place.read_times == 2


def test_the_operator_is_told_when_keys_are_away_and_back() -> None:
    """Each failed look, and the first that works again."""
    place = Place("a")
    place.failure = Unread("answered 500")
    with pytest.raises(Unavailable):
        place.source.get(AT)
    place.failure = None
    place.source.get(AT + AGAIN)
    place.source.get(AT + AGAIN + FRESH)
    assert place.told == ["answered 500", None]


def test_a_clock_that_went_back_has_the_keys_looked_at_again() -> None:
    """Keys from a future that did not come are not fresh for as long as it takes to come."""
    place = Place("a")
    place.source.get(AT)
    place.show("b")
    assert has(place.source.get(AT - KEPT), "b")


def test_while_one_reads_the_others_use_the_keys_before() -> None:
    """Nobody waits for an issuer that takes its time, as long as there are keys to use."""
    reading, go_on = Event(), Event()
    bodies = iter([Issuer(kid="a").jwks(), Issuer(kid="b").jwks()])
    is_slow = iter([False, True])

    def read() -> bytes:
        if next(is_slow):
            reading.set()
            go_on.wait(10)
        return next(bodies)

    source = KeySource(read, lambda _: None)
    source.get(AT)
    slow = Thread(target=source.get, args=(AT + FRESH,))
    slow.start()
    assert reading.wait(10)
    assert has(source.get(AT + FRESH), "a")
    go_on.set()
    slow.join(10)
    assert has(source.get(AT + FRESH), "b")


def test_many_who_need_the_first_keys_have_them_read_once() -> None:
    """The others wait for the one who reads, and take what was read."""
    place, together = Place("a"), Barrier(8)
    found: list[bool] = []

    def ask(ask_for: Callable[[datetime], KeySet]) -> None:
        together.wait(10)
        found.append(has(ask_for(AT), "a"))

    threads = [Thread(target=ask, args=(place.source.get,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found == [True] * 8
    assert place.read_times == 1
