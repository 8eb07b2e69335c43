"""Balances: what counts against a limit, and what a charge makes of it."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.core.budget import EMPTY, SPENDS_MAX, Balance, charge, used

T0 = datetime(2026, 1, 1, tzinfo=UTC)
WITHIN = timedelta(days=90)


def test_what_is_held_counts_as_used() -> None:
    """A hold that is not settled yet takes its place in the limit."""
    assert used(Balance(held=30, settled=20), None, T0) == 50
    assert used(Balance(held=30, settled=20, spends=((T0, 20),)), WITHIN, T0 + 2 * WITHIN) == 30


def test_a_rolling_charge_ages_out_exactly() -> None:
    """A charge counts until the window's length after it, and not an instant longer."""
    balance = charge(EMPTY, 100, WITHIN, T0)
    just_before = T0 + WITHIN - timedelta(microseconds=1)
    assert used(balance, WITHIN, just_before) == 100
    assert used(balance, WITHIN, T0 + WITHIN) == 0


def test_a_clock_that_goes_back_frees_nothing() -> None:
    """An instant before the last charge is taken as that charge's."""
    balance = charge(charge(EMPTY, 1, WITHIN, T0), 1, WITHIN, T0 - timedelta(days=400))
    assert used(balance, WITHIN, T0 - timedelta(days=400)) == 2
    assert used(balance, WITHIN, T0 + WITHIN - timedelta(seconds=1)) == 2


@given(st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 100)), max_size=400))
def test_a_rolling_window_never_shows_less_than_was_spent(steps: list[tuple[int, int]]) -> None:
    """However many charges there are, no window ever counts less than they add up to.

    Up to the bound the count is exact.
    """
    balance, now, charges = EMPTY, T0, []
    for minutes, amount in steps:
        now += timedelta(minutes=minutes)
        balance = charge(balance, amount, WITHIN, now)
        charges.append((now, amount))
        exact = sum(spent for at, spent in charges if at > now - WITHIN)
        shown = used(balance, WITHIN, now)
        assert shown >= exact
        assert len(balance.spends) <= SPENDS_MAX
        if len(charges) <= SPENDS_MAX:
            assert shown == exact
    assert balance.version == len(steps)
