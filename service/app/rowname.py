"""The name of a budget row, read back: which budget, which key, which window."""

from datetime import datetime
from typing import NamedTuple, Self

import orjson

from service.core.factvalue import rfc3339
from service.core.rulebook import Budget, Rulebook


class RowName(NamedTuple):
    """The parts of what `accounts.row_key` wrote.

    ``window`` is ``within``, ``ever`` or the kind of calendar window, which begins at
    ``starts`` (RFC 3339, else empty). ``per`` are the names of the key with their values;
    a personal value is a surrogate.
    """

    budget: str
    counts: bool
    window: str
    starts: str
    per: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, key: str) -> Self:
        """The parts of a row's name."""
        budget, measure, window, starts, *parts = orjson.loads(key)
        pairs = [part.partition("=") for part in parts]
        per = tuple([(name, value) for name, _, value in pairs])
        return cls(budget, measure == "count", window, starts, per)

    @property
    def is_rolling(self) -> bool:
        """Whether charges age out of the row one by one."""
        return self.window == "within"

    def find_budget(self, rulebook: Rulebook) -> Budget | None:
        """The budget that keeps this row under a rulebook; ``None`` where none does any more."""
        names = tuple([name for name, _ in self.per])
        found = (budget for budget in rulebook.budgets if budget.id == self.budget)
        return next((budget for budget in found if self._is_of(budget, names)), None)

    def _is_of(self, budget: Budget, names: tuple[str, ...]) -> bool:
        window = "within" if budget.within is not None else budget.every or "ever"
        counts = budget.count is not None
        return (counts, window, names) == (self.counts, self.window, budget.per)


def prefix_of(budget: Budget, starts_at: datetime | None) -> str:
    """How the names of all rows begin that a budget keeps in one window."""
    measure = "money" if budget.count is None else "count"
    window = "within" if budget.within is not None else budget.every or "ever"
    starts = "" if starts_at is None else rfc3339(starts_at)
    return orjson.dumps([budget.id, measure, window, starts])[:-1].decode()


def part_of(name: str, value: str) -> str:
    """How one name of the key and its value stand in the name of a row."""
    return orjson.dumps(f"{name}={value}").decode()


def limit_of(budget: Budget) -> int:
    """The cap of a budget: minor units of money, or a count."""
    limit = budget.limit_minor if budget.count is None else budget.count
    if limit is None:
        raise ValueError(f"the budget {budget.id} has no limit")  # the loader gives it one
    return limit
