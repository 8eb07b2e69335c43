"""A rolling window, re-added: every spend with its instant, and what is held."""

from collections import deque
from typing import Final, NamedTuple

from service.audit.line import Roll

KEPT_APART: Final = 192
"""Up to so many spends within one window, the log's sums are exact.

Beyond, the writer may merge neighbours, so that money becomes free later than it could:
what it says is used may then be more than what really is, and never less.
"""


class Change(NamedTuple):
    """What one change did to a window, so that it can be undone."""

    held: int
    added: tuple[int, int] | None
    removed: tuple[tuple[int, int], ...]


class Window:
    """The spends of one row, oldest first, each an instant and an amount. Microseconds."""

    __slots__ = ("exact", "held", "spends", "total")

    def __init__(self) -> None:
        """Nothing is used."""
        self.spends: deque[tuple[int, int]] = deque()
        self.total = 0
        self.held = 0
        self.exact = True

    def used(self, at: int, within: int) -> int:
        """What counts at an instant: a spend until ``within`` after it, a hold always.

        An instant before the last spend is taken as that spend's, as no clock frees money.
        """
        used, spends = self.held + self.total, self.spends
        if spends and spends[0][0] <= (horizon := max(at, spends[-1][0]) - within):
            for spent_at, amount in spends:
                if spent_at > horizon:
                    break
                used -= amount
        return used

    def most(self) -> int:
        """More than this never counts, whatever was merged."""
        return self.held + self.total

    def change(self, roll: Roll) -> Change:
        """Apply a line: hold, spend, give back."""
        at, within, held, settled, spent_at = roll
        self.held += held
        removed: list[tuple[int, int]] = []
        added = None
        if settled > 0:
            self._drop(at, within, removed)
            added = (max(at, self.spends[-1][0]) if self.spends else at, settled)
            self.spends.append(added)
            self.total += settled
            self.exact = self.exact and len(self.spends) <= KEPT_APART
        elif settled < 0 and spent_at is not None:
            self._take(spent_at, -settled, removed)
        self.exact = self.exact or not self.spends
        return Change(held, added, tuple(removed))

    def undone(self, changes: list[Change]) -> "Window":
        """The window as it was before these changes, which are its latest, oldest first."""
        spends, window = list(self.spends), Window()
        window.held = self.held
        for change in reversed(changes):
            window.held -= change.held
            if change.added is not None:
                spends.remove(change.added)
            spends = sorted([*spends, *change.removed])
        window.spends.extend(spends)
        window.total = sum(amount for _, amount in spends)
        window.exact = self.exact
        return window

    def _drop(self, at: int, within: int, removed: list[tuple[int, int]]) -> None:
        """Forget what is over once something is added: it stays over, whatever the clock does."""
        if not self.spends:
            return
        horizon = max(at, self.spends[-1][0]) - within
        while self.spends and self.spends[0][0] <= horizon:
            removed.append(self.spends.popleft())
            self.total -= removed[-1][1]

    def _take(self, spent_at: int, amount: int, removed: list[tuple[int, int]]) -> None:
        """Take so much out of what was spent at an instant, as far as it is there."""
        kept: deque[tuple[int, int]] = deque()
        for instant, spent in self.spends:
            taken = min(amount, spent) if instant == spent_at else 0
            amount -= taken
            if taken:
                removed.append((instant, taken))
            if taken < spent:
                kept.append((instant, spent - taken))
        self.total -= sum(taken for _, taken in removed)
        self.spends = kept


def is_consistent(window: Window, before: int, roll: Roll) -> bool:
    """Whether what a line found used is what the spends add up to, or errs to refusal."""
    used = window.used(roll[0], roll[1])
    return before == used if window.exact else used <= before <= window.most()
