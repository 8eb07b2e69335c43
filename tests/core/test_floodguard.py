"""At most so many in any stretch of time, against a list of instants."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.core.budget import EMPTY
from service.core.floodguard import is_told, let_through, refused, wait_of

AT = datetime(2026, 3, 1, 21, tzinfo=UTC)
HOUR = timedelta(hours=1)


@given(count=st.integers(1, 5), steps=st.lists(st.integers(0, 40), max_size=60))
def test_no_stretch_holds_more_than_it_may(count: int, steps: list[int]) -> None:
    """What goes through is what a list of all instants lets through, and the wait is exact."""
    guard, sent, at = EMPTY, list[datetime](), AT
    for minutes in steps:
        at += timedelta(minutes=minutes)
        fits = sum(1 for one in sent if one + HOUR > at) < count
        wait = wait_of(guard, (count, HOUR), at)
        assert (wait is None) == fits
        if wait is None:
            guard = let_through(guard, (count, HOUR), at)
            sent.append(at)
            continue
        guard = refused(guard)
        assert wait_of(guard, (count, HOUR), at + wait) is None
        assert wait_of(guard, (count, HOUR), at + wait - timedelta(microseconds=1)) is not None


@given(refusals=st.integers(1, 2_000))
def test_a_flood_of_requests_is_no_flood_of_entries(refusals: int) -> None:
    """So many are told as the count has binary digits, and the first is one of them."""
    guard, told = EMPTY, 0
    for _ in range(refusals):
        guard = refused(guard)
        told += is_told(guard)
    assert told == refusals.bit_length()
    assert guard.held == refusals
    assert guard.version == refusals


def test_what_goes_through_again_ends_the_count() -> None:
    """The next flood is told from its first refusal on; every change is a version."""
    guard = refused(refused(refused(let_through(EMPTY, (1, HOUR), AT))))
    guard = let_through(guard, (1, HOUR), AT + HOUR)
    assert (guard.held, guard.version) == (0, 5)
    assert not is_told(guard)
    assert is_told(refused(guard))
