"""One grant tried in one situation: it passes, fails, or lacks."""

from typing import NamedTuple

from service.core.charging import Account, Accounts, Funds, Row
from service.core.decision import Code, Parameter, Reason
from service.core.request import Request
from service.core.rulebook import Grant
from service.core.situation import Absent, Broken, Situation


class Tried(NamedTuple):
    """A grant and what became of it.

    It passes where both ``failures`` and ``lacks`` are empty. ``missing`` says what to
    add. ``cap`` is the value of ``up_to`` or ``exactly`` (minor units; ``None`` without
    either, or where it was not computed). ``rows`` are those of the budgets that applied.
    """

    grant: Grant
    failures: tuple[Reason, ...] = ()
    lacks: tuple[Reason, ...] = ()
    missing: tuple[str, ...] = ()
    cap: int | None = None
    rows: tuple[Row, ...] = ()

    @property
    def accounts(self) -> tuple[Account, ...]:
        """The budget rows that could be read."""
        return tuple(row for row in self.rows if isinstance(row, Account))

    @property
    def passes(self) -> bool:
        """Neither a failure nor a lack."""
        return not self.failures and not self.lacks


def try_grant(grant: Grant, situation: Situation, accounts: Accounts) -> Tried:
    """Try a grant that names the resolution: sites, agents, ``when``, limit, ``needs``, budgets.

    A definite failure beats a lack. What narrows the grant ends the trial at once; limits
    are not computed where ``when`` fails, and budgets are not asked where the grant
    fails by itself.
    """
    refused = narrowed(grant, situation.request)
    if refused is not None:
        return Tried(grant, failures=(refused,))
    trial = _Trial(grant, situation)
    if trial.condition():
        trial.limit()
        trial.needs()
    if not trial.failures:
        trial.budgets(accounts.funds(grant.role))
    return trial.result()


def stands(grant: Grant, situation: Situation) -> bool:
    """Whether a grant holds here and all it needs is there, its limit and budgets aside."""
    when = grant.when
    return (
        narrowed(grant, situation.request) is None
        and (when is None or situation.says(when) is True)
        and has_all(grant.needs, situation.request)
    )


def narrowed(grant: Grant, request: Request) -> Reason | None:
    """Why a grant is not for this site or this kind of agent; ``None`` where it is."""
    if grant.sites is not None and request.site not in grant.sites:
        return Reason(Code.WRONG_SITE, grant.id, grant.role, (("site", request.site),))
    if grant.agents is not None and request.agent.kind not in grant.agents:
        kind: tuple[tuple[str, Parameter], ...] = (("kind", request.agent.kind),)
        return Reason(Code.WRONG_KIND_OF_AGENT, grant.id, grant.role, kind)
    return None


class _Trial:
    """The steps of one trial; each adds to failures or lacks."""

    __slots__ = ("cap", "failures", "grant", "lacks", "rows", "situation")

    def __init__(self, grant: Grant, situation: Situation) -> None:
        self.grant = grant
        self.situation = situation
        self.failures: list[Reason] = []
        self.lacks: list[Reason] = []
        self.cap: int | None = None
        self.rows: tuple[Row, ...] = ()

    def result(self) -> Tried:
        missing = _missing(self.lacks) if self.lacks else ()
        failures, lacks = tuple(self.failures), tuple(self.lacks)
        return Tried(self.grant, failures, lacks, missing, self.cap, self.rows)

    def condition(self) -> bool:
        """Whether to go on: ``when`` holds, or only lacks a fact."""
        when = self.grant.when
        if when is None:
            return True
        says = self.situation.says(when)
        if says is True:
            return True
        if isinstance(says, Absent):
            return self._absent(says, self.grant.id)
        self._fail(Code.CONDITION_FALSE if says is False else Code.RULE_ERROR)
        return False

    def limit(self) -> None:
        """``up_to`` caps the value, ``exactly`` must equal it (and never passes at 0)."""
        grant, value = self.grant, self.situation.value
        limit = grant.exactly if grant.up_to is None else grant.up_to
        if limit is None:
            return
        amount = self.situation.amount(limit)
        if isinstance(amount, Absent):
            self._absent(amount, grant.id)
        elif isinstance(amount, Broken) or value is None:
            self._fail(Code.RULE_ERROR)
        else:
            self.cap = amount
            if grant.up_to is not None and value > amount:
                self._fail(Code.OVER_LIMIT, ("limit", amount), ("value", value))
            elif grant.exactly is not None and (value != amount or amount == 0):
                self._fail(Code.NOT_EXACT, ("exactly", amount), ("value", value))

    def needs(self) -> None:
        """Evidence that is there, can be had, or cannot."""
        request = self.situation.request
        absent = [need for need in self.grant.needs if not _has(need, request)]
        never = tuple(need for need in absent if need in request.unavailable)
        if never:
            self._fail(Code.MISSING_EVIDENCE, ("missing", never))
        elif absent:
            self.lacks.append(self._reason(Code.MISSING_EVIDENCE, ("missing", tuple(absent))))

    def budgets(self, funds: Funds) -> None:
        """Every budget of the authority is asked, so that each exhausted one is named."""
        value = self.situation.value
        self.rows = funds.rows
        if funds.fits(value or 0):
            return
        for row in funds.rows:
            if isinstance(row, Account):
                if value is not None and not row.fits(value):
                    self.failures.append(_exhausted(row))
            elif isinstance(row.why, Absent):
                self._absent(row.why, row.budget.id)
            else:
                self.failures.append(Reason(Code.RULE_ERROR, row.budget.id, None))

    def _absent(self, absent: Absent, rule: str) -> bool:
        """A lack, or a failure where none of the facts can be had. Whether to go on."""
        missing = tuple(f"fact:{fact}" for fact in absent.facts)
        reason = Reason(Code.MISSING_FACT, rule, self.grant.role, (("missing", missing),))
        if self.situation.request.unavailable.issuperset(missing):
            _put(self.failures, reason)
            return False
        _put(self.lacks, reason)
        return True

    def _fail(self, code: Code, *parameters: tuple[str, Parameter]) -> None:
        self.failures.append(self._reason(code, *parameters))

    def _reason(self, code: Code, *parameters: tuple[str, Parameter]) -> Reason:
        return Reason(code, self.grant.id, self.grant.role, parameters)


def _put(reasons: list[Reason], reason: Reason) -> None:
    """Add a missing fact's reason; one rule lists all that it wants in one."""
    for number, known in enumerate(reasons):
        if known[:3] == reason[:3]:
            missing = tuple(sorted({*_names(known), *_names(reason)}))
            reasons[number] = reason._replace(parameters=(("missing", missing),))
            return
    reasons.append(reason)


def _names(reason: Reason) -> tuple[str, ...]:
    """What a reason says is missing."""
    return tuple(
        name
        for _, names in reason.parameters
        for name in (names if isinstance(names, tuple) else ())
    )


def _missing(lacks: list[Reason]) -> tuple[str, ...]:
    """What to add: the facts, sorted, and then the proofs in the order of the grant."""
    facts: set[str] = set()
    proofs: list[str] = []
    for lack in lacks:
        add = facts.update if lack.code is Code.MISSING_FACT else proofs.extend
        add(_names(lack))
    return (*sorted(facts), *proofs)


def has_all(needs: tuple[str, ...], request: Request) -> bool:
    """Whether all evidence is there that a grant needs."""
    return all(_has(need, request) for need in needs)


def _has(need: str, request: Request) -> bool:
    if need == "note":
        return bool(request.note)
    return any(evidence.kind == need for evidence in request.evidence)


def _exhausted(account: Account) -> Reason:
    code = Code.COUNT_EXHAUSTED if account.counts else Code.BUDGET_EXHAUSTED
    parameters: tuple[tuple[str, Parameter], ...] = (
        ("limit", account.limit),
        ("used", account.used),
        ("remaining", account.remaining),
    )
    return Reason(code, account.budget.id, None, parameters)
