"""One grant against one proposal: what fails, what lacks, what would be charged."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from zoneinfo import ZoneInfo

from tests.oracle.ledger import Charge, stretch
from tests.oracle.policy import Budget, Grant
from tests.oracle.question import Question, cannot_be_had, money, timezone
from tests.oracle.terms import Lack, judge

Reason: TypeAlias = tuple[str, str | None, str | None]
"""Code, rule and role; a budget that is exhausted or broken is so for every role."""


@dataclass(frozen=True, kw_only=True)
class Charged:
    """One charge of an approval, with what counted before and after."""

    charge: Charge
    since: datetime | None
    until: datetime | None
    before: int
    after: int


@dataclass(kw_only=True)
class Trial:
    """What came of trying one grant. It passes if nothing failed and nothing lacks."""

    grant: Grant
    exactly: int = 0
    failures: list[Reason] = field(default_factory=list)
    lacks: list[Reason] = field(default_factory=list)
    facts: set[str] = field(default_factory=set)
    evidence: list[str] = field(default_factory=list)
    charges: list[Charged] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """A definite failure beats a lack."""
        return "fails" if self.failures else "lacks" if self.lacks else "passes"


def attempt(q: Question, grant: Grant) -> Trial:
    """Try everything a grant says, in order."""
    trial = Trial(grant=grant)
    if grant.sites is not None and q.proposal["site"] not in grant.sites:
        trial.failures.append(("wrong_site", grant.id, grant.role))
    elif grant.agents is not None and q.proposal["kind"] not in grant.agents:
        trial.failures.append(("wrong_kind_of_agent", grant.id, grant.role))
    elif holds(q, trial):
        limit(q, trial)
        needs(q, trial)
        if not trial.failures:
            budgets(q, trial)
    return trial


def holds(q: Question, trial: Trial) -> bool:
    """False if ``when`` fails, for whatever cause: then nothing else is tried."""
    verdict = judge(trial.grant.when, q.view) if trial.grant.when else True
    if isinstance(verdict, Lack):
        miss(q, trial, verdict, trial.grant.id)
        return not trial.failures
    if not verdict:
        trial.failures.append(("condition_false", trial.grant.id, trial.grant.role))
    return bool(verdict)


def limit(q: Question, trial: Trial) -> None:
    """The value against ``up_to`` or ``exactly``."""
    grant = trial.grant
    term = grant.up_to or grant.exactly
    if term is None:
        return
    cap, value = money(term, q.view), q.value or 0
    if isinstance(cap, Lack):
        miss(q, trial, cap, grant.id)
    elif grant.up_to and value > cap:
        trial.failures.append(("over_limit", grant.id, grant.role))
    elif grant.exactly:
        trial.exactly = cap
        if value != cap or cap == 0:
            trial.failures.append(("not_exact", grant.id, grant.role))


def needs(q: Question, trial: Trial) -> None:
    """A note, or evidence of a kind."""
    given = set(q.proposal["evidence"]) | ({"note"} if q.proposal["note"] else set())
    for need in trial.grant.needs:
        if need in given:
            continue
        reason = ("missing_evidence", trial.grant.id, trial.grant.role)
        if need in q.proposal["unavailable"]:
            trial.failures.append(reason)
        else:
            trial.lacks.append(reason)
            trial.evidence.append(need)


def miss(q: Question, trial: Trial, lack: Lack, rule: str) -> None:
    """A lack, unless it is an error of the rule or nobody can ever mend it."""
    role = trial.grant.role
    if not lack.absent:
        trial.failures.append(("rule_error", rule, role if rule == trial.grant.id else None))
    elif cannot_be_had(q, lack):
        trial.failures.append(("missing_fact", rule, role))
    else:
        trial.lacks.append(("missing_fact", rule, role))
        trial.facts |= lack.absent


def budgets(q: Question, trial: Trial) -> None:
    """Every budget over the grant: all that are exhausted fail it."""
    for budget in over(q, trial.grant):
        found = charge(q, budget)
        if isinstance(found, Lack):
            miss(q, trial, found, budget.id)
        elif found and found.after > (budget.limit or budget.count or 0):
            code = "budget_exhausted" if budget.count is None else "count_exhausted"
            trial.failures.append((code, budget.id, None))
        elif found:
            trial.charges.append(found)


def over(q: Question, grant: Grant) -> Iterator[Budget]:
    """The budgets that name the role and the resolution; entitlements must be named."""
    resolution = q.proposal["resolution"]
    owed = q.policy.resolutions[resolution].entitlement
    for budget in q.policy.budgets:
        named = not owed if budget.resolutions is None else resolution in budget.resolutions
        if named and (budget.roles is None or grant.role in budget.roles):
            yield budget


def charge(q: Question, budget: Budget) -> Charged | Lack | None:
    """What the value (or a count of one) would make of its key; ``None`` if not concerned."""
    verdict = judge(budget.when, q.view) if budget.when else True
    if verdict is False:
        return None
    if isinstance(verdict, Lack):
        return verdict
    absent = frozenset(name for name in budget.per if name not in q.view)
    if absent:
        return Lack(absent)
    key = tuple(str(q.view[name]) for name in budget.per)
    zone = ZoneInfo(
        timezone(q.policy, q.proposal["site"]) if "site.id" in budget.per else q.policy.timezone
    )
    before = q.spent.used(budget, key, q.at, zone, q.policy.calendar)
    amount = 1 if budget.count is not None else q.value or 0
    since, until = stretch(budget, q.at, zone, q.policy.calendar)
    return Charged(
        charge=Charge(budget.id, key, q.at, amount),
        since=since,
        until=until,
        before=before,
        after=before + amount,
    )
