"""Erasure: how long what a person used has to be remembered without saying whose it was."""

from datetime import datetime, timedelta
from typing import Final

from service.core.rulebook import Budget, Rulebook
from service.core.window import LASTS_MAX

LIFETIME_DAYS: Final = 400
"""How long a cap without a window outlives an erasure: such a key ends with its stay."""


def kept_until(rulebook: Rulebook, at: datetime) -> datetime:
    """When no cap that is kept per person could begin anew by forgetting the person at ``at``.

    The end of the longest window among the budgets whose key has a personal fact; ``at``
    where there is none.
    """
    lasts = [_lasts(budget) for budget in rulebook.budgets if rulebook.personal & {*budget.per}]
    return at + max(lasts, default=timedelta(0))


def _lasts(budget: Budget) -> timedelta:
    if budget.within is not None:
        return budget.within
    return timedelta(days=LIFETIME_DAYS) if budget.every is None else LASTS_MAX[budget.every]
