"""A rulebook with its budgets in memory: decides, charges, and takes back what was returned."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from service.app.balances import Balances
from service.core.budget import Balance, BudgetKey
from service.core.charging import Account, Accounts
from service.core.decision import Decision, Outcome, Reading
from service.core.evaluate import evaluate
from service.core.hold import release, reverse, settle
from service.core.request import Request
from service.core.rulebook import Rulebook
from service.core.situation import Situation


class Standing(NamedTuple):
    """What an approval has on one budget row, as long as it may come back."""

    key: BudgetKey
    amount: int
    counts: bool
    is_held: bool
    spent_at: datetime | None


class Desk:
    """Decides requests in the order of time and carries the budgets from one to the next.

    ``returning`` are the resolutions of which money comes back later; of all others nothing
    is kept, so that memory does not grow with the stream.
    """

    def __init__(self, rulebook: Rulebook, returning: Collection[str] = ()) -> None:
        """Begin with unused budgets."""
        self.rulebook = rulebook
        self._balances = Balances(rulebook)
        self._returning = returning
        self._standing: dict[str, tuple[Standing, ...]] = {}
        self._within = {budget.id: budget.within for budget in rulebook.budgets}

    def decide(
        self, request: Request, at: datetime, *, about: str = "", is_held: bool = False
    ) -> Decision:
        """Decide, and charge an approval: as a hold where it is one. Raises `Refused`."""
        self._balances.open(at)
        decision = evaluate(self.rulebook, request, self._balances.kept, at)
        if decision.outcome is Outcome.APPROVED:
            self._keep(decision.readings, about, is_held=is_held)
        return decision

    def charge_as(
        self,
        role: str,
        request: Request,
        value: int,
        at: datetime,
        *,
        about: str = "",
        is_held: bool = False,
    ) -> None:
        """Charge what a role gave once to the budgets that this rulebook has over it.

        Where a budget cannot be read it is left alone. Raises `Refused` for an instant that
        lies too far back.
        """
        if role not in self.rulebook.roles:
            return
        self._balances.open(at)
        situation = Situation(self.rulebook, request, at, {}).valued(value, request.quantity)
        rows = Accounts(situation, self._balances.kept).funds(role).rows
        charged = [row.charged(value, at) for row in rows if isinstance(row, Account)]
        self._keep(charged, about, is_held=is_held)

    def end(self, about: str, left_minor: int, at: datetime) -> None:
        """Give back all but what is left of an approval, where this desk approved it at all."""
        left: list[Standing] = []
        for standing in self._standing.pop(about, ()):
            kept = self._ended(standing, left_minor, at)
            if kept is not None:
                left.append(kept)
        if left:
            self._standing[about] = tuple(left)

    def _keep(self, readings: Sequence[Reading], about: str, *, is_held: bool) -> None:
        """The balances after charges, which are remembered where money comes back."""
        made = [it.kept_back() if is_held else it for it in readings if it.charged]
        self._balances.take(made)
        if about in self._returning:
            self._standing[about] = tuple(_standing(it, is_held=is_held) for it in made)

    def _ended(self, it: Standing, left_minor: int, at: datetime) -> Standing | None:
        """What still stands. A row whose window is over was dropped, and needs nothing."""
        before = self._balances.kept.get(it.key)
        if before is None:
            return None
        within = self._within.get(it.key.budget)
        left = min(it.amount, left_minor)
        if it.counts:
            left = it.amount if left_minor else 0
        after = _after(before, it, left, within, at)
        self._balances.kept[it.key] = after
        if not left:
            return None
        spent_at = it.spent_at
        if it.is_held and within is not None:
            spent_at = after.spends[-1][0]
        return it._replace(amount=left, is_held=False, spent_at=spent_at)


def _standing(reading: Reading, *, is_held: bool) -> Standing:
    spends = reading.after.spends
    spent_at = spends[-1][0] if spends and not is_held else None
    return Standing(reading.key, reading.charged, reading.counts, is_held, spent_at)


def _after(
    before: Balance, it: Standing, left: int, within: timedelta | None, at: datetime
) -> Balance:
    if it.is_held:
        if left:
            return settle(before, it.amount, left, within, at)
        return release(before, it.amount)
    if left == it.amount:
        return before
    return reverse(before, it.amount - left, it.spent_at, within, at)


def with_authority(request: Request, roles: tuple[str, ...]) -> Request:
    """The request as somebody else approves it."""
    return replace(request, authority=roles)
