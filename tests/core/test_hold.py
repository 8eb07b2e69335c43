"""Held money is spent once or comes back once, and no window ever has less than it should."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from service.core.budget import EMPTY, SPENDS_MAX, Balance, charge, used
from service.core.hold import FOREVER, TRANSITIONS, Move, State, is_over, release, reverse, settle

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
AMOUNTS = st.integers(min_value=1, max_value=60)


def test_a_hold_ends_once_and_what_ended_stays_ended() -> None:
    """Of all states and moves three are legal, and none leads back to held."""
    legal = {
        (State.HELD, Move.SETTLE): State.SETTLED,
        (State.HELD, Move.RELEASE): State.RELEASED,
        (State.SETTLED, Move.REVERSE): State.REVERSED,
    }
    assert {pair: TRANSITIONS.get(pair) for pair in product(State, Move)} == {
        pair: legal.get(pair) for pair in product(State, Move)
    }


def test_a_hold_lasts_until_its_end_exclusively() -> None:
    """At its end it is over; what has no end is never over."""
    assert not is_over(AT, AT - timedelta(microseconds=1))
    assert is_over(AT, AT)
    assert not is_over(None, AT)


def test_settling_less_returns_the_rest() -> None:
    """Of 50 held 30 are spent, and 20 come back, in one change."""
    assert settle(Balance(held=50, version=1), 50, 30, None, AT) == Balance(0, 30, 2)


@pytest.mark.parametrize(("held", "spent"), [(50, 51), (50, 0), (50, -1), (51, 51)])
def test_no_more_is_settled_than_was_held(held: int, spent: int) -> None:
    """Neither more than the hold, nor nothing, nor a hold that the row does not have."""
    with pytest.raises(ValueError, match="held"):
        settle(Balance(held=50), held, spent, None, AT)


def test_no_more_comes_back_than_there_is() -> None:
    """A row that lacks what is to return is a defect, and nothing is made of it."""
    with pytest.raises(ValueError, match="held"):
        release(Balance(held=5), 6)
    with pytest.raises(ValueError, match="settled"):
        reverse(Balance(settled=5), 6, None, None, AT)
    with pytest.raises(ValueError, match="lacks"):
        reverse(charge(EMPTY, 5, WEEK, AT), 6, AT, WEEK, AT)


def test_a_hold_never_ages_out() -> None:
    """However long it is held, it counts; once settled, it counts for one window more."""
    held = Balance(held=7, version=1)
    later = AT + 10 * WEEK
    assert used(held, WEEK, later) == 7
    settled = settle(held, 7, 7, WEEK, later)
    assert used(settled, WEEK, later + WEEK - timedelta(microseconds=1)) == 7
    assert used(settled, WEEK, later + WEEK) == 0


def test_a_window_loses_the_spend_that_is_reversed() -> None:
    """And none of the others, whatever their instants."""
    balance = EMPTY
    for hour, amount in enumerate((1, 2, 4)):
        balance = charge(balance, amount, WEEK, AT + timedelta(hours=hour))
    balance = reverse(balance, 2, AT + timedelta(hours=1), WEEK, AT + timedelta(hours=3))
    assert (balance.settled, balance.version) == (5, 4)
    assert used(balance, WEEK, AT + WEEK) == 4


def test_what_aged_out_is_not_taken_from_its_neighbour() -> None:
    """A spend that left the window returns nothing, whether the row dropped it or not."""
    old = charge(EMPTY, 5, WEEK, AT)
    assert reverse(old, 5, AT, WEEK, AT + WEEK) is old
    balance = charge(old, 3, WEEK, AT + WEEK)
    assert len(balance.spends) == 1
    for within in (WEEK, 2 * WEEK, FOREVER):  # a policy may have made the window longer since
        assert reverse(balance, 5, AT, within, AT + WEEK) is balance
    assert reverse(EMPTY, 5, AT, WEEK, AT) is EMPTY


def test_what_no_policy_ages_any_more_stays() -> None:
    """A rolling row without a budget keeps every spend that is settled into it."""
    balance = settle(charge(EMPTY, 5, WEEK, AT)._replace(held=3), 3, 3, FOREVER, AT + 100 * WEEK)
    assert used(balance, FOREVER, AT + 100 * WEEK) == 8


@settings(max_examples=30)
@given(data=st.data())
def test_reversals_of_merged_spends_err_to_refusal(data: st.DataObject) -> None:
    """Where neighbours were merged, a window never has less than what was not reversed."""
    balance, charges = EMPTY, []
    for number in range(SPENDS_MAX + 40):
        at = AT + timedelta(minutes=number * number % 97 + number * 60)
        balance = charge(balance, number % 9 + 1, WEEK * 10, at)
        charges.append((balance.spends[-1][0], number % 9 + 1))
    now = balance.spends[-1][0]
    chosen = data.draw(st.lists(st.sampled_from(range(len(charges))), max_size=60, unique=True))
    for number in chosen:
        at, amount = charges[number]
        balance = reverse(balance, amount, at, WEEK * 10, now)
    left = sum(amount for number, (_, amount) in enumerate(charges) if number not in set(chosen))
    assert used(balance, WEEK * 10, now) >= left
    assert balance.settled == sum(amount for _, amount in balance.spends)


@dataclass
class Approval:
    """What the naive model knows of one approval: no sums, no merging, no dropping.

    ``late`` is what was reversed after it had aged out: nothing was freed, so it may count
    again where the clock goes back.
    """

    held: int = 0
    spent: int = 0
    late: int = 0
    spent_at: datetime = AT
    seen_at: datetime = AT
    recorded_at: datetime | None = None


class Life(RuleBasedStateMachine):
    """One budget row against a list of approvals that is re-added for each question."""

    within: timedelta | None = None

    def __init__(self) -> None:
        super().__init__()
        self.balance, self.changes = EMPTY, 0
        self.limit = 100
        self.now = self.seen = AT
        self.approvals: list[Approval] = []

    def naive(self, *, at_least: bool) -> int:
        """What is used, at least or at most: a clock that went back leaves a range."""
        spends = [
            (a.spent_at, a.spent) if at_least else (a.seen_at, a.spent + a.late)
            for a in self.approvals
        ]
        now = self.seen if at_least else self.now
        alive = [s for at, s in spends if self.within is None or at + self.within > now]
        return sum(a.held for a in self.approvals) + sum(alive)

    def spend(self, approval: Approval, amount: int) -> None:
        approval.held, approval.spent = 0, amount
        approval.spent_at, approval.seen_at = self.now, self.seen
        if self.within is not None:
            approval.recorded_at = self.balance.spends[-1][0]

    def draw(self, data: Any, *, held: bool) -> Approval | None:
        found = [a for a in self.approvals if (a.held if held else a.spent)]
        return data.draw(st.sampled_from(found)) if found else None

    @rule(amount=AMOUNTS, held=st.booleans())
    def propose(self, amount: int, held: bool) -> None:
        if used(self.balance, self.within, self.now) + amount > self.limit:
            return
        approval = Approval()
        if held:
            approval.held = amount
            grown = self.balance.held + amount
            self.balance = self.balance._replace(held=grown, version=self.balance.version + 1)
        else:
            self.balance = charge(self.balance, amount, self.within, self.now)
            self.spend(approval, amount)
        self.approvals.append(approval)
        self.changes += 1
        assert used(self.balance, self.within, self.now) <= self.limit

    @rule(data=st.data())
    def settle(self, data: Any) -> None:
        approval = self.draw(data, held=True)
        if approval is None:
            return
        spent = data.draw(st.integers(min_value=1, max_value=approval.held))
        before = used(self.balance, self.within, self.now)
        self.balance = settle(self.balance, approval.held, spent, self.within, self.now)
        assert used(self.balance, self.within, self.now) == before - approval.held + spent
        self.spend(approval, spent)
        self.changes += 1

    @rule(data=st.data())
    def release(self, data: Any) -> None:
        approval = self.draw(data, held=True)
        if approval is not None:
            self.balance = release(self.balance, approval.held)
            approval.held = 0
            self.changes += 1

    @rule(data=st.data())
    def reverse(self, data: Any) -> None:
        approval = self.draw(data, held=False)
        if approval is not None:
            before = self.balance
            recorded_at = approval.recorded_at
            self.balance = reverse(before, approval.spent, recorded_at, self.within, self.now)
            self.changes += self.balance is not before
            approval.late = approval.spent if self.balance is before else 0
            approval.spent = 0

    @rule(limit=st.integers(min_value=0, max_value=200))
    def change_the_limit(self, limit: int) -> None:
        self.limit = limit

    @precondition(lambda self: self.within is not None)
    @rule(hours=st.integers(min_value=-100, max_value=250))
    def jump(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.seen = max(self.seen, self.now)

    @invariant()
    def agrees(self) -> None:
        assert self.balance.held == sum(approval.held for approval in self.approvals)
        assert self.balance.version == self.changes
        found = used(self.balance, self.within, self.now)
        assert self.naive(at_least=True) <= found <= self.naive(at_least=False)


class RollingLife(Life):
    """The same row where spends age out of it after a week."""

    within: timedelta | None = WEEK


TestLife = Life.TestCase
TestRollingLife = RollingLife.TestCase
TestLife.settings = TestRollingLife.settings = settings(max_examples=150, stateful_step_count=40)
