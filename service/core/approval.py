"""The common case: the reach approves, and nothing on the way was missing or in error.

Most proposals lie within somebody's remit. For those the walk needs neither the roles
above nor what could be added, so it is one pass over a plan. Whatever is not that plain
is left to the whole walk (`evaluate`), which gives the same decision where both decide.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from service.core.budget import Balance, BudgetKey
from service.core.charging import Account, Funds, account_of, texts_of
from service.core.decision import Authority, Code, Decision, Headroom, Outcome, Reason
from service.core.headroom import offer_of
from service.core.money import MINOR_MAX
from service.core.plan import Plan, Step
from service.core.request import Request
from service.core.rulebook import Rulebook
from service.core.rung import has_all, narrowed
from service.core.situation import variables_of
from service.core.veto import concerns

_WITHIN_LIMITS: Final = Code.WITHIN_LIMITS
_CONDITION_FALSE: Final = Code.CONDITION_FALSE
_OVER_LIMIT: Final = Code.OVER_LIMIT
_APPROVED: Final = Outcome.APPROVED


_UNREADABLE: Final = Funds((), None, counts_left=False, readable=False)
_NOTHING: Final = Headroom(0)
_NO_UNITS: Final = Headroom(0, 0)


class _NotPlain(Exception):  # noqa: N818 — no error: the whole walk takes over
    """Something is missing or in error, so that more has to be said than an approval says."""


Standing = tuple[Step, int | None]
"""A grant that holds here with all it needs, and its cap."""


class Walked(NamedTuple):
    """The grant that passes, why those before it do not, and what stands in the reach."""

    passed: Step
    failed: list[Reason]
    standing: list[Standing]


def find_approval(
    rulebook: Rulebook,
    plan: Plan,
    request: Request,
    balances: Mapping[BudgetKey, Balance],
    at: datetime,
) -> Decision | None:
    """The approval of a plain request; ``None`` where the whole walk has to say."""
    if request.unavailable or not plan.is_plain:
        return None
    if plan.subject is not None and plan.subject not in request.facts:
        return None
    try:
        return _Approval(rulebook, plan, request, balances, at).found()
    except _NotPlain:
        return None


class _Approval:
    """One pass over a plan."""

    __slots__ = ("_funds", "at", "balances", "names", "plan", "request", "rulebook", "scope")

    def __init__(
        self,
        rulebook: Rulebook,
        plan: Plan,
        request: Request,
        balances: Mapping[BudgetKey, Balance],
        at: datetime,
    ) -> None:
        self.rulebook = rulebook
        self.plan = plan
        self.request = request
        self.balances = balances
        self.at = at
        self.names = names = variables_of(rulebook, request, at)
        self.scope = rulebook.bind(names)
        self._funds: dict[int, Funds] = {}

    def found(self) -> Decision | None:
        value, unit = self.request.amount_minor, 0
        if self.request.quantity is not None:
            unit = self._unit()
            value = unit * self.request.quantity
        if not value or value > MINOR_MAX or self._may_be_prohibited():
            return None
        walked = self._walk(value)
        if walked is None:
            return None
        funds = self._read(walked.passed.rung)
        if not funds.fits(value):
            return None
        return self._approved(walked, funds, value, unit)

    def _unit(self) -> int:
        """The worth of one unit, 0 where there is none to be had."""
        worth = self.plan.worth
        unit = worth if worth is None or isinstance(worth, int) else worth(self.scope)
        return unit if type(unit) is int else 0

    def _may_be_prohibited(self) -> bool:
        for prohibition in self.plan.prohibitions:
            if not concerns(prohibition, self.request):
                continue
            if prohibition.when is None or prohibition.when(self.scope) is not False:
                return True
        return False

    def _walk(self, value: int) -> Walked | None:
        """Up to the grant that passes; of those after it only what stands."""
        failed: list[Reason] = []
        standing: list[Standing] = []
        steps = iter(self.plan.steps)
        for step in steps:
            refused = self._find_refusal(step)
            if refused is None:
                cap = self._cap(step)
                proven = not step.needs or has_all(step.needs, self.request)
                if proven:
                    standing.append((step, cap))
                refused = _find_excess(step, cap, value)
                if refused is None:
                    if not proven:
                        return None
                    standing += self._stand(steps)
                    return Walked(step, failed, standing)
            failed.append(refused)
        return None

    def _stand(self, steps: Iterator[Step]) -> Iterator[Standing]:
        """Those of the steps that hold here, with all they need."""
        for step in steps:
            try:
                if self._find_refusal(step) is None and has_all(step.needs, self.request):
                    yield step, self._cap(step)
            except _NotPlain:
                continue

    def _find_refusal(self, step: Step) -> Reason | None:
        """Why a grant does not hold here, its limit aside."""
        if step.is_narrow and (refused := narrowed(step.grant, self.request)) is not None:
            return refused
        when = step.when
        if when is None:
            return None
        says = when(self.scope)
        if says is True:
            return None
        if says is False:
            return Reason(_CONDITION_FALSE, step.id, step.role)
        raise _NotPlain

    def _cap(self, step: Step) -> int | None:
        limit = step.limit
        if limit is None or isinstance(limit, int):
            return limit
        cap = limit(self.scope)
        if type(cap) is not int:
            raise _NotPlain
        return cap

    def _read(self, rung: int) -> Funds:
        """What the budgets of a rung leave."""
        found = self._funds.get(rung)
        if found is None:
            found = self._funds[rung] = self._add_up(rung)
        return found

    def _add_up(self, rung: int) -> Funds:
        rows: list[Account] = []
        money_left, counts_left = None, True
        for budget in self.plan.budgets[rung]:
            when = budget.when
            if when is not None and (says := when(self.scope)) is not True:
                if says is False:
                    continue
                return _UNREADABLE
            try:
                per = texts_of(budget.pick(self.names))
            except KeyError:
                return _UNREADABLE
            row = account_of(self.rulebook, budget, per, self.request.site, self.at, self.balances)
            rows.append(row)
            _, _, _, counts, limit, _, spent = row
            if counts:
                counts_left = counts_left and spent < limit
            elif money_left is None or limit - spent < money_left:
                money_left = limit - spent
        return Funds(tuple(rows), money_left, counts_left, readable=True)

    def _headroom(self, standing: list[Standing], value: int, unit: int) -> Headroom:
        """The most that a grant which stands would approve; see `headroom.headroom`."""
        most, best = 0, _NO_UNITS if unit else _NOTHING
        for step, cap in standing:
            funds = self._read(step.rung)
            offer = offer_of(cap, funds.money_left, unit or None)
            size = MINOR_MAX if offer.amount_minor is None else offer.amount_minor
            if size <= most:
                continue
            tried = value if unit and offer.amount_minor is None else size
            within = cap is None or (tried == cap if step.is_exact else tried <= cap)
            if within and funds.fits(tried):
                most, best = size, offer
                if offer.amount_minor is None:
                    break
        return best

    def _approved(self, walked: Walked, funds: Funds, value: int, unit: int) -> Decision:
        passed, failed, standing = walked
        at = self.at
        return Decision(
            outcome=_APPROVED,
            value_minor=value,
            quantity=self.request.quantity,
            reasons=(Reason(_WITHIN_LIMITS, passed.id, passed.role), *failed),
            authority=Authority(passed.role, passed.id),
            readings=tuple(
                [row.charged(value, at) for row in funds.rows if isinstance(row, Account)]
            ),
            without_escalation_up_to=self._headroom(standing, value, unit),
        )


def _find_excess(step: Step, cap: int | None, value: int) -> Reason | None:
    """Why a value lies outside a cap. A sum that is owed and was not asked for is not plain."""
    if step.is_exact:
        if value != cap:
            raise _NotPlain
        return None
    if cap is None or value <= cap:
        return None
    return Reason(_OVER_LIMIT, step.id, step.role, (("limit", cap), ("value", value)))
