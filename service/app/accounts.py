"""Budget rows by name: the core's keys to rows that can be locked, and back."""

from collections.abc import Mapping
from datetime import datetime

import orjson

from service.app.ports import Ids
from service.app.records import BudgetRecord
from service.app.wanted import Wanted
from service.core.budget import Balance, BudgetKey
from service.core.charging import keys_of
from service.core.factvalue import rfc3339
from service.core.request import Request
from service.core.rulebook import Budget, Rulebook


def row_key(budget: Budget, key: BudgetKey) -> str:
    """The name of a row: what the budget measures, its key's names and values, its window.

    A budget that is kept per other facts, counts instead of sums, or changes the kind of
    its window begins new rows; a changed limit or rolling length goes on with the old ones.
    """
    measure = "money" if budget.count is None else "count"
    window = "within" if budget.within is not None else budget.every or "ever"
    starts = "" if key.starts_at is None else rfc3339(key.starts_at)
    per = [f"{name}={value}" for name, value in zip(budget.per, key.per, strict=True)]
    return orjson.dumps([budget.id, measure, window, starts, *per]).decode()


class BudgetRows:
    """The names of all rows that deciding one (pseudonymous) request may read.

    ``names`` are by the core's key.
    """

    __slots__ = ("_at", "_budgets", "_request", "_rulebook", "names")

    def __init__(self, rulebook: Rulebook, request: Request, at: datetime) -> None:
        """Find the keys, and name them once."""
        self._rulebook = rulebook
        self._request = request
        self._at = at
        self._budgets = {budget.id: budget for budget in rulebook.budgets}
        self.names: Mapping[BudgetKey, str] = {
            key: row_key(self._budgets[key.budget], key) for key in keys_of(rulebook, request, at)
        }

    def wanted(self, ids: Ids) -> Mapping[str, BudgetRecord]:
        """The rows as they would be inserted, each made when it is looked up."""
        keys = {name: key for key, name in self.names.items()}
        return Wanted(keys, lambda name, key: self._new(key, name, ids))

    def balances(self, balances: Mapping[str, Balance]) -> dict[BudgetKey, Balance]:
        """The balances by key. Raises `KeyError`: under locks a missing row is never a zero."""
        return {key: balances[name] for key, name in self.names.items()}

    def by_budget(self, rows: Mapping[str, BudgetRecord]) -> dict[str, BudgetRecord]:
        """The rows by the id of their budget."""
        return {key.budget: rows[name] for key, name in self.names.items()}

    def _new(self, key: BudgetKey, name: str, ids: Ids) -> BudgetRecord:
        budget, site = self._budgets[key.budget], self._request.site
        window = self._rulebook.window(budget, site, self._at)
        return BudgetRecord(
            key=name,
            row=ids.surrogate("bud"),
            budget=budget.id,
            site=site if "site.id" in budget.per else None,
            starts_at=key.starts_at,
            ends_at=None if window is None else window.ends_at,
        )


def committed_balances(
    names: Mapping[BudgetKey, str], rows: Mapping[str, BudgetRecord]
) -> dict[BudgetKey, Balance]:
    """The balances of the rows that exist; what is absent is unused. Not for deciding."""
    return {key: rows[name].balance for key, name in names.items() if name in rows}
