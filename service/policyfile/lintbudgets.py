"""Lints of budgets: those that nothing charges, and those that another always stops first."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from service.core.rulebook import Budget, Rulebook
from service.core.window import Every
from service.policyfile.lintremark import Remarks

_WITHIN: Final[dict[Every, frozenset[Every]]] = {
    "day": frozenset({"day", "week", "month", "quarter", "year"}),
    "week": frozenset({"week"}),
    "month": frozenset({"month", "quarter", "year"}),
    "quarter": frozenset({"quarter", "year"}),
    "year": frozenset({"year"}),
}
"""Which windows hold each window whole; a week may lie in two months."""

_LONGEST: Final[dict[Every, timedelta]] = {
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=31),
    "quarter": timedelta(days=92),
    "year": timedelta(days=366),
}
_CLOCKS_CHANGE: Final = timedelta(hours=3)


def lint_budgets(remarks: Remarks) -> None:
    """`idle_budget` and `redundant_budget`."""
    book = remarks.rulebook
    charged = {budget.id: _charged(book, budget) for budget in book.budgets}
    for budget in book.budgets:
        place = remarks.rules[budget.id].child("id")
        if not charged[budget.id]:
            message = f"No grant charges `{budget.id}`, so it caps nothing."
            remarks.warn(
                place, "idle_budget", message, "Mend `roles` and `resolutions`, or delete it."
            )
            continue
        for other in book.budgets:
            if charged[budget.id] <= charged[other.id] and _stops_first(book, other, budget):
                remarks.warn(
                    place,
                    "redundant_budget",
                    f"`{budget.id}` refuses nothing that `{other.id}` does not refuse as well.",
                    f"Delete it, or give it a lower cap than `{other.id}` has.",
                )
                break


def _charged(book: Rulebook, budget: Budget) -> frozenset[tuple[str, str]]:
    """The roles and resolutions of which grants charge the budget."""
    return frozenset(
        (role, resolution)
        for role in book.roles
        for resolution in book.resolutions
        if book.grants_for(role, resolution) and budget in book.budgets_for(role, resolution)
    )


def _stops_first(book: Rulebook, other: Budget, budget: Budget) -> bool:
    """Whether what ``budget`` counts, ``other`` counts too, towards a cap that is no higher."""
    if other is budget or not (_is_no_higher(other, budget) and set(other.per) <= set(budget.per)):
        return False
    if other.when is not None and (budget.when is None or budget.when.text != other.when.text):
        return False
    if not _holds_window(book, other, budget):
        return False
    mutual = _is_no_higher(budget, other) and set(budget.per) <= set(other.per)
    same_window = (budget.every, budget.within) == (other.every, other.within)
    is_twin = mutual and same_window and _scope(budget) == _scope(other)
    return not is_twin or book.budgets.index(other) < book.budgets.index(budget)


def _scope(budget: Budget) -> tuple[object, ...]:
    text = None if budget.when is None else budget.when.text
    return budget.roles, budget.resolutions, text


def _is_no_higher(other: Budget, budget: Budget) -> bool:
    if other.limit_minor is not None and budget.limit_minor is not None:
        return other.limit_minor <= budget.limit_minor
    return other.count is not None and budget.count is not None and other.count <= budget.count


def _holds_window(book: Rulebook, other: Budget, budget: Budget) -> bool:
    """Whether what still counts for ``budget`` still counts for ``other``."""
    if other.every is None and other.within is None:
        return True
    if other.within is not None:
        longest = budget.within
        if budget.every is not None:
            longest = _LONGEST[budget.every] + _CLOCKS_CHANGE
        return longest is not None and longest <= other.within
    return (
        budget.every is not None
        and other.every in _WITHIN[budget.every]
        and _same_clock(book, other, budget)
    )


def _same_clock(book: Rulebook, other: Budget, budget: Budget) -> bool:
    """Whether their windows begin by the same clock: the site's, or the set's."""
    if ("site.id" in other.per) == ("site.id" in budget.per):
        return True
    return all(zone == book.timezone for zone in _zones(book))


def _zones(book: Rulebook) -> Iterator[str]:
    return (site.timezone for site in (book.sites or {}).values())
