"""The life of the money after an approval: held, then settled or released; reversed at last.

An approval is settled at once, or held until somebody settles or releases it or its time
is up. Each move here is one change of one budget row: its version grows by one.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from service.core.budget import Balance, charge

FOREVER: Final = timedelta(days=365_000)
"""The length of a rolling window that no policy states any more: nothing ages out of it."""


class State(StrEnum):
    """Where an approval stands. ``released`` and ``reversed`` are final."""

    HELD = "held"
    SETTLED = "settled"
    RELEASED = "released"
    REVERSED = "reversed"


class Move(StrEnum):
    """What can happen to one. An expiry is the move that the hold names."""

    SETTLE = "settle"
    RELEASE = "release"
    REVERSE = "reverse"


TRANSITIONS: Final[Mapping[tuple[State, Move], State]] = MappingProxyType(
    {
        (State.HELD, Move.SETTLE): State.SETTLED,
        (State.HELD, Move.RELEASE): State.RELEASED,
        (State.SETTLED, Move.REVERSE): State.REVERSED,
    }
)
"""Every legal move. A hold ends once, and what has ended is never held again."""


class Charge(NamedTuple):
    """What an approval has on one budget row: minor units of money, or a count.

    ``row`` is the row's name. ``spent_at`` is the instant under which a rolling window
    has it; ``None`` while it is held, and where the window does not roll.
    """

    row: str
    amount: int
    spent_at: datetime | None = None


def is_over(ends_at: datetime | None, at: datetime) -> bool:
    """Whether a hold that lasts until ``ends_at``, exclusively, is overdue at ``at``."""
    return ends_at is not None and ends_at <= at


def settle(
    balance: Balance, held: int, spent: int, within: timedelta | None, at: datetime
) -> Balance:
    """What was ``held`` is over, and ``spent`` of it is spent at ``at``; the rest returns.

    A rolling window has the spend from ``at`` on, although it counted before: so nothing
    becomes free earlier than if it had been proposed now. Raises `ValueError` where less
    is held, or more would be spent than was held.
    """
    if not 0 < spent <= held:
        raise ValueError(f"of {held} held, {spent} cannot be settled")
    return charge(_unheld(balance, held), spent, within, at)


def release(balance: Balance, held: int) -> Balance:
    """What was ``held`` returns. Raises `ValueError` where less is held."""
    return _unheld(balance, held)._replace(version=balance.version + 1)


def reverse(
    balance: Balance, spent: int, spent_at: datetime | None, within: timedelta | None, at: datetime
) -> Balance:
    """What was ``spent`` returns to the row; the same balance where it aged out by ``at``.

    ``spent_at`` is that of the `Charge`: a rolling window loses the spend of that instant.
    Raises `ValueError` where the row never had as much.
    """
    if spent_at is not None and within is not None:
        is_out = not balance.spends or spent_at + within <= max(at, balance.spends[-1][0])
        return balance if is_out else _unspent(balance, spent, spent_at)
    if spent > balance.settled:
        raise ValueError(f"of {balance.settled} settled, {spent} cannot be reversed")
    return balance._replace(settled=balance.settled - spent, version=balance.version + 1)


def _unheld(balance: Balance, held: int) -> Balance:
    if held > balance.held:
        raise ValueError(f"of {balance.held} held, {held} cannot be ended")
    return balance._replace(held=balance.held - held)


def _unspent(balance: Balance, spent: int, spent_at: datetime) -> Balance:
    """Take a spend out of a rolling window."""
    merged_at = _place(balance, spent_at)
    if merged_at is None:
        return balance
    left, spends = spent, []
    for instant, amount in balance.spends:
        taken = min(left, amount) if instant == merged_at else 0
        left -= taken
        if taken < amount:
            spends.append((instant, amount - taken))
    if left:
        raise ValueError(f"the window lacks {left} of the {spent} that were spent at {spent_at}")
    settled = balance.settled - spent
    return Balance(balance.held, settled, balance.version + 1, tuple(spends))


def _place(balance: Balance, spent_at: datetime) -> datetime | None:
    """The instant under which the window has a spend; ``None`` where it aged out.

    Neighbours that were merged take the later instant, so a spend stands at its own instant
    or at the next one kept. Where that is the oldest of all, the spend may just as well have
    been dropped and the neighbour be somebody else's: it is left alone, which errs to refusal.
    """
    later = [instant for instant, _ in balance.spends if instant >= spent_at]
    if not later:
        return None
    is_certain = later[0] == spent_at or len(later) < len(balance.spends)
    return later[0] if is_certain else None
