"""Which budget rows a request touches, and what stands in them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias, cast

from service.core.budget import EMPTY, Balance, BudgetKey, charge, used
from service.core.decision import Reading
from service.core.expression import FactValue
from service.core.plan import plan_for
from service.core.request import Request
from service.core.rulebook import Budget, Rulebook
from service.core.situation import BROKEN, Absent, Broken, Situation, names_of, text_of


class Account(NamedTuple):
    """One row of a budget at one instant.

    ``limit`` and ``used`` are minor units of money or, where it ``counts``, approvals.
    """

    budget: Budget
    key: BudgetKey
    ends_at: datetime | None
    counts: bool
    limit: int
    balance: Balance
    used: int

    @property
    def remaining(self) -> int:
        """What still fits; 0 where a lowered limit lies below what is used."""
        return max(0, self.limit - self.used)

    def fits(self, value: int) -> bool:
        """Whether a charge of ``value`` (money), or one more (a count), stays within the limit."""
        return self.used + (1 if self.counts else value) <= self.limit

    def reading(self) -> Reading:
        """The row as it was read, nothing charged."""
        _, key, ends_at, counts, limit, balance, spent = self
        return Reading(key[0], key, ends_at, counts, limit, 0, balance, balance, spent, spent)

    def charged(self, value: int, at: datetime) -> Reading:
        """The row after the charge of an approval of ``value``."""
        budget, key, ends_at, counts, limit, before, spent = self
        amount = 1 if counts else value
        after = charge(before, amount, budget.within, at)
        total = spent + amount
        return _reading((key[0], key, ends_at, counts, limit, amount, before, after, spent, total))


class Unread(NamedTuple):
    """A budget that applies, or may apply, and could not be read."""

    budget: Budget
    why: Absent | Broken


Row: TypeAlias = Account | Unread

# A decision makes a dozen of these: this is what their names do, a frame of Python less.
_account: Final = cast("Callable[[Iterable[object]], Account]", partial(tuple.__new__, Account))
_key: Final = cast("Callable[[Iterable[object]], BudgetKey]", partial(tuple.__new__, BudgetKey))
_reading: Final = cast("Callable[[Iterable[object]], Reading]", partial(tuple.__new__, Reading))


class Funds(NamedTuple):
    """What the budgets of a role leave for one request.

    ``rows`` are in file order, without budgets that do not apply. ``money_left`` is what
    the tightest account of money leaves (below 0 after a limit was lowered), ``None``
    where there is none.
    """

    rows: tuple[Row, ...]
    money_left: int | None
    counts_left: bool
    readable: bool

    def fits(self, value: int) -> bool:
        """Whether an approval of ``value`` stays within every budget."""
        _, money_left, counts_left, readable = self
        return readable and counts_left and (money_left is None or value <= money_left)


class Accounts:
    """The budget rows of one situation, each looked up once and none before it is asked for."""

    __slots__ = ("_balances", "_found", "_funds", "_situation")

    def __init__(self, situation: Situation, balances: Mapping[BudgetKey, Balance]) -> None:
        """Begin with nothing looked up."""
        self._situation = situation
        self._balances = balances
        self._found: dict[str, Row | None] = {}
        self._funds: dict[str, Funds] = {}

    def funds(self, role: str) -> Funds:
        """What the budgets leave that a grant of ``role`` would charge."""
        found = self._funds.get(role)
        if found is None:
            found = self._funds[role] = self._add_up(role)
        return found

    def read(self) -> list[Account]:
        """Every row read so far, in the order of reading."""
        return [row for row in self._found.values() if isinstance(row, Account)]

    def at(self, situation: Situation) -> "Accounts":
        """The rows of the same request at another value. What no value changes is kept."""
        other = Accounts(situation, self._balances)
        if not self._situation.value_read:
            other._found = self._found.copy()
            other._funds = self._funds.copy()
        return other

    def _add_up(self, role: str) -> Funds:
        situation, balances, found = self._situation, self._balances, self._found
        rows: list[Row] = []
        money_left, counts_left, readable = None, True, True
        for budget in situation.rulebook.budgets_for(role, situation.request.resolution):
            budget_id = budget.id
            if budget_id in found:
                row = found[budget_id]
            else:
                row = found[budget_id] = row_of(budget, situation, balances)
            if row is None:
                continue
            rows.append(row)
            if isinstance(row, Unread):
                readable = False
                continue
            _, _, _, counts, limit, _, spent = row
            if counts:
                counts_left = counts_left and spent < limit
            elif money_left is None or limit - spent < money_left:
                money_left = limit - spent
        return Funds(tuple(rows), money_left, counts_left, readable)


def row_of(
    budget: Budget, situation: Situation, balances: Mapping[BudgetKey, Balance]
) -> Row | None:
    """The row a budget charges for a situation; ``None`` where the budget does not apply.

    `Unread` where its condition or its key wants facts, or where its condition ends in
    an error.
    """
    if budget.when is not None:
        applies = situation.says(budget.when)
        if applies is False:
            return None
        if applies is not True:
            return Unread(budget, applies if isinstance(applies, Absent) else BROKEN)
    per = _per(budget, situation.names)
    if isinstance(per, Absent):
        return Unread(budget, per)
    return account_of(
        situation.rulebook, budget, per, situation.request.site, situation.at, balances
    )


def account_of(
    rulebook: Rulebook,
    budget: Budget,
    per: tuple[str, ...],
    site: str,
    at: datetime,
    balances: Mapping[BudgetKey, Balance],
) -> Account:
    """The row of a budget for the values of its key."""
    starts_at = ends_at = None
    if budget.every is not None:
        window = rulebook.window(budget, site, at)
        if window is not None:
            starts_at, ends_at = window.starts_at, window.ends_at
    key = _key((budget.id, per, starts_at))
    balance = balances.get(key, EMPTY)
    spent = 0 if balance is EMPTY else used(balance, budget.within, at)
    return _account((budget, key, ends_at, budget.counts, budget.limit, balance, spent))


def keys_of(rulebook: Rulebook, request: Request, at: datetime) -> Iterator[BudgetKey]:
    """Every row that evaluating the request at ``at`` may read, each once.

    A superset: conditions of budgets are not looked at. Whoever evaluates under locks
    takes these rows first.
    """
    held = request.agent.roles if request.authority is None else request.authority
    names, site = names_of(request), request.site
    for budget in plan_for(rulebook, held, request.resolution).touched:
        per = _per(budget, names)
        if not isinstance(per, Absent):
            window = None if budget.every is None else rulebook.window(budget, site, at)
            yield _key((budget.id, per, None if window is None else window.starts_at))


def _per(budget: Budget, names: Mapping[str, FactValue]) -> tuple[str, ...] | Absent:
    """The values of a budget's key in the order of its names, or those that are absent."""
    try:
        return texts_of(budget.pick(names))
    except KeyError:
        return Absent(tuple(sorted(name for name in budget.per if name not in names)))


def texts_of(per: tuple[Any, ...]) -> tuple[str, ...]:
    """The values of a budget's key as they are kept."""
    for part in per:
        if type(part) is not str:
            return tuple(text_of(part) for part in per)
    return per
