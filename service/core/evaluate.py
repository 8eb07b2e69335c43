"""The decision: every resolution is decided under the least authority that suffices.

A pure function of a rulebook, a request, balances and an instant. It takes the steps of
the one rule in order: prohibitions; the reach, lowest rank first; what is missing; the
roles above; refusal. It charges nothing itself: the decision says which balances
change, and whoever holds the locks writes them.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from service.core.approval import find_approval
from service.core.budget import Balance, BudgetKey
from service.core.charging import Accounts
from service.core.decision import Authority, Code, Decision, Headroom, Outcome, Reading, Reason
from service.core.headroom import headroom
from service.core.money import MINOR_MAX
from service.core.plan import plan_for
from service.core.request import Request
from service.core.rulebook import Grant, Rulebook
from service.core.rung import Tried, try_grant
from service.core.situation import BROKEN, Absent, Broken, Situation
from service.core.veto import Veto, find_veto


def evaluate(
    rulebook: Rulebook, request: Request, balances: Mapping[BudgetKey, Balance], at: datetime
) -> Decision:
    """Decide ``request`` at ``at`` (aware, UTC).

    Guarantees: the same four give the same decision, always; nothing that lacks a fact,
    ends in an error or finds no balance within its limit is approved. A key that
    ``balances`` does not hold counts as unused: whoever evaluates under locks passes all
    of `charging.keys_of`. Raises `KeyError` for a resolution, site or role that the
    rulebook does not have: those are refused before they get here.
    """
    held = request.agent.roles if request.authority is None else request.authority
    plan = plan_for(rulebook, held, request.resolution)
    approval = find_approval(rulebook, plan, request, balances, at)
    return approval or _Evaluation(rulebook, request, balances, at).decide()


def walk(
    rulebook: Rulebook, request: Request, balances: Mapping[BudgetKey, Balance], at: datetime
) -> tuple[Decision, tuple[Tried, ...]]:
    """The decision of `evaluate`, and every grant that was tried for it, in walk order."""
    evaluation = _Evaluation(rulebook, request, balances, at)
    return evaluation.decide(), tuple(evaluation.tried)


class _Evaluation:
    """The walk of one request."""

    __slots__ = ("accounts", "balances", "ladder", "request", "rulebook", "situation", "tried")

    def __init__(
        self,
        rulebook: Rulebook,
        request: Request,
        balances: Mapping[BudgetKey, Balance],
        at: datetime,
    ) -> None:
        self.rulebook = rulebook
        self.request = request
        self.balances = balances
        held = request.agent.roles if request.authority is None else request.authority
        self.ladder = rulebook.ladder(held)
        self.situation = Situation(rulebook, request, at, {})
        self.accounts = Accounts(self.situation, balances)
        self.tried: list[Tried] = []

    def decide(self) -> Decision:
        worth = self._value()
        veto = find_veto(self.situation) or self._without_subject()
        if veto is None and worth is not None:
            veto = self._without_worth(worth)
        if veto is not None:
            return self._vetoed(veto)
        return self._within_reach() or self._above_reach() or self._refused()

    def _value(self) -> Absent | Broken | None:
        """Value a quantity; what is wrong with the worth, if anything."""
        worth = self.rulebook.resolutions[self.request.resolution].worth
        if worth is None or self.request.quantity is None:
            return None
        unit = self.situation.amount(worth)
        if not isinstance(unit, int):
            return unit
        value = unit * self.request.quantity
        if value > MINOR_MAX:
            return BROKEN
        self.situation.take_value(value)
        return None

    def _without_subject(self) -> Veto | None:
        subject = self.rulebook.subject
        if subject is None or not self.rulebook.personal or subject in self.request.facts:
            return None
        return Veto.lacking(Absent((subject,)), None, self.request)

    def _without_worth(self, worth: Absent | Broken) -> Veto:
        if isinstance(worth, Absent):
            return Veto.lacking(worth, self.request.resolution, self.request)
        return Veto(Outcome.DENIED, Reason(Code.RULE_ERROR, self.request.resolution))

    def _within_reach(self) -> Decision | None:
        for role in self.ladder.reach:
            for tried in self._try(role):
                if tried.passes:
                    return self._approved(tried)
        return self._incomplete(self.tried)

    def _above_reach(self) -> Decision | None:
        for role in self.ladder.above:
            start = len(self.tried)
            for tried in self._try(role):
                if tried.passes:
                    return self._escalated(tried)
            found = self._incomplete(self.tried[start:])
            if found is not None:
                return found
        return None

    def _try(self, role: str) -> Iterator[Tried]:
        for grant in self.rulebook.grants_for(role, self.request.resolution):
            tried = try_grant(grant, self.situation, self.accounts)
            self.tried.append(tried)
            yield tried

    def _approved(self, passed: Tried) -> Decision:
        value, at = self.situation.value, self.situation.at
        read = self.accounts.read()
        charged = {id(row) for row in passed.rows} if len(passed.rows) < len(read) else None
        readings = [
            account.charged(value or 0, at)
            if charged is None or id(account) in charged
            else account.reading()
            for account in read
        ]
        return self._decision(
            Outcome.APPROVED,
            [Reason(Code.WITHIN_LIMITS, passed.grant.id, passed.grant.role), *self._said()],
            passed=passed.grant,
            readings=readings,
        )

    def _escalated(self, passed: Tried) -> Decision:
        said = [*self._said()]
        if not any(tried.grant.role in self.ladder.reach for tried in self.tried):
            said.insert(0, Reason(Code.NOT_GRANTED))
        return self._decision(
            Outcome.ESCALATED, said, escalate_to=Authority(passed.grant.role, passed.grant.id)
        )

    def _incomplete(self, walked: Iterable[Tried]) -> Decision | None:
        lacking = next((tried for tried in walked if tried.lacks and not tried.failures), None)
        if lacking is None:
            return None
        return self._decision(
            Outcome.INCOMPLETE, [*lacking.lacks, *self._said()], missing=lacking.missing
        )

    def _refused(self) -> Decision:
        code = Code.BEYOND_EVERY_REMIT if self.tried else Code.NOT_GRANTED
        return self._decision(Outcome.DENIED, [Reason(code), *self._said()])

    def _vetoed(self, veto: Veto) -> Decision:
        return self._decision(veto.outcome, [veto.reason], missing=veto.missing)

    def _said(self) -> Iterator[Reason]:
        """Why each grant tried did not pass, in walk order."""
        for tried in self.tried:
            yield from tried.failures or tried.lacks

    def _decision(
        self,
        outcome: Outcome,
        reasons: list[Reason],
        *,
        passed: Grant | None = None,
        escalate_to: Authority | None = None,
        missing: tuple[str, ...] = (),
        readings: list[Reading] | None = None,
    ) -> Decision:
        if readings is None:  # before the headroom: it may read rows that decided nothing
            readings = [account.reading() for account in self.accounts.read()]
        return Decision(
            outcome=outcome,
            value_minor=self.situation.value,
            quantity=self.request.quantity,
            reasons=tuple(dict.fromkeys(reasons)),
            authority=None if passed is None else Authority(passed.role, passed.id),
            escalate_to=escalate_to,
            missing=missing,
            readings=tuple(readings),
            without_escalation_up_to=self._headroom(),
            counter_offer_minor=self._counter_offer(),
        )

    def _headroom(self) -> Headroom:
        if self._without_subject() is not None:
            return Headroom(0, None if self.request.quantity is None else 0)
        return headroom(self.situation, self.ladder.reach, self.accounts)

    def _counter_offer(self) -> int | None:
        """What is owed, where the first grant that owes it failed only by not being asked so."""
        for tried in self.tried:
            owed = tried.cap
            if tried.grant.exactly is None or not owed or tried.lacks or len(tried.failures) != 1:
                continue
            if tried.failures[0].code is Code.NOT_EXACT and self._affords(tried, owed):
                return owed
        return None

    def _affords(self, tried: Tried, value: int) -> bool:
        situation = self.situation.valued(value, self.request.quantity)
        return try_grant(tried.grant, situation, self.accounts.at(situation)).passes
