"""What each budget key has used, in memory: for streams that keep no database."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from service.core.budget import Balance, BudgetKey
from service.core.decision import Decision, Reading
from service.core.refusal import Fault, Refused
from service.core.rulebook import Rulebook
from service.core.window import LASTS_MAX

KEYS_BEFORE_SWEEP: Final = 50_000
"""How many keys are kept before those whose window is over are looked for."""
DISORDER_MAX: Final = timedelta(days=1)
"""How far behind the latest instant a decision may lie once keys were dropped."""


class Balances:
    """The balances of a stream that runs forward in time.

    ``kept`` is handed to the evaluation. Keys whose window was over a day ago are dropped
    now and then, so memory grows with the keys that are alive; should such a key come
    again, its version begins anew.
    """

    def __init__(self, rulebook: Rulebook, *, keys_before_sweep: int = KEYS_BEFORE_SWEEP) -> None:
        """Begin with nothing used."""
        self.kept: dict[BudgetKey, Balance] = {}
        self._budgets = {budget.id: budget for budget in rulebook.budgets}
        self._keys_before_sweep = self._sweep_at = keys_before_sweep
        self._latest: datetime | None = None
        self._closed_before: datetime | None = None

    def open(self, at: datetime) -> None:
        """Take notice of an instant. Raises `Refused` where its windows were dropped already."""
        if self._latest is None or at > self._latest:
            self._latest = at
        elif self._closed_before is not None and at < self._closed_before:
            fault = Fault(
                code="out_of_order",
                pointer="/at",
                message="this lies more than a day before what was decided already",
                remedy="sort the lines by their instant",
            )
            raise Refused((fault,))

    def charge(self, decision: Decision) -> None:
        """Keep the balances after an approval."""
        self.take(reading for reading in decision.readings if reading.charged)

    def take(self, charged: Iterable[Reading]) -> None:
        """Keep the balances after charges."""
        for reading in charged:
            self.kept[reading.key] = reading.after
        if len(self.kept) >= self._sweep_at:
            self._sweep()

    def _sweep(self) -> None:
        """Drop every key whose window was over a day before the latest instant."""
        if self._latest is None:
            return
        before = self._closed_before = self._latest - DISORDER_MAX
        self.kept = {
            key: balance for key, balance in self.kept.items() if not self._over(key, before)
        }
        self._sweep_at = max(self._keys_before_sweep, 2 * len(self.kept))

    def _over(self, key: BudgetKey, before: datetime) -> bool:
        budget, spends = self._budgets[key.budget], self.kept[key].spends
        if budget.every is not None and key.starts_at is not None:
            return key.starts_at + LASTS_MAX[budget.every] <= before
        if budget.within is not None and spends:
            return spends[-1][0] + budget.within <= before
        return False
