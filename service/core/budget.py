"""Budgets: what a key has used, and whether a charge still fits."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple, cast

SPENDS_MAX = 192
"""How many charges a rolling window keeps apart before old neighbours are merged."""


class BudgetKey(NamedTuple):
    """One row of one budget: its id, the values of ``per`` in order, the window's start.

    ``starts_at`` is ``None`` for a rolling or lifetime budget. A named tuple because a
    decision makes and looks up one for each budget.
    """

    budget: str
    per: tuple[str, ...]
    starts_at: datetime | None


class Balance(NamedTuple):
    """What one key has used: minor units of money, or a count.

    ``held`` is kept back for resolutions that are not final, ``settled`` is what is
    spent; both count as used. In a rolling window ``settled`` is the sum of ``spends``,
    (instant, amount) pairs in order of time. ``version`` grows by one with each change.
    """

    held: int = 0
    settled: int = 0
    version: int = 0
    spends: tuple[tuple[datetime, int], ...] = ()


EMPTY = Balance()

# What ``Balance(…)`` does, a frame of Python less: every charge makes one.
_balance = cast("Callable[[Iterable[object]], Balance]", partial(tuple.__new__, Balance))


def used(balance: Balance, within: timedelta | None, at: datetime) -> int:
    """What counts against the limit at ``at``.

    A charge made at ``t`` counts in a rolling window until ``t + within``, exclusively. A
    hold never ages out. An instant before the last charge (a clock that went back) is
    taken as that charge's instant, so no clock can free money early.
    """
    held, settled, _, spends = balance
    if within is None:
        return held + settled
    alive = _alive(balance, within, at)
    if alive is spends:  # nothing aged out
        return held + settled
    return held + sum([amount for _, amount in alive])


def charge(balance: Balance, amount: int, within: timedelta | None, at: datetime) -> Balance:
    """The balance after ``amount`` was settled at ``at``. Does not look at any limit."""
    held, settled, version, _ = balance
    if within is None:
        return _balance((held, settled + amount, version + 1, ()))
    alive = _alive(balance, within, at)
    latest = alive[-1][0] if alive else at
    spends = _bounded((*alive, (max(at, latest), amount)))
    settled = sum(spent for _, spent in spends)
    return _balance((held, settled, version + 1, spends))


def _alive(balance: Balance, within: timedelta, at: datetime) -> tuple[tuple[datetime, int], ...]:
    if not balance.spends:
        return ()
    horizon = max(at, balance.spends[-1][0]) - within
    if balance.spends[0][0] > horizon:
        return balance.spends
    return tuple(spend for spend in balance.spends if spend[0] > horizon)


def _bounded(spends: tuple[tuple[datetime, int], ...]) -> tuple[tuple[datetime, int], ...]:
    """Merge the two closest neighbours once too many are kept.

    The pair takes the later instant, so it counts longer than it should and never less:
    the window errs to refusal. Up to `SPENDS_MAX` charges in a window are exact.
    """
    if len(spends) <= SPENDS_MAX:
        return spends
    gaps = [spends[i + 1][0] - spends[i][0] for i in range(len(spends) - 1)]
    first = gaps.index(min(gaps))
    merged = (spends[first + 1][0], spends[first][1] + spends[first + 1][1])
    return (*spends[:first], merged, *spends[first + 2 :])
